"""Every figure of the project, measured and held against its goal: `python -m benchmarks NAME`, `make bench`."""

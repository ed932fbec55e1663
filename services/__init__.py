"""The services: each owns its tables and its topic, and meets the others only in the log."""

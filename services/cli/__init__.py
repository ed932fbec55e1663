"""The operator's command line, `rapport`: the one place that knows all services."""

"""The log and all that is pure about events."""

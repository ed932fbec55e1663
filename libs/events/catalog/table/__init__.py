"""One row per event type: its name, its class, what it says in a line, and an example of its data."""

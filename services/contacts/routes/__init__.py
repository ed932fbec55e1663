"""HTTP routes of contacts: people and their traits, and the edges between their names."""

"""Every event type that Rapport knows: one frozen class each, and what is derived from them."""

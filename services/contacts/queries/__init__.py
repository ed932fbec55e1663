"""Queries of contacts: a contact as it stands, lists of them, and the edges that hold them together."""

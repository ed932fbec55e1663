"""Definitions of scores: one module each, found by being here."""

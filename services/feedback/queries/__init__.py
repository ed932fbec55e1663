"""Queries of feedback: what commands are decided on, and what is answered."""

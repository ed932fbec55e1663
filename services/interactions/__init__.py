"""Interactions: where other systems post what happened, and where conversations with customers are recorded.

Owns    events by id and what became of them; interactions
Writes  the topic interactions: observations, its own and other systems'
Reads   the topic interactions
"""

"""Scoring: what every person's story comes to, in numbers that can be computed again from their receipts.

Owns    figures, one row a name and measure, and the facts behind them; definitions, statistics, classes
Writes  the topic scoring: decisions of its own, published statistics and changed classes
Reads   the topics identity, interactions, feedback and scoring
"""

"""Feedback: customers say what should change, vote on it, see that it changed, and whether it helped.

Owns    boards, ideas and proposals, votes and their tallies, comments, changes and their outcomes
Writes  the topic feedback: decisions
Reads   the topics identity, interactions (what was complained of) and feedback
"""

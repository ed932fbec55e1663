"""The timeline: every event of a person, in order, from every service. Read-only; the proof that the log is complete.

Owns    entries, one a recorded event
Writes  nothing
Reads   the topics identity, contacts, interactions, feedback and scoring
"""

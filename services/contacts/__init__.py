"""Contacts: who the customers are, under which names, and what is known of them.

Owns    contacts with their traits, merges, and conflicts over names
Writes  the topic identity (claims, on which the judge rules) and the topic contacts (decisions about traits)
Reads   the topics identity and contacts, and interactions and feedback (whose names are contacts too, until somebody
        registers them)
"""

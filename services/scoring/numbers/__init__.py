"""From facts to scores: figures, what they are worth, and how everybody stands. Pure."""

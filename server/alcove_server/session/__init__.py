"""One client's requests: what they cost, who handles them, in which order."""

"""One client's requests: what they cost, what handles them, in which order."""

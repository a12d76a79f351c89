"""Joining a room: the card, the name, the knock, the wait."""

"""The stream of a room, and the messages in it."""

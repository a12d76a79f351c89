"""The way in, as a newcomer takes it."""

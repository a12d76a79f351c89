"""The connection to the relay."""

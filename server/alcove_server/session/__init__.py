"""The requests of one client."""

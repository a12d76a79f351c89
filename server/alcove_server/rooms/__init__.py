"""Rooms and their rules."""

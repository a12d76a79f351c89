"""Attacks on a room, each shown to have really happened and to have had no effect."""

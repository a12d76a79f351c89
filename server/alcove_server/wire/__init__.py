"""Frames as bytes."""

"""Frames and their bytes."""

"""Nodes in processes of their own that talk through faults, and a checker of what they wrote."""

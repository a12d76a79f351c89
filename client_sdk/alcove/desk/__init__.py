"""The private line between members and facilitators: its frames, its series, signs of life."""

"""The private line between members and facilitators: its frames, its series, and who is alive."""

"""The group of a room: keys, state, rights, and the way in."""

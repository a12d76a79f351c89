"""The group of a room: keys, state, rights."""

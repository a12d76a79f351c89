"""The stream of a room, the messages in it, and the heartbeats that hold it open."""

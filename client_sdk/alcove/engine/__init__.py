"""One client of one room, without I/O: every decision, and nothing of sockets or clocks."""

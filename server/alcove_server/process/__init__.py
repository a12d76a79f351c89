"""The relay as a process: sockets, signals, health pages."""

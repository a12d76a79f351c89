"""The relay as a process: its port, its signals, its pages."""

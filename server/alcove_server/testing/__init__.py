"""The relay in process, for tests of the relay and of programs that use it."""

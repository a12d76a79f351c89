"""The relay in process, for tests."""

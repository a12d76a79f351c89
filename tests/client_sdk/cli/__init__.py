"""The command line, as programs and persons use it."""

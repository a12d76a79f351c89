"""The command line, as a program and as a person meet it."""

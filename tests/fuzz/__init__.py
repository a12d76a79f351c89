"""All bytes are read or refused by name, at once, and in little memory.

`targets` lists every parser with real inputs to begin from. `judge` says what counts as a
finding. `test_fuzz` is a short run, `python -m tests.fuzz` a long one.
"""

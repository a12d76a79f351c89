"""Test vectors of Alcove's own layer, for another implementation: `python -m tests.vectors`.

The command writes `protocol/vectors/*.json` from the code. `test_vectors` checks both directions:
the files are what the code makes, and the code takes and refuses what the files say.
"""

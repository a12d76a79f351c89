"""The MLS working group's test vectors, and a runner for any file of the same formats.

    python -m tests.client_sdk.mls.vectors FILE_OR_FOLDER…

The formats are described in `test-vectors.md` of github.com/mlswg/mls-implementations. The files
are not part of this repository: `scripts/fetch_mls_vectors.py` brings them.
"""

"""Where the official vectors are: $ALCOVE_MLS_VECTORS, ../shared/mls-vectors, or .vectors/."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]

OFFICIAL = {
    "crypto-basics": 7,
    "deserialization": 14,
    "key-schedule": 7,
    "message-protection": 7,
    "messages": 300,
    "passive-client-handling-commit": 91,
    "passive-client-random": 1,
    "passive-client-welcome": 56,
    "psk_secret": 77,
    "secret-tree": 21,
    "transcript-hashes": 7,
    "tree-math": 10,
    "tree-operations": 5,
    "tree-validation": 98,
    "treekem": 77,
    "welcome": 7,
}
"""The official files, and how many cases each has: 785 in all."""

MISSING = (
    "The MLS test vectors are missing: run `python scripts/fetch_mls_vectors.py`, "
    "or set ALCOVE_MLS_VECTORS to a folder that has them."
)


def vector_folder() -> Path | None:
    """The first of the places that is a folder."""
    given = os.environ.get("ALCOVE_MLS_VECTORS")
    if given:
        return Path(given) if Path(given).is_dir() else None
    for folder in (ROOT.parent / "shared" / "mls-vectors", ROOT / ".vectors"):
        if folder.is_dir():
            return folder
    return None

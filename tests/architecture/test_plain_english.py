"""The prose of these packages stays as plain as that of the libraries we admire.

websockets has 0.0, 0.1 and 2.3 of the three kinds in 1,000 words, trio 1.1, 0.0 and 1.7. The bounds
are those with a small margin. `python scripts/plain_english.py PATH…` shows where a text stands.
"""

from pathlib import Path
from typing import Final

import pytest

from scripts.plain_english import figures, measured, prose

ROOT: Final = Path(__file__).resolve().parents[2]
BOUNDS: Final = {"who": 1.5, "somebody": 0.6, "semicolons": 3.2}
PACKAGES: Final = (
    "server/alcove_server",
    "protocol/alcove_protocol",
    "client_sdk/alcove",
    "bench",
)


@pytest.mark.parametrize("package", PACKAGES)
def test_docstrings_and_comments_are_plain(package: str) -> None:
    found = measured(ROOT / package)
    assert found.words > 300
    over = {kind: n for kind, n in found.per_thousand.items() if n > BOUNDS[kind]}
    assert not over, f"{package}, in 1,000 words: {over}; at most {BOUNDS}"


def test_each_kind_is_counted_in_sentences_and_not_in_code() -> None:
    source = '''
"""Whoever `who` reads; nobody writes.

    who; whatever
"""

LIMIT = 3
"""What somebody may take."""


def act() -> None:
    """One sentence."""
    call("who; nobody")  # for who comes; noqa
'''
    said = prose(source)
    found = figures([said])
    counts = {kind: round(n * found.words / 1000) for kind, n in found.per_thousand.items()}
    assert counts == {"who": 2, "somebody": 2, "semicolons": 2}
    assert "call" not in said

"""The last commits that a client merged, so that one which a relay lost can be published again."""

from collections import deque
from itertools import pairwise
from typing import Final

KEPT: Final = 8
"""Commits whose bytes are kept. More than one is needed when a facilitator was away for a while and
is then the first to bring the room."""


class MergedCommits:
    """Hashes and bytes, the newest last. `first` is the hash of the commit before all of them."""

    def __init__(self, first: bytes) -> None:
        self._commits: deque[tuple[bytes, bytes]] = deque([(first, b"")], KEPT + 1)

    def add(self, digest: bytes, blob: bytes) -> None:
        """One more was merged."""
        self._commits.append((digest, blob))

    def __contains__(self, digest: bytes) -> bool:
        return any(known == digest for known, _ in self._commits)

    def after(self, digest: bytes) -> bytes:
        """The bytes of the commit that came after this one. Empty when none did."""
        for (known, _), (_, following) in pairwise(self._commits):
            if known == digest:
                return following
        return b""

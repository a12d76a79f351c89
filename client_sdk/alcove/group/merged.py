"""The last commits that a client merged, so that one which a relay lost can be published again."""

from collections import deque
from hashlib import sha256
from itertools import pairwise
from typing import Final

from alcove_protocol import limits

KEPT: Final = 8
"""Commits whose bytes are kept. More than one is needed when a facilitator was away for a while and
is then the first to bring the room."""


class MergedCommits:
    """Hashes and bytes, the newest last. `first` is the hash of the commit before all of them."""

    def __init__(self, first: bytes) -> None:
        self._commits: deque[tuple[bytes, bytes]] = deque([(first, b"")], KEPT + 1)
        self._unread: tuple[bytes, ...] = ()

    def add(self, digest: bytes, blob: bytes) -> None:
        """One more was merged."""
        self._commits.append((digest, blob))

    def __contains__(self, digest: bytes) -> bool:
        return any(known == digest for known, _ in self._commits)

    @property
    def last(self) -> bytes:
        """The bytes of the last one. Empty when this client lacks them."""
        return self._commits[-1][1]

    def fill_in(self, blob: bytes, before: tuple[bytes, ...]) -> bool:
        """Keep the bytes of the commit that brought this client in: a Welcome tells their hash. And
        what the relay says were the commits `before` it. This client has read none of them, and
        only brings them. Return whether this was it."""
        digest, known = self._commits[0]
        if known or sha256(blob).digest() != digest:
            return False
        self._commits[0], self._unread = (digest, blob), before
        return True

    def before_last(self, most: int) -> tuple[bytes, ...]:
        """The bytes of the commits right before the last one, the oldest first: as many of the
        newest as have no more than `most` bytes as a list."""
        found: list[bytes] = []
        merged = [blob for _, blob in self._commits]
        for blob in [*self._unread, *merged][-2::-1]:
            most -= 4 + len(blob)
            if not blob or most < 0 or len(found) == limits.EARLIER_COMMITS:
                break
            found.insert(0, blob)
        return tuple(found)

    def after(self, digest: bytes) -> bytes:
        """The bytes of the commit that came after this one. Empty when none did."""
        for (known, _), (_, following) in pairwise(self._commits):
            if known == digest:
                return following
        return b""

"""The last commits that a client merged, so that one which a relay lost can be published again."""

from collections import deque
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from typing import Final

from alcove_protocol import limits
from alcove_protocol.roster import Roster
from alcove_protocol.statements import Signed

KEPT: Final = 8
"""Commits whose bytes are kept. More than one is needed when a facilitator was away for a while and
is then the first to bring the room."""


@dataclass(frozen=True, slots=True)
class MergedCommit:
    """One of them, with the list before and after its entry, which is None when it had none."""

    digest: bytes
    blob: bytes
    before: Roster
    after: Roster
    entry: Signed | None = None
    external: bool = False


class MergedCommits:
    """The newest last. `first` is the hash of the commit before all of them."""

    def __init__(self, first: bytes, before: Roster, after: Roster) -> None:
        begin = MergedCommit(first, b"", before, after)
        self._commits: deque[MergedCommit] = deque([begin], KEPT + 1)
        self._unread: tuple[bytes, ...] = ()

    def add(self, commit: MergedCommit) -> None:
        """One more was merged."""
        self._commits.append(commit)

    def __contains__(self, digest: bytes) -> bool:
        return self.find(digest) is not None

    def find(self, digest: bytes) -> MergedCommit | None:
        """The commit with this hash."""
        return next((one for one in self._commits if one.digest == digest), None)

    def listed(self, digest: bytes, before: Roster, after: Roster, entry: Signed) -> None:
        """The commit with this hash came again, with this entry."""
        for place, one in enumerate(self._commits):
            if one.digest == digest:
                self._commits[place] = replace(one, before=before, after=after, entry=entry)

    @property
    def last(self) -> bytes:
        """The bytes of the last one. Empty when this client lacks them."""
        return self._commits[-1].blob

    def fill_in(self, blob: bytes, before: tuple[bytes, ...]) -> bool:
        """Keep the bytes of the commit that brought this client in: a Welcome tells their hash. And
        what the relay says were the commits `before` it. This client has read none of them, and
        only brings them. Return whether this was it."""
        first = self._commits[0]
        if first.blob or sha256(blob).digest() != first.digest:
            return False
        self._commits[0], self._unread = replace(first, blob=blob), before
        return True

    def before_last(self, most: int) -> tuple[bytes, ...]:
        """The bytes of the commits right before the last one, the oldest first: as many of the
        newest as have no more than `most` bytes as a list."""
        found: list[bytes] = []
        merged = [one.blob for one in self._commits]
        for blob in [*self._unread, *merged][-2::-1]:
            most -= 4 + len(blob)
            if not blob or most < 0 or len(found) == limits.EARLIER_COMMITS:
                break
            found.insert(0, blob)
        return tuple(found)

    def after(self, digest: bytes) -> MergedCommit | None:
        """The commit that came after the one with this hash."""
        return next((two for one, two in pairwise(self._commits) if one.digest == digest), None)

    def before(self, commit: MergedCommit) -> Roster:
        """The list right after the commit before this one."""
        pairs = pairwise(self._commits)
        return next((one.after for one, two in pairs if two == commit), commit.before)

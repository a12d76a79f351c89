"""Commits of this epoch that come again, after their keys are gone.

Whether others may follow a commit that I can no longer read depends on what it is. One that I
refused as all others did stays refused. One in my name that I did not make is not signed by me, so
all others refuse it. Any other may have been taken by them.
"""

from __future__ import annotations

from hashlib import sha256

from alcove.mls.epoch import Epoch
from alcove.mls.errors import CommitKeyGone, CommitUnreadable, OwnCommit
from alcove.mls.messages import Admit, OpenedMessage, open_message


class KnownCommits:
    """Hashes of the commits that I made in this epoch, and of those that were burned."""

    __slots__ = ("_burned", "_made")

    def __init__(self) -> None:
        self._made: set[bytes] = set()
        self._burned: set[bytes] = set()

    def make(self, message: bytes) -> None:
        """Remember a commit of mine."""
        self._made.add(sha256(message).digest())

    def burn(self, message: bytes, opened: OpenedMessage) -> None:
        """Remember a commit that all members refuse alike. A public one needs no memory: nothing
        of it was consumed, so it is judged again."""
        if opened.generation is not None:
            self._burned.add(sha256(message).digest())

    def open(self, epoch: Epoch, message: bytes, admit: Admit) -> OpenedMessage:
        """`open_message`, with what is known of commits whose keys are gone."""
        try:
            return open_message(epoch, message, admit)
        except CommitKeyGone:
            if sha256(message).digest() in self._burned:
                raise CommitUnreadable("it was refused before") from None
            raise
        except OwnCommit:
            if sha256(message).digest() not in self._made:
                raise CommitUnreadable("in the name of a member that did not make it") from None
            raise

    def clear(self) -> None:
        """Forget everything, at the end of the epoch."""
        self._made.clear()
        self._burned.clear()

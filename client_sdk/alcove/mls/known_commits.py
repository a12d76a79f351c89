"""Proposals and commits of this epoch that come again.

Whether others may follow a commit that I can no longer read depends on what it is. One that I
refused as all others did stays refused. One in my name, in an epoch in which I made none, is not
signed by me, so all others refuse it. Any other may have been taken by them.

The bytes of a PrivateMessage do not tell whether it is known. A signature covers neither the
generation nor the padding, so any member can encrypt again what another member signed (16.11). So
what counts is the signed content.
"""

from __future__ import annotations

from hashlib import sha256

from alcove.mls.epoch import Epoch
from alcove.mls.errors import CommitKeyGone, CommitUnreadable, OwnCommit
from alcove.mls.framing import VerifiedContent, WireFormat
from alcove.mls.messages import Admit, OpenedMessage, open_message, peek


def _digest(verified: VerifiedContent) -> bytes:
    """Of the signed content without its signature: an ECDSA signature has a second form."""
    return sha256(verified.content.encode()).digest()


class KnownCommits:
    """Hashes of the private proposals and commits taken in this epoch, and of the commits among
    them that were burned. `Policy.max_handshakes` bounds their number for each member."""

    __slots__ = ("_burned", "_made", "_taken")

    def __init__(self) -> None:
        self._made = False
        self._burned: set[bytes] = set()
        self._taken: set[bytes] = set()

    def make(self, wire_format: WireFormat) -> None:
        """Remember that a commit of mine went out. A public one needs no memory: its signature
        can be verified when it comes back."""
        self._made = self._made or wire_format is WireFormat.PRIVATE_MESSAGE

    def first_time(self, verified: VerifiedContent) -> bool:
        """Whether this content comes for the first time, as a PrivateMessage. The key of a repeated
        one is left alone: its sender may not have used it yet, and would use it for a commit.

        A repeated commit is judged anew. No signature covers its confirmation tag, so it can be
        valid although one with the same content was burned.
        """
        digest = _digest(verified)
        first = digest not in self._taken
        self._taken.add(digest)
        return first

    def burn(self, message: bytes, opened: OpenedMessage) -> None:
        """Remember a commit that all members refuse alike. One that consumed no key needs no
        memory: it is judged again."""
        if opened.consumed:
            self._burned.add(sha256(message).digest())

    def open(
        self, epoch: Epoch, message: bytes, admit: Admit, most: int | None = None
    ) -> OpenedMessage:
        """`open_message`, with what is known of commits whose keys are gone."""
        try:
            return open_message(epoch, message, admit, most)
        except CommitKeyGone:
            if sha256(message).digest() in self._burned:
                raise CommitUnreadable("it was refused before") from None
            raise
        except OwnCommit:
            # My own keys are gone when I have sent. Once I made a commit, another member can have
            # encrypted it again, and the others can take it, so other bytes prove nothing.
            private = peek(message).wire_format is WireFormat.PRIVATE_MESSAGE
            if private and not self._made:
                raise CommitUnreadable("in the name of a member that did not make it") from None
            raise

    def clear(self) -> None:
        """Forget everything, at the end of the epoch."""
        self._made = False
        self._burned.clear()
        self._taken.clear()

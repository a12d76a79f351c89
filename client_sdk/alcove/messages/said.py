"""The ids of messages, and what was said under each.

Its author may send a message again, in another epoch. Nothing else may stand under its id.
"""

from hashlib import sha256
from typing import Final

from alcove.messages.fair_memory import FairMemory

IDS: Final = 10_000
"""Ids of messages that are known again. Beyond that the oldest of the member with the most are
forgotten."""


def _what(kind: str, body: bytes) -> bytes:
    return sha256(kind.encode() + b"\0" + body).digest()


class SaidMessages:
    """Hashes, and no texts. Authors are MLS signature keys."""

    def __init__(self) -> None:
        self._said: FairMemory[bytes] = FairMemory(IDS)

    def __contains__(self, message: bytes) -> bool:
        return message in self._said

    def add(self, author: bytes, message: bytes, kind: str, body: bytes) -> None:
        """No later message can use this id."""
        if message not in self._said:
            self._said.put(author, message, _what(kind, body))

    def is_repeated(self, author: bytes, message: bytes, kind: str, body: bytes) -> bool:
        """Whether its author said the very same under this id before."""
        known = self._said.get(message)
        return known == _what(kind, body) and self._said.owner(message) == author

    def forget(self) -> None:
        """At close: forget them all."""
        self._said.clear()

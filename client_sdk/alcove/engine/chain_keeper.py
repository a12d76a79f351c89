"""The room's roster chain from entry 0 on, so that this client can bring the room back.

A member reads from the relay what came before it, once, and verifies it up to an entry that it
knows. The relay may lose its memory when the facilitators are gone.
"""

from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.codec import pack_list, unpack_list
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.labels import Label
from alcove_protocol.roster import Roster, RosterEntry, entry_hash, extend, open_roster
from alcove_protocol.statements import Signed

from alcove.group.membership import Membership
from alcove.relay.ports import Ports

_ENTRIES: Final = 1000
"""Entries of one part: more than fit."""


class ChainKeeper:
    """`_early` are the entries that this client read, verified, and `_roster` is the list after
    them. Later ones are those that the membership followed."""

    def __init__(self, membership: Membership, ports: Ports) -> None:
        self._membership = membership
        self._link = ports.link
        self._early: list[Signed] = []
        self._roster: Roster | None = None
        self._asking = False

    def whole(self) -> list[Signed] | None:
        """The chain from entry 0 to this client's own head, or None when a part is missing."""
        membership = self._membership
        own = membership.roster
        if len(membership.chain) == own.counter + 1 and _head(membership.chain) == own.head:
            return list(membership.chain)  # this client opened the room
        if self._roster is None:
            return None
        if self._roster.counter >= own.counter:
            entries = self._early[: own.counter + 1]
            return entries if _head(entries) == own.head else None
        entries, head = list(self._early), self._roster.head
        followed = {_previous(entry): entry for entry in membership.chain}
        while head != own.head and (entry := followed.pop(head, None)) is not None:
            entries.append(entry)
            head = entry_hash(Label.ROSTER, entry.body)
        return entries if head == own.head else None

    def fetch(self) -> None:
        """Read what is missing. Called after each `resume`, and when entries came again."""
        if self._asking or self.whole() is not None:
            return
        if self._roster is not None and self._roster.counter >= self._membership.roster.counter:
            self._forget()  # its last entries are lost: others follow the ones before
        self._ask()

    def _forget(self) -> None:
        self._early.clear()
        self._roster = None

    def _ask(self) -> None:
        self._asking = True
        first = len(self._early)
        self._link.request(lambda n: frames.ReadChain(n, first), self._answered)

    def _answered(self, answer: RelayAnswer | None) -> None:
        self._asking = False
        if not isinstance(answer, frames.ChainIs) or answer.first != len(self._early):
            return
        before = len(self._early)
        try:
            for item in unpack_list(answer.entries, most=_ENTRIES):
                self._take(Signed.decode(item))
        except Malformed:
            self._forget()  # another room's history, or a part of another one: begin anew
            if answer.first:
                self._ask()
            return
        if answer.more and len(self._early) > before:
            self._ask()

    def _take(self, entry: Signed) -> None:
        if self._roster is None:
            self._roster, _ = open_roster(entry, self._membership.roster.room)
        else:
            self._roster, _ = extend(self._roster, entry)
        self._early.append(entry)


def packed(chain: list[Signed]) -> bytes:
    """A chain as it is brought."""
    return pack_list([entry.encode() for entry in chain])


def _head(chain: list[Signed]) -> bytes:
    return entry_hash(Label.ROSTER if len(chain) > 1 else Label.OPEN, chain[-1].body)


def _previous(entry: Signed) -> bytes:
    """The hash of the entry before. Entry 0 names the room, which is no entry's hash."""
    try:
        return RosterEntry.decode(entry.body, limit=limits.ENTRY).previous
    except Malformed:
        return b""

"""The stream `lobby` in memory: items that wait for the facilitators, and recently settled items.

One commit may settle the requests of a thousand members. So each act here costs in proportion to
the items it touches, which are found by key and by kind. All items of a kind live equally long, so
the numbers of a kind are also in the order of their ends.
"""

from collections.abc import Set
from dataclasses import replace
from itertools import islice, takewhile
from math import inf

from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import LobbyKind

from alcove_server.store.budget import (
    ITEM_OVERHEAD,
    LOBBY_PAGE,
    MEMBERS_PART,
    REQUESTS,
    SETTLED,
    VAULTS,
    Budget,
)
from alcove_server.store.interface import LobbyPage, StoredItem

_LIFETIMES = {
    LobbyKind.KNOCK: float(limits.KNOCK_TTL),
    LobbyKind.REQUEST: float(limits.REJOIN_WINDOW),
    LobbyKind.LEAVE: inf,  # until the roster drops the member: its leaf must not be forgotten
    LobbyKind.GONE: float(limits.KNOCK_TTL),
    LobbyKind.VAULT: float(limits.REJOIN_WINDOW),
    LobbyKind.ASK: float(limits.ASK_TTL),
    LobbyKind.ANSWER: float(limits.ASK_TTL),
}


_SETTLED_AT_END = (LobbyKind.REQUEST, LobbyKind.VAULT, LobbyKind.ASK, LobbyKind.ANSWER)


class MemoryLobby:
    """The lobby of one room. A refused or expired knock leaves a reason for its newcomer."""

    def __init__(self, budget: Budget) -> None:
        self.number = 0
        self.due = inf
        self._budget = budget
        self._items: dict[int, StoredItem] = {}  # in the order of their numbers
        self._of_kind: dict[LobbyKind, dict[int, None]] = {kind: {} for kind in _LIFETIMES}
        self._open_of: dict[bytes, list[int]] = {}  # by key: few enough for a list
        self._talks: dict[bytes, dict[int, None]] = {}  # by newcomer: in no other index
        self._refusals: dict[bytes, tuple[bytes, bytes, float]] = {}

    def page(self, now: float, after: int, settled: bool) -> LobbyPage:
        """As `Store.read_lobby`."""
        found = (
            item
            for item in self._items.values()
            if item.number > after and (settled or item.kind is not LobbyKind.GONE)
        )
        items = tuple(islice(found, LOBBY_PAGE + 1))
        return LobbyPage(items[:LOBBY_PAGE], now, len(items) > LOBBY_PAGE)

    def knock_of(self, key: bytes) -> StoredItem | None:
        return next(iter(self._of(key, LobbyKind.KNOCK)), None)

    def _of(self, key: bytes, kind: LobbyKind) -> list[StoredItem]:
        items = [self._items[number] for number in self._open_of.get(key, ())]
        return [item for item in items if item.kind is kind]

    def knock(self, now: float, key: bytes, door: bytes, id: bytes, blob: bytes) -> bool:
        """Take a knock. Return false when it was taken before. Raises `Refusal`
        (`already_waiting`, `too_many_knocks`, `busy`)."""
        known = self.knock_of(key)
        if known is not None:
            if (known.id, known.blob) == (id, blob):
                return False
            raise Refusal("already_waiting")
        if self._is_full_for(door):
            raise Refusal("too_many_knocks")
        self._append(now, LobbyKind.KNOCK, id, key, blob, door)
        self._forget_refusal(key)
        return True

    def _is_full_for(self, door: bytes) -> bool:
        knocks = self._of_kind[LobbyKind.KNOCK]
        here = sum(self._items[number].door == door for number in knocks)
        return len(knocks) >= limits.KNOCKS or here >= limits.KNOCKS_PER_DOOR

    def add(
        self,
        now: float,
        kind: LobbyKind,
        key: bytes,
        id: bytes,
        blob: bytes,
        to: bytes = b"",
    ) -> None:
        """Add a request, a leave, a vault, an ask or an answer, as `Store.add_item`."""
        known = self._of(key, kind)
        if any(item.id == id for item in known) or (known and kind is LobbyKind.LEAVE):
            return
        self._append(now, kind, id, key, blob, None, to)
        before = _replaced(known, kind, to)
        if before is not None:
            self._settle(now, before)

    def add_talk(self, now: float, newcomer: bytes, key: bytes, id: bytes, blob: bytes) -> None:
        """As `Store.add_talk`."""
        knock = self.knock_of(newcomer)
        if knock is None:
            raise Refusal("unknown_knock")
        talk = self._talks.get(newcomer, {})
        kind = LobbyKind.REQUEST if key == newcomer else LobbyKind.VAULT
        said = [item for item in map(self._items.__getitem__, talk) if item.kind is kind]
        if any((item.id, item.key) == (id, key) for item in said):
            return
        if len(said) >= limits.DOOR_TALK:
            raise Refusal("talk_full")
        self._budget.take(len(blob) + ITEM_OVERHEAD, MEMBERS_PART)
        self.number += 1
        to = b"" if key == newcomer else newcomer
        # It ends with its knock, and never by itself.
        self._items[self.number] = StoredItem(
            self.number, kind, id, key, now, inf, blob, None, to=to
        )
        self._talks.setdefault(newcomer, {})[self.number] = None
        self._renew(now, knock)

    def _renew(self, now: float, knock: StoredItem) -> None:
        """The knock is now the last to end. Its number stays."""
        self._items[knock.number] = replace(knock, expires_at=now + _LIFETIMES[LobbyKind.KNOCK])
        order = self._of_kind[LobbyKind.KNOCK]
        del order[knock.number]
        order[knock.number] = None

    def talk_to(self, newcomer: bytes) -> tuple[StoredItem, ...]:
        """As `Store.talk_to`."""
        talk = map(self._items.__getitem__, self._talks.get(newcomer, ()))
        return tuple(item for item in talk if item.to == newcomer)

    def _end_talk(self, newcomer: bytes) -> None:
        for number in self._talks.pop(newcomer, ()):
            self._budget.give(len(self._items.pop(number).blob) + ITEM_OVERHEAD)

    def _append(
        self,
        now: float,
        kind: LobbyKind,
        id: bytes,
        key: bytes,
        blob: bytes,
        door: bytes | None,
        to: bytes = b"",
    ) -> None:
        if kind is not LobbyKind.GONE:  # that one takes the space of the item which it names
            part = 1 if kind is LobbyKind.LEAVE else MEMBERS_PART
            self._budget.take(len(blob) + ITEM_OVERHEAD, part)
            self._open_of.setdefault(key, []).append(self.number + 1)
        self.number += 1
        self._of_kind[kind][self.number] = None
        end = now + _LIFETIMES[kind]
        self._items[self.number] = StoredItem(
            self.number, kind, id, key, now, end, blob, door, to=to
        )
        self.due = min(self.due, end)

    def settle(self, now: float, id: bytes, reason: bytes | None, by: bytes = b"") -> None:
        """As `Store.settle`."""
        for item in self._items.values():
            # A talk ends with its knock.
            if item.id == id and item.number in self._of_kind[item.kind] and _settles(item):
                break
        else:
            raise Refusal("unknown_knock")
        if not item.is_for(by):
            raise Refusal("unknown_knock")
        if reason is not None:
            if item.kind is not LobbyKind.KNOCK:
                raise Refusal("unknown_knock")
            self._refuse(now, item, reason)
        self._settle(now, item)

    def settle_knock(self, now: float, key: bytes) -> None:
        """Settle the knock of a key. Raises `Refusal` (`unknown_knock`)."""
        knock = self.knock_of(key)
        if knock is None:
            raise Refusal("unknown_knock")
        self._settle(now, knock)

    def settle_all(self, now: float, keys: frozenset[bytes]) -> None:
        """Settle every item of these keys."""
        numbers = [number for key in keys for number in self._open_of.get(key, ())]
        for number in sorted(numbers):
            self._settle(now, self._items[number])

    def _settle(self, now: float, item: StoredItem) -> None:
        self._remove(item)
        if item.kind is LobbyKind.KNOCK:
            self._end_talk(item.key)
        self._budget.give(len(item.blob))
        theirs = self._open_of[item.key]
        theirs.remove(item.number)
        if not theirs:
            del self._open_of[item.key]
        self._append(now, LobbyKind.GONE, item.id, item.key, b"", None)
        gone = self._of_kind[LobbyKind.GONE]
        if len(gone) > SETTLED:
            self._remove(self._items[next(iter(gone))])  # the oldest

    def _remove(self, item: StoredItem) -> None:
        del self._items[item.number]
        del self._of_kind[item.kind][item.number]
        if item.kind is LobbyKind.GONE:
            self._budget.give(ITEM_OVERHEAD)

    def _refuse(self, now: float, knock: StoredItem, reason: bytes) -> None:
        end = now + limits.KNOCK_TTL
        # Each reason comes from one open knock, so two lifetimes of knocks bound their number.
        if len(self._refusals) >= 2 * limits.KNOCKS:
            self._forget_refusal(next(iter(self._refusals)))
        self._forget_refusal(knock.key)
        self._budget.restore(len(reason) + ITEM_OVERHEAD)  # refusing must not fail for space
        self._refusals[knock.key] = (knock.id, reason, end)
        self.due = min(self.due, end)

    def _forget_refusal(self, key: bytes) -> tuple[bytes, bytes, float] | None:
        found = self._refusals.pop(key, None)
        if found is not None:
            self._budget.give(len(found[1]) + ITEM_OVERHEAD)
        return found

    def take_refusal(self, now: float, key: bytes) -> tuple[bytes, bytes] | None:
        """As `Store.take_refusal`."""
        found = self._forget_refusal(key)
        return found[:2] if found is not None and found[2] > now else None

    def mark_revoked(self, doors: Set[bytes]) -> None:
        """Mark the knocks at these doors: their link is revoked."""
        for number in self._of_kind[LobbyKind.KNOCK]:
            if self._items[number].door in doors:
                self._items[number] = replace(self._items[number], door_revoked=True)

    def expire(self, now: float) -> bool:
        """Drop what is past its end. Return whether a client has to be told."""
        for item in self._ended(LobbyKind.GONE, now):
            self._remove(item)
        knocks = self._ended(LobbyKind.KNOCK, now)
        for knock in knocks:
            self._refuse(now, knock, b"")
        requests = [item for kind in _SETTLED_AT_END for item in self._ended(kind, now)]
        for item in knocks + requests:
            self._settle(now, item)
        for key in [key for key, (_, _, end) in self._refusals.items() if end <= now]:
            self._forget_refusal(key)
        ends = [self._items[next(iter(of))].expires_at for of in self._of_kind.values() if of]
        ends += [end for _, _, end in self._refusals.values()]
        self.due = min(ends, default=inf)
        return bool(knocks or requests)

    def _ended(self, kind: LobbyKind, now: float) -> list[StoredItem]:
        items = map(self._items.__getitem__, self._of_kind[kind])
        return list(takewhile(lambda item: item.expires_at <= now, items))


def _settles(item: StoredItem) -> bool:
    """Whether a client may settle it. Only the entry that takes its member off the list settles a
    leave."""
    return item.kind not in (LobbyKind.GONE, LobbyKind.LEAVE)


def _replaced(known: list[StoredItem], kind: LobbyKind, to: bytes) -> StoredItem | None:
    """The item of its sender whose place a new one takes."""
    if kind is LobbyKind.ASK:
        return next(iter(known), None)
    if kind in (LobbyKind.VAULT, LobbyKind.ANSWER):
        same = [item for item in known if item.to == to]
        return next(iter(same), known[0] if len(known) >= VAULTS else None)
    return known[0] if len(known) >= REQUESTS else None

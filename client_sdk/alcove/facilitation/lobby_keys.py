"""The lobby's private keys that a facilitator has: the present one, and those before it.

A newcomer with an earlier card, and a member after an absence, seal to an earlier lobby key. So it
opens knocks for as long as the relay keeps one, and rejoins for 24 h. Then it is wiped.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from alcove_protocol import limits

from alcove import mls

KNOCKS_KEPT: Final = float(limits.KNOCK_TTL)
REJOINS_KEPT: Final = float(limits.REJOIN_WINDOW)
KEYS_MOST: Final = 16
"""Keys that are held at a time. One more takes the place of the oldest."""
COMING_MOST: Final = 2
"""Keys of one other facilitator that no state has named yet. One more takes the place of their
oldest: by vaults full of keys no facilitator pushes out what the others' commits and old requests
need."""


@dataclass(slots=True)
class _Held:
    keys: mls.HpkeKeyPair
    until_now: float | None = None
    """When the state named another key. None while it names this one, or has not named it yet."""
    coming_by: bytes | None = None
    """Whose vault brought it, while no state has named it. None of this client's own."""


class LobbyKeys:
    """Keys by their public half. `clock` gives monotonic seconds."""

    def __init__(self, first: mls.HpkeKeyPair | None, clock: Callable[[], float]) -> None:
        """`first` is the opener's. An appointed facilitator begins with none."""
        self._clock = clock
        self._held: OrderedDict[bytes, _Held] = OrderedDict()
        self._present = b""
        if first is not None:
            self._held[first.public] = _Held(first)
            self._present = first.public

    def add(self, keys: mls.HpkeKeyPair, by: bytes | None = None) -> None:
        """Take a key that a commit is to bring. It is this object's to wipe. `by` is the MLS key of
        the facilitator whose vault brought it."""
        if keys.public in self._held:
            if self._held[keys.public].keys is not keys:
                keys.wipe()
            return
        is_present = keys.public == self._present
        self._held[keys.public] = _Held(keys, coming_by=None if is_present else by)
        theirs = [key for key, held in self._held.items() if by and held.coming_by == by]
        for key in theirs[:-COMING_MOST]:
            self._forget(key)
        if len(self._held) > KEYS_MOST:
            self._forget(next(key for key in self._held if key != self._present))

    def moved(self, present: bytes) -> None:
        """The state names this key from now on. The one before begins to age."""
        if present != self._present and self._present in self._held:
            self._held[self._present].until_now = self._clock()
        if present in self._held:
            self._held[present].until_now = self._held[present].coming_by = None
        self._present = present

    def get(self, public: bytes) -> mls.HpkeKeyPair | None:
        """The key with this public half, whether or not a state has named it yet."""
        held = self._held.get(public)
        return None if held is None else held.keys

    @property
    def has_present(self) -> bool:
        """Whether the key that the state names is here."""
        return self._present in self._held

    def for_knocks(self) -> Iterator[mls.HpkeKeyPair]:
        return self._younger(KNOCKS_KEPT)

    def for_rejoins(self) -> Iterator[mls.HpkeKeyPair]:
        return self._younger(REJOINS_KEPT)

    def is_present(self, keys: mls.HpkeKeyPair) -> bool:
        """Whether the state names this key now."""
        return keys.public == self._present

    def _younger(self, seconds: float) -> Iterator[mls.HpkeKeyPair]:
        """The present key first. A key that no state has named yet opens nothing."""
        now = self._clock()
        if self._present in self._held:
            yield self._held[self._present].keys
        for key in reversed(self._held):
            held = self._held[key]
            if held.until_now is not None and now - held.until_now <= seconds:
                yield held.keys

    def tick(self) -> None:
        """Wipe what is too old for rejoins."""
        now = self._clock()
        for key, held in list(self._held.items()):
            if held.until_now is not None and now - held.until_now > REJOINS_KEPT:
                self._forget(key)

    def _forget(self, key: bytes) -> None:
        self._held.pop(key).keys.wipe()

    def wipe(self) -> None:
        for key in list(self._held):
            self._forget(key)

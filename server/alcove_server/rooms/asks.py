"""The asks of a standby, or of a facilitator that lost its group, that were told on this node, so
that its members can answer them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import ID_SIZE, Answered, Asked, LobbyKind
from alcove_protocol.statements import Signed

from alcove_server.client.client import Client
from alcove_server.store.interface import StoredItem
from alcove_server.wire import fast_out

STANDBYS: Final = frozenset({LobbyKind.ASK, LobbyKind.ANSWER})
"""Items of the lobby that are no facilitator's."""
_KEPT: Final = 4
"""Asks of one key that are remembered: a member may have its turn only after the next ask."""
_KEYS: Final = 2 + limits.FACILITATORS
"""Keys that may ask: the two of a standby, and those of facilitators."""
_OVER: Final = 2.0 * limits.ASK_TTL
"""Seconds after which a facilitator that asks again has asked anew."""


@dataclass(slots=True)
class _Told:
    """One ask: the relay key that asked, and the members whose answer came on this node."""

    key: bytes
    by: set[bytes]

    def may_answer(self, member: bytes) -> bool:
        """Whether an answer of this member is told: its first, while there are few."""
        return len(self.by) < limits.ANSWERS and member not in self.by


class Asks:
    """One room's."""

    def __init__(self) -> None:
        self._told: dict[bytes, _Told] = {}
        self._asking: dict[bytes, tuple[float, float]] = {}

    def note(self, key: bytes, now: float) -> None:
        """An ask of this facilitator was taken here."""
        first, last = self._asking.get(key, (now, now))
        self._asking[key] = (first if now - last < _OVER else now, now)

    def asks_for(self, key: bytes, now: float) -> float:
        """For how many seconds this facilitator's asks were taken here. 0 when none was."""
        first, last = self._asking.get(key, (now, now))
        return now - first if now - last < _OVER else 0.0

    def get(self, id: bytes) -> _Told | None:
        """The ask with this id."""
        return self._told.get(id)

    def tell(
        self, item: StoredItem, live: Mapping[bytes, Client], clients: Mapping[bytes, Client]
    ) -> None:
        """An ask goes to all live members here, an answer to the asker."""
        if item.kind is LobbyKind.ASK:
            message = fast_out.framed(self._asked(item).to_bytes())
            for key, client in live.items():
                if key != item.key:
                    client.send_framed(message)
        elif item.to in clients:
            clients[item.to].send(_answered(item))

    def _asked(self, item: StoredItem) -> Asked:
        """The notice of an ask, for all members."""
        before = [id for id, told in self._told.items() if told.key == item.key]
        for id in before[: 1 - _KEPT]:
            del self._told[id]
        self._told[item.id] = _Told(item.key, set())
        while len(self._told) > _KEPT * _KEYS:
            del self._told[next(iter(self._told))]
        signed = Signed.decode(item.blob)
        return Asked(item.id, item.key, signed.body, signed.signature)


def _answered(item: StoredItem) -> Answered:
    """The notice of an answer, for the asker. Raises `Malformed`."""
    if len(item.blob) <= ID_SIZE:
        raise Malformed("truncated", "An answer is empty.")
    return Answered(item.blob[:ID_SIZE], item.key, item.blob[ID_SIZE:])

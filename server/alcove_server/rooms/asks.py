"""The asks of a standby that were told on this node, so that its members can answer them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
"""Asks that are remembered. There are two standby keys, and each has one ask at a time."""


@dataclass(slots=True)
class _Told:
    """One ask: the relay key that asked, and the members whose answer came on this node."""

    key: bytes
    by: set[bytes] = field(default_factory=set)

    def may_answer(self, member: bytes) -> bool:
        """Whether an answer of this member is told: its first, while there are few."""
        return len(self.by) < limits.ANSWERS and member not in self.by


class Asks:
    """One room's."""

    def __init__(self) -> None:
        self._told: dict[bytes, _Told] = {}
        self.entered_at: float | None = None
        """When an external commit of the link was last taken, in seconds."""

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
        self._told[item.id] = _Told(item.key)
        while len(self._told) > _KEPT:
            del self._told[next(iter(self._told))]
        signed = Signed.decode(item.blob)
        return Asked(item.id, item.key, signed.body, signed.signature)


def _answered(item: StoredItem) -> Answered:
    """The notice of an answer, for the asker. Raises `Malformed`."""
    if len(item.blob) <= ID_SIZE:
        raise Malformed("truncated", "An answer is empty.")
    return Answered(item.blob[:ID_SIZE], item.key, item.blob[ID_SIZE:])

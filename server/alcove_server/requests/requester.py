"""The client whose request is handled, and what its handler may reach."""

from __future__ import annotations

from collections.abc import Callable

from alcove_protocol.frames import NONCE_SIZE

from alcove_server.client.client import Client
from alcove_server.client.states import ClientState
from alcove_server.ports.services import Services
from alcove_server.requests.proof import Upgrade
from alcove_server.rooms.registry import Rooms
from alcove_server.rooms.room import LocalRoom
from alcove_server.store.budget import Holding, Payer


class Requester:
    """One client's. `upgrade` and `nonce` are what its proof is compared with, until it is proved.
    `door` is the door by which a newcomer came."""

    __slots__ = (
        "_on_authenticated",
        "_payer",
        "client",
        "door",
        "nonce",
        "room",
        "rooms",
        "services",
        "upgrade",
    )

    def __init__(
        self,
        client: Client,
        services: Services,
        rooms: Rooms,
        upgrade: Upgrade,
        on_authenticated: Callable[[Client], None],
    ) -> None:
        """`on_authenticated` is called once, when the client has proved its key."""
        self.client = client
        self.services = services
        self.rooms = rooms
        self.room: LocalRoom | None = None
        self.door: bytes | None = None
        self.upgrade: Upgrade | None = upgrade
        self.nonce = services.random(NONCE_SIZE)
        self._on_authenticated = on_authenticated
        self._payer: Payer | None = None

    @property
    def payer(self) -> Payer:
        """For whom counts what this client has the store keep."""
        if self._payer is None:
            self._payer = Payer(self.holding)
        return self._payer

    @property
    def seated(self) -> LocalRoom:
        """The room of a member, or of a newcomer at a door."""
        assert self.room is not None  # the state says so
        return self.room

    def authenticated(
        self, state: ClientState, room_id: bytes, key: bytes, room: LocalRoom | None
    ) -> None:
        """The client proved its key, and is in this state from now on."""
        client = self.client
        if client.state is ClientState.CLOSED:  # it went while the roster was read
            return
        client.state, client.room_id, client.key = state, room_id, key
        self.upgrade, self.nonce = None, b""  # proved once, and not needed again
        self._on_authenticated(client)
        if room is not None:
            self.room = self.rooms.connected(room, client)

    def may_open_room(self) -> bool:
        """Whether this part of the network may make one more room. Counts as one."""
        part = self.client.part
        return part is None or part.open_room()

    @property
    def holding(self) -> Holding | None:
        """What the rooms of this part of the network hold. None is without limits."""
        part = self.client.part
        return part.holding if part is not None else None

    def may_tell(self, size: int) -> bool:
        """Whether this part of the network may have so many bytes sent. Counts them."""
        part = self.client.part
        return part is None or part.tell(size)

    def may_knock(self) -> bool:
        """Whether this part of the network may knock once more. Counts as one."""
        part = self.client.part
        return part is None or part.knock()

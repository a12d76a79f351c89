"""What a member asks of the facilitators, sealed to the lobby key."""

from alcove_protocol import frames

from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.sealing import RequestBody, seal_request
from alcove.relay.link import OnAnswer
from alcove.relay.ports import Ports


class LobbyRequests:
    """Seals each request to the lobby key of the present epoch, and sends it."""

    def __init__(
        self, identity: Identity, membership: Membership, room: bytes, ports: Ports
    ) -> None:
        self._identity = identity
        self._membership = membership
        self._room = room
        self._ports = ports

    def send(self, body: RequestBody, answered: OnAnswer = lambda answer: None) -> None:
        """The relay keeps it for the facilitators, so its answer says only that it arrived."""
        random, lobby_key = self._ports.random, self._membership.state.lobby_key
        own = self._identity.relay.public
        sealed = seal_request(self._room, lobby_key, own, body, random)
        request_id = random(frames.ID_SIZE)
        self._ports.link.request(lambda n: frames.LobbyRequest(n, request_id, sealed), answered)

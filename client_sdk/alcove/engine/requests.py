"""What a member asks of the facilitators, sealed to the lobby key."""

from alcove_protocol import frames
from alcove_protocol.labels import Label
from alcove_protocol.sealed import RequestBody
from alcove_protocol.statements import Signed

from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.sealing import Psk, request_psk, seal_request
from alcove.relay.link import OnAnswer
from alcove.relay.ports import Ports


class LobbyRequests:
    """Seals each request to the newest lobby key that this client knows, and sends it."""

    def __init__(
        self, identity: Identity, membership: Membership, room: bytes, ports: Ports
    ) -> None:
        self._identity = identity
        self._membership = membership
        self._room = room
        self._ports = ports

    def psk(self, epoch: int) -> Psk:
        """What requests of an epoch whose secret is kept are sealed with, and the Welcome that
        answers one."""
        secret = self._membership.request_secrets.of(epoch)
        assert secret is not None  # the present epoch's is kept until the next
        return request_psk(secret, epoch)

    def send(
        self,
        kind: str,
        content: bytes,
        reply_key: bytes | None = None,
        answered: OnAnswer = lambda answer: None,
        *,
        leaf: bytes | None = None,
        epoch: int | None = None,
    ) -> None:
        """The relay keeps it for the facilitators, so its answer says only that it arrived.

        `leaf` is the encryption key of the own leaf that the request is about, when that may be
        another than this epoch's. `epoch` is one whose secret is kept, instead of the present one.
        """
        random, lobby_key = self._ports.random, self._membership.lobby_key
        own = self._identity.relay.public
        at = self._membership.group.epoch if epoch is None else epoch
        request = self._sign(at, kind, content, reply_key, leaf or self._membership.own_leaf_key)
        sealed = seal_request(self._room, lobby_key, own, request, self.psk(at), random)
        request_id = random(frames.ID_SIZE)
        self._ports.link.request(lambda n: frames.LobbyRequest(n, request_id, sealed), answered)

    def _sign(
        self, epoch: int, kind: str, content: bytes, reply_key: bytes | None, leaf: bytes
    ) -> Signed:
        body = RequestBody(
            self._room,
            epoch,
            self._membership.roster.counter,
            leaf,
            kind,
            content,
            reply_key,
        )
        signer = self._identity.mls_signer()
        signed = signer.sign(Label.REQUEST, body)
        signer.wipe()
        return signed

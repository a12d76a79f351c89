"""Back into the group after a missed commit: a request to the facilitators, then a Welcome."""

from typing import Final

from alcove_protocol import frames
from alcove_protocol.sealed import RequestKind
from alcove_protocol.statements import Opening

from alcove import mls
from alcove.engine.requests import LobbyRequests
from alcove.errors import NotTrusted
from alcove.group.admission import enter, make_key_package
from alcove.group.keys import ROOM_SUITE, Identity
from alcove.group.membership import Membership
from alcove.group.sealing import Psk, open_welcome
from alcove.relay.ports import Ports

ASK_AGAIN: Final = 60.0
"""Seconds after which a rejoin that no facilitator granted is asked for again."""


class Rejoining:
    """Asks to be let in again, always with the same KeyPackage, until a Welcome answers it."""

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        opening: Opening,
        requests: LobbyRequests,
        ports: Ports,
    ) -> None:
        self._identity = identity
        self._membership = membership
        self._opening = opening
        self._requests = requests
        self._ports = ports
        self._asked: tuple[mls.KeyPackageBundle, mls.HpkeKeyPair] | None = None
        self._psks: dict[bytes, Psk] = {}
        self._ask_at = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to ask, for the first time or again."""
        return self._ports.clock() >= self._ask_at

    def ask(self) -> None:
        """Ask the facilitators, when there is a connection."""
        ports = self._ports
        self._ask_at = ports.clock() + ASK_AGAIN
        if not ports.link.live:
            return
        if self._asked is None:
            accepted = self._membership.accepted
            bundle = make_key_package(self._identity, accepted, ports.wall(), ports.random)
            self._asked = (bundle, mls.ciphersuite(ROOM_SUITE).hpke_keypair(ports.random))
        bundle, reply = self._asked
        psk = self._requests.psk
        self._psks[psk.id] = psk
        key_package = bundle.key_package.encode()
        self._requests.send(RequestKind.REJOIN, key_package, reply.public)

    def open(self, frame: frames.WelcomeIs) -> Membership | None:
        """The group anew. None when this client has not asked: such a Welcome is ignored.

        Raises `NotTrusted` (`cannot_open`, `bad_welcome`).
        """
        if self._asked is None:
            return None
        bundle, reply = self._asked
        welcome = self._opened(reply, frame.welcome)
        now = self._ports.wall()
        again = enter(welcome, bundle, self._identity, self._opening, None, frame, now=now)
        self.wipe()
        return again

    def _opened(self, reply: mls.HpkeKeyPair, sealed: bytes) -> bytes:
        """It answers one of the requests, of whichever epoch. Raises `NotTrusted`."""
        for psk in self._psks.values():
            try:
                return open_welcome(self._opening.previous, reply, sealed, psk)
            except NotTrusted:
                continue
        raise NotTrusted("cannot_open", "A Welcome did not open; it was altered.")

    def wipe(self) -> None:
        """Forget the KeyPackage and the reply key."""
        if self._asked is not None:
            bundle, reply = self._asked
            bundle.wipe()
            reply.private.wipe()
            self._asked = None
        self._psks.clear()

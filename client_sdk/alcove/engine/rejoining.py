"""Back into the group after a missed commit: a request to the facilitators, then a Welcome.

Each try has a KeyPackage of its own: a facilitator may have used the last one for a Welcome that
was lost, and none is used twice. The last three private ones are kept, since a Welcome may be late.

Every second try is sealed under an earlier epoch. When the relay lost a commit, or the group was
split, this client's newest epoch is one that no facilitator was in.
"""

from collections import deque
from dataclasses import dataclass
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
TRIES_KEPT: Final = 3
UNUSED_KEPT: Final = 600.0
"""Seconds that unused tries are kept by a client that is in again. By then it was heard, and no
facilitator grants an older request of its own. Kept for longer, they could open what was recorded.
"""


@dataclass(frozen=True, slots=True)
class _Try:
    """One request, and what opens the Welcome that answers it."""

    bundle: mls.KeyPackageBundle
    reply: mls.HpkeKeyPair
    psk: Psk

    def wipe(self) -> None:
        self.bundle.wipe()
        self.reply.private.wipe()


class Rejoining:
    """Asks to be let in again, until a Welcome answers one of the last tries."""

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
        self._tries: deque[_Try] = deque()
        self._asked = 0
        self._ask_at = 0.0
        self._used_at = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to ask, for the first time or again."""
        return self._ports.clock() >= self._ask_at

    def tick(self, *, held: bool) -> None:
        """Ask again, when it is time. In the group, forget what is not needed any more."""
        if held and self.due:
            self.ask()
        elif not held and self._tries and self._ports.clock() - self._used_at > UNUSED_KEPT:
            self.wipe()

    def ask(self) -> None:
        """Ask the facilitators, when there is a connection."""
        ports = self._ports
        if not ports.link.live:
            return
        self._used_at = ports.clock()
        self._ask_at = self._used_at + ASK_AGAIN
        epoch = self._next_epoch()
        accepted = self._membership.state.agreement
        bundle = make_key_package(self._identity, accepted, ports.wall(), ports.random)
        reply = mls.ciphersuite(ROOM_SUITE).hpke_keypair(ports.random)
        if len(self._tries) == TRIES_KEPT:
            self._tries.popleft().wipe()
        self._tries.append(_Try(bundle, reply, self._requests.psk(epoch)))
        key_package = bundle.key_package.encode()
        self._requests.send(RequestKind.REJOIN, key_package, reply.public, epoch=epoch)

    def _next_epoch(self) -> int:
        """The newest, one before it, the newest, two before it, and so on."""
        known = self._membership.request_secrets.epochs()
        back = (self._asked + 1) // 2 if self._asked % 2 else 0
        self._asked += 1
        return known[back % len(known)]

    def open(self, frame: frames.WelcomeIs) -> Membership | None:
        """The group anew. None when this client has not asked: such a Welcome is ignored.

        Raises `NotTrusted` (`cannot_open`, `bad_welcome`).
        """
        if not self._tries:
            return None
        asked, welcome = self._opened(frame.welcome)
        accepted = self._membership.state.agreement
        now = self._ports.wall()
        again = enter(
            welcome, asked.bundle, self._identity, self._opening, accepted, frame, now=now
        )
        # The others are kept: a relay that hands over an earlier request only now must not put this
        # client out by it.
        self._tries.remove(asked)
        asked.wipe()
        self._asked, self._ask_at, self._used_at = 0, 0.0, self._ports.clock()
        return again

    def _opened(self, sealed: bytes) -> tuple[_Try, bytes]:
        """The try that it answers, and the Welcome. Raises `NotTrusted`."""
        for asked in reversed(self._tries):
            try:
                room = self._opening.previous
                return asked, open_welcome(room, asked.reply, sealed, asked.psk)
            except NotTrusted:
                continue
        raise NotTrusted("cannot_open", "A Welcome did not open; it was altered.")

    def wipe(self) -> None:
        """Forget the KeyPackages and the reply keys."""
        self._asked, self._ask_at = 0, 0.0
        while self._tries:
            self._tries.pop().wipe()

"""Back into the group after a missed commit: a request to the facilitators, then a Welcome.

A request names the leaf that it replaces (`alcove.group.asking`). A held client does not see which
leaf the group holds for it: a commit that it missed may have brought its Update, or granted an
earlier request whose Welcome was lost. So it asks for each leaf that it may have:

    own leaf, or one that it signed ──▶ first KeyPackage ──▶ second ──▶ third

Every second round is sealed under an earlier epoch, for the leaf of that epoch as well. When the
relay lost a commit, or the group was split, no facilitator was in this client's newest epoch.

The private keys stay until no request can be granted any more. A request that a relay delivers late
then leads to a Welcome that opens, and never to a leaf whose keys are gone. So does one of a
newcomer whose Welcome was late: it is for whichever leaf they have, until they are heard of.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Final

from alcove_protocol import frames
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.sealed import RequestKind
from alcove_protocol.statements import Opening

from alcove.engine.requests import LobbyRequests
from alcove.errors import NotTrusted
from alcove.group.admission import Offer, enter
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.sealing import Psk, open_welcome
from alcove.joining.tries import Unanswered
from alcove.relay.ports import Ports

ASK_AGAIN: Final = 60.0
"""Seconds after which a rejoin that no facilitator granted is asked for again."""
HURRIED: Final = 20.0
"""Seconds between two rounds when the person asks."""
ROUNDS: Final = 6
"""Rounds of asking, while a facilitator is heard, after which no further one will help."""
STEPS: Final = 3
"""KeyPackages at a time."""
REQUESTS: Final = 4
"""Requests of one round: the relay keeps no more of one member."""


class Rejoining:
    """Asks to be let in again, until a Welcome answers or another leaf of its own is in the group.

    The first step replaces a leaf among `_named`, each further one the leaf of the step before.
    `stranded` is called when the group has gone on and no facilitator can let this client in again.
    """

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        opening: Opening,
        requests: LobbyRequests,
        ports: Ports,
        stranded: Callable[[], None],
    ) -> None:
        self._identity = identity
        self._membership = membership
        self._opening = opening
        self._requests = requests
        self._ports = ports
        self._stranded = stranded
        self._steps: list[Offer] = []
        self._before: list[Offer] = []
        """What this client asked as a newcomer."""
        self._named: set[bytes] = set()
        self._seen: bytes | None = None
        self._psks: dict[bytes, Psk] = {}
        self._round = 0
        self._turn = 0
        self._unheard = 0
        self._ask_at = 0.0
        self._asked_at = -HURRIED
        self.unsettled = False
        """Whether the relay said last that its log is unsettled. No member is let in meanwhile."""

    @property
    def due(self) -> bool:
        """Whether it is time to ask, for the first time or again."""
        return self._ports.clock() >= self._ask_at

    def hurry(self) -> None:
        """The person asks: the next round comes as soon as facilitators could answer the last."""
        self._ask_at = min(self._ask_at, self._asked_at + HURRIED)

    def asked_before(self, unanswered: Unanswered) -> None:
        """This client comes in, and what it asked as a newcomer can still be granted."""
        self._before = list(unanswered.offers)
        self._psks[unanswered.psk.id] = unanswered.psk
        self._named.add(self._membership.own_leaf_key)

    def held(self) -> None:
        """The client has just missed a commit: what was asked before says nothing now."""
        self._round = self._turn = self._unheard = 0

    def ask(self, *, heard: bool) -> None:
        """Ask the facilitators, when there is a connection. `heard`: one of them is there."""
        if not self._ports.link.may_ask:
            return
        self._asked_at = self._ports.clock()
        self._ask_at = self._asked_at + ASK_AGAIN
        if self._unheard >= ROUNDS and not self._membership.facilitates_alone:
            # Facilitators were there, and none could answer. Above all their groups may be younger
            # than this client's epoch, so that they have no secret of it.
            self._stranded()
            return
        self._drop_expired()
        self._unheard += heard
        self._round += 1
        while len(self._steps) < min(self._round, STEPS):
            accepted = self._membership.accepted
            now, random = self._ports.wall(), self._ports.random
            self._steps.append(Offer.make(self._identity, accepted, now, random))
        epoch = self._epoch()
        psk = self._requests.psk(epoch)
        self._psks[psk.id] = psk
        for leaf in self._leaves(epoch):
            self._named.add(leaf)
            self._send(leaf, self._steps[0], epoch)
        for before, step in pairwise(self._steps):
            self._send(before.leaf_key, step, epoch)

    def _epoch(self) -> int:
        """Of this round: the newest, one before it, the newest, two before it, and so on."""
        known = self._membership.request_secrets.epochs()
        back = self._round // 2 if self._round % 2 == 0 else 0
        return known[back % len(known)]

    def _drop_expired(self) -> None:
        """No facilitator takes a KeyPackage whose lifetime is over."""
        offers = (*self._steps, *self._before)
        lifetimes = [offer.bundle.key_package.leaf_node.lifetime for offer in offers]
        if any(
            lifetime is None or lifetime.not_after <= self._ports.wall() for lifetime in lifetimes
        ):
            self.wipe()

    def _leaves(self, epoch: int) -> tuple[bytes, ...]:
        """The own leaf, that of the epoch, and those that may have replaced it unseen: the newest
        first, and when there are many, the next ones in each round."""
        signed = reversed(self._membership.group.signed_leaf_keys)
        before = (offer.leaf_key for offer in self._before)
        others = [*([self._seen] if self._seen is not None else []), *before, *signed]
        then = self._membership.request_secrets.leaf_key(epoch)
        own = dict.fromkeys((self._membership.own_leaf_key, then))
        turn = self._turn % max(1, len(others))
        many = REQUESTS - len(own) - len(self._steps[1:])
        self._turn = turn + many
        return (*own, *(others[turn:] + others[:turn])[:many])

    def _send(self, leaf: bytes, step: Offer, epoch: int) -> None:
        key_package, reply = step.bundle.key_package.encode(), step.reply.public
        asked, answered = RequestKind.REJOIN, self._answered
        self._requests.send(asked, key_package, reply, answered, leaf=leaf, epoch=epoch)

    def _answered(self, answer: RelayAnswer | None) -> None:
        if answer is None:
            return  # the connection dropped, and over the next one it asks anew
        refused = answer.code if isinstance(answer, frames.RequestRefused) else ""
        self.unsettled = refused == "unsettled"
        if self.unsettled:  # the relay kept nothing of this round
            self.held()
            self._ask_at = self._asked_at + HURRIED

    def expects(self, leaf: bytes) -> bool:
        """Whether a commit that put this client out and brought this leaf granted a request of its
        own. Then the Welcome is on its way. Another leaf is named when it asks."""
        granted = any(offer.leaf_key == leaf for offer in (*self._steps, *self._before))
        if granted:
            self._ask_at = self._ports.clock() + ASK_AGAIN
        else:
            self._seen = leaf
        return granted

    def open(self, frame: frames.WelcomeIs) -> Membership | None:
        """The group anew. None when this client has not asked: such a Welcome is ignored. So is one
        that does not open, as the first one again, where it asked as a newcomer only.

        Raises `NotTrusted` (`cannot_open`, `bad_welcome`).
        """
        opened = self._opened(frame.welcome)
        if opened is None and self._steps:
            raise NotTrusted("cannot_open", "A Welcome did not open; it was altered.")
        if opened is None:
            return None
        offer, welcome = opened
        now, opening = self._ports.wall(), self._opening
        again = enter(welcome, offer.bundle, self._identity, opening, None, frame, now=now)
        # Requests for the steps after this one may still be granted: they name the leaf that is in.
        # What was asked as a newcomer names none, so it stays. Behind such a one no step is of use.
        keys = [step.leaf_key for step in self._steps]
        done = keys.index(offer.leaf_key) + 1 if offer.leaf_key in keys else len(keys)
        for old in (*self._steps[:done], offer):
            old.wipe()
        del self._steps[:done]
        self._before = [other for other in self._before if other is not offer]
        self._named = {offer.leaf_key}
        self._seen = None
        if not self.waiting:
            self.wipe()
        return again

    def _opened(self, sealed: bytes) -> tuple[Offer, bytes] | None:
        """It answers one of the requests, of whichever epoch."""
        room = self._opening.previous
        for offer in (*self._steps, *self._before):
            for psk in self._psks.values():
                try:
                    return offer, open_welcome(room, offer.reply, sealed, psk)
                except NotTrusted:
                    continue
        return None

    def followed(self) -> None:
        """The group moved on, and this client with it. With another leaf nothing is asked for."""
        self._seen = None
        if self.waiting and self._membership.own_leaf_key not in self._named:
            self.wipe()

    @property
    def waiting(self) -> bool:
        """Whether a request may still be granted."""
        return bool(self._steps or self._before)

    def wipe(self) -> None:
        """Forget the KeyPackages and the reply keys."""
        for offer in (*self._steps, *self._before):
            offer.wipe()
        self._steps.clear()
        self._before.clear()
        self._named.clear()
        self._psks.clear()
        self._seen = None

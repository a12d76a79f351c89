"""A ticket of this client: parked anew in each epoch, and every few minutes.

    asked for ──the relay took it──▶ told ──a new epoch, other secrets, 3 min──▶ parked again

The relay forgets what is parked ten minutes later, so a client that lives goes on parking. What is
parked is as new as the client is.

A facilitator parks before each commit that lets members in, too, over the same connection and so
in this order: it may die behind the commit, and those members know no epoch but the next one.
"""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Final, NamedTuple

from alcove_protocol import frames, limits
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.labels import VERSION
from alcove_protocol.statements import Signed
from alcove_protocol.ticket import Ticket

from alcove import events
from alcove.errors import PASSING, AlcoveError, Refused
from alcove.facilitation.facilitator import Facilitator
from alcove.facilitation.in_flight import InFlight
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.parked import ParkedBody, seal_parked, seeds_of, with_doors
from alcove.group.seal_secrets import request_after
from alcove.relay.ports import Ports

AGAIN: Final = 5.0
"""Seconds after which the relay is given it again that was too busy."""

TicketDone = Callable[[AlcoveError | None], None]


class _State(NamedTuple):
    """What has to be parked anew when it changes. `doors` are None when the lobby cannot be served,
    and `commit` is the SHA-256 of one on its way that lets members in."""

    epoch: int
    head: bytes
    leaf: bytes
    lobby: bytes
    doors: frozenset[bytes] | None
    commit: bytes | None


class TicketKeeper:
    """One ticket. `opening` gives entry 0 as soon as it is known, and `facilitator` the part of a
    facilitator, whose secrets are parked too."""

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        ports: Ports,
        ticket: Ticket,
        *,
        opening: Callable[[], Signed | None],
        title: Callable[[], str],
        facilitator: Callable[[], Facilitator | None],
    ) -> None:
        self.ticket = ticket
        self._identity = identity
        self._membership = membership
        self._link = ports.link
        self._clock = ports.clock
        self._random = ports.random
        self._emit = ports.emit
        self._opening = opening
        self._title = title
        self._facilitator = facilitator
        self._entry: Signed | None = None
        self._parked: _State | None = None
        self._taken: _State | None = None
        """What the relay said that it has."""
        self._again_at: float | None = 0.0
        self._told = False
        self._waiting: list[TicketDone] = []

    def ask(self, done: TicketDone) -> None:
        """Call `done` when the relay has it. The person is told the ticket then."""
        self._waiting.append(done)
        self._told = False
        self._again_at = 0.0

    def tick(self, *, ready: bool) -> None:
        """Park what is due. `ready`: this client is in step with the group."""
        if not ready:
            return
        if self._entry is None:
            self._entry = self._opening()
        now, state = self._clock(), self._state()
        moved = state != self._parked
        if moved and self._covers(state):
            moved, again = False, now + AGAIN
            self._again_at = again if self._again_at is None else min(self._again_at, again)
        due = self._again_at is not None and now >= self._again_at
        if self._entry is not None and (due or moved):
            self._park(self._entry, state)

    def before_commit(self) -> None:
        """The relay is given a commit next. Without space for what is parked it takes the commit
        all the same, and a knocker waits for nothing."""
        state = self._state()
        if self._entry is not None and state.commit is not None and state != self._parked:
            self._park(self._entry, state)

    def _state(self) -> _State:
        membership, secrets, item = self._membership, self._secrets(), self._letting_in()
        return _State(
            membership.group.epoch,
            membership.roster.head,
            membership.own_leaf_key,
            membership.state.lobby_key,
            None if secrets is None else frozenset(secrets),
            None if item is None else sha256(item.blob).digest(),
        )

    def _covers(self, state: _State) -> bool:
        """Whether what is parked is good for this epoch too: the commit that made it was named. So
        a facilitator that lets in one after the other parks once for each."""
        taken = self._taken
        if taken is None or taken.commit != self._membership.commit_hash:
            return False
        return (taken.lobby, taken.doors, None) == (state.lobby, state.doors, state.commit)

    def _letting_in(self) -> InFlight | None:
        """The commit on its way, if it lets members in."""
        facilitator = self._facilitator()
        item = None if facilitator is None else facilitator.committer.in_flight
        return item if item is not None and item.staged.added else None

    def _secrets(self) -> dict[bytes, bytes] | None:
        """The doors' secrets of a facilitator that can serve the lobby."""
        facilitator = self._facilitator()
        if facilitator is None or not facilitator.vaults.complete:
            return None
        return facilitator.doors.secrets(self._membership.state.door_ids())

    def _park(self, entry: Signed, state: _State) -> None:
        self._parked, self._again_at = state, None
        try:
            sealed = seal_parked(self.ticket, self._body(entry, state.commit), self._random)
        except Malformed:
            return  # nothing that honest clients have is so large
        slot, hashed = self.ticket.slot(), sha256(self.ticket.token()).digest()
        self._link.request(
            lambda n: frames.Park(n, slot, hashed, sealed),
            lambda answer: self._answered(state, answer),
        )

    def _answered(self, state: _State, answer: RelayAnswer | None) -> None:
        passing = isinstance(answer, frames.RequestRefused) and answer.code in PASSING
        if answer is None or passing:
            self._again_at = self._clock() + AGAIN
            return
        if isinstance(answer, frames.Done):
            self._taken = state
        self._again_at = self._clock() + limits.PARK_AGAIN
        waiting, self._waiting = self._waiting, []
        error: AlcoveError | None = None
        if isinstance(answer, frames.RequestRefused):
            error = Refused.by_relay(answer.code)
        elif not self._told:
            self._told = True
            self._emit(events.TicketMade(self.ticket.text()))
        for done in waiting:
            done(error)

    def _body(self, entry: Signed, next_commit: bytes | None) -> ParkedBody:
        membership, identity = self._membership, self._identity
        group, state = membership.group, membership.state
        relay, signature, desk = seeds_of(identity)
        request = membership.request_secrets.of(group.epoch)
        assert request is not None  # the present epoch's is kept
        body = ParkedBody(
            VERSION,
            identity.name,
            identity.suite.number,
            relay,
            signature,
            desk,
            membership.accepted,
            group.epoch,
            request,
            membership.own_leaf_key,
            membership.roster.counter,
            membership.roster.head,
            state.lobby_key,
            state.facilitators,
            entry.encode(),
            self._title(),
        )
        item = self._letting_in()
        if item is not None:
            secret = request_after(item.staged)
            body = replace(body, next_commit=next_commit, next_request=secret)
        facilitator, secrets = self._facilitator(), self._secrets()
        keys = facilitator.lobby_keys.get(state.lobby_key) if facilitator is not None else None
        if secrets is None or keys is None:
            return body
        body = replace(body, lobby_private=keys.private.expose(), doors=b"")
        return replace(body, doors=b"".join(with_doors(body, secrets)))

    def disconnected(self) -> None:
        """What was on its way may be lost, and what was taken too: a relay may lose its memory. So
        it is parked anew, before a commit that goes again."""
        self._parked = self._taken = None

    def close(self, error: AlcoveError) -> None:
        """Fail what waits."""
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done(error)

"""A ticket of this client: parked anew in each epoch, and every few minutes.

    asked for ──the relay took it──▶ told ──a new epoch, other secrets, 3 min──▶ parked again

The relay forgets what is parked ten minutes later, so a client that lives goes on parking. What is
parked is as new as the client is.
"""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.labels import VERSION
from alcove_protocol.statements import Signed
from alcove_protocol.ticket import Ticket

from alcove import events
from alcove.errors import PASSING, AlcoveError, Refused
from alcove.facilitation.facilitator import Facilitator
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.parked import ParkedBody, seal_parked, seeds_of, with_doors
from alcove.relay.ports import Ports

AGAIN: Final = 5.0
"""Seconds after which the relay is given it again that was too busy."""

TicketDone = Callable[[AlcoveError | None], None]


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
        self._parked: object = None
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
        due = self._again_at is not None and self._clock() >= self._again_at
        if self._entry is not None and (due or self._parked != self._state()):
            self._park(self._entry)

    def _state(self) -> object:
        """What changes when it has to be parked anew."""
        membership, secrets = self._membership, self._secrets()
        lobby, doors = membership.state.lobby_key, None if secrets is None else frozenset(secrets)
        return membership.group.epoch, membership.roster.head, membership.own_leaf_key, lobby, doors

    def _secrets(self) -> dict[bytes, bytes] | None:
        """The doors' secrets of a facilitator that can serve the lobby."""
        facilitator = self._facilitator()
        if facilitator is None or not facilitator.vaults.complete:
            return None
        return facilitator.doors.secrets(self._membership.state.door_ids())

    def _park(self, entry: Signed) -> None:
        self._parked, self._again_at = self._state(), None
        try:
            sealed = seal_parked(self.ticket, self._body(entry), self._random)
        except Malformed:
            return  # nothing that honest clients have is so large
        slot, hashed = self.ticket.slot(), sha256(self.ticket.token()).digest()
        self._link.request(lambda n: frames.Park(n, slot, hashed, sealed), self._answered)

    def _answered(self, answer: RelayAnswer | None) -> None:
        passing = isinstance(answer, frames.RequestRefused) and answer.code in PASSING
        if answer is None or passing:
            self._again_at = self._clock() + AGAIN
            return
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

    def _body(self, entry: Signed) -> ParkedBody:
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
        facilitator, secrets = self._facilitator(), self._secrets()
        keys = facilitator.lobby_keys.get(state.lobby_key) if facilitator is not None else None
        if secrets is None or keys is None:
            return body
        body = replace(body, lobby_private=keys.private.expose(), doors=b"")
        return replace(body, doors=b"".join(with_doors(body, secrets)))

    def close(self, error: AlcoveError) -> None:
        """Fail what waits."""
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done(error)

"""This facilitator's wish to be one no more. Another facilitator commits it.

The wish holds in its epoch alone, so that the relay cannot use it after a second appointment. It is
asked anew in each epoch, and once in a while in the same one, until the state lists this client no
more.
"""

from typing import Final

from alcove_protocol.labels import Label
from alcove_protocol.sealed import RequestKind
from alcove_protocol.statements import StepDownStatement

from alcove.engine.requests import LobbyRequests
from alcove.errors import AlcoveError, NotNow
from alcove.facilitation.intents import Done
from alcove.facilitation.overdue import Overdue
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.relay.ports import Ports

AGAIN: Final = 30.0
"""Seconds after which the same is asked again: the relay or a facilitator may have lost it."""
NOT_CONFIRMED: Final = (
    "You still facilitate: no other facilitator has confirmed yet that you step down. It is asked "
    "again."
)


class SteppingDown:
    """At most one wish at a time."""

    def __init__(
        self, identity: Identity, membership: Membership, requests: LobbyRequests, ports: Ports
    ) -> None:
        self._identity = identity
        self._membership = membership
        self._requests = requests
        self._clock = ports.clock
        self._done: Done | None = None
        self._overdue = Overdue(ports, NOT_CONFIRMED)
        self._asked: int | None = None
        self._again_at = 0.0

    @property
    def asks(self) -> bool:
        """Whether the wish stands."""
        return self._done is not None

    def ask(self, done: Done) -> None:
        """Raises `NotNow` (`last_facilitator`, `stepping_down`)."""
        if self._done is not None:
            raise NotNow("stepping_down", "You asked for it already; another facilitator confirms.")
        if self._membership.facilitates_alone:
            raise _last()
        self._done = done
        self._asked = None

    def tick(self) -> None:
        """To be called while this client may send, and after each commit."""
        self._overdue.tick(waits=self._done is not None and self._membership.own.facilitator)
        if self._done is None:
            return
        epoch = self._membership.group.epoch
        if not self._membership.own.facilitator:
            self._end(None)
        elif self._membership.facilitates_alone:
            self._end(_last())
        elif self._asked != epoch or self._clock() >= self._again_at:
            self._asked, self._again_at = epoch, self._clock() + AGAIN
            self._send(epoch)

    def _send(self, epoch: int) -> None:
        signer = self._identity.mls_signer()
        room = self._membership.group.group_id
        signed = signer.sign(Label.STEP_DOWN, StepDownStatement(room, signer.public, epoch))
        signer.wipe()
        self._requests.send(RequestKind.STEP_DOWN, signed.encode())

    def _end(self, error: AlcoveError | None) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(error)

    def close(self, error: AlcoveError) -> None:
        """The wish fails: the room is closed."""
        self._end(error)


def _last() -> NotNow:
    text = (
        "You are the only facilitator. Make another member one first (/appoint NAME), or end the "
        "room (/end)."
    )
    return NotNow("last_facilitator", text)

"""A member that was let go for a lost connection, on the way back.

member ──ABSENT in the log, or `not_member` of a relay that knows the room──▶ away
away ──connected in role `away`, asked with the keys of the leaf that went──▶ Welcome ──▶ member
away ──the relay knows of no ABSENT, or no facilitator answers──▶ closed: knock again

It is a rejoin over another kind of connection. The client keeps its keys and its group, sends
nothing but that request, and the relay can do no more than keep it away.
"""

from collections.abc import Callable
from typing import Final

from alcove_protocol import frames
from alcove_protocol.frames import ConnectionRole

from alcove import events
from alcove.engine.member import MemberClient
from alcove.relay.connected_time import ConnectedTime
from alcove.relay.ports import Ports

PATIENCE: Final = 180.0
"""Seconds in which a facilitator's client has to answer: it may have to wait for its own turn. They
pass while this client is connected, and not while the log is unsettled, for as long as a log can
be."""
KNOCK_AGAIN: Final = (
    "Your connection was lost for long, and no facilitator's client let you back in by itself. It "
    "cannot where the ground rules have changed meanwhile, or the door is locked. Knock again with "
    "your invite, under the same name."
)
_BACK: Final = (
    "Your connection was lost for long, so you are out of the room for now. Your client asks to be "
    "let back in. You need to do nothing."
)


class ComingBack:
    """Whether this client is away, and for how long it asks. `lost` closes the room for it."""

    def __init__(self, ports: Ports, lost: Callable[[str, str], None]) -> None:
        self._emit = ports.emit
        self._link = ports.link
        self._lost = lost
        self._patience = ConnectedTime(ports)
        self._told = False

    @property
    def role(self) -> str:
        """In which role a member connects now."""
        return ConnectionRole.AWAY if self._patience.runs else ConnectionRole.MEMBER

    def begin(self) -> bool:
        """This client was let go, or the relay says that it is no member. False when it is away
        already: then the relay knows of no way back."""
        if self._patience.runs:
            return False
        self._patience.begin(PATIENCE)
        self._told = False
        self._link.hang_up = True
        return True

    def ask(self, member: MemberClient) -> None:
        """The relay knows that this client was let go: ask the facilitators."""
        if not self._told:  # once: the connection may come and go on the way
            self._told = True
            self._emit(events.Problem("absent", _BACK))
        member.come_back()

    def welcomed(self, member: MemberClient, welcome: frames.WelcomeIs) -> None:
        """A Welcome came. One that answers what this client asked makes it a member again."""
        if member.welcomed(welcome) and self._patience.runs:
            self._link.admitted()
            self.over()

    def over(self) -> None:
        """This client is a member, by the relay's word or by a Welcome."""
        self._patience.end()

    def tick(self, member: MemberClient) -> None:
        if self._patience.runs and member.waits_for_log:
            self._patience.unsettled(PATIENCE)
        if self._patience.is_over():
            self._lost("knock_again", KNOCK_AGAIN)

"""One connected client, as the rest of the relay knows it: what it is, and how it is told things.

A client never receives: `session` does. So rooms and requests can hold a client without knowing
what it asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from alcove_protocol.errors import Refusal, SlowDown
from alcove_protocol.frames import Bye, Frame, RequestRefused

from alcove_server.client.answers import Answers
from alcove_server.client.feed import Feed
from alcove_server.client.resumption import Resumption
from alcove_server.client.states import ROLES, ClientState
from alcove_server.ports.outlet import Close, Outlet
from alcove_server.ports.place import Place, Quota
from alcove_server.ports.turn import BYTES, Turn
from alcove_server.store.interface import Stale
from alcove_server.wire.fast_out import framed
from alcove_server.wire.says import bye


def _already_told(client: Client) -> None:
    """Stands in for `on_closed` after it was called, so that a closed client keeps no session."""


class Client:
    """One client. `key` and `room_id` are set when it authenticates. `since` is the time of its
    connection, in seconds.

    `generation` is that of its room's log, as soon as that is read: a refusal names it, since some
    refusals are final in a log that the client knew and not in a new one.
    `heard` and `heard_lobby` are the numbers up to which its resume told it the two streams."""

    # Most clients are idle most of the time, and each costs memory: hence the slots, and no
    # container that is large when empty.
    __slots__ = (
        "_on_closed",
        "answers",
        "feed",
        "generation",
        "heard",
        "heard_lobby",
        "key",
        "outlet",
        "place",
        "resumption",
        "room_id",
        "since",
        "state",
        "turn",
    )

    def __init__(
        self,
        outlet: Outlet,
        place: Place | None,
        since: float,
        on_closed: Callable[[Client], None],
        turn: Turn,
    ) -> None:
        """`on_closed` is called once, when the client is gone. What is sent counts in `turn`."""
        self.outlet = outlet
        self.turn = turn
        self.place = place
        self.since = since
        self.state = ClientState.CHALLENGED
        self.key = b""
        self.room_id = b""
        self.generation: bytes | None = None
        self.heard = 0
        self.heard_lobby = 0
        self.feed = Feed(outlet)
        self.answers = Answers()
        self.resumption: Resumption | None = None
        self._on_closed = on_closed

    @property
    def part(self) -> Quota | None:
        """The part of the network from which it came. None is one without limits."""
        return self.place.allowance if self.place is not None else None

    @property
    def role(self) -> str:
        """A value of `ConnectionRole`, or empty."""
        return ROLES[self.state]

    def send(self, frame: Frame) -> None:
        """Send one frame to this client alone."""
        self.send_framed(framed(frame.to_bytes()))

    def send_framed(self, frames: bytes) -> None:
        """Send frames that are in their form on the wire."""
        if self.state is not ClientState.CLOSED:
            self.turn.spend(len(frames) / BYTES)
            self.feed.write(frames)

    def refuse(self, n: int, refusal: Refusal) -> None:
        """Answer request `n` with a refusal."""
        base = refusal.base.encode() if isinstance(refusal, Stale) else None
        wait = refusal.wait if isinstance(refusal, SlowDown) else None
        self.send(RequestRefused(n, refusal.code, refusal.text, base, self.generation, wait))

    def promote(self) -> None:
        """The list names this newcomer now, or one that comes back, or a standby: a member."""
        if self.state in (ClientState.AT_DOOR, ClientState.AWAY, ClientState.STANDBY):
            self.state = ClientState.MEMBER

    def finish(self, code: int, reason: Bye | None = None) -> None:
        """Close the connection, after a last frame if one is given."""
        if self.state is ClientState.CLOSED:
            return
        if reason is not None:
            self.send(replace(reason, generation=self.generation))
        self.lost()
        self.outlet.close(code)

    def replaced(self) -> None:
        """Its key connected again, so close this connection."""
        self.finish(Close.REPLACED, bye("replaced"))

    def lost(self) -> None:
        """The transport is gone."""
        if self.state is ClientState.CLOSED:
            return
        self.state = ClientState.CLOSED
        self.resumption = None
        on_closed, self._on_closed = self._on_closed, _already_told
        on_closed(self)

"""One connection to the relay at a time: challenge, authentication, requests and their answers.

    OFF ──connected──▶ GREETED ──challenge──▶ PROVING ──authenticated──▶ DOOR or MEMBER
                                                 │
                                                 └─ refused: `unknown_room` and a facilitator's
                                                    state → RESEATING → OFF (connect again)

Sans-I/O: bytes in by `receive`, bytes out by `outgoing`. A request's answer is given to the
function that was passed with it; when the connection drops, that function is called with None, so
that nobody waits for an answer that will not come.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol, TypeVar

from alcove_protocol import frames, limits
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import SUBPROTOCOL, VERSION, Label
from alcove_protocol.statements import ChallengeAnswer, Signed

from alcove.group.keys import SigningKey

ANSWER_TIMEOUT: Final = 30.0
"""Seconds. A relay that does not answer for so long is treated as gone."""
CHALLENGE_TIMEOUT: Final = 10.0
"""Seconds. The challenge is the first thing that a relay says, unasked."""


class LinkState(Enum):
    OFF = auto()
    GREETED = auto()  # the socket is open; the challenge has not come
    PROVING = auto()
    RESEATING = auto()
    DOOR = auto()
    MEMBER = auto()


Answer = Callable[[frames.Request | None], None]
F = TypeVar("F", bound=frames.Request)


@dataclass(frozen=True, slots=True)
class Proof:
    """How to answer a challenge: in which role, with which keys."""

    room: bytes
    role: str
    relay_key: SigningKey
    door: bytes | None = None
    door_key: SigningKey | None = None


class LinkUser(Protocol):
    """Who is told what the connection brings."""

    def on_greeted(self, challenge: frames.Challenge) -> None: ...
    def on_authenticated(self, answer: frames.Authenticated) -> None: ...
    def on_not_authenticated(self, code: str) -> None: ...
    def on_frame(self, frame: frames.Frame) -> None: ...


class Link:
    """The state machine of one connection after another."""

    def __init__(self, user: LinkUser, clock: Callable[[], float]) -> None:
        self._user = user
        self._clock = clock
        self._numbers = 0
        self._pending: dict[int, tuple[Answer, float]] = {}
        self._host = ""
        self._since = 0.0
        self._challenge: frames.Challenge | None = None
        self.state = LinkState.OFF
        self.outgoing: deque[bytes] = deque()
        self.hang_up = False
        """Set when the connection is to be dropped by whoever owns the socket."""

    @property
    def live(self) -> bool:
        return self.state is LinkState.MEMBER

    @property
    def authenticated(self) -> bool:
        return self.state in (LinkState.DOOR, LinkState.MEMBER, LinkState.RESEATING)

    # --- the socket ----------------------------------------------------------------------------

    def connected(self, host: str) -> None:
        """The socket is open; `host` is the Host header of its request."""
        self._host = host
        self._since = self._clock()
        self.hang_up = False
        self.outgoing.clear()
        self.state = LinkState.GREETED

    def disconnected(self) -> None:
        """The socket is gone. Every request that waits is told so."""
        self.state = LinkState.OFF
        self._challenge = None
        self.outgoing.clear()
        waiting, self._pending = list(self._pending.values()), {}
        for answer, _ in waiting:
            answer(None)

    def receive(self, data: bytes) -> None:
        """One binary message. What is not of the protocol ends the connection, nothing else."""
        try:
            frame = frames.from_relay(data)
        except Malformed:
            self.hang_up = True
            if self.state is LinkState.GREETED:
                self._user.on_not_authenticated("version")  # its first word is not one of ours
            return
        if isinstance(frame, frames.Challenge) and self.state is LinkState.GREETED:
            self._challenge = frame
            self.state = LinkState.PROVING
            self._user.on_greeted(frame)
        elif isinstance(frame, frames.Request):
            waiting = self._pending.pop(frame.n, None)
            if waiting is not None:
                waiting[0](frame)
        else:
            self._user.on_frame(frame)

    def tick(self) -> None:
        """Hang up when an answer is overdue."""
        now = self._clock()
        silent = self.state is LinkState.GREETED and now - self._since > CHALLENGE_TIMEOUT
        if silent or any(now - since > ANSWER_TIMEOUT for _, since in self._pending.values()):
            self.hang_up = True

    # --- requests ------------------------------------------------------------------------------

    def request(self, frame: Callable[[int], frames.Request], answer: Answer) -> None:
        """Send a request; `frame` builds it around its number. Raises `Malformed` (`bad_field`)."""
        self._numbers += 1
        data = frame(self._numbers).to_bytes()
        if len(data) > limits.FRAME:
            raise Malformed("too_large", "The message is larger than the relay takes.")
        if self.state in (LinkState.OFF, LinkState.GREETED):
            answer(None)  # it would be cleared, or refused before authentication
            return
        self._pending[self._numbers] = (answer, self._clock())
        self.outgoing.append(data)

    def authenticate(self, proof: Proof, opening: Signed | None = None) -> None:
        """Answer the challenge. `opening` goes along in role `reseat`."""
        challenge = self._challenge
        if challenge is None:
            return
        statement = ChallengeAnswer(
            VERSION,
            SUBPROTOCOL,
            self._host,
            proof.room,
            proof.role,
            proof.relay_key.public,
            proof.door,
            challenge.nonce,
        )
        signed = proof.relay_key.sign(Label.CHALLENGE, statement)
        by_door = (
            proof.door_key.sign(Label.CHALLENGE, statement).signature if proof.door_key else None
        )
        packed = opening.encode() if opening is not None else None
        self.request(
            lambda n: frames.Authenticate(n, signed.body, signed.signature, by_door, packed),
            self._on_auth,
        )

    def _on_auth(self, answer: frames.Request | None) -> None:
        if isinstance(answer, frames.Authenticated):
            self.state = {
                frames.ConnectionRole.MEMBER: LinkState.MEMBER,
                frames.ConnectionRole.DOOR: LinkState.DOOR,
                frames.ConnectionRole.RESEAT: LinkState.RESEATING,
            }.get(answer.role, LinkState.PROVING)
            if self.state is LinkState.PROVING:
                self.hang_up = True
            else:
                self._user.on_authenticated(answer)
        elif isinstance(answer, frames.Refused):
            self._user.on_not_authenticated(answer.code)

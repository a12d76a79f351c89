"""One connection to the relay at a time: challenge, authentication, requests and their answers.

    OFF ──connected──▶ GREETED ──challenge──▶ PROVING ──authenticated──▶ DOOR or MEMBER
                                                 │
                                                 └─ refused: `unknown_room`, and a facilitator
                                                    brings its state → RESTORING → OFF

Sans-I/O: bytes come in by `receive` and go out by `outgoing`. The function that goes with a request
is given its answer. When the connection drops, that function is given None, so no part of the
client waits for an answer that cannot come.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol, assert_never

from alcove_protocol import frames
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import RelayAnswer, RelayNotice
from alcove_protocol.labels import SUBPROTOCOL, VERSION, Label
from alcove_protocol.statements import ChallengeAnswer, Signed

from alcove.group.keys import SigningKey

ANSWER_TIMEOUT: Final = 30.0
"""Seconds. A relay that does not answer for so long is treated as gone."""
CHALLENGE_TIMEOUT: Final = 10.0
"""Seconds. The relay sends the challenge first, unasked."""
PONG_TIMEOUT: Final = 20.0
"""Seconds for the answer to a ping. No relay has to think about it, so a network that does not
bring it is gone."""


class LinkState(Enum):
    OFF = auto()
    GREETED = auto()  # the socket is open, the challenge has not come
    PROVING = auto()
    RESTORING = auto()
    DOOR = auto()
    AWAY = auto()  # a member that was let go: it may ask to be let in again, and no more
    MEMBER = auto()


OnAnswer = Callable[[RelayAnswer | None], None]
"""Is called once: with the relay's answer, or with None when the connection dropped before it."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How to answer a challenge: in which role, with which keys."""

    room: bytes
    role: str
    relay_key: SigningKey
    door: bytes | None = None
    door_key: SigningKey | None = None


class LinkUser(Protocol):
    """The link tells its user what the connection brings."""

    def on_greeted(self, challenge: frames.Challenge) -> None: ...
    def on_authenticated(self, answer: frames.Authenticated) -> None: ...
    def on_not_authenticated(self, code: str, generation: bytes | None) -> None: ...
    def on_notice(self, notice: RelayNotice) -> None: ...


class Link:
    """The state machine of one connection after another."""

    def __init__(self, user: LinkUser, clock: Callable[[], float]) -> None:
        self._user = user
        self._clock = clock
        self._numbers = 0
        self._pending: dict[int, tuple[OnAnswer, float]] = {}
        self._host = ""
        self._since = 0.0
        self._challenge: frames.Challenge | None = None
        self._told: tuple[float, float] | None = None
        self._pinged: float | None = None
        self._heard = 0.0
        self.state = LinkState.OFF
        self.outgoing: deque[bytes] = deque()
        self.hang_up = False
        """True when the owner of the socket is to drop the connection."""
        self.entries = 0
        """How often the relay took this client in."""

    @property
    def live(self) -> bool:
        return self.state is LinkState.MEMBER

    @property
    def takes_requests(self) -> bool:
        """Whether the relay may get a request that is made now. Before that it would be cleared, or
        refused."""
        return self.state not in (LinkState.OFF, LinkState.GREETED)

    @property
    def authenticated(self) -> bool:
        return self.state not in (LinkState.OFF, LinkState.GREETED, LinkState.PROVING)

    @property
    def may_ask(self) -> bool:
        """Whether a request to the facilitators can go out."""
        return self.state in (LinkState.MEMBER, LinkState.AWAY)

    def admitted(self) -> None:
        """The Welcome came, to a newcomer or to one that was away: a member from here on."""
        self.state = LinkState.MEMBER

    def relay_time(self) -> float | None:
        """Unix seconds at the relay now, by its last challenge. None before the first one."""
        if self._told is None:
            return None
        time, at = self._told
        return time + self._clock() - at

    @property
    def unanswered(self) -> float:
        """Seconds for which the relay has answered nothing that it was asked, and sent nothing
        else. 0 while it is asked nothing."""
        asked = [since for _, since in self._pending.values()]
        if self._pinged is not None:
            asked.append(self._pinged)
        return self._clock() - max(min(asked), self._heard) if asked else 0.0

    # --- the socket ----------------------------------------------------------------------------

    def connected(self, host: str) -> None:
        """The socket is open. `host` is the Host header of its request."""
        self._host = host
        self._since = self._heard = self._clock()
        self._pinged = None
        self.hang_up = False
        self.outgoing.clear()
        self.state = LinkState.GREETED

    def disconnected(self) -> None:
        """The socket is gone. Every pending request is told so."""
        self.state = LinkState.OFF
        self._challenge = None
        self.outgoing.clear()
        pending, self._pending = list(self._pending.values()), {}
        for answered, _ in pending:
            answered(None)

    def pinged(self) -> None:
        """The relay was asked for a sign of life. It has `PONG_TIMEOUT` seconds."""
        if self._pinged is None:
            self._pinged = self._clock()

    def ponged(self) -> None:
        """It gave the sign of life."""
        self._pinged, self._heard = None, self._clock()

    def receive(self, data: bytes) -> None:
        """One binary message. One that is not of the protocol ends the connection, no more."""
        self._heard = self._clock()
        try:
            frame = frames.from_relay(data)
        except Malformed:
            self.hang_up = True
            if self.state is LinkState.GREETED:
                self._user.on_not_authenticated("version", None)  # not a challenge of this version
            return
        match frame:
            case frames.Challenge():
                if self.state is LinkState.GREETED:
                    self._challenge = frame
                    self._told = (float(frame.time), self._clock())
                    self.state = LinkState.PROVING
                    self._user.on_greeted(frame)
            case frames.Answer():
                pending = self._pending.pop(frame.n, None)
                if pending is not None:
                    pending[0](frame)
            case frames.Notice():
                self._user.on_notice(frame)
            case _:
                assert_never(frame)

    def tick(self) -> None:
        """Hang up when an answer is overdue."""
        now = self._clock()
        # Refused, and not closed: a relay says after the refusal when to come again, and closes.
        refused = self.state is LinkState.PROVING and not self._pending
        waits = self.state is LinkState.GREETED or refused
        silent = waits and now - self._since > CHALLENGE_TIMEOUT
        gone = self._pinged is not None and now - self._pinged > PONG_TIMEOUT
        overdue = any(now - since > ANSWER_TIMEOUT for _, since in self._pending.values())
        if silent or gone or overdue:
            self.hang_up = True

    # --- requests ------------------------------------------------------------------------------

    def request(self, frame: Callable[[int], frames.Request], answered: OnAnswer) -> None:
        """Send a request. `frame` builds it around its number.

        Raises `Malformed`: `bad_field`, or `too_large` for a frame that the relay cannot take.
        """
        self._numbers += 1
        data = frame(self._numbers).to_bytes()
        if not self.takes_requests:
            answered(None)
            return
        self._pending[self._numbers] = (answered, self._clock())
        self.outgoing.append(data)

    def authenticate(self, proof: Proof, opening: Signed | None = None) -> None:
        """Answer the challenge. `opening`, entry 0, goes along in role `reseat`."""
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
            self._authentication_answered,
        )

    def _authentication_answered(self, answer: RelayAnswer | None) -> None:
        if isinstance(answer, frames.Authenticated):
            self.state = {
                frames.ConnectionRole.MEMBER: LinkState.MEMBER,
                frames.ConnectionRole.DOOR: LinkState.DOOR,
                frames.ConnectionRole.RESEAT: LinkState.RESTORING,
                frames.ConnectionRole.AWAY: LinkState.AWAY,
                frames.ConnectionRole.STANDBY: LinkState.DOOR,
            }.get(answer.role, LinkState.PROVING)
            if self.state is LinkState.PROVING:
                self.hang_up = True
            else:
                self.entries += 1
                self._user.on_authenticated(answer)
        elif isinstance(answer, frames.RequestRefused):
            self._user.on_not_authenticated(answer.code, answer.generation)

"""The talk at the door, for a newcomer that waits: short texts to the facilitators, and theirs.

A text is sealed to the lobby key of the card, with the invite's secret. What comes was sealed to
the reply key of the knock, which only facilitators know: neither the relay nor a holder of the link
can write in their name. It is shown once, whatever the relay sends twice.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import LobbyItem, RelayAnswer
from alcove_protocol.invite import Invite

from alcove import events
from alcove.errors import PASSING, AlcoveError, InvalidInput, NotNow, NotTrusted, Refused
from alcove.group.door_texts import TalkBody, TalkKind, fixed_text, text_of
from alcove.group.facilitator_seals import Reply, open_talk, seal_talk
from alcove.group.keys import Identity
from alcove.group.sealing import EPOCH_SIZE, NO_EPOCH, door_psk
from alcove.joining.tries import Try
from alcove.relay.ports import Ports

NOT_THERE: Final = (
    "No facilitator can be reached from here yet: your client is still on its way to the door, and "
    "goes on by itself. Nothing was sent; write again in a moment."
)
"""To a newcomer, and to a member that stepped outside."""
LOCKED: Final = (
    "The room's door is locked at the moment, so no facilitator can read what is said from "
    "outside. Nothing was sent. You are told when the door is open again."
)
"""To a member outside: the relay takes no knock at a locked door."""
Said = Callable[[AlcoveError | None], None]


def _nobody_asks(error: AlcoveError | None) -> None:
    """It was said before, with another knock."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One text on its way. The blob is for the knock with which it was said."""

    id: bytes
    blob: bytes = field(repr=False)
    kind: str
    text: str = field(repr=False)
    done: Said = field(repr=False)


class DoorVoice:
    """What is said while one knock waits. `renewed` is called when a text has renewed it."""

    def __init__(
        self,
        invite: Invite,
        identity: Callable[[], Identity],
        ports: Ports,
        renewed: Callable[[], None],
    ) -> None:
        self._invite = invite
        self._identity = identity
        self._link = ports.link
        self._emit = ports.emit
        self._random = ports.random
        self._renewed = renewed
        self._knock: Try | None = None
        self._sent = 0
        self._heard: set[tuple[bytes, int]] = set()
        self._unsent: list[_Line] = []
        self.locked = False
        """Whether the relay took no knock because the door is locked."""
        self._between = False
        """Whether the knock is taken back for a new one. What is said meanwhile goes with that."""
        self._coming: Said | None = None
        """Set when this member comes back from outside."""

    def knocked(self, knock: Try, lobby_key: bytes | None) -> None:
        """This knock waits. What was said with another one is over, but two things are said again
        with this one: what the relay did not take, since it forgets the knock when it forgets the
        room, and that a member comes back, whose knock may expire behind a locked door."""
        self._between = self.locked = False
        if self._knock is not knock:
            unsent, self._unsent = self._unsent, []
            coming, self._coming = self._coming, None
            self._knock, self._sent = knock, 0
            self._heard.clear()
            returns = [line.done for line in unsent if line.kind == TalkKind.INSIDE]
            if returns or coming is not None:
                self.come_back(lobby_key, returns[0] if returns else coming or _nobody_asks)
            for line in unsent:
                if line.kind == TalkKind.TEXT:
                    self._say_again(line, lobby_key)

    def knocks_anew(self) -> None:
        """The knock is taken back, and another one follows."""
        self._between = True

    def _say_again(self, line: _Line, lobby_key: bytes | None) -> None:
        try:
            self._say(line.kind, line.text, lobby_key, line.done)
        except NotNow as error:
            line.done(error)

    @property
    def comes_back(self) -> bool:
        """Whether this member said that they come back from outside."""
        return self._coming is not None

    def come_back(self, lobby_key: bytes | None, done: Said) -> None:
        """Say that this member comes back from outside, as soon as a knock waits. Raises `NotNow`
        (`talk_full`)."""
        if self._knock is None or lobby_key is None:
            self._coming = done
        else:
            self._coming = _nobody_asks
            self._say(TalkKind.INSIDE, "", lobby_key, done)

    def say(self, text: str, lobby_key: bytes | None, done: Said) -> None:
        """Raises `NotNow` (`not_waiting`, `talk_full`), `InvalidInput` (`text_empty`,
        `text_too_long`)."""
        if not text.strip():
            raise InvalidInput("text_empty", "There is nothing to say in that text.")
        if self.locked:
            raise NotNow("not_waiting", LOCKED)
        self._say(TalkKind.TEXT, text, lobby_key, done)

    def _say(self, kind: str, text: str, lobby_key: bytes | None, done: Said) -> None:
        knock = self._knock
        if knock is None or lobby_key is None:
            raise NotNow("not_waiting", NOT_THERE)
        if self._sent >= limits.DOOR_TALK:
            raise NotNow("talk_full", "No more can be said here; a facilitator decides now.")
        try:
            content = fixed_text(text)
        except Malformed:
            most = f"At the door a text has at most {limits.QUESTION} bytes."
            raise InvalidInput("text_too_long", most) from None
        self._sent += 1
        identity = self._identity()
        body = TalkBody(self._sent, kind, identity.name, content, knock.offer.reply.public)
        reply = Reply(self._invite.room, knock.id, identity.relay.public)
        psk = door_psk(self._invite)
        sealed = seal_talk(reply, lobby_key, body.encode(), psk, self._random)
        blob = NO_EPOCH.to_bytes(EPOCH_SIZE, "big") + sealed
        self._send(_Line(self._random(frames.ID_SIZE), blob, kind, text, done))

    def _send(self, line: _Line) -> None:
        def answered(answer: RelayAnswer | None) -> None:
            refused = answer if isinstance(answer, frames.RequestRefused) else None
            between = self._between and refused is not None and refused.code == "unknown_knock"
            if answer is None or between or (refused is not None and refused.code in PASSING):
                self._unsent.append(line)
            elif refused is not None:
                line.done(Refused.by_relay(refused.code))
            else:
                self._renewed()
                line.done(None)

        self._link.request(lambda n: frames.LobbyRequest(n, line.id, line.blob), answered)

    def send_unsent(self) -> None:
        """What the relay did not take yet goes once more, byte for byte: the knock waits there."""
        self._between = False
        unsent, self._unsent = self._unsent, []
        for line in unsent:
            self._send(line)

    def receive(self, item: LobbyItem) -> None:
        """A facilitator said something, or the relay made it up: then it does not open."""
        knock = self._knock
        if knock is None:
            return
        reply = Reply(self._invite.room, knock.id, item.key)
        psk = door_psk(self._invite)
        try:
            sealed = item.blob[EPOCH_SIZE:]
            body = TalkBody.decode(open_talk(reply, knock.offer.reply, sealed, psk))
            text = text_of(body.text)
        except (NotTrusted, Malformed):
            return
        known = (item.key, body.number)
        if known in self._heard or body.reply_key != knock.offer.reply.public:
            return
        self._heard.add(known)
        self._renewed()
        if body.kind == TalkKind.TEXT:
            self._emit(events.DoorSaid("", text, body.name))
        elif body.kind in (TalkKind.TAKEN, TalkKind.FREE):
            by = body.name if body.kind == TalkKind.TAKEN else ""
            self._emit(events.DoorTaken("", by))

    def close(self) -> None:
        """The talk is over: what was not said is not said any more."""
        unsent, self._unsent = self._unsent, []
        coming, self._coming = self._coming, None
        for done in [*(line.done for line in unsent), *([coming] if coming else [])]:
            done(NotNow("not_waiting", "You do not wait at the door any more."))

"""The talk at the door, for facilitators: short texts with a newcomer that waits.

    nobody's ──take──▶ this facilitator's ──gone for 90 s──▶ nobody's

One facilitator takes a talk, by a signed request that all facilitators read. The first one counts
in the order of the lobby, and the others keep out. When that one is gone, the first in line tells
the newcomer so. Each text is sealed with the invite's secret, to the lobby key or to the reply key
of the knock. So no participant reads it, nor one that holds the link too. It goes with the knock.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from alcove_protocol import frames, limits
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import LobbyItem, RelayAnswer
from alcove_protocol.sealed import RequestKind

from alcove import events
from alcove.errors import AlcoveError, InvalidInput, NotNow, NotTrusted, Refused
from alcove.facilitation.in_line import InLine
from alcove.facilitation.intents import Done, all_of
from alcove.facilitation.knock_check import WaitingKnock
from alcove.facilitation.lobby_keys import LobbyKeys
from alcove.facilitation.unsent import NotTaken
from alcove.group.door_texts import TalkBody, TalkKind, fixed_text, text_of
from alcove.group.facilitator_seals import Reply, open_talk, seal_talk
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.outcomes import Person
from alcove.group.sealing import EPOCH_SIZE
from alcove.messages.presence import Presence
from alcove.relay.link import OnAnswer
from alcove.relay.ports import Ports

GONE_AFTER: Final = 90.0
"""Seconds without a heartbeat after which a facilitator's talks are nobody's."""


Ask: TypeAlias = Callable[[str, bytes, bytes | None, OnAnswer], None]
"""Sends a signed request of a kind with a content and perhaps a reply key to all facilitators."""


@dataclass(slots=True)
class _Talk:
    """With one newcomer. `holder` is the MLS key of the facilitator that talks with them."""

    knock: WaitingKnock
    holder: bytes = b""
    sent: int = 0
    heard: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Line:
    """One text on its way, with the bytes that go again after a lost connection."""

    id: bytes
    to: bytes
    blob: bytes
    done: Done


def checked_text(text: str) -> bytes:
    """Return a text as the talk has it. Raises `InvalidInput` (`text_empty`, `text_too_long`)."""
    if not text.strip():
        raise InvalidInput("text_empty", "There is nothing to say in that text.")
    try:
        return fixed_text(text)
    except Malformed:
        most = f"At the door a text has at most {limits.QUESTION} bytes."
        raise InvalidInput("text_too_long", most) from None


class DoorTalk:
    """All talks at the door of one facilitator's client."""

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        lobby_keys: LobbyKeys,
        presence: Presence,
        in_line: InLine,
        ports: Ports,
        ask: Ask,
        wants_in: Callable[[WaitingKnock], None],
    ) -> None:
        self._wants_in = wants_in
        self._identity = identity
        self._membership = membership
        self._lobby_keys = lobby_keys
        self._presence = presence
        self._in_line = in_line
        self._ask = ask
        self._link = ports.link
        self._clock = ports.clock
        self._emit = ports.emit
        self._random = ports.random
        self._talks: dict[bytes, _Talk] = {}
        self._unsent: NotTaken[_Line] = NotTaken(ports.clock)
        self._not_asked: NotTaken[bytes] = NotTaken(ports.clock)
        """Knocks whose talk this client wants, and whose request the relay did not take."""
        self._here_at = ports.clock()
        """When this client was last connected and in step."""

    # --- what a person does --------------------------------------------------------------------

    def take(self, id: bytes) -> None:
        """Talk with this newcomer from now on: `DoorTaken` tells it, also if it is so already.
        Raises `NotNow` (`unknown_knock`, `door_taken`)."""
        if self._free(id).holder == self._own:
            self._emit(events.DoorTaken(id.hex(), self._membership.own.name))
        self._take(id)

    def _take(self, id: bytes) -> None:
        talk = self._free(id)
        if talk.holder != self._own:
            self._ask_for(id)
            self._line(talk, TalkKind.TAKEN, fixed_text(""), lambda error: None)

    def _ask_for(self, id: bytes) -> None:
        def answered(answer: RelayAnswer | None) -> None:
            self._not_asked.answered(answer, id)

        self._ask(RequestKind.TAKE, id, None, answered)

    def say(self, text: str, id: bytes | None, done: Done) -> None:
        """Say a short text to one newcomer, whose talk it takes, or to all that wait. Raises
        `InvalidInput` (`text_empty`, `text_too_long`), `NotNow` (`unknown_knock`, `door_taken`,
        `talk_full`, `nobody_waits`)."""
        content = checked_text(text)
        if id is not None:
            talk = self._free(id)
            self._take(id)
            self._line(talk, TalkKind.TEXT, content, done)
            return
        if not self._talks:
            raise NotNow("nobody_waits", "Nobody waits at the moment.")
        each = all_of(len(self._talks), done)
        for talk in self._talks.values():
            self._line(talk, TalkKind.TEXT, content, each)

    def _free(self, id: bytes) -> _Talk:
        talk = self._talks.get(id)
        if talk is None:
            raise NotNow("unknown_knock", "That person is no longer waiting.")
        other = self._membership.find_key(talk.holder)
        if other is not None and talk.holder != self._own:
            text = f"{other.name} talks with this person at the moment, so this was not done."
            raise NotNow("door_taken", text)
        return talk

    @property
    def _own(self) -> bytes:
        return self._membership.own.key

    # --- sending -------------------------------------------------------------------------------

    def _line(self, talk: _Talk, kind: str, content: bytes, done: Done) -> None:
        if talk.sent >= limits.DOOR_TALK:
            text = "No more can be said at the door. /admit lets this person in, /refuse does not."
            done(NotNow("talk_full", text))
            return
        talk.sent += 1
        knock, own = talk.knock, self._membership.own
        body = TalkBody(talk.sent, kind, own.name, content, knock.body.reply_key)
        group = self._membership.group
        reply = Reply(group.group_id, knock.id, self._identity.relay.public)
        sealed = seal_talk(reply, knock.body.reply_key, body.encode(), knock.psk, self._random)
        blob = group.epoch.to_bytes(EPOCH_SIZE, "big") + sealed  # as a vault begins
        self._send(_Line(self._random(frames.ID_SIZE), knock.body.relay_key, blob, done))

    def _send(self, line: _Line) -> None:
        def answered(answer: RelayAnswer | None) -> None:
            if self._unsent.goes_again(answer, line):
                return
            refused = answer if isinstance(answer, frames.RequestRefused) else None
            line.done(Refused.by_relay(refused.code) if refused is not None else self._late(line))

        self._link.request(lambda n: frames.LobbyRequest(n, line.id, line.blob, line.to), answered)

    def _late(self, line: _Line) -> NotNow | None:
        """Whether they were let in before the relay took this: as a member they read no talk."""
        person = self._membership.find_relay_key(line.to)
        if person is None:
            return None
        text = f"{person.name} came in meanwhile, and may not have read it."
        return NotNow("unknown_knock", text)

    def resumed(self) -> None:
        """Connected again: what the relay did not answer goes once more."""
        self._not_asked.resumed()
        self._unsent.resumed()
        self._send_again()

    def _send_again(self) -> None:
        """A text goes byte for byte. A talk is asked for while it is free: the first request
        counts, so twice is once."""
        for id in self._not_asked.due():
            if id in self._talks and not self._talks[id].holder:
                self._ask_for(id)
        for line in self._unsent.due():
            self._send(line)

    # --- receiving -----------------------------------------------------------------------------

    def knocked(self, knock: WaitingKnock) -> None:
        """A newcomer waits."""
        self._talks[knock.id] = _Talk(knock)

    def gone(self, id: bytes) -> None:
        """They wait no more: what was said goes."""
        self._talks.pop(id, None)

    def receive(self, item: LobbyItem) -> bool:
        """Take what a newcomer said. False for an item of a member."""
        talks = [one for one in self._talks.values() if one.knock.body.relay_key == item.key]
        for talk in talks:
            body = self._open(talk.knock, item)
            if body is not None and body.number not in talk.heard:
                talk.heard.add(body.number)
                if body.kind == TalkKind.INSIDE:
                    self._wants_in(talk.knock)
                    continue
                name = talk.knock.body.name
                self._emit(events.DoorSaid(talk.knock.id.hex(), text_of(body.text), name))
        return bool(talks)

    def _open(self, knock: WaitingKnock, item: LobbyItem) -> TalkBody | None:
        reply = Reply(self._membership.group.group_id, knock.id, item.key)
        for keys in self._lobby_keys.for_knocks():
            try:
                body = TalkBody.decode(open_talk(reply, keys, item.blob[EPOCH_SIZE:], knock.psk))
                text_of(body.text)
            except (NotTrusted, Malformed):
                continue
            genuine = body.reply_key == knock.body.reply_key
            said = body.kind in (TalkKind.TEXT, TalkKind.INSIDE)
            return body if genuine and said else None
        return None

    def taken(self, by: Person, id: bytes) -> None:
        """A facilitator's signed request, this client's own too: the first one counts."""
        talk = self._talks.get(id)
        if talk is not None and not talk.holder:
            talk.holder = by.key
            self._emit(events.DoorTaken(id.hex(), by.name))

    # --- time ----------------------------------------------------------------------------------

    def tick(self, *, ready: bool) -> None:
        """Give free what a facilitator held that is gone."""
        now = self._clock()
        away, self._here_at = now - self._here_at, now if ready else self._here_at
        if not ready:
            return
        self._send_again()
        for talk in self._talks.values():
            if talk.holder and self._is_gone(talk.holder, away):
                self._give_free(talk)

    def _is_gone(self, holder: bytes, away: float) -> bool:
        if holder == self._own:
            return away >= GONE_AFTER  # the others took it for gone
        facilitates = holder in self._membership.state.facilitator_keys()
        return not facilitates or not self._presence.heard_within(holder, GONE_AFTER)

    def _give_free(self, talk: _Talk) -> None:
        holder, talk.holder = talk.holder, b""
        self._emit(events.DoorTaken(talk.knock.id.hex(), ""))
        if holder != self._own and self._in_line.is_first(holder):
            self._line(talk, TalkKind.FREE, fixed_text(""), lambda error: None)

    def close(self, error: AlcoveError) -> None:
        """This client talks no more."""
        self._talks.clear()
        self._not_asked.take_all()
        for line in self._unsent.take_all():
            line.done(error)

"""The way in, as the newcomer walks it: card, agreement, knock, wait, Welcome.

    READING ──card verified──▶ ASKED ──accept──▶ KNOCKING ──taken──▶ WAITING ──Welcome──▶ (a member)
                                                     ▲                  │
                                                     └── the relay lost its memory: knock again

A newcomer can read nothing of the room before the Welcome: until then their client holds no key of
it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from alcove_protocol import frames
from alcove_protocol.frames import ConnectionRole, RelayAnswer
from alcove_protocol.invite import Invite
from alcove_protocol.position import Position

from alcove import events, mls
from alcove.errors import AlcoveError, NotNow, NotTrusted, Refused
from alcove.group.admission import enter, make_key_package
from alcove.group.keys import ROOM_SUITE, Identity, SigningKey, room_suite
from alcove.group.membership import Membership
from alcove.group.sealing import (
    KnockBody,
    door_psk,
    open_card,
    open_refusal,
    open_welcome,
    seal_knock,
    short_code,
)
from alcove.joining.card import CheckedCard, check_card
from alcove.relay.link import Proof
from alcove.relay.ports import Ports

REFUSAL_SENTENCES: Final = MappingProxyType(
    {
        "refused": "A facilitator did not let you in.",
        "name_taken": "A member has this name or one that looks like it; choose another.",
        "name_deceptive": "This name could mislead others; choose another.",
        "name_empty": "Choose a name with at least one letter or digit.",
        "name_too_long": "This name is too long; choose a shorter one.",
        "agreement": "The ground rules have changed; open the invite again and read them.",
        "room_full": "The room is full.",
        "clock_wrong": "This device's clock is wrong; set it right and try again.",
        "bad_key_package": "Your client sent something the facilitator's could not use; update it.",
        "expired": "No facilitator answered in time; knock again.",
    }
)


class Stage(Enum):
    READING = auto()
    ASKED = auto()
    KNOCKING = auto()
    WAITING = auto()


@dataclass(frozen=True, slots=True)
class Knocking:
    """One knock: the keys that open an answer to it."""

    id: bytes
    bundle: mls.KeyPackageBundle
    reply: mls.HpkeKeyPair


class Newcomer:
    """A client before it is in the room.

    `on_card` is called when the card was verified, `on_member` once, with the membership that the
    Welcome gives, and `fail` when the way in has ended.
    """

    def __init__(
        self,
        invite: Invite,
        identity: Identity,
        ports: Ports,
        *,
        accept: bool,
        on_card: Callable[[], None],
        on_member: Callable[[Membership, Position], None],
        fail: Callable[[AlcoveError], None],
    ) -> None:
        self.invite = invite
        self.identity = identity
        """The newcomer's keys. Once the card was read, they are in the room's suite."""
        self._link = ports.link
        self._emit = ports.emit
        self._wall = ports.wall
        self._random = ports.random
        self._accepted = accept
        self._on_card = on_card
        self._on_member = on_member
        self._fail = fail
        self._door_key = SigningKey.from_seed(invite.door_seed())
        self._knocking: Knocking | None = None
        self.stage = Stage.READING
        self.card: CheckedCard | None = None

    @property
    def knocked(self) -> bool:
        return self.stage in (Stage.KNOCKING, Stage.WAITING)

    def proof(self) -> Proof:
        return Proof(
            self.invite.room,
            ConnectionRole.DOOR,
            self.identity.relay,
            self.invite.door,
            self._door_key,
        )

    def authenticated(self, answer: frames.Authenticated) -> None:
        """At the door, again or for the first time."""
        if answer.role == ConnectionRole.MEMBER:
            return  # admitted while away: the Welcome follows
        if self.stage is Stage.READING:
            self._link.request(frames.ReadCard, self._card_answered)
        elif self.knocked and not answer.waiting:
            self._knock()

    def _card_answered(self, answer: RelayAnswer | None) -> None:
        if answer is None:
            return  # the connection dropped, and the next one reads it again
        if not isinstance(answer, frames.CardIs):
            self._refused(answer)
            return
        try:
            signed = open_card(self.invite, answer.number, answer.card)
            checked = check_card(signed, self.invite.room, answer.number)
            self.identity = self.identity.in_suite(room_suite(checked.card.suite))
        except (NotTrusted, NotNow) as error:
            self._fail(error)
            return
        self.card, card = checked, checked.card
        self.stage = Stage.ASKED
        self._emit(events.AgreementShown(card.agreement_version, checked.text, card.title))
        self._on_card()
        if self._accepted:
            self._knock()

    def accept(self) -> None:
        """Accept the agreement on the card and knock. Raises `NotNow` (`no_agreement`)."""
        if self.stage is Stage.READING:
            raise NotNow("no_agreement", "The ground rules have not arrived yet; wait a moment.")
        if self.stage is Stage.ASKED:
            self._accepted = True
            if self._link.authenticated:
                self._knock()
            else:
                # `authenticated` knocks. A knock of now would reach the relay behind the proof of
                # the keys and before its answer, and a second one would be refused.
                self.stage = Stage.KNOCKING

    def _knock(self) -> None:
        if self.card is None:
            return
        self.stage = Stage.KNOCKING
        self._wipe_knock()
        identity = self.identity
        bundle = make_key_package(identity, self.card.agreement, self._wall(), self._random)
        reply = mls.ciphersuite(ROOM_SUITE).hpke_keypair(self._random)
        knocking = Knocking(self._random(frames.ID_SIZE), bundle, reply)
        key_package = bundle.key_package.encode()
        body = KnockBody(
            identity.name, key_package, identity.relay.public, reply.public, self.card.agreement
        )
        sealed = seal_knock(self.invite, self.card.card.lobby_key, knocking.id, body, self._random)
        self._knocking = knocking
        code = short_code(key_package)

        def answered(answer: RelayAnswer | None) -> None:
            if isinstance(answer, frames.Done):
                first = self.stage is Stage.KNOCKING
                self.stage = Stage.WAITING
                if first:
                    self._emit(events.Waiting(code))
            elif answer is not None:
                self._refused(answer)

        self._link.request(lambda n: frames.Knock(n, knocking.id, sealed), answered)

    def _refused(self, answer: RelayAnswer) -> None:
        code = answer.code if isinstance(answer, frames.RequestRefused) else "malformed"
        self._fail(Refused.by_relay(code))

    def knock_refused(self, frame: frames.KnockRefused) -> None:
        """A facilitator refused, or the knock expired. An answer to another knock is ignored."""
        knocking = self._knocking
        if knocking is None or frame.id != knocking.id:
            return
        code = "expired"
        if frame.blob:
            try:
                code = open_refusal(
                    self.invite.room, knocking.reply, frame.blob, door_psk(self.invite)
                ).code
            except NotTrusted as error:
                self._fail(error)
                return
        code = code if code in REFUSAL_SENTENCES else "refused"
        self._fail(Refused(code, REFUSAL_SENTENCES[code]))

    def welcomed(self, frame: frames.WelcomeIs) -> None:
        """Compare the Welcome with the invite and the card, then become a member."""
        knocking, card = self._knocking, self.card
        if knocking is None or card is None:
            return  # unsolicited: this client has not knocked
        try:
            welcome = open_welcome(
                self.invite.room, knocking.reply, frame.welcome, door_psk(self.invite)
            )
            membership = enter(
                welcome,
                knocking.bundle,
                self.identity,
                card.opening,
                card.agreement,
                frame,
                now=self._wall(),
            )
        except NotTrusted as error:
            self._fail(error)
            return
        self._wipe_knock()
        self._door_key.wipe()
        self._on_member(membership, Position.decode(frame.position))

    def withdraw(self) -> None:
        """Take the knock back, when there is one, and forget everything."""
        if self.knocked:
            self._link.request(frames.Withdraw, lambda answer: None)
        self.wipe()

    def _wipe_knock(self) -> None:
        if self._knocking is not None:
            self._knocking.bundle.wipe()
            self._knocking.reply.private.wipe()
            self._knocking = None

    def wipe(self) -> None:
        self._wipe_knock()
        self._door_key.wipe()

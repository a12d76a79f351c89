"""The way in, as the newcomer walks it: card, agreement, knock, wait, Welcome.

    READING ──card verified──▶ ASKED ──accept──▶ KNOCKING ──taken──▶ WAITING ──Welcome──▶ (a member)
                                                     ▲                │  ▲
                                                     └────────────────┘  └─ on the list, and no
                          the relay lost its memory: knock again            Welcome came: ask again

Each try has keys of its own, since a facilitator takes no KeyPackage twice. The last five are
kept: a Welcome may be late. One that answers none of them is ignored, and the newcomer asks again.

A newcomer can read nothing of the room before the Welcome: until then their client holds no key of
it.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from alcove_protocol import frames, limits
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
    seal_late_knock,
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
        "no_welcome": "You were let in, but the room's keys never came; ask for a new invite.",
    }
)


WELCOME_PATIENCE: Final = 10.0
"""Seconds in which the relay hands over the Welcome to a newcomer who is on the list."""
ASK_AGAIN: Final = 60.0
"""Seconds after which a newcomer without a Welcome asks again."""
UNANSWERED: Final = limits.KNOCK_TTL + 60.0
"""Seconds after which a knock has been answered or has expired. A newcomer who was told neither
connects anew, and learns whether they are on the list. A relay where the knock still waits lies, or
its clock stands still: then nothing is to be waited for."""
WELCOME_NEVER: Final = float(limits.ABANDONED_AFTER)
"""Seconds on the list after which no Welcome will come: a member of whom something was heard is not
let in again without their old keys."""
TRIES_KEPT: Final = 5
"""The knock, and as many requests as the relay keeps of one member: a facilitator who comes back
answers the oldest."""
PASSING: Final = frozenset({"busy", "rate_limited", "too_many_knocks", "unavailable"})
"""Refusals that end by themselves: a newcomer waits, and asks again."""
FULL_WAIT: Final = 15.0
"""Seconds, and up to twice as many: a crowd does not come back all at once."""
DOOR_FULL: Final = (
    "The relay could not take you to the door yet. Stay here: your client asks again about twice a "
    "minute."
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

    def wipe(self) -> None:
        self.bundle.wipe()
        self.reply.private.wipe()


class Newcomer:
    """A client before it is in the room.

    With `accept` the person accepts whatever the card says. `before` is the card that they read and
    accepted at this door before. `on_card` is called when the card was verified,
    `on_member` once, with the membership that the Welcome gives, and `fail` when the way in has
    ended.
    """

    def __init__(
        self,
        invite: Invite,
        identity: Identity,
        ports: Ports,
        *,
        accept: bool,
        before: CheckedCard | None = None,
        on_card: Callable[[], None],
        on_member: Callable[[Membership, Position], None],
        fail: Callable[[AlcoveError], None],
    ) -> None:
        self.invite = invite
        self.identity = identity
        """The newcomer's keys. Once the card was read, they are in the room's suite."""
        self._link = ports.link
        self._emit = ports.emit
        self._clock = ports.clock
        self._wall = ports.wall
        self._random = ports.random
        self._accepted = accept
        self._accepted_before = before.agreement if before is not None else None
        self._on_card = on_card
        self._on_member = on_member
        self._fail = fail
        self._door_key = SigningKey.from_seed(invite.door_seed())
        self._tries: deque[Knocking] = deque()
        self._late_at: float | None = None
        self._late_since: float | None = None
        self._unanswered = False
        self._knocked_at = 0.0
        self._withdrew = False
        self._knocked_late = False
        self._again_at: float | None = None
        self._told_to_wait = False
        self.stage = Stage.READING
        self._told_unopened = False
        self.card = before

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
            # Admitted while away: the Welcome follows, unless the relay has lost it.
            self._late_at = self._clock() + WELCOME_PATIENCE
            self._late_since = self._clock() if self._late_since is None else self._late_since
            self._link.hang_up = self.card is None  # and a newcomer without a card has not knocked
            return
        self._late_at = self._late_since = None
        if self.stage is Stage.READING or not answer.waiting:
            self._go_on()
        elif self._unanswered:
            self._give_up("expired")

    def _go_on(self) -> None:
        """Ask what is to be asked now, for the first time or again."""
        self._again_at = None
        if self.stage is Stage.READING:
            self._link.request(frames.ReadCard, self._card_answered)
        elif self.knocked:
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
        if self._accepted or checked.agreement == self._accepted_before:
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

    def tick(self) -> None:
        """Ask again for a Welcome that did not come."""
        if self.stage is Stage.WAITING and self._clock() - self._knocked_at > UNANSWERED:
            self._knocked_at, self._unanswered = self._clock(), True
            self._link.hang_up = True
        if self._late_since is not None and self._clock() - self._late_since > WELCOME_NEVER:
            self._give_up("no_welcome")
            return
        again = self._again_at is not None and self._clock() >= self._again_at
        if again and self._link.authenticated:
            self._go_on()
        if self._late_at is None or self.card is None or not self._link.live:
            return
        if self._clock() >= self._late_at:
            self._late_at = self._clock() + ASK_AGAIN
            knocking, body = self._new_try(self.card)
            lobby_key = self.card.card.lobby_key
            sealed = seal_late_knock(self.invite, lobby_key, knocking.id, body, self._random)
            request = frames.LobbyRequest
            self._link.request(lambda n: request(n, knocking.id, sealed), lambda answer: None)

    def _new_try(self, card: CheckedCard) -> tuple[Knocking, KnockBody]:
        identity = self.identity
        bundle = make_key_package(identity, card.agreement, self._wall(), self._random)
        reply = mls.ciphersuite(ROOM_SUITE).hpke_keypair(self._random)
        knocking = Knocking(self._random(frames.ID_SIZE), bundle, reply)
        if len(self._tries) == TRIES_KEPT:
            self._tries.popleft().wipe()
        self._tries.append(knocking)
        return knocking, KnockBody(
            identity.name,
            bundle.key_package.encode(),
            identity.relay.public,
            reply.public,
            card.agreement,
        )

    def _knock(self) -> None:
        if self.card is None:
            return
        self.stage, self._unanswered = Stage.KNOCKING, False
        knocking, body = self._new_try(self.card)
        sealed = seal_knock(self.invite, self.card.card.lobby_key, knocking.id, body, self._random)
        code = short_code(body.key_package)

        def answered(answer: RelayAnswer | None) -> None:
            if isinstance(answer, frames.Done):
                self._withdrew = self._knocked_late = False
                first = self.stage is Stage.KNOCKING
                self.stage, self._knocked_at = Stage.WAITING, self._clock()
                if first:
                    self._emit(events.Waiting(code))
            elif answer is not None and not self._withdraw_earlier(answer):
                self._refused(answer)

        self._link.request(lambda n: frames.Knock(n, knocking.id, sealed), answered)

    def _withdraw_earlier(self, answer: RelayAnswer) -> bool:
        """Whether the relay refuses because an earlier knock waits. It took that one only after
        this client came back. Then withdraw it and knock anew: the person sees this one's code.

        A relay that says so again, at once, is not asked a third time.
        """
        known = isinstance(answer, frames.RequestRefused) and answer.code == "already_waiting"
        if not known or self._withdrew:
            return False
        self._withdrew = True

        def withdrawn(answer: RelayAnswer | None) -> None:
            if answer is not None:  # without a connection, the next one knocks
                self._knock()

        self._link.request(frames.Withdraw, withdrawn)
        return True

    def _came_too_late(self, code: str) -> bool:
        """Whether this knock met the admission of an earlier one. Then the connection is
        a member's, which may not knock. The next one is, too, and brings the Welcome.

        A relay that says so again is not believed."""
        if code != "not_allowed" or self._knocked_late:
            return False
        self._knocked_late = self._link.hang_up = True
        return True

    def _refused(self, answer: RelayAnswer) -> None:
        code = answer.code if isinstance(answer, frames.RequestRefused) else "malformed"
        if self.knocked and self._came_too_late(code):
            return
        if code not in PASSING:
            self._fail(Refused.by_relay(code))
            return
        # Many people come by one link at once. What is full now has room in a while.
        wait = FULL_WAIT + int.from_bytes(self._random(2), "big") / 2**16 * FULL_WAIT
        self._again_at = self._clock() + wait
        if not self._told_to_wait:
            self._told_to_wait = True
            self._emit(events.Problem("door_full", DOOR_FULL))

    def knock_refused(self, frame: frames.KnockRefused) -> None:
        """A facilitator refused, or the knock expired. An answer to another knock is ignored."""
        knocking = self._tries[-1] if self._tries else None
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
        self._give_up(code if code in REFUSAL_SENTENCES else "refused")

    def _give_up(self, code: str) -> None:
        self._fail(Refused(code, REFUSAL_SENTENCES[code]))

    def welcomed(self, frame: frames.WelcomeIs) -> None:
        """Compare the Welcome with the invite and the card, then become a member."""
        card = self.card
        if not self._tries or card is None:
            return  # unsolicited: this client has not knocked
        try:
            knocking, welcome = self._opened(frame.welcome)
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
            if error.code == "cannot_open":
                self._not_opened(error)
            else:
                self._fail(error)
            return
        self.wipe()
        self._on_member(membership, Position.decode(frame.position))

    def _not_opened(self, error: NotTrusted) -> None:
        """A Welcome answers no try: it is older than those kept, or the relay's own work. By a new
        connection a newcomer learns whether they are on the list, and asks for another Welcome."""
        if not self._told_unopened:
            self._told_unopened = True
            self._emit(events.Problem(error.code, error.text))
        if self._late_at is None:
            self._link.hang_up = True

    def _opened(self, sealed: bytes) -> tuple[Knocking, bytes]:
        """The try that it answers, and the Welcome. Raises `NotTrusted`."""
        for knocking in reversed(self._tries):
            try:
                psk = door_psk(self.invite)
                return knocking, open_welcome(self.invite.room, knocking.reply, sealed, psk)
            except NotTrusted:
                continue
        text = "A Welcome came that does not open: it is old, or was altered. Asking again."
        raise NotTrusted("cannot_open", text)

    def withdraw(self) -> None:
        """Take the knock back, when there is one, and forget everything."""
        if self.knocked:
            self._link.request(frames.Withdraw, lambda answer: None)
        self.wipe()

    def wipe(self) -> None:
        """Forget the keys of every try, and the door's."""
        while self._tries:
            self._tries.pop().wipe()
        self._door_key.wipe()

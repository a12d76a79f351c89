"""The way in, as the newcomer walks it: card, agreement, knock, wait, Welcome.

    READING ──card verified──▶ ASKED ──accept──▶ KNOCKING ──taken──▶ WAITING ──Welcome──▶ (a member)
                                                     ▲                  │
                                                     └── the relay lost its memory: knock again

Nothing of the room can be read before the Welcome: until then this client holds no key of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from alcove_protocol import frames, limits
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import ConnectionRole
from alcove_protocol.invite import Invite
from alcove_protocol.position import Position
from alcove_protocol.roster import Entry
from alcove_protocol.statements import Opening, Signed

from alcove import events, mls
from alcove.errors import AlcoveError, NotNow, NotTrusted, Refused
from alcove.group.extensions import LEAF_EXTENSION, LeafExtension, capabilities
from alcove.group.keys import ROOM_SUITE, Identity, SigningKey, room_suite
from alcove.group.membership import Membership
from alcove.group.sealing import (
    KnockBody,
    open_card,
    open_refusal,
    open_welcome,
    seal_knock,
    short_code,
)
from alcove.joining.trust import CheckedCard, accept_welcome, check_card, roster_of_welcome
from alcove.relay.link import Link, Proof

KEY_PACKAGE_LIFE = 24 * 3600
KEY_PACKAGE_PAST = 3600
"""Seconds. A KeyPackage is for one knock; an hour of the past forgives a fast clock."""

REFUSAL_SENTENCES = {
    "refused": "A facilitator did not let you in.",
    "name_taken": "Somebody in the room has this name or one that looks like it; choose another.",
    "name_deceptive": "This name could mislead others; choose another.",
    "name_empty": "Choose a name with at least one letter or digit.",
    "name_too_long": "This name is too long; choose a shorter one.",
    "agreement": "The ground rules have changed; open the invite again and read them.",
    "room_full": "The room is full.",
    "clock_wrong": "This device's clock is wrong; set it right and try again.",
    "bad_key_package": "Your client sent something the facilitator's could not use; update it.",
    "expired": "Nobody answered in time; knock again.",
}


class Stage(Enum):
    READING = auto()
    ASKED = auto()
    KNOCKING = auto()
    WAITING = auto()


@dataclass(frozen=True, slots=True)
class Knocking:
    """One knock: what only its maker can open an answer to."""

    id: bytes
    bundle: mls.KeyPackageBundle
    reply: mls.HpkeKeyPair


def leaf_extensions(identity: Identity, agreement: bytes) -> tuple[mls.Extension, ...]:
    """What a leaf says beside its MLS keys; `agreement` is the hash that was accepted."""
    content = LeafExtension(1, identity.relay.public, identity.desk.public, agreement)
    return (mls.Extension(LEAF_EXTENSION, content.encode()),)


def leaf_lifetime(now: float) -> mls.Lifetime:
    """How long a leaf that was not renewed may be added; `now` in Unix seconds."""
    return mls.Lifetime(max(0, int(now) - KEY_PACKAGE_PAST), int(now) + KEY_PACKAGE_LIFE)


def room_policy(members: int) -> mls.Policy:
    """The bounds of a room of at most `members`, the same for all of them. A member that was away
    for a day has an expired leaf, which keeps nobody else out."""
    return mls.Policy(
        max_leaves=members,
        max_lifetime=KEY_PACKAGE_PAST + KEY_PACKAGE_LIFE,
        accept_expired_members=True,
    )


def make_key_package(
    identity: Identity, agreement: bytes, now: float, random: Callable[[int], bytes]
) -> mls.KeyPackageBundle:
    """A KeyPackage for one admission; `now` in Unix seconds."""
    return mls.KeyPackageBundle.create(
        identity.suite,
        identity.signature,
        mls.Credential.basic(identity.name.encode()),
        capabilities(identity.suite),
        leaf_lifetime(now),
        leaf_extensions=leaf_extensions(identity, agreement),
        rng=random,
    )


class Newcomer:
    """Before the room. `on_member` is called once, with the membership that the Welcome gives."""

    def __init__(
        self,
        invite: Invite,
        identity: Identity,
        link: Link,
        emit: Callable[[events.Event], None],
        wall: Callable[[], float],
        random: Callable[[int], bytes],
        *,
        accept: bool,
    ) -> None:
        self.invite = invite
        self.identity = identity
        """Who one is; once the card was read, in the room's suite."""
        self._link = link
        self._emit = emit
        self._wall = wall
        self._random = random
        self._accepted = accept
        self._door_key = SigningKey.from_seed(invite.door_seed())
        self._knocking: Knocking | None = None
        self.stage = Stage.READING
        self.card: CheckedCard | None = None
        self.fail: Callable[[AlcoveError], None] = lambda error: None
        self.on_card: Callable[[], None] = lambda: None
        self.on_member: Callable[[Membership, Position], None] = lambda member, at: None

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
            self._link.request(frames.ReadCard, self._card_came)
        elif self.knocked and not answer.waiting:
            self._knock()

    def _card_came(self, answer: frames.Request | None) -> None:
        if answer is None:
            return  # the connection dropped; it is read again on the next
        if not isinstance(answer, frames.CardIs):
            self._refused(answer)
            return
        try:
            signed = open_card(self.invite, answer.number, answer.card)
            checked = check_card(signed, self.invite.room, answer.number)
            self.identity = self.identity.in_suite(room_suite(checked.card.suite))
        except (NotTrusted, NotNow) as error:
            self.fail(error)
            return
        self.card, card = checked, checked.card
        self.stage = Stage.ASKED
        self._emit(events.AgreementShown(card.agreement_version, card.agreement, card.title))
        self.on_card()
        if self._accepted:
            self._knock()

    def accept(self) -> None:
        """Accept the agreement on the card and knock. Raises `NotNow` (`no_agreement`)."""
        if self.stage is Stage.READING:
            raise NotNow("no_agreement", "The ground rules have not arrived yet; wait a moment.")
        if self.stage is Stage.ASKED:
            self._accepted = True
            self._knock()

    def _knock(self) -> None:
        if self.card is None:
            return
        self.stage = Stage.KNOCKING
        self._wipe_knock()
        identity = self.identity
        bundle = make_key_package(identity, self.card.agreement, self._wall(), self._random)
        reply = mls.ciphersuite(ROOM_SUITE).hpke_keypair(self._random)
        knocking = Knocking(self._random(16), bundle, reply)
        key_package = bundle.key_package.encode()
        body = KnockBody(
            identity.name, key_package, identity.relay.public, reply.public, self.card.agreement
        )
        sealed = seal_knock(self.invite, self.card.card.lobby_key, knocking.id, body, self._random)
        self._knocking = knocking
        code = short_code(key_package)

        def answered(answer: frames.Request | None) -> None:
            if isinstance(answer, frames.Done):
                first = self.stage is Stage.KNOCKING
                self.stage = Stage.WAITING
                if first:
                    self._emit(events.Waiting(code))
            elif answer is not None:
                self._refused(answer)

        self._link.request(lambda n: frames.Knock(n, knocking.id, sealed), answered)

    def _refused(self, answer: frames.Request) -> None:
        code = answer.code if isinstance(answer, frames.Refused) else "malformed"
        self.fail(Refused.by_relay(code))

    def knock_refused(self, frame: frames.KnockRefused) -> None:
        """A facilitator said no, or nobody answered. Of another knock: ignored."""
        knocking = self._knocking
        if knocking is None or frame.id != knocking.id:
            return
        code = "expired"
        if frame.blob:
            try:
                code = open_refusal(self.invite.room, knocking.reply, frame.blob).code
            except NotTrusted as error:
                self.fail(error)
                return
        sentence = REFUSAL_SENTENCES.get(code, REFUSAL_SENTENCES["refused"])
        self.fail(Refused(code if code in REFUSAL_SENTENCES else "refused", sentence))

    def welcomed(self, frame: frames.WelcomeIs) -> None:
        """Hold the Welcome against the invite and the card; then be a member."""
        knocking, card = self._knocking, self.card
        if knocking is None or card is None:
            return  # unsolicited: this client has not knocked
        try:
            membership = self._enter(knocking, card, frame)
        except NotTrusted as error:
            self.fail(error)
            return
        self._wipe_knock()
        self._door_key.wipe()
        self.on_member(membership, Position.decode(frame.position))

    def _enter(self, knocking: Knocking, card: CheckedCard, frame: frames.WelcomeIs) -> Membership:
        room, entry = self.invite.room, Signed(frame.entry, frame.signature)
        welcome = open_welcome(room, knocking.reply, frame.welcome)
        return enter(
            welcome,
            knocking.bundle,
            self.identity,
            card.opening,
            card.agreement,
            entry,
            frame,
            now=self._wall(),
        )

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


def enter(
    welcome: bytes,
    bundle: mls.KeyPackageBundle,
    identity: Identity,
    opening: Opening,
    accepted: bytes,
    entry: Signed,
    frame: frames.WelcomeIs,
    *,
    now: float,
) -> Membership:
    """Open a Welcome, check it, and only then join; `now` in Unix seconds. Raises `NotTrusted`
    (`bad_welcome`)."""
    try:
        policy = room_policy(opening.members)
        staged = mls.Group.open_welcome(
            welcome, bundle, identity.signature, policy=policy, now=int(now)
        )
        room = opening.previous
        try:
            accept_welcome(staged, opening, room, accepted)
            roster = roster_of_welcome(staged, entry, room)
        except NotTrusted:
            staged.drop()
            raise
        commit = Entry.decode(entry.body, limit=limits.ENTRY).commit
        group = staged.accept()
    except (mls.MLSError, Malformed):
        raise NotTrusted(
            "bad_welcome", "The way into the room is not genuine; ask for a new invite."
        ) from None
    membership = Membership(group, roster, Position.decode(frame.position), commit)
    membership.hold_roster_against_tree()
    return membership

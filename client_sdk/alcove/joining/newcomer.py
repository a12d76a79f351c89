"""The way in, as the newcomer walks it: card, agreement, knock, wait, Welcome.

    READING ──card verified──▶ ASKED ──accept──▶ KNOCKING ──taken──▶ WAITING ──Welcome──▶ (a member)
                                                     ▲                │  ▲
                                                     └────────────────┘  └─ on the list, and no
              the relay lost its memory, or took a knock            Welcome came: ask again
              and could not say so: knock again

A Welcome may be late, and answers one of the last tries. One that answers none of them is ignored,
and the newcomer asks again. Before it a newcomer can read nothing: their client holds no key.
"""

from collections.abc import Callable
from dataclasses import replace

from alcove_protocol import frames
from alcove_protocol.frames import ConnectionRole, RelayAnswer
from alcove_protocol.invite import Invite
from alcove_protocol.position import Position

from alcove import events
from alcove.errors import AlcoveError, NotNow, NotTrusted, Refused
from alcove.group.admission import enter
from alcove.group.keys import Identity, SigningKey, room_suite
from alcove.group.membership import Membership
from alcove.group.sealing import (
    KnockBody,
    door_psk,
    open_refusal,
    seal_knock,
    seal_late_knock,
    short_code,
)
from alcove.joining import patience
from alcove.joining.card import CheckedCard, read_card
from alcove.joining.door_voice import DoorVoice, Said
from alcove.joining.door_watch import LOOK_AGAIN, DoorWatch
from alcove.joining.door_words import (
    DOOR_FULL,
    KNOCK_DROPPED,
    OUTSIDE_LOCKED,
    OUTSIDE_OPEN,
    REFUSAL_SENTENCES,
    RULES_CHANGED,
    checked_answer,
    contact_of,
    helplines_of,
    refusal_sentence,
    refused_by_relay,
    way_back_closed,
)
from alcove.joining.stages import Stage
from alcove.joining.todays_word import NO_WORD
from alcove.joining.tries import Tries, Try, Unanswered
from alcove.messages.agreements import Agreements
from alcove.relay.link import LinkState, Proof
from alcove.relay.ports import Ports


class Newcomer:
    """A client before it is in the room.

    With `accept` the person accepts any agreement that the card has. `before` is the card that they
    read and accepted at this door before. `outside` is the hash of the rules that a member accepted
    that stepped outside. `word` is of their word for today, when they chose one before. `on_card`
    is called when the card was verified, `on_member` once, with the membership that the Welcome
    gives and what is still unanswered, and `fail` when the way in has ended.
    """

    def __init__(
        self,
        invite: Invite,
        identity: Identity,
        ports: Ports,
        *,
        accept: bool,
        agreements: Agreements,
        before: CheckedCard | None = None,
        outside: bytes = b"",
        word: bytes = NO_WORD,
        on_card: Callable[[], None],
        on_member: Callable[[Membership, Position, Unanswered], None],
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
        self._agreements = agreements
        self._accepted_before = outside or (before.agreement if before is not None else None)
        self.outside = bool(outside)
        self._answer = ""
        self.word = word
        self._on_card = on_card
        self._on_member = on_member
        self._fail = fail
        self._door_key = SigningKey.from_seed(invite.door_seed())
        self._tries = Tries(invite, ports.random)
        self.voice = DoorVoice(invite, lambda: self.identity, ports, self._renewed)
        self._listed_since: float | None = None
        """Since when this newcomer has been on the relay's list, without a Welcome."""
        self._ask_at = 0.0
        self._knocked_at = 0.0
        """When the relay took the knock, or the first of several that it dropped."""
        self._lobby_keys_since = 0
        """How many other lobby keys were on the card since the knock was sealed to one."""
        self._sealed_to = b""
        """The lobby key of the knock."""
        self._anew_from = 0.0
        """From when on another lobby key on the card may cost one more knock."""
        self._dropped = False
        self._believed: set[str] = set()
        """Which refusals `patience.EARLIER` were believed since the relay last took a knock."""
        self._again_at: float | None = None
        self._told: set[str] = set()
        self._watch = DoorWatch(
            invite,
            ports,
            lambda: self.stage is Stage.WAITING and ports.link.state is LinkState.DOOR,
            self._card_seen,
        )
        self.stage = Stage.READING
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
            self._ask_at = self._clock() + patience.WELCOME_PATIENCE
            if self._listed_since is None:
                self._listed_since = self._clock()
            self._link.hang_up = self.card is None  # and a newcomer without a card has not knocked
            return
        self._listed_since = None
        if self.stage is not Stage.WAITING or not answer.waiting:
            # A knock that waits without this client's knowledge is taken back for a new one.
            self._go_on()
        elif self._unanswered:
            self._give_up("expired")
        else:
            self.voice.send_unsent()

    @property
    def talk_key(self) -> bytes | None:
        """The lobby key to which what is said at the door is sealed. None while none waits."""
        return self.card.card.lobby_key if self.card and self.stage is Stage.WAITING else None

    def _renewed(self) -> None:
        """A text of the talk renews the knock at the relay."""
        self._knocked_at = self._clock()

    @property
    def _unanswered(self) -> bool:
        """Whether nothing was heard of the knock for longer than a relay keeps one."""
        silent = self._clock() - self._knocked_at
        return self.stage is Stage.WAITING and silent > patience.UNANSWERED

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
            checked = read_card(self.invite, answer)
            self.identity = self.identity.in_suite(room_suite(checked.card.suite))
        except (NotTrusted, NotNow) as error:
            self._fail(error)
            return
        self.card, card = checked, checked.card
        self.stage = Stage.ASKED
        self._agreements.begin(checked.ground_rules, card.title)
        question = card.question or ""
        # A program that accepts unread has not answered. A former member was asked before.
        before = checked.agreement == self._accepted_before
        accepted = before or (self._accepted and not question)
        shown = self._agreements.shown_event(checked.ground_rules, asked=not accepted)
        if not (self.outside and accepted):
            self._emit(replace(shown, question=question))
        self._on_card()
        if accepted:
            self._knock()

    def _card_seen(self, checked: CheckedCard) -> None:
        """The lobby key may be another since: what is said goes to the present one.

        Whoever was appointed since cannot open a knock of before, and the earlier facilitators may
        be gone. So one that comes back from outside, whom a client lets in, knocks anew. Whoever
        waits has time, and may be in a talk, which ends with their knock. They wait for a second
        change: as a rule whoever makes the first was told the key before it, and sees them.
        Each knock brings a look at once, so a relay that shows cards in turn would have a client
        knock without end, and each knock is told to a person: one is made in `LOOK_AGAIN` seconds.
        """
        if self.card is None or checked.agreement != self.card.agreement:
            return
        if checked.card.lobby_key == self._sealed_to:
            self._lobby_keys_since = 0
        elif checked.card.lobby_key != self.card.card.lobby_key:
            self._lobby_keys_since += 1
        self.card = checked
        many, now = self._lobby_keys_since >= (1 if self.voice.comes_back else 2), self._clock()
        if many and now >= self._anew_from:
            self._anew_from = now + LOOK_AGAIN
            self._knock_anew(lambda: None)  # the next look at the card tries again

    def come_back(self, done: Said) -> None:
        """Say that this member comes back from outside. Raises `NotNow` (`talk_full`)."""
        self.voice.come_back(self.talk_key, done)
        self._watch.look_now()

    def accept(self, version: int | None = None, answer: str = "", word: bytes = NO_WORD) -> None:
        """Accept the agreement on the card and knock. `version` is the one that the person read,
        `answer` is to the question that the card asks, and `word` is made of their word for today.

        Raises `NotNow` (`no_agreement`, `agreement_changed`, `no_answer`), `InvalidInput`
        (`bad_answer`).
        """
        if self.stage is Stage.READING:
            raise NotNow("no_agreement", "The ground rules have not arrived yet; wait a moment.")
        if self.card is not None and version not in (None, self.card.card.agreement_version):
            raise NotNow("agreement_changed", RULES_CHANGED)
        if self.stage is Stage.ASKED:
            self._answer = checked_answer(answer, asked=bool(self.card and self.card.card.question))
            self.word = word if word != NO_WORD else self.word
            if self._link.authenticated:
                self._knock()
            else:
                # `authenticated` knocks. A knock of now would reach the relay behind the proof of
                # the keys and before its answer, and a second one would be refused.
                self.stage = Stage.KNOCKING

    def tick(self) -> None:
        """Look what is due: the Welcome, an answer to the knock, or what the relay put off."""
        self._watch.tick()
        if self._listed_since is not None:
            self._expect_welcome(self._listed_since)
        elif not self._link.authenticated:
            pass  # `authenticated` goes on
        elif self._unanswered:
            self._link.hang_up = True
        elif self._again_at is not None and self._clock() >= self._again_at:
            self._go_on()

    def _expect_welcome(self, listed_since: float) -> None:
        """Ask for a Welcome that did not come, as long as one can come."""
        now = self._clock()
        if now - listed_since > patience.WELCOME_NEVER:
            self._give_up("no_welcome")
        elif self.card is not None and self._link.live and now >= self._ask_at:
            self._ask_at = now + patience.ASK_AGAIN
            made, body = self._try(self.card, late=True)
            id, key = made.id, self.card.card.lobby_key
            sealed = seal_late_knock(self.invite, key, id, body, self._random)
            self._link.request(lambda n: frames.LobbyRequest(n, id, sealed), lambda answer: None)

    def _try(self, card: CheckedCard, *, late: bool = False) -> tuple[Try, KnockBody]:
        asked = (self.identity, card.agreement, self._answer, self.word, self._wall())
        return self._tries.make(*asked, late=late)

    def _knock(self) -> None:
        if self.card is None:
            return
        self.stage = Stage.KNOCKING
        self._sealed_to, self._again_at = self.card.card.lobby_key, None
        made, body = self._try(self.card)
        sealed = seal_knock(self.invite, self.card.card.lobby_key, made.id, body, self._random)
        code = short_code(body.key_package)

        def answered(answer: RelayAnswer | None) -> None:
            if isinstance(answer, frames.Done):
                self._believed.clear()
                self.stage = Stage.WAITING
                if not self._dropped or self.outside:  # that one waits as long as it likes
                    self._knocked_at = self._clock()
                self._dropped = False
                self.voice.knocked(made, self.talk_key)
                self._tell_waiting(code)
                self._watch.knocked()
            elif answer is not None:
                self._refused(answer)

        self._link.request(lambda n: frames.Knock(n, made.id, sealed), answered)

    def _tell_waiting(self, code: str) -> None:
        if self.outside:
            self._tell_outside()
            if "outside_locked" in self._told:
                self._told.discard("outside_locked")  # it may be locked again
                self._emit(events.Problem("outside_open", OUTSIDE_OPEN))
        else:
            self._emit(events.Waiting(code))

    def _tell_outside(self) -> None:
        if "outside" not in self._told:
            self._told.add("outside")
            self._emit(events.Outside(self.identity.name, you=True))

    def _refused(self, answer: RelayAnswer) -> None:
        code = answer.code if isinstance(answer, frames.RequestRefused) else "malformed"
        if self.knocked and code in patience.EARLIER and code not in self._believed:
            self._believed.add(code)
            self._behind_earlier(code)
        elif code not in patience.FULL and not (self.outside and code == "locked"):
            self._fail(refused_by_relay(code, self.card, outside=bool(self.outside)))
        else:
            # Many people come by one link at once. What is full now has room in a while.
            self._again_at = self._clock() + patience.full_wait(self._random)
            self.door_full(code)

    def _behind_earlier(self, code: str) -> None:
        """The relay took an earlier knock without this client's knowledge. A relay that says so
        again, on this connection, is not believed.

        One that waits is withdrawn for a new one: the person sees that one's code. If it was
        admitted, the connection is a member's, which may not knock. The next one is a member's too,
        and brings the Welcome.
        """
        if code == "not_allowed":
            self._link.hang_up = True
            return

        def dropped() -> None:
            self._believed.discard(code)  # the next connection knocks, and may hear it too

        self._knock_anew(dropped)

    def _knock_anew(self, dropped: Callable[[], None]) -> None:
        """Take the knock back for a new one. `dropped` when the connection went before that."""

        def withdrawn(answer: RelayAnswer | None) -> None:
            if answer is None:
                dropped()
            elif self._link.state is LinkState.DOOR:  # else the Welcome came meanwhile
                self._knock()

        self.voice.knocks_anew()
        self._link.request(frames.Withdraw, withdrawn)

    def door_full(self, code: str = "too_many_knocks") -> None:
        """There is no place at the door yet, or it is `locked`, and this client asks again."""
        if code == "locked":
            self.voice.locked = True
            self._tell_outside()
            self._tell_once("outside_locked", OUTSIDE_LOCKED)
        else:
            self._tell_once("door_full", DOOR_FULL)

    def _tell_once(self, code: str, text: str) -> None:
        if code not in self._told:
            self._told.add(code)
            self._emit(events.Problem(code, text))

    def knock_refused(self, frame: frames.KnockRefused) -> None:
        """A facilitator refused, or the relay says that the knock is over. An answer to another
        knock is ignored."""
        knock = self._tries.newest
        if knock is None or frame.id != knock.id:
            return
        try:
            psk = door_psk(self.invite)
            code = open_refusal(self.invite.room, knock.offer.reply, frame.blob, psk).code
        except NotTrusted:
            self._knock_over()
        else:
            self._give_up(code if code in REFUSAL_SENTENCES else "refused")

    def _knock_over(self) -> None:
        """The relay dropped the knock, and no facilitator wrote why. Only that its time has passed
        does this client know by itself. Before, it knocks again, and its patience stays as it was.
        """
        if self.stage is not Stage.WAITING:
            return
        if self._clock() - self._knocked_at > patience.EXPIRES and not self.outside:
            self._give_up("expired")
            return
        self.stage, self._dropped = Stage.KNOCKING, True
        self._again_at = self._clock() + patience.full_wait(self._random)
        if not self.outside:
            self._tell_once("knock_dropped", KNOCK_DROPPED)

    def _give_up(self, code: str) -> None:
        contact = contact_of(self.card)
        back = self.outside and code == "link_closed"
        helplines = helplines_of(self.card)
        text = way_back_closed(contact) if back else refusal_sentence(code, contact, helplines)
        self._fail(Refused(code, text))

    def welcomed(self, frame: frames.WelcomeIs) -> None:
        """Compare the Welcome with the invite and the card, then become a member."""
        card = self.card
        if self._tries.newest is None or card is None:
            return  # unsolicited: this client has not knocked
        try:
            answered, welcome = self._tries.open(frame.welcome)
            membership = enter(
                welcome,
                answered.offer.bundle,
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
        unanswered = self._tries.take_unanswered(answered)
        self.wipe()
        self._on_member(membership, Position.decode(frame.position), unanswered)

    def _not_opened(self, error: NotTrusted) -> None:
        """A Welcome answers no try: it is older than those kept, or the relay's own work. By a new
        connection a newcomer learns whether they are on the list, and asks for another Welcome."""
        self._tell_once(error.code, error.text)
        if self._listed_since is None:
            self._link.hang_up = True

    def withdraw(self) -> None:
        """Take the knock back, when there is one, and forget everything."""
        if self.knocked:
            self._link.request(frames.Withdraw, lambda answer: None)
        self.wipe()

    def wipe(self) -> None:
        """Forget the keys of every try, and the door's."""
        self.voice.close()
        self._tries.wipe()
        self._door_key.wipe()

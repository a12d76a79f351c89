"""How a client becomes a member: in which role it connects, and what it is then.

Most of it is about one that comes by a standby's link. It is the part of the engine that is not
about connections.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from alcove_protocol import limits
from alcove_protocol.frames import ConnectionRole
from alcove_protocol.invite import Invite
from alcove_protocol.position import Position
from alcove_protocol.statements import KEY_SIZE, Opening
from alcove_protocol.ticket import Ticket

from alcove import events
from alcove.engine.coming_back import ComingBack
from alcove.engine.member import MemberClient
from alcove.engine.standby_entering import StandbyEntering
from alcove.engine.standing import Standing
from alcove.errors import NotNow
from alcove.facilitation.doors import InviteTerms, RoomCard
from alcove.facilitation.facilitator import Handover, handover_of
from alcove.group.extensions import FACILITATOR_SIZE
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.outcomes import PutOut
from alcove.group.standby_entry import Entry
from alcove.joining.candidates import Candidates
from alcove.joining.standby_comer import StandbyComer
from alcove.joining.ticket_comer import TicketComer
from alcove.messages.agreements import read_agreement
from alcove.relay.link import Link, Proof
from alcove.relay.ports import Ports

FALSE_ANSWER: Final = (
    "No member confirmed your way in. What one of them answered was not true of this room, nobody "
    "could follow, or a facilitator is back. Your program asks the members again."
)

ANOTHER_BY_LINK: Final = (
    "Somebody else came in by the same standby's link, and took your place before you facilitated. "
    "If it was not you on another device, tell the group by another way."
)
ANOTHER_BY_TICKET: Final = (
    "Another program with your keys, as one that is started by your ticket, took your place in the "
    "room. If it was not you, tell the group by another way."
)


class EnteringRoom(Standing, ABC):
    """Becomes a member. By a standby's link it begins anew when a member's answer was false."""

    link: Link
    ports: Ports
    _coming_back: ComingBack
    _restoring: bool
    """Whether the next connection brings the room back."""
    _moves: bool
    """Whether this client hangs up to come from the door into the room."""

    @abstractmethod
    def _put_out(self, outcome: PutOut) -> None: ...

    @abstractmethod
    def _stranded(self) -> None: ...

    def _proof(self, role: str = ConnectionRole.MEMBER) -> Proof:
        if self.member is not None and self.member.membership.own.entering:
            role = ConnectionRole.STANDBY
        return Proof(self.room, role, self.identity.relay)

    def _asked_for(self, role: str) -> bool:
        """Whether the relay's answer to the keys is one that follows from what was asked."""
        if isinstance(self.newcomer, TicketComer) and self.member is None:
            away = self.newcomer.away and role == ConnectionRole.AWAY
            return role == ConnectionRole.MEMBER or away
        by_link = isinstance(self.newcomer, StandbyComer)
        if role == ConnectionRole.STANDBY:
            return by_link and (self.member is None or self.member.membership.own.entering)
        if role == ConnectionRole.AWAY:
            return self.member is not None and self._coming_back.role == role
        if role == ConnectionRole.DOOR or (by_link and self.member is None):
            return role == ConnectionRole.DOOR and self.member is None and not by_link
        return (role == ConnectionRole.RESEAT) is self._restoring

    @property
    def _on_the_way(self) -> bool:
        """Whether this client is on its way by a ticket or a link, to a room that the relay had."""
        comer = self.newcomer
        by_ticket = isinstance(comer, TicketComer) and comer.fetched
        by_link = isinstance(comer, StandbyComer) and self.entered
        return self.member is None and (by_ticket or by_link)

    def _let_go_on_the_way(self) -> bool:
        """Whether this client comes by a ticket, and may have been let go for its lost connection
        meanwhile. Then it connects as one that was."""
        comer = self.newcomer
        return self.member is None and isinstance(comer, TicketComer) and comer.let_go()

    def _become_member(
        self,
        membership: Membership,
        opening: Opening,
        at: Position,
        on_first_resume: Callable[[], None],
    ) -> MemberClient:
        """From here on this client is in the room."""
        self.member = MemberClient(
            self.identity,
            membership,
            opening,
            at,
            self.ports,
            self.agreements,
            handover=self._handover,
            on_first_resume=on_first_resume,
            put_out=self._put_out,
            stranded=self._stranded,
        )
        for shown in self.still_shown:
            self.member.conversation.still_shows(shown)
        self.still_shown.clear()
        return self.member

    def _handover(self) -> Handover:
        """What an appointed facilitator has of the room beside the group: its card."""
        if self.opening is not None:
            return replace(self.opening.handover(), lobby_key=None)
        if isinstance(self.newcomer, StandbyComer):
            return _handover_by_standby(self.newcomer)
        if isinstance(self.newcomer, TicketComer):
            return self._handover_by_ticket(self.newcomer)
        assert self.newcomer is not None
        assert self.newcomer.card is not None  # every other member came by one, or opened the room
        return handover_of(self.newcomer.invite, self.newcomer.card)

    def by_standby(
        self,
        link: Invite,
        identity: Identity,
        *,
        accept: bool,
        candidates: Candidates | None = None,
    ) -> StandbyComer:
        """A client before it is in the room."""

        def known() -> None:
            self.entered = True

        return StandbyComer(
            link,
            identity,
            self.ports,
            accept=accept,
            agreements=self.agreements,
            candidates=candidates,
            on_known=known,
            on_member=self._came_by_standby,
            fail=self.fail,
        )

    def _came_by_standby(self, entry: Entry, at: Position) -> None:
        """The relay took the external commit. From here on the client speaks with its fresh keys,
        over a new connection."""
        comer = self.newcomer
        assert isinstance(comer, StandbyComer)
        assert comer.used is not None
        self.identity = comer.identity
        membership = entry.join(at)

        def tell_joined() -> None:
            members = tuple(person.name for person in membership.people())
            self.emit(events.Joined(self.identity.name, you=True, members=members))

        member = self._become_member(membership, comer.opening[0], at, tell_joined)
        if at != entry.base:
            context = membership.group.context
            member.stream.start_log(at, context.confirmed_transcript_hash)
        member.entering = StandbyEntering(
            self.identity,
            membership,
            self.ports,
            comer.hand_over_asks(),
            comer.used.by,
            comer.candidates.false,
            on_taken=member.own_commit_taken,
            ready=lambda: member.ready,
        )
        self.link.hang_up = self._moves = True

    def replaced_text(self) -> str:
        """The sentence for a person that another client replaced. A client that is listed is
        replaced only by one with the same keys."""
        by_link = self.member is not None and self.member.membership.own.entering
        return ANOTHER_BY_LINK if by_link else ANOTHER_BY_TICKET

    def _begin_anew_when_misled(self) -> None:
        """Too few members followed, so the answer was false. Begin anew with other keys, which the
        link's key puts in the place of these, and believe other members first."""
        comer, member = self.newcomer, self.member
        entering = member.entering if member is not None else None
        if member is None or entering is None or not entering.misled:
            return
        assert isinstance(comer, StandbyComer | TicketComer)
        self.emit(events.Problem("false_answer", FALSE_ANSWER))
        entering.close(NotNow("false_answer", FALSE_ANSWER))
        member.wipe()
        self.member = None
        self.link.hang_up = True
        if isinstance(comer, TicketComer):
            comer.misled(entering.followed)
            return
        former = self.identity
        fresh = Identity.generate(former.name, former.suite, self.ports.random)
        former.wipe()
        self.identity = fresh
        assert comer.used is not None
        comer.candidates.misled(comer.used.by, entering.followed)
        accepted = comer.accepted
        self.newcomer = self.by_standby(
            comer.invite, fresh, accept=False, candidates=comer.candidates
        )
        self.newcomer.accepted = accepted
        comer.wipe()

    # --- by a ticket ---------------------------------------------------------------------------

    def begin_resuming(self, ticket: Ticket) -> None:
        """Come back by a ticket. Connect next."""
        self.newcomer = TicketComer(
            ticket,
            self.ports,
            on_person=self._person_is,
            on_known=self._ticket_known,
            on_member=self._came_by_ticket,
            on_returned=self._returned,
            fail=self.fail,
        )

    def _person_is(self, identity: Identity) -> None:
        """The person's keys are here: prove that they are."""
        self.identity.wipe()
        self.identity = identity
        self.link.authenticate(self._proof())

    def _ticket_known(self) -> None:
        self.entered = True

    def _came_by_ticket(self, membership: Membership, at: Position) -> None:
        """In the group again, as the member that it was."""
        member = self._resumed(membership, at)
        member.take_part()
        member.authenticated()

    def _resumed(self, membership: Membership, at: Position) -> MemberClient:
        comer = self.newcomer
        assert isinstance(comer, TicketComer)
        self.agreements.title = comer.body.title
        rules = comer.cards.rules(membership.state.agreement)
        if rules is not None:
            self.agreements.begin(rules, comer.body.title)
        # Others may ask under the epoch that was parked, above all those that died with this one.
        for epoch, secret in comer.secrets():
            membership.request_secrets.learn(epoch, secret, comer.body.leaf)

        def tell_joined() -> None:
            members = tuple(person.name for person in membership.people())
            self.emit(events.Joined(self.identity.name, you=True, members=members))
            tell_changes(comer.body.facilitators, membership, self.ports)
            member.look_at_rules()  # they may have changed since the ticket was parked

        member = self._become_member(membership, comer.opening[0], at, tell_joined)
        member.keep_ticket()  # the one that it came by is spent
        return member

    def _returned(self, entry: Entry, at: Position) -> None:
        """The relay took the external commit of a facilitator that was alone. It facilitates once a
        member proved that it followed."""
        comer = self.newcomer
        assert isinstance(comer, TicketComer)
        assert comer.used is not None
        assert comer.asks is not None
        if comer.used.texts:
            rules = read_agreement(
                self.room, comer.used.state.agreement_version, comer.used.answer.agreement
            )
            self.agreements.begin(rules, comer.body.title)
        membership = entry.join(at)
        # The list, which it read up to its own entry, says who was let in since the parked epoch.
        since = comer.chain.let_in_since(comer.body.counter)
        membership.let_in.know_from(comer.body.epoch, since)
        member = self._resumed(membership, at)
        if at != entry.base:
            transcript = membership.group.context.confirmed_transcript_hash
            member.stream.start_log(at, transcript)
        member.entering = StandbyEntering(
            self.identity,
            membership,
            self.ports,
            comer.asks,
            comer.used.by,
            comer.candidates.false,
            on_taken=member.own_commit_taken,
            ready=lambda: member.ready,
            proved=self._facilitates_again,
            lobby_key=comer.body.lobby_keys(),
        )
        member.authenticated()

    def _facilitates_again(self) -> None:
        """A member followed: serve the lobby with what was parked, from its first item on."""
        comer, member = self.newcomer, self.member
        assert isinstance(comer, TicketComer)
        assert member is not None
        member.take_part()
        member.entering = None  # of one that was demoted meanwhile, too: it parks its ticket
        if member.facilitator is not None:
            listed = member.membership.state.door_ids()
            for secret in comer.body.door_secrets(self.room):
                member.facilitator.doors.learn(self.room, secret, listed)
        self.link.hang_up = self._moves = True

    def _handover_by_ticket(self, comer: TicketComer) -> Handover:
        """What a facilitator that came by a ticket has of the room. The texts may come later."""
        known = self.agreements.shown
        texts = known.texts if known is not None else ()
        version = known.version if known is not None else 1
        # A member that answers without ground rules came by a ticket, too, and may know no card.
        told = comer.used.answer if comer.used is not None and comer.used.texts else None
        also = (told.languages, told.helplines) if told is not None else ("", "")
        words = comer.cards.words
        card = RoomCard(comer.body.title, version, texts, *(words or also))
        card = replace(card, known=words is not None or any(also))
        terms = InviteTerms(limits.USES_DEFAULT, limits.DOOR_TTL_DEFAULT)
        return Handover(comer.opening[1], card, comer.ticket.origin, terms)


def tell_changes(parked: bytes, membership: Membership, ports: Ports) -> None:
    """Tell of each facilitator, this person too, that is one only since the ticket was parked, or
    no more. The commits since then did not reach this client."""
    before = {parked[at : at + KEY_SIZE] for at in range(0, len(parked), FACILITATOR_SIZE)}
    changes = []
    for one in membership.people():
        if one.facilitator is not (one.key in before):
            now = f"{one.name} facilitates now."
            no_more = f"{one.name} does not facilitate any more."
            changes.append(now if one.facilitator else no_more)
    if changes:
        text = " ".join(("The group changed while you were out of it.", *changes))
        ports.emit(events.Problem("members_changed", text))


def _handover_by_standby(comer: StandbyComer) -> Handover:
    """What a facilitator that came by the standby has of the room: what members answered."""
    used = comer.used
    assert used is not None  # the client is in the room
    card = RoomCard(
        used.answer.title,
        used.state.agreement_version,
        used.texts,
        used.answer.languages,
        used.answer.helplines,
        # A member without any came by a ticket, perhaps, and knows no card.
        known=bool(used.answer.languages or used.answer.helplines),
    )
    terms = InviteTerms(limits.USES_DEFAULT, limits.DOOR_TTL_DEFAULT)
    return Handover(comer.opening[1], card, comer.invite.origin, terms)

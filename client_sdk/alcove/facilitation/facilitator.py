"""A facilitator's part of a room: commits, the lobby, doors, and the room again after a loss.

Only a facilitator's client has this object. Every client's rights table refuses what a participant
sends all the same.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.invite import Invite
from alcove_protocol.labels import Label
from alcove_protocol.roster import Seat
from alcove_protocol.statements import EndStatement, Signed

from alcove import events, mls
from alcove.desk.life import SignsOfLife
from alcove.errors import AlcoveError, NotNow, Refused
from alcove.facilitation.absences import Absences
from alcove.facilitation.card_watch import CardWatch
from alcove.facilitation.committer import Committer, OnTaken
from alcove.facilitation.door_keeper import DoorKeeper
from alcove.facilitation.door_talk import Ask, DoorTalk
from alcove.facilitation.doors import Doors, InviteTerms, RoomCard
from alcove.facilitation.in_line import InLine
from alcove.facilitation.intents import Done, RefreshKeys
from alcove.facilitation.invites import Invites
from alcove.facilitation.lobby import Lobby
from alcove.facilitation.lobby_keys import LobbyKeys
from alcove.facilitation.moderation import Moderation
from alcove.facilitation.outside import SeenGoing, WaysBack
from alcove.facilitation.removals import Removals
from alcove.facilitation.roles import Roles
from alcove.facilitation.same_names import SameNames
from alcove.facilitation.seen_lost import SeenLost
from alcove.facilitation.settling import Settling
from alcove.facilitation.standbys import Standbys
from alcove.facilitation.vaults import Vaults
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.outcomes import KeptOut, Merged, Person
from alcove.joining.card import CheckedCard
from alcove.messages.agreements import Agreement
from alcove.messages.presence import Presence
from alcove.relay.ports import Ports

UPDATES_GATHERED: Final = 10.0
"""Seconds that participants' Updates are gathered before one commit takes them all."""
REFRESH_INTERVAL: Final = 30 * 60.0
"""Seconds after which a facilitator's path gets fresh keys, even if no member came or went."""
LENGTH_PREFIX: Final = 4
"""Bytes before each item of a packed list."""
_END_NOWHERE: Final = (
    "You are not connected, so the room was not ended. Once you are connected again, end it again "
    "(/end)."
)
_END_LOST: Final = (
    "The connection was lost before the relay answered, so the room may have ended. If it is there "
    "once you are connected again, end it again (/end)."
)
NEARLY_FULL = limits.ROSTER_CHAIN * 3 // 4
"""Bytes of the chain at which the person is told: a quarter is left, some thousand changes. Not
`Final`, because tests set a lower one."""

InviteDone = Callable[[str | None, AlcoveError | None], None]
"""Is called once: with the invite's link, or with why there is none."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What a facilitator needs beside a membership.

    The opening makes the first one. Each later facilitator gets one of their own on appointment:
    the keys in it are the receiver's to wipe.
    """

    opening: Signed
    """Roster entry 0, which every card carries."""
    card: RoomCard
    origin: str
    terms: InviteTerms
    lobby_key: mls.HpkeKeyPair | None = None
    """None after an appointment: a vault brings it."""


def handover_of(invite: Invite, checked: CheckedCard) -> Handover:
    """What a member knows of the room that came by this invite, with its card."""
    card = checked.card
    return Handover(
        Signed.decode(card.opening),
        RoomCard(
            card.title,
            card.agreement_version,
            checked.ground_rules.texts,
            card.languages,
            card.helplines,
            card.contact or "",
        ),
        invite.origin,
        InviteTerms(limits.USES_DEFAULT, limits.DOOR_TTL_DEFAULT),
    )


class Facilitator:
    """One facilitator's part of a room, from the opening or from an appointment on."""

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        presence: Presence,
        life: SignsOfLife,
        ports: Ports,
        handover: Handover,
        *,
        seen_going: SeenGoing,
        seen_lost: SeenLost,
        ask: Ask,
        on_taken: OnTaken,
        ready: Callable[[], bool],
        may_commit: Callable[[], bool],
        before_commit: Callable[[], None],
    ) -> None:
        self._identity = identity
        self._membership = membership
        self._in_line = InLine(membership, presence)
        self._link = ports.link
        self._emit = ports.emit
        self._clock = ports.clock
        self._ready, self._may_commit = ready, may_commit
        self.terms = handover.terms
        """Those of the room's first invite, or the usual ones."""
        self.lobby_keys = LobbyKeys(handover.lobby_key, ports.clock)
        self.lobby_keys.moved(membership.state.lobby_key)
        self.doors = Doors(identity, handover.opening, handover.card, handover.origin, ports)
        self.committer = Committer(
            membership,
            identity,
            ports,
            on_taken=on_taken,
            ready=may_commit,
            before_sent=before_commit,
        )
        self.door_keeper = DoorKeeper(membership, self.doors, ports, self._in_line)
        self._settling = Settling(ports)
        settle = self._settling.settle
        self.vaults = Vaults(
            identity, membership, self.doors, self.lobby_keys, ports, settle=settle
        )
        self.roles = Roles(
            identity,
            membership,
            self.committer,
            self.vaults,
            ports,
            in_line=self._in_line,
            revoke=self.door_keeper.revoke,
        )
        self.moderation = Moderation(membership, self.committer)
        self.seen_lost = seen_lost
        self.absences = Absences(membership, self.committer, life, self._in_line, ports, seen_lost)
        self.standbys = Standbys(identity, membership, self.committer, handover.origin, ports)
        self.outside = WaysBack(
            membership,
            self.committer,
            self.doors,
            self.door_keeper,
            self._in_line,
            ports,
            handover.origin,
            seen_going,
        )
        self.removals = Removals(
            membership,
            self.committer,
            self.doors,
            self.door_keeper,
            self.vaults,
            self.outside,
            self.absences,
            ports,
        )
        self.talk = DoorTalk(
            identity,
            membership,
            self.lobby_keys,
            presence,
            self._in_line,
            ports,
            ask,
            self.outside.wants_in,
        )
        self.same_names = SameNames(membership, self.committer, life, self.absences, ports)
        self.card_watch = CardWatch(
            membership,
            self.doors,
            self.door_keeper,
            self._in_line,
            ports,
            close=lambda door, done: self.invites.close(door, done),
        )
        self.lobby = Lobby(
            membership,
            self.committer,
            self.doors,
            self.lobby_keys,
            self.vaults,
            self.roles,
            self.absences,
            self.same_names,
            self.talk,
            self.outside,
            ports,
            ready=ready,
            settle=settle,
            unopened=self.card_watch.look_now,
        )
        self.invites = Invites(
            membership,
            self.committer,
            self.doors,
            self.door_keeper,
            self.vaults,
            self.lobby,
            self.outside,
            ports,
        )
        self._refresh_at = ports.clock() + REFRESH_INTERVAL
        self._updates_since: float | None = None
        self._warned = False  # that the chain is nearly full

    # --- invites -------------------------------------------------------------------------------

    def put_door(self, invite: Invite, terms: InviteTerms, done: Done) -> None:
        """Give the relay the door of an invite that the group's state lists."""
        self.door_keeper.put(invite, terms, done)

    def agreement_is(self, agreement: Agreement, *, own: bool) -> None:
        """Put the room's agreement on every card, if it is not there, and refuse the waiting knocks
        with an earlier one that is no longer good."""
        if self.doors.fits(self._membership):
            return
        version, texts = agreement.version, agreement.texts
        self.doors.card = replace(self.doors.card, agreement_version=version, texts=texts)
        self.door_keeper.cards_changed(own=own)
        self.lobby.agreement_changed()

    def invite(self, done: InviteDone) -> None:
        """Make one more invite, on the terms of the first."""

        def made(invites: tuple[Invite, ...], error: AlcoveError | None) -> None:
            done(invites[0].url() if invites else None, error)

        self.invites.make(1, self.terms, made)

    # --- people --------------------------------------------------------------------------------

    @property
    def removing(self) -> bool:
        """Whether a removal was asked for that the relay has not taken yet. What its facilitator
        says meanwhile waits."""
        return self.committer.removing

    def merged(self, outcome: Merged, *, own: bool) -> None:
        """The group moved on, by this client's own commit or by another's."""
        self.lobby.requests.rejoins.returned(outcome.rejoined)
        came = [one for one in outcome.joined if self.absences.find(one.relay_key) is None]
        self.seen_lost.merged(outcome)
        self.same_names.words.merged(outcome)
        self._count_uses(outcome, came)
        if own:
            self._refresh_at = self._clock() + REFRESH_INTERVAL
        self._updates_since = None
        self.invites.moved(outcome, own=own)  # knows the ways back that end with this commit
        self.outside.moved(outcome)
        demoted = [person for person in outcome.roles if not person.facilitator]
        self._moved((*outcome.rejoined, *demoted), own=own)  # they have wiped what they had
        if not self._warned and self._chain_size > NEARLY_FULL:
            self._warned = True
            text = "The room's signed history is nearly full; open a new room before long."
            self._emit(events.Problem("history_nearly_full", text))

    def kept_out(self, one: KeptOut) -> None:
        """The list keeps some out that were let go. What is under way may be about them."""
        if self.seen_lost.kept_out(one.removed | one.dropped):
            self.committer.plan_anew()

    def _count_uses(self, outcome: Merged, came: Iterable[Person]) -> None:
        """As the relay counts: new keys in the place of others that came by the same door are no
        use of it, and neither is a way back with keys, which is not among those that `came`."""
        seats = self._membership.known_seats()
        kept = (p for p in outcome.gone if p.relay_key not in outcome.by_wish)
        absent = {leaf.signature_key for leaf in outcome.absent}
        vacant = [seats.get(p.relay_key, Seat()).door for p in kept if p.key not in absent]
        for person in came:
            door = seats.get(person.relay_key, Seat()).door
            if door in vacant:
                vacant.remove(door)
            else:
                self.doors.used(door)

    def _moved(self, need_vaults: Iterable[Person], *, own: bool) -> None:
        """Use the state's lobby key and doors from now on."""
        self.lobby_keys.moved(self._membership.state.lobby_key)
        self.door_keeper.moved(own=own)
        self.card_watch.moved()
        self.vaults.moved(need_vaults, own=own)
        self.roles.look()

    def rejoined(self) -> None:
        """In the group anew, by a Welcome."""
        self.seen_lost.forget_all()
        self._moved((), own=False)
        # A commit in flight is of the group that was left; taken now, it would lead back.
        self.committer.base_moved()

    # --- time ----------------------------------------------------------------------------------

    def tick(self) -> None:
        """Look at what was put off, and make scheduled commits: gathered Updates, and fresh keys
        every half hour."""
        self.lobby.requests.rejoins.tick()
        self.committer.tick()
        now = self._clock()
        self.lobby_keys.tick()
        ready = self._ready()
        self.vaults.tick(ready=ready)
        self.lobby.in_step()
        self.talk.tick(ready=ready)
        if ready:
            self._settling.tick()
            self.lobby.look()
            self.outside.tick()
            if self._may_commit():
                # A log that is not settled may lack the entry that a card names.
                self.door_keeper.send_unsent()
            self.door_keeper.close_for_others()
            if self.vaults.complete:
                self.door_keeper.renew_cards()
                self.card_watch.tick(settled=self._may_commit())
            self.roles.tick()
            self.absences.tick()
        if self.committer.updates and self._updates_since is None:
            self._updates_since = now
        due = self._refresh_at
        if self._updates_since is not None:
            due = min(due, self._updates_since + UPDATES_GATHERED)
        if now >= due and self.committer.idle and now >= due + self._in_line.delay():
            self._refresh_at = now + REFRESH_INTERVAL
            self._updates_since = None
            if len(self._membership.group.members()) > 1:
                self.committer.want(RefreshKeys())

    def refresh_keys(self) -> None:
        """Begin a new epoch soon, with fresh keys."""
        self.committer.want(RefreshKeys())

    def resumed(self, new_log: bool) -> None:
        """Connected again. Unfinished requests go first, byte for byte."""
        if new_log:
            self.lobby.new_log()
            self.committer.new_log()
            self.door_keeper.new_log()
            self.vaults.new_log()
            self._settling.new_log()
            self.outside.new_log()
        self._settling.resumed()
        self.lobby.resumed()
        self.committer.pump()

    # --- the room as a whole -------------------------------------------------------------------

    def end(self, done: Done) -> None:
        """Ask the relay to delete everything. A commit that comes first makes it ask again."""
        relay, roster = self._identity.relay, self._membership.roster
        statement = EndStatement(roster.room, relay.public, roster.counter, roster.head)
        signed, goes = relay.sign(Label.END, statement), self._link.takes_requests

        def answered(answer: RelayAnswer | None) -> None:
            if isinstance(answer, frames.Done):
                done(None)
            elif isinstance(answer, frames.RequestRefused):
                if answer.code == "bad_roster" and self._membership.roster.head != roster.head:
                    self.end(done)
                else:
                    done(Refused.by_relay(answer.code))
            else:
                done(NotNow("not_connected", _END_LOST if goes else _END_NOWHERE))

        self._link.request(lambda n: frames.EndRoom(n, signed.body, signed.signature), answered)

    @property
    def _chain_size(self) -> int:
        """Bytes of the chain, as far as this client has it."""
        return sum(LENGTH_PREFIX + len(entry.encode()) for entry in self._membership.chain)

    def close(self, error: AlcoveError) -> None:
        """Fail every pending commit and door with this error, and wipe the lobby keys."""
        self.roles.close(error)
        self.lobby.close(error)
        self.talk.close(error)
        self.committer.close(error)
        self.vaults.close()
        self.door_keeper.close(error)
        self.doors.forget()
        self.same_names.words.forget()
        self.lobby_keys.wipe()

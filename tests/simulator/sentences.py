"""What one client told its person, each sentence compared with what is true."""

from collections import Counter
from typing import TYPE_CHECKING, Final

from alcove import events
from alcove.events import AnyEvent, ConnectionState, RoomState
from alcove_protocol import limits
from alcove_protocol.roster import Op

from tests.simulator.endings import clocks_are_set, may_be_lost, wrong_ending
from tests.simulator.epochs import held_for_good, left_behind
from tests.simulator.messages import MessagesTold
from tests.simulator.person import AGREEMENT, TITLE
from tests.simulator.presence import wrong_presence
from tests.simulator.silences import begun_anew
from tests.simulator.told_tickets import (
    RETURNS,
    lost_to_a_ticket,
    members_at,
    puts_bare_cards,
    reloaded,
    ticket_made,
    twins,
    wrong_refusal,
)
from tests.simulator.told_ways import (
    again,
    keys_are_lost,
    lacked_doors,
    shares_link,
    standby_asked,
    standby_changed,
    unconfirmed,
    uncovered,
    vaults_are_lost,
    wishes_in_vain,
)
from tests.simulator.virtual import START

if TYPE_CHECKING:
    from tests.simulator.person import Person
    from tests.simulator.world import World


SILENCE: Final = 90.0
"""Seconds without a heartbeat before nobody holds the room (docs/protocol.md 9), whatever a client
takes for them."""
ANNOUNCED: Final = 60.0
"""Seconds after a return by a ticket in which a heartbeat comes: after a proof, when alone."""
LOOKS: Final = 25.0
"""Seconds after which each client knows that a log is settled, and facilitators were heard."""


class Told:
    """All that one client told so far."""

    def __init__(self, person: "Person", world: "World") -> None:
        self.person = person
        self.world = world
        self.messages = MessagesTold(person, world)
        self.codes: list[str] = []
        """The short codes of this person's knocks."""
        self.problems: list[str] = []
        """The codes of all problems that were told before."""
        self.knocks: dict[str, events.Knocked] = {}
        self.knocked: set[tuple[str, str]] = set()
        """Names and short codes of all knocks that were shown to this facilitator."""
        self.joined_at: float | None = None
        self.in_since = START if person.slot == 0 else float("inf")
        """Since when it knows all epochs of the group."""
        self.reloads: Counter[str] = Counter()
        """How often it was told that somebody's program was started anew."""
        self.cut_at = self.world.clock()
        """When it was told last that its connection is lost."""
        self.was_cut = False
        self.renewed_late = False
        """Whether talk at the door, which renews a knock, came after a cut: the relay counts from
        when it was said, and the client from when it heard it."""
        self.rejoined = False
        self.facilitated = person.slot == 0
        """Whether this person facilitates by what they were told: a client that goes to another
        epoch tells first what it learned in the one before."""
        self.doubts = False
        """Whether its client does not believe an ending yet, after the relay lost its memory."""
        self.state = RoomState.OPEN
        self.closed: events.Closed | None = None
        self.closed_at = 0.0

    def hear(self, event: AnyEvent) -> None:
        """Compare one event."""
        self.person.epochs.note(self.person.engine)
        if isinstance(event, events.DoorSaid | events.DoorTaken):
            self.renewed_late = self.renewed_late or self.was_cut
        wrong = "after the end" if self.closed is not None else self._wrong(event)
        if wrong:
            self.world.fail(f"{self.person.name} was told {event!r}: {wrong}")

    def _wrong(self, event: AnyEvent) -> str:
        """Why this is not true, or nothing."""
        match event:
            case events.Message():
                return self.messages.message(event)
            case events.Sent() | events.Queued() | events.Failed():
                return self.messages.outcome(event)
            case events.Folded(yours=yours) if not self.messages.are_own(yours):
                return "these are not theirs"
            case events.Folded(ids, name):
                known = not name or self.world.truth.commanded("folded", name)
                wanted = known and all(map(self.world.truth.may_be_folded, ids))
                return "" if wanted else "no facilitator wanted that"
            case events.Retracted(id):
                return self.messages.retracted(id)
            case events.Expired(id):
                return self.messages.expired(id)
            case events.Gap(missed):
                unsure = missed is None and begun_anew(self.world, self.cut_at)
                return self.messages.gap(may_be=unsure or self.rejoined)
            case events.Joined():
                return self._joined(event)
            case events.Left() | events.Removed():
                return self._gone(event)
            case events.Reloaded(name):
                self.reloads[name] += 1
                return reloaded(self.world, name, self.reloads[name])
            case events.TicketMade(ticket):
                return ticket_made(self.world, self.person, ticket)
            case events.NewKeys(name):
                return "" if len(self.world.truth.keys[name]) > 1 else "they have the same keys"
            case events.Outside(name):
                wanted = self.world.truth.commands[name].outside
                went = wanted and self.world.truth.happened(Op.LEFT, name)
                return "" if went else "they did not step outside"
            case events.DoorTaken(_, by):
                took = not by or self.world.truth.commands[by].took
                return "" if took else "they took no talk"
            case events.Absent(name):
                return "" if self.world.truth.happened(Op.ABSENT, name) else "no entry says so"
            case events.RoleChanged():
                return self._role(event)
            case events.Paused() | events.Unpaused():
                return self._pause(event)
            case events.PresenceChanged():
                wrong = wrong_presence(self.world, self.person, event)
                return wrong if self._facilitates else "it is not this person's to know"
            case events.RulesChanged(changed=changed):
                ruled = self.world.truth.ruled
                wanted = all(ruled(rule, on=bool(getattr(event, rule))) for rule in changed)
                return "" if wanted else "no facilitator wanted that"
            case events.StandbyLink(invite):
                asked = self.world.truth.commands[self.person.name].standby
                return "" if (invite != "") in asked else "this person did not ask"
            case events.StandbyChanged(on):
                return standby_changed(self.world, on=on)
            case events.StandbyAsked(admitted):
                return standby_asked(self.world, admitted=admitted)
            case events.VaultChanged(_, complete):
                if not complete:
                    self.world.truth.lacked |= lacked_doors(self.person)
                lost = vaults_are_lost(self.world, self.person)
                kept = self.world.lies or not self.world.quiet or lost
                return "" if complete or kept else "nothing kept the vault away"
            case events.SafetyWords() | events.PastActs() | events.MemberList():
                return "this person did not ask"
            case events.RoomChanged(state):
                self.state = state
                return self._room(state)
            case events.ConnectionChanged(state):
                return self._connection(state)
            case events.Problem("rejoins", sender=name):
                return self._returns(name)
            case events.Problem():
                wrong = self._problem(event.code, event.sender or "")
                self.problems.append(event.code)
                return wrong
            case events.Knocked() | events.KnockGone():
                return self._knock(event)
            case events.Waiting(code):
                self.codes.append(code)
            case events.AgreementShown():
                return self._agreement(event)
            case events.InviteChanged(_, door) if door:
                wanted = self.world.truth.commands[self.person.name].invited
                return "" if wanted else "this person did not ask"
            case events.InviteRevoked(door):
                self.world.truth.revoked.add(door)
                commands = self.world.truth.commands.values()
                # A removal closes the invite that the member came by.
                wanted = any(one.revoked or one.removed or one.by_link for one in commands)
                wanted = wanted or keys_are_lost(self.world, door)
                closed = wanted or not self.world.quiet
                return "" if closed else "no facilitator closed one"
            case events.DoorSaid(_, text, sender):
                said = self.world.truth.commands.get(sender)
                return "" if said is not None and text in said.said else "nobody said that"
            case events.InviteChanged():
                removed = any(done.removed for done in self.world.truth.commands.values())
                return "" if removed else "no facilitator removed a member"
            case events.Closed():
                self.closed, self.closed_at = event, self.world.clock()
                return self._over(event)
            case events.Unknown():
                return "every client here knows all kinds"
            case events.Opened():
                return "" if self.person.slot == 0 else "another person opened the room"
        return ""

    def _over(self, event: events.Closed) -> str:
        world, person = self.world, self.person
        if person.came_by and self.joined_at is None:
            return wrong_refusal(world, person, event.code)
        if lost_to_a_ticket(world, person, event.code):
            return ""
        wrong = wrong_ending(world, person, event.reason, event.code)
        # One that a false answer let in asks again, as before it was in.
        asks = bool(person.came_by) and "false_answer" in self.problems
        return wrong_refusal(world, person, event.code) if wrong and asks else wrong

    # --- people --------------------------------------------------------------------------------

    def _joined(self, event: events.Joined) -> str:
        truth, name = self.world.truth, event.name
        if name != truth.founder and not truth.happened(Op.ADD, name):
            return "no entry adds them"
        by_link = truth.commands[name].by_link
        if name != truth.founder and not by_link and not truth.commanded("admitted", name):
            return "no facilitator admitted them"
        if not event.you:
            return ""
        self.joined_at = self.in_since = self.world.clock()
        if self.person.came_by:
            self.facilitated = name in truth.facilitating
        then = members_at(self.world, name) or [frozenset({truth.founder})]
        if self.world.lies and "false_answer" in self.problems:
            # Let in by one from whom the relay keeps later commits, as that member's list is.
            then += [change.members | {name} for change in truth.changes]
        if set(event.members) not in then and not truth.losses:
            return f"the members were {sorted(then[0])}"
        seen = set().union(*(told.knocked for told in self.world.told.values()))
        code = (name, self.codes[-1]) if self.codes else None
        return "" if code is None or code in seen or truth.losses else "another knock was answered"

    def _gone(self, event: events.Left | events.Removed) -> str:
        truth, name = self.world.truth, event.name
        op = Op.LEFT if isinstance(event, events.Left) else Op.REMOVE
        was_outside = truth.happened(Op.LEFT, name)
        kept_out = op is Op.REMOVE and self._facilitates and was_outside  # told to who removed them
        if not truth.happened(op, name) and not kept_out:
            # One that is shown another list, and told so, knows the commit and not its entry.
            unlisted = self.world.lies and was_outside and "roster_mismatch" in self.problems
            return "" if unlisted and op is Op.REMOVE else "no entry says so"
        if op is Op.LEFT:
            # The client of a member who is not let in again lets its leaf go.
            wishes = truth.commands[name].leave or truth.commands[name].outside
            same = (person for person in self.world.people if person.name == name)
            behind = any(held_for_good(self.world, person) for person in same)
            goes = wishes or name in self.world.kept_out or behind
            return "" if goes else "they did not ask to go"
        # Another standby, or none, takes along whoever came by the link of before, and whoever
        # comes by the same link takes their place.
        links = sum(len(commands.standby) for commands in truth.commands.values())
        comers = sum(bool(person.link) for person in self.world.people)
        replaced = truth.commands[name].by_link and (links > 1 or comers > 1)
        wanted = replaced or truth.commanded("removed", name)
        return "" if wanted else "no facilitator wanted that"

    def _knock(self, event: events.Knocked | events.KnockGone) -> str:
        if isinstance(event, events.KnockGone):
            known = self.knocks.pop(event.id, None)
            return "" if known is not None else "it was never shown"
        twice, self.knocks[event.id] = event.id in self.knocks, event
        self.knocked.add((event.name, event.code))
        known_name = event.name in self.world.truth.commands and self._facilitates
        if event.again:
            if not self._facilitates:
                return "it is not theirs to know"
            return again(self.world, self.person, event)
        return "" if known_name and not twice else "there is no such knock for this person"

    @property
    def _facilitates(self) -> bool:
        return self.facilitated or self.person.facilitates

    def _role(self, event: events.RoleChanged) -> str:
        truth = self.world.truth
        if event.name == self.person.name:
            self.facilitated = event.facilitator
        if not truth.happened(Op.CHANGE, event.name) and not truth.losses:
            return "no entry says so"
        wanted = "appointed" if event.facilitator else "demoted"
        by_link = event.facilitator and truth.commands[event.name].by_link
        wished = by_link or truth.commanded(wanted, event.name)
        return "" if wished else "no facilitator wanted that"

    def _pause(self, event: events.Paused | events.Unpaused) -> str:
        truth = self.world.truth
        if event.you is not (event.name == self.person.name):
            return "it is about another person"
        if not event.you and not self._facilitates:
            return "it is not this person's to know"
        if isinstance(event, events.Paused):
            wanted = truth.commanded("paused", event.name)
        else:
            wanted = any(truth.commanded(what, event.name) for what in ("unpaused", "appointed"))
        return "" if wanted else "no facilitator wanted that"

    # --- the room ------------------------------------------------------------------------------

    def _agreement(self, event: events.AgreementShown) -> str:
        if event.unseen:
            return self._unseen()
        first = (event.version, event.text) == (1, AGREEMENT)
        commands = self.world.truth.commands.values()
        later = event.version > 1 and any(event.text in one.agreements for one in commands)
        return "" if event.title == TITLE and (first or later) else "it is another"

    def _unseen(self) -> str:
        """The holder of a link reads that nobody who is there has the text of the ground rules."""
        world = self.world
        if not world.quiet or world.lies or not self.person.link:
            return "" if self.person.link else "they came by no link"
        for one in world.people:
            if one.inside and one is not self.person and not (one.facilitates or one.frozen):
                state = one.engine.require_member().membership.state
                if one.engine.agreements.of(state) is not None:
                    return f"{one.name} has it"
        return ""

    def _problem(self, code: str, sender: str) -> str:
        if code == "unreadable":
            self.messages.gaps.append(self.world.clock())
        world, truth = self.world, self.world.truth
        lost, trouble = bool(truth.losses), not world.quiet
        self.doubts = self.doubts or (code == "ending_doubted" and lost)
        settled = world.clock() - truth.restored_at > limits.UNSETTLED_LEAST
        # No commit is taken meanwhile.
        unsettled = lost and world.clock() - truth.restored_at < limits.UNSETTLED + LOOKS
        dead = any(person.dead for person in world.people)
        leavers = [name for name, commands in truth.commands.items() if commands.leave]
        # A leave that was cut off on its way, or a list that was lost with it: nobody saw it.
        unseen = lost or not all(truth.happened(Op.LEFT, name) for name in leavers)
        left = bool(leavers) and unseen
        outside = truth.commands[self.person.name].outside
        went = outside and truth.last(self.person.name) is Op.LEFT
        invited = any(commands.invited for commands in truth.commands.values())
        slept = any(step.act == "freeze" for step in world.schedule.steps)
        ruled = any(commands.agreements for commands in truth.commands.values())
        held = any(self._holds(person) for person in world.people)
        two = bool(twins(world, self.person))
        by_answers = bool(self.person.link or self.person.came_by)
        reasons = {
            "held": lost or truth.commands[self.person.name].rejoin or two,
            "standby_asks": bool(self.person.link),
            "facilitated": bool(self.person.link),
            "false_answer": by_answers and (trouble or two or unconfirmed(world, self.person)),
            "replaced": shares_link(world, self.person) or two,
            "ticket_asks": bool(self.person.came_by),
            "card_differs": puts_bare_cards(world, sender),
            "outside_locked": outside and truth.ruled("locked", on=True),
            "outside_open": "outside_locked" in self.problems,
            "waits_outside": truth.ruled("locked", on=True),
            "not_retracted": self.messages.takes_back,
            "not_outside": outside and wishes_in_vain(self.world, self.person.name),
            "cannot_open": lost or two,  # of before the relay's loss, or for the other program
            "ending_doubted": lost,
            "room_forgotten": lost or may_be_lost(world),
            "room_settled": "room_forgotten" in self.problems and settled,
            # Who let them outside may have ended before the door of their way back was put.
            "knocking_again": (lost and settled) or self._let_go_long_ago or (went and not held),
            "knock_dropped": lost or slept or self.renewed_late,
            "clock_wrong": clocks_are_set(world),
            "unavailable": trouble or world.schedule.limited,
            "door_full": trouble or world.schedule.limited,
            "change_waits": trouble or dead or left or self.doubts or unsettled,
            "invites_dropped": dead or world.trouble_at > 0,
            # Learned once the log is settled, which may be long after the loss.
            "agreement_changed": ruled and (trouble or lost),
            "agreement_corrected": ruled and (trouble or lost),
            "members_changed": self.rejoined or bool(self.person.came_by),
            "absent": truth.happened(Op.ABSENT, self.person.name),
            "facilitator_heard": "facilitator_silent" in self.problems,
            "facilitator_silent": trouble or self._is_away(sender),
            "last_facilitator_left": sender in truth.commands and truth.commands[sender].leave,
            "door_used": invited or truth.admitted() >= world.schedule.uses,
            "nobody_there": trouble or not held or self._facilitators_came_just_now,
            "facilitator_there": "nobody_there" in self.problems,
            # They may go, or another facilitator may let them in, at any moment.
            "refused_late": sender in truth.commands,
            "not_to_listen": sender in truth.commands,
            "not_let_back": truth.happened(Op.ABSENT, sender or ""),
            "unreadable": left_behind(world, self.person),
        }
        true = reasons.get(code, False) or world.lies
        return "" if true else f"there is no reason for {code}"

    @property
    def _let_go_long_ago(self) -> bool:
        """Whether the relay, by a clock that is wrong, may know a return by keys no more."""
        return self.world.truth.happened(Op.ABSENT, self.person.name) and clocks_are_set(self.world)

    def _returns(self, name: str | None) -> str:
        changes = self.world.truth.changes
        count = sum(change.op is Op.REJOIN and change.name == name for change in changes)
        return "" if count >= RETURNS else f"they returned {count} times"

    def _connection(self, state: ConnectionState) -> str:
        if state is ConnectionState.RESUMED:
            self.doubts = False
        if state is ConnectionState.RECONNECTING:
            self.cut_at, self.was_cut = self.world.clock(), True
        if state is not ConnectionState.REJOINED:
            return ""
        self.rejoined, self.in_since = True, self.world.clock()
        self.person.epochs.began_anew()
        truth, name = self.world.truth, self.person.name
        rejoined = truth.happened(Op.REJOIN, name) or truth.happened(Op.ABSENT, name)
        return "" if rejoined else "no entry lets them rejoin"

    def _room(self, state: RoomState) -> str:
        if state is RoomState.OPEN or self.world.lies:
            return ""
        if state is RoomState.SPLIT:
            return "the relay shows all members the same"
        if state is RoomState.NOT_HEARD and self.misses_a_facilitator:
            return ""
        if state is RoomState.NOT_HEARD and uncovered(self.world, self.person):
            return ""
        if self._waits_for_the_log or self._facilitators_came_just_now:
            return ""
        if left_behind(self.world, self.person):
            return ""
        held = any(self._holds(person) for person in self.world.people)
        return "a facilitator is there, and nothing is wrong" if held and self.world.quiet else ""

    @property
    def _waits_for_the_log(self) -> bool:
        """Whether no heartbeat came since the room was brought back, or shortly before. A
        facilitator who is not in step with what was brought follows when it is settled."""
        truth, now = self.world.truth, self.world.clock()
        arrived = (at for at in truth.beat_at if at < now - 2.0)
        silent = now - max(arrived, default=0.0) > limits.READ_ONLY_AFTER
        settles = truth.restored_at + limits.UNSETTLED + LOOKS
        return silent and bool(truth.losses) and now < settles

    @property
    def _facilitators_came_just_now(self) -> bool:
        """Whether the relay took no heartbeat for long, until a moment ago at most: by a standby's
        link somebody may facilitate a room that nobody held. After a loss a client that is ahead of
        the log looks again before it follows what is new."""
        moment = LOOKS if self.world.truth.losses else 2.0
        before = [at for at in self.world.truth.beat_at if at < self.world.clock() - moment]
        return self.world.clock() - max(before, default=0.0) > SILENCE

    def _is_away(self, name: str) -> bool:
        """Whether the person with this name is not in the room, or stands still, or came back by a
        ticket lately: their first heartbeat follows."""
        last = next((p for p in reversed(self.world.people) if p.name == name), None)
        if last is None:
            return False
        came, now = self.world.told[last].joined_at, self.world.clock()
        lately = bool(last.came_by) and (came is None or now - came < ANNOUNCED)
        return last.frozen or not last.inside or lately

    @property
    def misses_a_facilitator(self) -> bool:
        """Whether this is a facilitator, and another one is gone without a goodbye, or came back
        just now: a facilitator waits for the others' beats (docs/protocol.md 11)."""
        member = self.person.engine.member
        if member is None or not self.person.facilitates:
            return False
        if self.person.engine.closed is None:
            listed = {one.name for one in member.membership.people() if one.facilitator}
        else:  # what it tells last, with its group wiped
            listed = self.world.truth.facilitating
        newest = {p.name: p for p in self.world.people if p.name in listed}
        others = [p for p in newest.values() if p is not self.person]
        return any(self._is_away(p.name) or held_for_good(self.world, p) for p in others)

    def _holds(self, person: "Person") -> bool:
        """Whether this person facilitates, and did not say goodbye."""
        leaves = self.world.truth.commands[person.name].leave
        return person.facilitates and person.inside and not person.frozen and not leaves

"""Removals: one member or several in one commit, with a fold, and what becomes of their links.

A link is closed, and one with uses left is replaced, or it stays and its card asks a question: one
person that disturbs must not shut out others who come late by the same link. The card with the
question goes to the relay before the commit, so that a removed person meets it.
"""

from collections.abc import Callable, Iterable, Sequence

from alcove_protocol import limits
from alcove_protocol.invite import Invite
from alcove_protocol.roster import Op, RosterEntry, Seat

from alcove import events
from alcove.errors import AlcoveError, InvalidInput, NotNow
from alcove.facilitation.absences import Absences
from alcove.facilitation.committer import Committer
from alcove.facilitation.door_keeper import DoorKeeper
from alcove.facilitation.doors import Door, Doors, InviteTerms
from alcove.facilitation.intents import Done
from alcove.facilitation.outside import WaysBack
from alcove.facilitation.removal_intent import MOST, Going, RemoveMembers, WayBack, demote_first
from alcove.facilitation.roles import named
from alcove.facilitation.vaults import Vaults
from alcove.group.extensions import leaf_extension
from alcove.group.membership import Membership
from alcove.group.outcomes import Person, person_of
from alcove.relay.ports import Ports


def checked_question(question: str) -> str:
    """The question of a card. Raises `InvalidInput` (`bad_question`)."""
    try:
        size = len(question.strip().encode())
    except UnicodeEncodeError:
        raise InvalidInput("bad_question", "It has characters that cannot be sent.") from None
    if not 0 < size <= limits.QUESTION:
        text = f"A question has at least one letter, and at most {limits.QUESTION} bytes."
        raise InvalidInput("bad_question", text)
    return question.strip()


class Removals:
    """One facilitator's removals."""

    def __init__(
        self,
        membership: Membership,
        committer: Committer,
        doors: Doors,
        door_keeper: DoorKeeper,
        vaults: Vaults,
        outside: WaysBack,
        absences: Absences,
        ports: Ports,
    ) -> None:
        self._outside = outside
        self._absences = absences
        self._membership = membership
        self._committer = committer
        self._doors = doors
        self._door_keeper = door_keeper
        self._vaults = vaults
        self._emit = ports.emit
        self._clock = ports.clock

    def remove(
        self,
        names: Sequence[str],
        done: Done,
        *,
        kept_out: Callable[[str], None],
        fold: bool = False,
        question: str | None = None,
    ) -> None:
        """Put members out. With `question` their links stay, and ask it. `kept_out` is told the
        name of each that was outside until then: no commit names them.

        Raises `InvalidInput` (`unknown_name`, `bad_question`, `bad_count`), `NotNow`
        (`not_oneself`, `is_facilitator`).
        """
        if not 0 < len(set(names)) <= MOST:
            text = f"Name at least one person, and at most {MOST}: /remove NAME, NAME."
            raise InvalidInput("bad_count", text)
        asked = None if question is None else checked_question(question)
        people = self._here(names)
        going = [self._going(person, asked) for person in people]
        here = {one.key for one in self._membership.people()}
        away = [one for one in people if one.key not in here]
        outside = [one for one in away if self._outside.of(one.key) is not None]
        begun = len(self._membership.chain)
        closing = self._closing(going)
        room = self._membership.group.group_id
        replacements = {door.id: self._doors.new_invite(room) for door in closing if door.multi_use}

        def removed(error: AlcoveError | None) -> None:
            for door in closing:
                self._closed(door, replacements.get(door.id), error)
            if error is None:
                for one in outside:
                    if not self._came_in(one, begun):  # else a commit tells of them
                        kept_out(one.name)
                        self._emit(events.Removed(one.name, self._membership.own.name, away=True))
                self._tell_of_the_appointed(going)
            done(error)

        if replacements:
            self._vaults.offer(self._vaults.others(), lambda: None)  # no removal waits for it
        replaced, back = tuple(replacements.items()), self._way_back
        self._committer.want(RemoveMembers(removed, tuple(going), replaced, fold, back))

    @property
    def away(self) -> tuple[str, ...]:
        """The names of those that are not in the room, and come back without a decision."""
        return tuple(dict.fromkeys((*self._outside.names(), *self._absences.names())))

    def _came_in(self, person: Person, begun: int) -> bool:
        """Whether this member came in again behind so many entries of the list."""
        later = self._membership.chain[begun:]
        decoded = (RosterEntry.decode(entry.body, limit=limits.ENTRY) for entry in later)
        changes = (change for entry in decoded for change in entry.decoded_changes())
        return any(one.op is Op.ADD and one.key == person.relay_key for one in changes)

    def keys(self, names: Sequence[str]) -> tuple[bytes, ...]:
        """The MLS keys of those that a removal of these names takes out. Raises as `remove`."""
        return tuple(person.key for person in self._meant(names))

    def _way_back(self, key: bytes) -> WayBack | None:
        """How a member with this MLS key may come back without a person's decision."""
        door = self._outside.of(key)
        if door is not None:
            return WayBack(door)
        lost = self._absences.of(key)
        return None if lost is None else WayBack(relay_key=leaf_extension(lost.leaf).relay_key)

    def _tell_of_the_appointed(self, going: Iterable[Going]) -> None:
        for one in going:
            person = self._membership.find_key(one.key)
            if person is not None and person.facilitator:
                text = f"{person.name} was appointed meanwhile, so they are still here."
                self._emit(events.Problem("is_facilitator", text))

    def _here(self, names: Sequence[str]) -> list[Person]:
        """The members of these names, also one that is outside or lost the connection. One that is
        not here any more keeps no other in."""
        people, known = self._meant(names), self._known(names)
        for name in dict.fromkeys(names):
            if name not in known:
                text = f"Nobody here has the name {name}; the others you named are removed."
                self._emit(events.Problem("unknown_name", text))
        return people

    def _known(self, names: Sequence[str]) -> set[str]:
        known = {person.name for person in self._membership.people()}
        return known | {name for name in names if self._away(name) is not None}

    def _meant(self, names: Sequence[str]) -> list[Person]:
        known = self._known(names)
        here = [name for name in dict.fromkeys(names) if name in known]
        return [self._named(name) for name in here or names]

    def _away(self, name: str) -> Person | None:
        """The member of this name that may come back without a person's decision."""
        lost = self._absences.named(name)
        if lost is not None:
            return person_of(lost.leaf, frozenset())
        return self._outside.named(name)

    def _named(self, name: str) -> Person:
        away = self._away(name)
        if away is not None and all(one.name != name for one in self._membership.people()):
            return away
        person = named(self._membership, name, facilitator=False)
        if person.key == self._membership.own.key:
            text = (
                "You cannot remove yourself. /leave leaves, and /end ends the room for everybody."
            )
            raise NotNow("not_oneself", text)
        if person.facilitator:
            raise demote_first()
        return person

    def _going(self, person: Person, question: str | None) -> Going:
        door = self._came_by(person)
        stays = question is not None and self._asks(self._open(door), question)
        return Going(person.key, door, stays)

    def _came_by(self, person: Person) -> bytes:
        """The invite by which a member came. By the door of a step outside came nobody else, and it
        is closed."""
        first, lost = self._outside.came_by(person.key), self._absences.find(person.relay_key)
        seat = self._membership.roster.seats.get(person.relay_key, Seat())
        return first or (seat.door if lost is None else lost.door)

    def _open(self, id: bytes) -> Door | None:
        """What this client knows of an open door."""
        door = self._doors.get(id)
        return door if door is not None and not door.revoked else None

    def _asks(self, door: Door | None, question: str) -> bool:
        """Whether the link stays, and asks from now on. One without a secret here cannot ask, and
        one for a single person has been used."""
        if door is None or (door.statement is not None and not door.multi_use):
            return False
        if door.question != question:
            self._door_keeper.ask(door, question)
        return True

    def _closing(self, going: Iterable[Going]) -> list[Door]:
        """The doors that close, as far as this client knows them."""
        ids = dict.fromkeys(one.door_id for one in going if not one.keeps_door)
        return [door for door in map(self._open, ids) if door is not None]

    def _closed(self, old: Door, replacement: Invite | None, error: AlcoveError | None) -> None:
        listed = self._membership.state.door_ids()
        if replacement is not None and (error is not None or replacement.door not in listed):
            self._doors.drop(replacement)
            replacement = None  # the group does not list it, and no invite is made silently
        if error is not None or old.replaced or old.id in listed:
            return  # it stays, since all that came by it went before the removal, or was replaced
        old.replaced = True
        self._doors.revoke(old.id)
        self._door_keeper.revoke((old.id,))  # the entry closes that of the last stay alone
        if replacement is not None:
            self._put_instead(old, replacement)

    def _put_instead(self, old: Door, replacement: Invite) -> None:
        """Give the relay the new link, with what is left of the old one."""
        left = int(old.deadline - self._clock())
        if left <= 0 or not old.uses_left:
            return

        def put(error: AlcoveError | None) -> None:
            if error is None:
                self._emit(events.InviteChanged(replacement.url()))
            else:
                self._emit(events.Problem(error.code, error.text))

        self._door_keeper.put(replacement, InviteTerms(old.uses_left, left, old.question), put)

"""The list of members that the relay goes by, beside the group: compared with it, and restated.

Only the group's state decides what a client believes. But the relay goes by the list: one that
differs can mute members, or disarm a facilitator, whom the group knows as such.
"""

from collections.abc import Mapping, Sequence

from alcove_protocol.roster import ENTRANT, LINK, Change, Op, Role, RoomFlag, Roster, Seat
from alcove_protocol.statements import KEY_SIZE

from alcove.group.extensions import RoomExtension
from alcove.group.outcomes import Person
from alcove.group.standby import standby_of


def flags_of(state: RoomExtension) -> RoomFlag:
    """The flags of the roster that say what this state says."""
    locked = RoomFlag.LOCKED if state.locked else RoomFlag.NONE
    return locked | (RoomFlag.LISTEN_ONLY if state.listen_only else RoomFlag.NONE)


def is_the_groups(roster: Roster, state: RoomExtension, people: Sequence[Person]) -> bool:
    """Whether a roster says what the group of these people says. One commit changes both together:
    members, facilitators, pauses, flags, lobby key and standby. A link's key is on the list and has
    no leaf. A key that enters by it may have none yet: with it no client reads or writes."""
    entering = {person.relay_key for person in people if person.entering}
    members = {person.relay_key for person in people} - entering
    return (
        members == roster.seats.keys() - roster.standbys()
        and entering <= roster.entrants()
        and roster.links() == links_of(state)
        and roster.facilitators() == state.facilitator_relay_keys()
        and roster.lobby == state.lobby_key
        and _pauses_are_the_groups(roster, state, people)
        and (roster.flags, roster.slow) == (flags_of(state), state.slow)
    )


def _pauses_are_the_groups(roster: Roster, state: RoomExtension, people: Sequence[Person]) -> bool:
    paused = set(state.paused_keys())
    group = {person.relay_key for person in people if person.key in paused}
    listed = {key for key, seat in roster.seats.items() if seat.paused}
    return group == listed - roster.entrants()


def links_of(state: RoomExtension) -> frozenset[bytes]:
    """The relay key of the state's standby, if there is one."""
    standby = standby_of(state)
    return frozenset() if standby is None else frozenset({standby.relay_key})


def restated(
    state: RoomExtension, people: Sequence[Person], seats: Mapping[bytes, Seat]
) -> list[Change]:
    """The changes that make any list the group's. Only the door that each member came by is taken
    from `seats`, since the group does not know it."""
    paused = set(state.paused_keys())
    items = [Change(Op.RESET, bytes(KEY_SIZE))]
    items += [Change(Op.ADD, key, LINK) for key in links_of(state)]
    for person in people:
        role = Role.FACILITATOR if person.facilitator else Role.PARTICIPANT
        door = seats.get(person.relay_key, Seat()).door
        seat = ENTRANT if person.entering else Seat(door, role, person.key in paused)
        items.append(Change(Op.ADD, person.relay_key, seat))
    return items

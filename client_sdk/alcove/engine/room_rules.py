"""What a facilitator set for the room or for one member, told to the persons whom it concerns.

A pause is told to facilitators and to the one who is paused, a rule and the standby to all members.
What changed while this client did not follow is told when it is back, without an author.
"""

from alcove import events
from alcove.group.membership import Membership
from alcove.group.rights import RULES
from alcove.relay.ports import Ports


class RoomRules:
    """The pauses and rules that this client's person knows."""

    def __init__(self, membership: Membership, ports: Ports) -> None:
        self._membership = membership
        self._emit = ports.emit
        self._paused: frozenset[bytes] = frozenset()
        self._people: set[bytes] = set()
        self._rules: dict[str, bool | int] = dict.fromkeys(RULES, False)
        self._standby: bytes | None = None

    def look(self, by: str = "") -> None:
        """Tell what is another than before. `by` is the name of the facilitator that changed it."""
        state = self._membership.state
        held = state.hold is not None
        rules = {rule: getattr(state, rule) for rule in RULES} | {"hold": held}
        changed = tuple(rule for rule in RULES if rules[rule] != self._rules[rule])
        self._rules = rules
        if changed:
            people = self._membership.people() if held and "hold" in changed else ()
            names = tuple(person.name for person in people if person.facilitator)
            self._emit(
                events.RulesChanged(
                    state.listen_only, state.locked, changed, by, held, names, state.slow
                )
            )
        if state.standby != self._standby:
            self._standby = state.standby
            self._emit(events.StandbyChanged(state.standby is not None, by))
        self._look_at_pauses(frozenset(state.paused_keys()), by)

    def _look_at_pauses(self, paused: frozenset[bytes], by: str) -> None:
        changed, self._paused = paused ^ self._paused, paused
        own, people = self._membership.own, self._membership.people()
        keys = {person.key for person in people}
        new, self._people = keys - self._people, keys
        for person in people if changed else ():
            concerned = own.facilitator or person.key == own.key
            if not concerned or person.key not in changed:
                continue
            you = person.key == own.key
            if person.key not in paused:
                self._emit(events.Unpaused(person.name, by, you))
            else:
                listens = person.key in new and (you or bool(by))
                self._emit(events.Paused(person.name, by, you, to_listen=listens))

"""What a commit changed, told to the person: joins, departures, and what was wrong."""

from collections.abc import Iterable

from alcove import events
from alcove.events import ConnectionState
from alcove.group.outcomes import Burned, Merged, Person
from alcove.joining.names import is_clean, looks_like_any
from alcove.relay.ports import Ports


class Telling:
    """Makes events of what became of a commit."""

    def __init__(self, ports: Ports) -> None:
        self._emit = ports.emit
        self._absent: dict[str, bytes] = {}
        """The last MLS key of each name that was let go as absent, since this client came."""

    def merged(self, outcome: Merged, *, facilitates: bool) -> None:
        """Tell which members came and went. Facilitators are told, too, which of them let one in or
        put one out. The room reads that a member is gone, and not by whom."""
        by = outcome.by if facilitates else ""
        gone = {person.name for person in outcome.gone}
        replaced = {person.name for person in outcome.joined} & gone
        for person in outcome.joined:
            new = person.name in replaced or self._was_absent(person)
            back = events.NewKeys(person.name, outcome.by)
            self._emit(back if new else events.Joined(person.name, by=by))
            self._deceptive(person, outcome)
            self._twin(person, outcome)
        absent = {leaf.signature_key for leaf in outcome.absent}
        doors = set(outcome.state.door_ids()) - set(outcome.before.door_ids())
        for person in outcome.gone:
            if person.name in replaced:
                continue  # told as new keys
            if person.key in absent:
                self._absent[person.name] = person.key
                self._emit(events.Absent(person.name, outcome.by))
                continue
            by_wish = person.relay_key in outcome.by_wish
            if by_wish and doors:  # one of them is the way back
                self._emit(events.Outside(person.name))
                continue
            removed = events.Removed(person.name, "" if person.entering else by)
            self._emit(events.Left(person.name) if by_wish else removed)
        for person in outcome.reloaded:
            self._emit(events.Reloaded(person.name))
        for person in outcome.roles:
            self._emit(events.RoleChanged(person.name, person.facilitator, outcome.by))
            if person.facilitator and person.key == outcome.committer:
                self._emit(events.StandbyAsked(True))  # only the standby lists itself
        ttl = outcome.state.ttl
        if ttl != outcome.before.ttl:
            text = f"{outcome.by} changed how long messages stay: {ttl} seconds from now on."
            self._emit(events.Problem("ttl_changed", text, sender=outcome.by))

    def kept_out(self, name: str, by: str, *, facilitates: bool) -> None:
        """Tell that a member that was let go before is kept out now."""
        self._absent.pop(name, None)  # who comes by this name now is no member of before
        self._emit(events.Removed(name, by if facilitates else "", away=True))

    def _was_absent(self, person: Person) -> bool:
        """Whether they come under the name of a member that was let go, with other keys."""
        known = self._absent.pop(person.name, person.key)
        return known != person.key

    def came_back(self, before: Iterable[Person], after: tuple[Person, ...]) -> None:
        """In the group anew: tell what became of its members meanwhile. No commit of that time was
        seen, so nobody is named for it, and who is gone may have left or was removed."""
        self._emit(events.ConnectionChanged(ConnectionState.REJOINED))
        known, here = {person.key: person for person in before}, {person.key for person in after}
        changes = [f"{one.name} is gone." for key, one in known.items() if key not in here]
        for person in after:
            earlier = known.get(person.key)
            self._absent.pop(person.name, None)  # how they came in again was missed
            if earlier is None:
                self._emit(events.Joined(person.name))
            if person.facilitator != (earlier is not None and earlier.facilitator):
                now = f"{person.name} facilitates now."
                no_more = f"{person.name} does not facilitate any more."
                changes.append(now if person.facilitator else no_more)
        if changes:
            text = " ".join(("The group changed while you were out of it.", *changes))
            self._emit(events.Problem("members_changed", text))

    def _deceptive(self, person: Person, outcome: Merged) -> None:
        """Tell of a newcomer with a name that no honest facilitator's client lets in."""
        if not is_clean(person.name):
            by = _let_in(person, outcome)
            text = f"{by} let somebody in whose name can mislead: it hides something, or "
            text += "reads like a part in the room."
            self._emit(events.Problem("name_deceptive", text, sender=outcome.by))

    def _twin(self, person: Person, outcome: Merged) -> None:
        """Tell of a newcomer with a name like another member's. An honest facilitator's client lets
        in none, unless two did so at a time."""
        others = [other.name for other in outcome.people if other.key != person.key]
        if looks_like_any(person.name, others):
            text = f"{person.name} has the name of another member, or one like it. "
            by = _let_in(person, outcome)
            text += f"{by} let them in. The name no longer tells you who speaks."
            self._emit(events.Problem("name_taken", text, sender=outcome.by))

    def burned(self, outcome: Burned, *, kept_out: bool = False) -> None:
        """Tell of a commit that changed nothing, unless its entry `kept_out` one that was let go.
        Only one that this client could read is known to be refused by all: in another part of a
        split group it may have been right."""
        if not outcome.read:
            text = (
                "A change of the group came that cannot be read here. It changes nothing. It may "
                "be damaged or old, or the relay may have split the group. If messages stop, "
                "/leave leaves; then ask for a new invite."
            )
            if kept_out:
                text = (
                    "A change of the group came that cannot be read here. It changes nothing but "
                    "who can come back."
                )
            self._emit(events.Problem("commit_unreadable", text))
            return
        text = "A change of the group was not allowed, so nothing has changed."
        if kept_out:
            text = "A change of the group was not allowed. Only who can come back has changed."
        if outcome.by is not None:
            text = (
                f"{outcome.by} tried to {outcome.what}, which is not allowed. Nothing has changed."
            )
            if kept_out:
                text = (
                    f"{outcome.by} tried to {outcome.what}, which is not allowed. Only who can "
                    "come back has changed."
                )
        self._emit(events.Problem("commit_refused", text))

    def held(self) -> None:
        """Tell that this client missed a commit and asks to be let in again."""
        text = (
            "Your client missed a change of the group, and asks a facilitator's client to let "
            "it back in. You need to do nothing."
        )
        self._emit(events.Problem("held", text))

    def asks(self) -> None:
        """Tell that this client asks to be let in again, because its person wants that."""
        text = (
            "Your client asks a facilitator's client to let it back in. Until then it shows "
            "nothing new, and what you write waits."
        )
        self._emit(events.Problem("held", text))


def _let_in(person: Person, outcome: Merged) -> str:
    """By what this newcomer came in: a facilitator, or the link."""
    return "The standby's link" if person.entering else outcome.by

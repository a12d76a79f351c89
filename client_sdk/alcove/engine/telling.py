"""What a commit changed, told to the person: joins, departures, and what was wrong."""

from alcove import events
from alcove.group.membership import Burned, Merged
from alcove.relay.ports import Ports


class Telling:
    """Makes events of what became of a commit."""

    def __init__(self, ports: Ports) -> None:
        self._emit = ports.emit

    def merged(self, outcome: Merged) -> None:
        """Tell which members came and went."""
        for person in outcome.joined:
            self._emit(events.Joined(person.name))
        for person in outcome.gone:
            by_wish = person.relay_key in outcome.by_wish
            self._emit(events.Left(person.name) if by_wish else events.Removed(person.name))

    def burned(self, outcome: Burned) -> None:
        """Tell of a commit that changed nothing. Only one that this client could read is known to
        be refused by all: in another part of a split group it may have been right."""
        if not outcome.read:
            text = (
                "A change of the group came that cannot be read here. It changes nothing. It may "
                "be damaged or old, or the relay may have split the group."
            )
            self._emit(events.Problem("commit_unreadable", text))
            return
        text = "A change of the group was wrong; all refused it."
        if outcome.by is not None:
            text = f"{outcome.by} tried to {outcome.what}, which is not allowed; all refused it."
        self._emit(events.Problem("commit_refused", text))

    def held(self) -> None:
        """Tell that this client missed a commit and asks to be let in again."""
        text = "A change of the group was missed; asking a facilitator to be let in again."
        self._emit(events.Problem("held", text))

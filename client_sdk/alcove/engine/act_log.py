"""What facilitators did, as every member's client saw it in the group's state.

Nobody is announced as the author of a removal, and every member may look it up. A commit is
signed, so neither the relay nor another member can make an act up. Only acts that this client
followed are here, the newest `MOST`.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from alcove import events
from alcove.group.outcomes import Merged
from alcove.relay.ports import Ports

MOST: Final = 100
"""Acts that are kept. One more takes the place of the oldest."""


@dataclass(frozen=True, slots=True)
class _Noted:
    act: events.FacilitatorAct
    name: str
    by: str
    at: float


class ActLog:
    """The acts of this client's time in the room."""

    def __init__(self, ports: Ports) -> None:
        self._clock = ports.clock
        self._noted: deque[_Noted] = deque(maxlen=MOST)

    def merged(self, outcome: Merged) -> None:
        """A commit was followed, or made."""
        replaced = {one.name for one in outcome.joined} & {one.name for one in outcome.gone}
        for person in outcome.joined:
            self._note("rejoin" if person.name in replaced else "admit", person.name, outcome)
        for person in outcome.rejoined:
            self._note("rejoin", person.name, outcome)
        absent = {leaf.signature_key for leaf in outcome.absent}
        for person in outcome.gone:
            left = person.relay_key in outcome.by_wish
            away = person.key in absent
            if person.name in replaced:
                continue  # nobody was taken out: this person is there with new keys
            self._note("left" if left else "absent" if away else "remove", person.name, outcome)
        for person in outcome.roles:
            self._note("appoint" if person.facilitator else "demote", person.name, outcome)
        self._changes(outcome)

    def _changes(self, outcome: Merged) -> None:
        before, state = outcome.before, outcome.state
        old, new = set(before.door_ids()), set(state.door_ids())
        for _ in new - old:
            self._note("invite", "", outcome)
        for _ in old - new:
            self._note("revoke", "", outcome)
        paused = set(before.paused_keys()), set(state.paused_keys())
        for person in outcome.people:
            if person.key in paused[1] - paused[0]:
                self._note("pause", person.name, outcome)
            elif person.key in paused[0] - paused[1]:
                self._note("unpause", person.name, outcome)
        if (before.hold is None) is not (state.hold is None):
            self._note("resume" if state.hold is None else "hold", "", outcome)
        elif before.hold != state.hold:
            self._note("hold", "", outcome)
        elif before.listen_only != state.listen_only:
            self._note("listen_only" if state.listen_only else "listen_only_off", "", outcome)
        if before.slow != state.slow:
            self._note("slow", "", outcome)
        if before.locked != state.locked:
            self._note("lock" if state.locked else "unlock", "", outcome)
        for person in (*outcome.people, *outcome.gone):
            if person.key in set(state.folded_keys()) - set(before.folded_keys()):
                self._note("fold", person.name, outcome)
            elif person.key in set(before.folded_keys()) - set(state.folded_keys()):
                self._note("unfold", person.name, outcome)
        if before.lobby_key != state.lobby_key:
            self._note("lobby_key", "", outcome)
        if before.ttl != state.ttl:
            self._note("ttl", "", outcome)
        if before.standby != state.standby:
            self._note("standby" if state.standby is not None else "standby_off", "", outcome)
        if before.agreement != state.agreement:
            self._note("agreement", "", outcome)

    def _note(self, act: events.FacilitatorAct, name: str, outcome: Merged) -> None:
        self._noted.append(_Noted(act, name, outcome.by, self._clock()))

    def folded(self, name: str, by: str) -> None:
        """A facilitator folded one message of this member's."""
        self._noted.append(_Noted("fold", name, by, self._clock()))

    def acts(self) -> tuple[events.PastAct, ...]:
        """All that are kept, the oldest first."""
        now = self._clock()
        return tuple(
            events.PastAct(noted.act, noted.name, noted.by, int(now - noted.at))
            for noted in self._noted
        )

"""What facilitators did, as every member's client saw it in the group's state.

Nobody is announced as the author of a removal, and every member may look it up. A commit is
signed, so neither the relay nor another member can make an act up. Only acts that this client
followed are here, the newest `MOST`.
"""

from collections import deque
from collections.abc import Callable
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
    aside: bool
    away: bool = False


class ActLog:
    """The acts of this client's time in the room."""

    def __init__(self, ports: Ports, asks: Callable[[bytes], bool]) -> None:
        """`asks` says whether the member with this MLS key is known to have asked to be a
        participant: this client's own person, or one whose wish came to this facilitator's."""
        self._asks = asks
        self._clock = ports.clock
        self._noted: deque[_Noted] = deque(maxlen=MOST)
        self._now = 0.0
        """When the commit came: all that it did has the same age."""
        self._away: deque[bytes] = deque(maxlen=MOST)
        """MLS keys of those that went outside, or whose connection was lost: a client lets them in
        again by rule."""

    def merged(self, outcome: Merged) -> None:
        """A commit was followed, or made."""
        self._now = self._clock()
        replaced = {one.name for one in outcome.joined} & {one.name for one in outcome.gone}
        for person in outcome.joined:
            back = person.key in self._away
            act: events.FacilitatorAct = "rejoin" if person.name in replaced else "admit"
            self._note(act, person.name, outcome, aside=back)
        for person in outcome.rejoined:
            self._note("rejoin", person.name, outcome, aside=True)
        absent = {leaf.signature_key for leaf in outcome.absent}
        for person in outcome.gone:
            left = person.relay_key in outcome.by_wish
            away = person.key in absent
            if left or away:
                self._away.append(person.key)
            if person.name in replaced:
                continue  # no member was taken out: this one is there with new keys
            gone: events.FacilitatorAct = "left" if left else "absent" if away else "remove"
            # One that was coming in by the standby goes with the standby.
            cleared = person.entering and outcome.before.standby != outcome.state.standby
            self._note(gone, person.name, outcome, aside=left or away or cleared)
        for person in outcome.roles:
            # The client of another facilitator grants a wish. It is the act of the one that asked.
            by = person.name if not person.facilitator and self._asks(person.key) else outcome.by
            act = "appoint" if person.facilitator else "demote"
            self._noted.append(_Noted(act, person.name, by, self._now, aside=False))
        self._changes(outcome)

    def _changes(self, outcome: Merged) -> None:
        self._doors(outcome)
        self._rules(outcome)
        self._pauses_and_folds(outcome)
        before, state = outcome.before, outcome.state
        if before.lobby_key != state.lobby_key:
            self._note("lobby_key", "", outcome, aside=True)  # no act asks for it
        if before.ttl != state.ttl:
            self._note("ttl", "", outcome)
        if before.standby != state.standby:
            made = state.standby is not None
            # It goes with the facilitator that set it, and with no other.
            along = outcome.roles or any(person.facilitator for person in outcome.gone)
            self._note("standby" if made else "standby_off", "", outcome, aside=bool(along))
        if before.agreement != state.agreement:
            self._note("agreement", "", outcome)

    def _pauses_and_folds(self, outcome: Merged) -> None:
        """Of a member that came in so, or has another part now, they came along. Of others they are
        acts, whatever else the commit does."""
        before, state = outcome.before, outcome.state
        came = {one.key for one in (*outcome.joined, *outcome.rejoined)}
        part = {one.key for one in outcome.roles} | came
        paused = set(before.paused_keys()), set(state.paused_keys())
        for person in outcome.people:
            if person.key in paused[1] - paused[0]:
                self._note("pause", person.name, outcome, aside=person.key in came)  # to listen
            elif person.key in paused[0] - paused[1]:
                self._note("unpause", person.name, outcome, aside=person.key in part)
        folded = set(before.folded_keys()), set(state.folded_keys())
        for person in (*outcome.people, *outcome.gone):
            if person.key in folded[1] - folded[0]:
                self._note("fold", person.name, outcome)
            elif person.key in folded[0] - folded[1]:
                ended = person.key in part or person in outcome.gone
                self._note("unfold", person.name, outcome, aside=ended)

    def _doors(self, outcome: Merged) -> None:
        old, new = set(outcome.before.door_ids()), set(outcome.state.door_ids())
        people = len(outcome.gone) + len(outcome.joined)
        # The links of those removed, and the own ways back of those that came in. No more are: a
        # facilitator with another client could close all others along with them, unseen.
        served = len(old - new) if new - old and not people else people  # else it made place
        # A way back from outside, or in the place of a link that closes.
        ways = len(outcome.by_wish) + min(people, len(old - new))
        for number, _ in enumerate(new - old):
            self._note("invite", "", outcome, aside=number < ways)
        for number, _ in enumerate(old - new):
            self._note("revoke", "", outcome, aside=number < served)

    def _rules(self, outcome: Merged) -> None:
        before, state = outcome.before, outcome.state
        if (before.hold is None) is not (state.hold is None):
            self._note("resume" if state.hold is None else "hold", "", outcome)
        elif before.hold != state.hold:
            self._note("hold", "", outcome)
        elif before.listen_only != state.listen_only:
            self._note("listen_only" if state.listen_only else "listen_only_off", "", outcome)
        if before.slow != state.slow:
            self._note("slow", "", outcome)
        if before.locked != state.locked:
            held = before.hold is None and state.hold is not None  # a hold locks the door
            self._note("lock" if state.locked else "unlock", "", outcome, aside=held)

    def _note(
        self, act: events.FacilitatorAct, name: str, outcome: Merged, *, aside: bool = False
    ) -> None:
        self._noted.append(_Noted(act, name, outcome.by, self._now, aside))

    def folded(self, name: str, by: str) -> None:
        """A facilitator folded one message of this member's, or without a name, of one that has
        gone, or of all that wrote since the place from which the room is held."""
        act: events.FacilitatorAct = "fold_message" if name else "fold"
        self._noted.append(_Noted(act, name, by, self._clock(), aside=False))

    def kept_out(self, name: str, by: str) -> None:
        """One that was let go was removed, as the list says; or this facilitator removed a member
        that was outside. What others see of that is an invite that closes: it names no one. One
        that came in meanwhile went by the commit."""
        told = ("remove", name, by, self._now)
        if told not in [(one.act, one.name, one.by, one.at) for one in self._noted]:
            self._noted.append(_Noted("remove", name, by, self._clock(), aside=False, away=True))

    def acts(self) -> tuple[events.PastAct, ...]:
        """All that are kept, the oldest first."""
        now = self._clock()
        return tuple(
            events.PastAct(one.act, one.name, one.by, int(now - one.at), one.aside, one.away)
            for one in self._noted
        )

"""Tells the person when the relay's list of members and the group differ."""

from typing import Final

from alcove_protocol.position import Position

from alcove import events
from alcove.group.membership import Membership
from alcove.relay.ports import Ports

MISMATCH: Final = (
    "The relay's list of members does not match the group's. The relay is wrong, or the "
    "facilitator who made the last change. If this is told again, ask to be let in again "
    "(/rejoin): that brings you the list whole."
)
BY_A_FACILITATOR: Final = (
    "{name} changed the relay's list of members, and not the group. The relay may now refuse what "
    "members or facilitators may do."
)

SAID: Final = (
    "{name} facilitates, and says that the list of members is another than yours. The relay shows "
    "you two different lists, or {name} is wrong."
)


class RosterAlarm:
    """Once for each commit, because every heartbeat would find the same difference."""

    def __init__(self, membership: Membership, ports: Ports) -> None:
        self._membership = membership
        self._emit = ports.emit
        self._sounded_at: Position | None = None
        self._told_at: Position | None = None

    def sound(self, *, behind: bool) -> None:
        """Tell what the membership has found, if it is new.

        A client that is `behind` lacks entries, so no later one follows. Its Welcome brings the
        whole list, which is compared with the group then.
        """
        membership, base = self._membership, self._membership.base
        self._tell_what_was_said(behind=behind)
        alarm, name = membership.alarm, membership.alarm_by
        membership.alarm = membership.alarm_by = None
        if alarm is None or behind or self._sounded_at == base:
            return
        self._sounded_at = base
        text = MISMATCH if name is None else BY_A_FACILITATOR.format(name=name)
        self._emit(events.Problem("roster_mismatch", text, sender=name))

    def _tell_what_was_said(self, *, behind: bool) -> None:
        """A facilitator's word alone uses up no alarm of what this client sees itself."""
        name, base = self._membership.told_list, self._membership.base
        self._membership.told_list = None
        if name is None or behind or self._told_at == base:
            return
        self._told_at = base
        self._emit(events.Problem("roster_mismatch", SAID.format(name=name), sender=name))

"""Tells the person when the relay's list of members and the group differ."""

from typing import Final

from alcove_protocol.position import Position

from alcove import events
from alcove.group.membership import Membership
from alcove.relay.ports import Ports

MISMATCH: Final = "The relay's list of members does not match the group's; do not trust the relay."
BY_A_FACILITATOR: Final = (
    "{name} changed the relay's list of members, and not the group. The relay may now refuse what "
    "members or facilitators may do."
)


class RosterAlarm:
    """Once for each commit, because every heartbeat would find the same difference."""

    def __init__(self, membership: Membership, ports: Ports) -> None:
        self._membership = membership
        self._emit = ports.emit
        self._sounded_at: Position | None = None

    def sound(self, *, held: bool) -> None:
        """Tell what the membership has found, if it is new.

        A held client lacks entries that it missed, so no later one follows. Its Welcome brings the
        whole list, which is compared with the group then.
        """
        membership, base = self._membership, self._membership.base
        alarm, name = membership.alarm, membership.alarm_by
        membership.alarm = membership.alarm_by = None
        if alarm is None or held or self._sounded_at == base:
            return
        self._sounded_at = base
        text = MISMATCH if name is None else BY_A_FACILITATOR.format(name=name)
        self._emit(events.Problem("roster_mismatch", text, sender=name))

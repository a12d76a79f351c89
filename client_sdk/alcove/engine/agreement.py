"""Another agreement than the person accepted: they are asked, and nothing accepts it for them.

A facilitator can change the agreement in a commit, and every member follows the commit. What the
person accepted stays what it was until they say so: their client posts no text, and their messages
and Updates carry the hash of the agreement that they saw.
"""

from alcove import events
from alcove.errors import NotNow
from alcove.group.membership import Membership
from alcove.relay.ports import Ports

CHANGED = (
    "The ground rules changed. What you write waits until you accept the new ones: have a "
    "facilitator tell you what they say, then accept them, or leave."
)


class AgreementQuestion:
    """Asks once for each agreement that the room comes to have."""

    def __init__(self, membership: Membership, ports: Ports) -> None:
        self._membership = membership
        self._emit = ports.emit
        self._told = membership.accepted

    def ask(self) -> None:
        """The group moved on: ask, if there is something new to accept."""
        told, self._told = self._told, self._membership.state.agreement
        if self._membership.agreement_due and told != self._told:
            self._emit(events.Problem("agreement_changed", CHANGED))

    def accept(self) -> None:
        """The person accepts what they were asked about. Raises `NotNow` (`nothing_to_accept`)."""
        if not self._membership.agreement_due:
            raise NotNow("nothing_to_accept", "There is nothing to accept.")
        self._membership.accepted = self._told

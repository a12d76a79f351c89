"""The person's side of the agreement: they are shown it, and they alone accept it.

A facilitator changes the agreement by a commit, and every member follows the commit. What the
person accepted stays what it was until they say so: their client posts no text, and their messages
and Updates carry the hash of the agreement that they saw. A correction asks for nothing, because
what they accepted stays good.
"""

from typing import Final

from alcove import events
from alcove.errors import NotNow
from alcove.group.extensions import leaf_extension
from alcove.group.membership import Membership
from alcove.messages.agreements import Agreements
from alcove.relay.ports import Ports

CHANGED: Final = (
    "The ground rules changed, and the new text has not come here yet. What you write waits. The "
    "text is shown as soon as it comes: facilitators' clients that have it send it again. You can "
    "leave."
)
CHANGED_WITHOUT_YOU: Final = (
    "The ground rules changed, and the new text has not come here yet. What you write waits. If no "
    "other facilitator's client sends the text again, give the room its ground rules anew: "
    "/newrules FILE."
)
"""To a facilitator, who may be the only one."""
CORRECTED: Final = (
    "A facilitator corrected the ground rules, and the new text has not come here. What you "
    "accepted stays good, and you can go on."
)

AT_ONCE: Final = 5.0
"""Seconds in which the text comes again to a member who came in just before the change."""
PATIENCE: Final = 60.0
"""Seconds in which the text of a correction comes again, to a member back from away."""


class AgreementQuestion:
    """Shows each agreement that the room comes to have, once, and takes the person's answer."""

    def __init__(self, membership: Membership, agreements: Agreements, ports: Ports) -> None:
        self._membership = membership
        self._agreements = agreements
        self._emit = ports.emit
        self._clock = ports.clock
        unseen = membership.accepted == agreements.unseen
        self._shown = b"" if unseen else membership.accepted
        self._told = b""
        self._missing = b""
        """The agreement whose text is not here, if any."""
        self._missing_since = 0.0

    def ask(self) -> None:
        """The group moved on, or a text came: show what is new, and ask if it must be accepted."""
        membership, state = self._membership, self._membership.state
        self._agreements.moved(state)
        if leaf_extension(membership.own_leaf).agreement == state.agreement:
            # This client signed it: its person changed the agreement, or accepted it before.
            membership.accepted = state.agreement
        if self._shown == state.agreement:
            return
        agreement = self._agreements.of(state)
        if agreement is None:
            if state.agreement not in (self._missing, self._agreements.unseen):
                self._missing, self._missing_since = state.agreement, self._clock()
            return
        self._shown, self._missing = state.agreement, b""
        self._emit(self._agreements.shown_event(agreement, asked=membership.agreement_due))

    def tick(self) -> None:
        """Tell, once for each agreement, that its text is not here: soon when it has to be
        accepted, and a while later when it need not."""
        if not self._missing or self._told == self._missing:
            return
        waited = self._clock() - self._missing_since
        if self._membership.agreement_due and waited >= AT_ONCE:
            self._emit(events.Problem("agreement_changed", self._without_text))
        elif not self._membership.agreement_due and waited >= PATIENCE:
            self._emit(events.Problem("agreement_corrected", CORRECTED))
        else:
            return
        self._told = self._missing

    @property
    def _without_text(self) -> str:
        """What to say of the text that is not here."""
        facilitators = self._membership.facilitator_keys
        return CHANGED_WITHOUT_YOU if self._membership.own.key in facilitators else CHANGED

    def accept(self, version: int | None = None) -> None:
        """The person accepts what they were shown; `version` is the one that they read.

        Raises `NotNow`: `nothing_to_accept`, `no_agreement` while its text is not here,
        `agreement_changed` when a later version took the place of the one that they read.
        """
        state = self._membership.state
        if not self._membership.agreement_due:
            raise NotNow("nothing_to_accept", "There is nothing to accept.")
        if self._shown != state.agreement:
            raise NotNow("no_agreement", self._without_text)
        if version not in (None, state.agreement_version):
            text = (
                "The ground rules changed once more since. /rules shows them, and /accept accepts "
                "them."
            )
            raise NotNow("agreement_changed", text)
        self._membership.accepted = state.agreement

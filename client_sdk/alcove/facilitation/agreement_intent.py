"""A facilitator's wish for another agreement, as one commit.

The text stands in the log before. It binds its version: when another facilitator's change comes
first, this one is not made, because its author has not read what it would replace.
"""

from dataclasses import dataclass

from alcove.errors import NotNow
from alcove.facilitation.intents import CommitPlan, Intent, state_change
from alcove.group.agreement_rules import may_correct, with_agreement
from alcove.group.membership import Membership

FULL = (
    "The ground rules were corrected as often as is possible. Change them as a new rule "
    "(/newrules FILE), which everybody is asked to accept."
)


@dataclass(frozen=True, slots=True)
class ChangeAgreement(Intent):
    """Make the agreement of this version and hash current. Its author accepts it by that."""

    version: int = 0
    agreement: bytes = b""
    correction: bool = False

    def plan(self, membership: Membership) -> CommitPlan | None:
        """Raises `NotNow` (`agreement_race`, `too_many_corrections`)."""
        state = membership.state
        if state.agreement == self.agreement:
            return None
        if state.agreement_version + 1 != self.version:
            text = (
                "Another facilitator changed the ground rules first, and yours were not changed. "
                "Read theirs (/rules), then change them again (/newrules FILE)."
            )
            raise NotNow("agreement_race", text)
        if self.correction and not may_correct(state):
            raise NotNow("too_many_corrections", FULL)
        after = with_agreement(state, self.agreement, correction=self.correction)
        return CommitPlan(
            (state_change(after),),
            force_path=True,
            accepts=self.agreement,
        )

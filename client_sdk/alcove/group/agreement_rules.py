"""What a commit may do to the room's agreement: leave it, correct it, or make a new rule.

The state holds the agreement's hash and version, and `corrected`: hashes of earlier agreements that
a correction left good. Texts are in no state. So these rules say nothing of them.
"""

from dataclasses import replace

from alcove.group.extensions import CORRECTED, RoomExtension


def agreement_fault(before: RoomExtension, after: RoomExtension) -> str | None:
    """Return the code of the rule that a change of the agreement breaks, or None.

    The version counts the agreements. A correction adds the hash before it to `corrected`, and a
    new rule empties the list. Nothing else moves it, so no commit makes a text good that was never
    the room's, or one that a new rule took the place of.
    """
    same_text = before.agreement == after.agreement
    if after.agreement_version != before.agreement_version + (0 if same_text else 1):
        return "agreement_version"
    corrected = before.corrected + before.agreement
    allowed = {before.corrected} if same_text else {b"", corrected}
    return None if after.corrected in allowed else "agreement_corrected"


def may_correct(state: RoomExtension) -> bool:
    """Return whether the list has a place for the present hash: it holds 16."""
    return len(state.corrected_hashes()) < CORRECTED


def with_agreement(state: RoomExtension, agreement: bytes, *, correction: bool) -> RoomExtension:
    """Return the state with another agreement, as a correction or as a new rule."""
    return replace(
        state,
        agreement_version=state.agreement_version + 1,
        agreement=agreement,
        corrected=state.corrected + state.agreement if correction else b"",
    )

"""Mutants of the rights table: each rule of `alcove.group.rights`, by the code it refuses with."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant

RIGHTS: Final = "alcove.group.rights"
_TESTS: Final = "tests/end_to_end/evil/test_rights.py"
_STATE: Final = "alcove.group.extensions:RoomExtension.check"


def right(code: str, function: str, old: str, new: str, test: str, *, where: str = "") -> Mutant:
    """A mutant of one rule; `test` is a kind of commit in the test's table, or a whole test."""
    name = test if test.startswith("test_") else f"test_the_rule_that_refuses_a_commit[{test}]"
    edit = Edit(where or f"{RIGHTS}:{function}", old, new)
    return Mutant(f"rights {code}", (edit,), f"{_TESTS}::{name}")


def _may(old: str, new: str, function: str = "ACTS") -> Mutant:
    return right("acts", function, old, new, "test_who_may_send_what")


def _allowed(kind: str) -> str:
    return f"test_what_a_facilitator_may_commit[{kind}]"


_CONTEXT = "staged.before.extension(REQUIRED_CAPABILITIES) != staged.after.extension("
_RELAY_KEYS = "leaf_extension(old).relay_key != leaf_extension(new).relay_key"

_NOT_OFFERED = (
    "absent",
    "facilitators_start",
    "facilitators_stay",
    "ttl",
)

ALL_RIGHTS: Final[tuple[Mutant, ...]] = (
    # acts inside a message
    _may("Act.TEXT: _may_post", "Act.TEXT: _every_member"),
    _may("Act.TEXT: _may_post", "Act.TEXT: _facilitator"),
    _may("Act.RETRACT: _every_member", "Act.RETRACT: _may_post"),
    _may("Act.VOID: _every_member", "Act.VOID: _may_post"),
    _may("Act.HEARTBEAT: _facilitator", "Act.HEARTBEAT: _every_member"),
    _may("Act.FOLD: _facilitator", "Act.FOLD: _every_member"),
    _may("not state.listen_only and ", "", "_may_post"),
    _may(" and key not in state.paused_keys()", "", "_may_post"),
    _may("if _facilitator(state, key):", "if False:", "_may_post"),
    _may("key in state.facilitator_keys()", "True", "_facilitator"),
    # who commits
    right(
        "committer",
        "judge",
        "if staged.is_external:",
        "if False:",
        _allowed("a return in its own place"),
    ),
    right(
        "committer",
        "_judge_commit",
        "if not facilitates:",
        "if False:",
        "test_a_participant_commits_nothing[empty path]",
    ),
    right(
        "committer",
        "_judge_commit",
        "_facilitator(before, leaf.signature_key)",
        "_facilitator(after, leaf.signature_key)",
        "test_a_commit_is_judged_by_the_state_before_it",
    ),
    # what is committed
    right(
        "proposal_by_reference",
        "_judge_proposals",
        "if not isinstance(item.proposal, mls.Update):",
        "if False:",
        "add by reference",
    ),
    right(
        "proposal_by_reference",
        "_judge_proposals",
        "isinstance(item.proposal, mls.Update)",
        "isinstance(item.proposal, mls.Update | mls.Remove)",
        "remove by reference",
    ),
    right(
        "proposal_by_reference",
        "_judge_proposals",
        "if item.by_reference:",
        "if False:",
        _allowed("another's update"),
    ),
    right(
        "proposal_kind",
        "_judge_proposals",
        "mls.Add | mls.Remove |",
        "mls.Remove |",
        _allowed("add"),
    ),
    right("proposal_kind", "_judge_proposals", "| mls.Remove |", "|", _allowed("remove")),
    right(
        "proposal_kind",
        "_judge_proposals",
        "| mls.GroupContextExtensions",
        "",
        _allowed("state"),
    ),
    right(
        "proposal_kind",
        "_judge_proposals",
        "| mls.GroupContextExtensions",
        "| mls.GroupContextExtensions | mls.ReInit",
        "reinit",
    ),
    right(
        "proposal_kind",
        "_judge_proposals",
        "| mls.GroupContextExtensions",
        "| mls.GroupContextExtensions | mls.PreSharedKey",
        "a pre-shared key",
    ),
    right(
        "proposal_by_reference",
        "_judge_updater",
        "leaf is None or _facilitator(before, leaf.signature_key)",
        "leaf is None",
        "test_a_facilitators_update_is_never_committed",
    ),
    # leaves
    right(
        "leaf_identity",
        "check_same_member",
        "(old.signature_key, old.credential) == (new.signature_key, new.credential)",
        "old.signature_key == new.signature_key",
        "another name",
    ),
    right(
        "leaf_identity",
        "check_same_member",
        "(old.signature_key, old.credential) == (new.signature_key, new.credential)",
        "old.credential == new.credential",
        "another signature key",
    ),
    right("leaf_identity", "check_same_member", f" or {_RELAY_KEYS}", "", "another relay key"),
    right(
        "leaf_identity",
        "_changed_leaves",
        "yield from staged.updated",
        "yield from ()",
        "an update with another relay key",
    ),
    right(
        "leaf_identity",
        "_changed_leaves",
        "if staged.has_path:",
        "if False:",
        "another relay key",
    ),
    right(
        "relay_key_twice",
        "_judge_relay_keys",
        "if len(set(keys)) != len(keys):",
        "if False:",
        "a member's relay key",
    ),
    right(
        "leaf_identity",
        "_judge_leaves",
        "check_same_member(former, new)",
        "pass",
        "rejoin under another name",
    ),
    right(
        "leaf_identity",
        "_judge_leaves",
        "if former is not None:",
        "if False:",
        "rejoin under another name",
    ),
    right(
        "leaf_identity",
        "_removed_leaves",
        "if leaf is not None:",
        "if leaf is None:",
        "rejoin under another name",
    ),
    right(
        "agreement_not_accepted",
        "_judge_leaves",
        "if leaf_extension(new).agreement not in after.good_agreements():",
        "if False:",
        "who did not accept",
    ),
    right(
        "leaf_appointment",
        "check_leaf",
        "if leaf_extension(leaf).appointment is not None:",
        "if False:",
        "an appointment in a new leaf",
    ),
    right(
        "leaf_appointment",
        "_judge_leaves",
        "        check_leaf(new)\n",
        "",
        "an appointment in a new leaf",
    ),
    right(
        "leaf_appointment",
        "check_same_member",
        "check_leaf(new)",
        "pass",
        "an appointment in the path",
    ),
    Mutant(
        "rights leaf_appointment",
        (
            Edit(
                "alcove.facilitation.knock_check:KnockCheck.check",
                "            check_leaf(key_package.leaf_node)\n",
                "",
            ),
        ),
        "tests/end_to_end/evil/test_leaf_appointments.py"
        "::test_a_knock_with_an_appointment_in_its_leaf_is_refused",
    ),
    # the group's context
    right(
        "context_extensions",
        "_judge_context",
        "if sorted(types) != sorted((REQUIRED_CAPABILITIES, ROOM_EXTENSION)):",
        "if False:",
        "external senders",
    ),
    right(
        "context_extensions",
        "_judge_context",
        "sorted(types) != sorted((REQUIRED_CAPABILITIES, ROOM_EXTENSION))",
        "not {REQUIRED_CAPABILITIES, ROOM_EXTENSION}.issuperset(types)",
        "no required capabilities",
    ),
    right(
        "required_capabilities",
        "_judge_context",
        _CONTEXT,
        "b'' != b''.join((b'',)[:REQUIRED_CAPABILITIES * 0]) and (",
        "other required capabilities",
    ),
    # the room's state
    right(
        "not_offered",
        "_judge_state",
        "if any(getattr(before, name) != getattr(after, name) for name in NOT_OFFERED):",
        "if False:",
        "another absent",
    ),
    *(
        right("not_offered", "NOT_OFFERED", f'    "{name}",\n', "", f"another {name}")
        for name in _NOT_OFFERED
    ),
    right(
        "folded_facilitator",
        "_judge_state",
        "if after.facilitator_keys() & set(after.folded_keys()):",
        "if False:",
        "a facilitator folded",
    ),
    right(
        "hold_open",
        "_judge_state",
        "if after.hold is not None and not after.listen_only:",
        "if False:",
        "held, and everybody writes",
    ),
    right(
        "folded_not_member",
        "_judge_folds",
        "if not keys.issuperset(set(after.folded_keys()) - set(before.folded_keys())):",
        "if False:",
        "a stranger folded",
    ),
    right(
        "folded_not_member",
        "_judge_folds",
        "group.members()}",
        "group.members()} | {bytes([7]) * 32}",
        "a stranger folded",
    ),
    right(
        "folded_not_member",
        "_judge_folds",
        " - set(before.folded_keys())",
        "",
        _allowed("a fold that stays when its member goes"),
    ),
    right(
        "lobby_key_kept",
        "_judge_state",
        "before.facilitator_keys() - after.facilitator_keys() and "
        "before.lobby_key == after.lobby_key",
        "False",
        "demoted, and the lobby key stays",
    ),
    right(
        "lobby_key_kept",
        "_judge_state",
        "before.facilitator_keys() - after.facilitator_keys() and ",
        "",
        _allowed("appoint"),
    ),
    right(
        "lobby_key_kept",
        "_judge_state",
        "before.facilitator_keys() - after.facilitator_keys() and "
        "before.lobby_key == after.lobby_key",
        "before.facilitator_keys() != after.facilitator_keys()",
        _allowed("demote"),
    ),
    right(
        "appointments_rewritten",
        "_judge_appointments",
        "if not after.appointments.startswith(kept):",
        "if False:",
        "appointments left out",
    ),
    right(
        "appointment",
        "_judge_state",
        "_judge_appointments(room, committer, before, after)",
        "pass",
        "nobody appointed",
    ),
    right(
        "appointment",
        "_judge_appointments",
        "sorted(map(FacilitatorKeys.encode, appointed)) != "
        "sorted(map(FacilitatorKeys.encode, new))",
        "False",
        "nobody appointed",
    ),
    right(
        "appointment",
        "_judge_appointments",
        "sorted(map(FacilitatorKeys.encode, appointed)) != "
        "sorted(map(FacilitatorKeys.encode, new))",
        "not set(new) <= set(appointed)",
        "two appointments of one",
    ),
    right(
        "appointment",
        "_judge_appointments",
        "sorted(map(FacilitatorKeys.encode, appointed)) != "
        "sorted(map(FacilitatorKeys.encode, new))",
        "{keys.mls_key for keys in appointed} != {keys.mls_key for keys in new}",
        "appointed with other keys",
    ),
    right(
        "appointment",
        "_judge_appointments",
        "after.appointments[len(kept) :]",
        "after.appointments",
        _allowed("appoint"),
    ),
    right(
        "appointment",
        "_appointed",
        "(claimed.room, claimed.appointer) != (room, committer)",
        "claimed.appointer != committer",
        "appointed in another room",
    ),
    right(
        "appointment",
        "_appointed",
        "if (claimed.room, claimed.appointer) != (room, committer):",
        "if False:",
        "appointed in another room",
    ),
    Mutant(
        "rights appointment",
        (
            Edit(
                f"{RIGHTS}:_appointed",
                "(claimed.room, claimed.appointer) != (room, committer)",
                "claimed.room != room",
            ),
            Edit(
                f"{RIGHTS}:_appointed",
                "verify(Appointment, Label.APPOINT, signed, committer)",
                "verify(Appointment, Label.APPOINT, signed, claimed.appointer)",
            ),
        ),
        f"{_TESTS}::test_the_rule_that_refuses_a_commit[appointed by another facilitator]",
    ),
    right(
        "appointment",
        "_appointed",
        "verify(Appointment, Label.APPOINT, signed, committer)",
        "pass",
        "appointment signed by another",
    ),
    right(
        "facilitator_not_member",
        "_judge_facilitators_present",
        "if relay_keys.get(facilitator.mls_key) != facilitator.relay_key:",
        "if False:",
        "removed but listed",
    ),
    # pauses, and the lock
    right(
        "locked",
        "_judge_leaves",
        "if after.locked:",
        "if False:",
        "who comes through a locked door",
    ),
    right(
        "locked",
        "_judge_leaves",
        "if former is not None:",
        "if former is not None and not after.locked:",
        _allowed("rejoin through a locked door"),
    ),
    right(
        "paused_facilitator",
        "_judge_state",
        "if after.facilitator_keys() & set(after.paused_keys()):",
        "if False:",
        "a facilitator paused",
    ),
    right(
        "paused_not_member",
        "_judge_pauses",
        "if not keys.issuperset(after.paused_keys()):",
        "if False:",
        "a stranger paused",
    ),
    right(
        "paused_not_member",
        "_judge_commit",
        "_judge_pauses(staged, after)",
        "pass",
        "a stranger paused",
    ),
    right(
        "desk_settings", "_judge_commit", "_judge_desk(staged, after)", "pass", "another desk_size"
    ),
    right(
        "desk_settings",
        "_judge_desk",
        "if not has_desk",
        "if False and has_desk",
        "another desk_interval",
    ),
    right("bad_field", "", "not lists[0] or ", "", "nobody left", where=_STATE),
    right(
        "bad_field",
        "judge",
        "raise NotAllowed(error.code) from None",
        "return",
        "no room state",
    ),
)

WATCHED: Final = tuple(
    f"{RIGHTS}:{name}"
    for name in (
        "ACTS",
        "may",
        "_facilitator",
        "_may_post",
        "judge",
        "_judge_commit",
        "_demand",
        "_judge_desk",
        "_judge_proposals",
        "_judge_updater",
        "_judge_leaves",
        "_judge_relay_keys",
        "check_leaf",
        "check_same_member",
        "_changed_leaves",
        "_removed_leaves",
        "_judge_context",
        "_judge_state",
        "_judge_appointments",
        "_appointed",
        "_judge_facilitators_present",
        "_judge_pauses",
        "_judge_folds",
        "judge_step_down",
    )
)
"""Where the rights are. Each `if` and `raise` there has a mutant, or a reason."""

REASONS: Final = {
    f"{RIGHTS}:_judge_commit: leaf is None": (
        "For the type checker: MLS takes a commit that is not external from a member only."
    ),
    f"{RIGHTS}:_judge_updater: sender is not None": (
        "For the type checker: MLS takes an Update from a member only, so it has a sender."
    ),
    f"{RIGHTS}:_judge_leaves: old is None or new is None": (
        "For the type checker: MLS refuses a list that changes and removes one leaf (rule 12.2-4), "
        "and the committer cannot remove itself (12.2-3), so a changed leaf is in both trees."
    ),
}

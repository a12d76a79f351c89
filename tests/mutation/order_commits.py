"""Mutants of what becomes of a commit: merged, burned, held, put out."""

from typing import Final

from tests.mutation.mutant import Mutant
from tests.mutation.order_places import EVIL, FRAMING, MEMBERSHIP, order

ONE_COMMIT: Final[tuple[Mutant, ...]] = (
    order(
        "base",
        f"{MEMBERSHIP}:Membership.follow",
        "self.base = position",
        "pass",
        f"{EVIL}/test_commits.py::test_a_message_passed_off_as_a_commit_is_burned",
    ),
    order(
        "rights",
        f"{MEMBERSHIP}:Membership._judge",
        "approve=lambda seen: judge(self.group, seen)",
        "approve=None",
        f"{EVIL}/test_commits.py"
        "::test_a_forbidden_commit_of_a_facilitator_is_burned_and_the_room_goes_on[reinit]",
    ),
    order(
        "class",
        f"{MEMBERSHIP}:Membership._judge",
        "check_class(commit, mls.ContentType.COMMIT)",
        "pass",
        f"{EVIL}/test_order.py::test_a_public_commit_is_burned",
    ),
    order(
        "class",
        f"{FRAMING}:check_class",
        "header.wire_format != mls.WireFormat.PRIVATE_MESSAGE or ",
        "",
        f"{EVIL}/test_order.py::test_a_public_commit_is_burned",
    ),
    order(
        "class",
        f"{FRAMING}:check_class",
        " or header.content_type != content_type",
        "",
        f"{EVIL}/test_order.py::test_what_a_class_lets_through",
    ),
    order(
        "held",
        f"{MEMBERSHIP}:Membership._judge",
        "ahead = mls.peek(commit).epoch > self.group.epoch",
        "ahead = False",
        f"{EVIL}/test_held.py::test_a_client_without_a_commit_is_held_and_let_in_again",
    ),
    order(
        "held",
        f"{MEMBERSHIP}:Membership._judge",
        "ahead = mls.peek(commit).epoch > self.group.epoch",
        "ahead = True",
        f"{EVIL}/test_races.py::test_a_commit_replayed_epochs_later_is_burned_and_holds_no_client",
    ),
    order(
        "held",
        f"{MEMBERSHIP}:Membership._missed",
        "alone = self.state.facilitator_keys() == {self.own.key}",
        "alone = False",
        f"{EVIL}/test_held.py::test_a_commit_of_no_epoch_holds_participants_but_not_the_only_facilitator",
    ),
    order(
        "held",
        f"{MEMBERSHIP}:Membership._missed",
        "alone = self.state.facilitator_keys() == {self.own.key}",
        "alone = True",
        f"{EVIL}/test_held.py::test_a_client_without_a_commit_is_held_and_let_in_again",
    ),
    order(
        "put out",
        f"{MEMBERSHIP}:Membership._judge",
        'Held("rejoin", added[own]) if own in added else ',
        "",
        f"{EVIL}/test_held.py::test_a_rejoin_without_a_request_puts_no_member_out",
    ),
    order(
        "put out",
        f"{MEMBERSHIP}:Membership._judge",
        "if not staged.removes_me:",
        "if True:",
        "tests/end_to_end/test_room.py::test_a_removed_member_reads_nothing_more_and_cannot_return",
    ),
    order(
        "entry",
        f"{MEMBERSHIP}:Membership._extend_roster",
        "if verified.statement.commit != sha256(blob).digest():",
        "if False:",
        f"{EVIL}/test_order.py::test_an_entry_of_another_commit_is_no_part_of_the_chain",
    ),
    order(
        "entry",
        f"{MEMBERSHIP}:Membership.compare_roster_with_group",
        "elif not self.restate:",
        "elif False:",
        f"{EVIL}/test_roster_roles.py::test_a_newcomer_is_told_of_what_they_found",
    ),
    order(
        "entry",
        f"{MEMBERSHIP}:Membership.compare_roster_with_group",
        "if self._list_is_the_groups():",
        "if True:",
        f"{EVIL}/test_way_in.py::test_a_ghost_on_the_roster_is_never_shown_and_is_warned_of",
    ),
    order(
        "entry",
        f"{MEMBERSHIP}:Membership.follow",
        "            self.restate = self.restate or entry is not None\n",
        "            pass\n",
        f"{EVIL}/test_order.py::test_after_a_burned_commit_with_an_entry_the_list_is_restated",
    ),
    order(
        "entry",
        f"{MEMBERSHIP}:Membership.follow",
        "if isinstance(outcome, Burned | Held):",
        "if False:",
        f"{EVIL}/test_order.py::test_after_a_burned_commit_with_an_entry_the_list_is_restated",
    ),
    order(
        "class",
        f"{MEMBERSHIP}:Membership._judge",
        'if not isinstance(staged, mls.StagedCommit):\n                raise NotAllowed("class")',
        "pass",
        f"{EVIL}/test_order.py::test_a_public_commit_is_burned",
        equivalent="For the type checker: `check_class` has looked at the same content type.",
    ),
    order(
        "put out",
        f"{MEMBERSHIP}:Membership.follow",
        "if isinstance(outcome, PutOut):",
        "if False:",
        f"{EVIL}/test_order.py::test_who_asked_to_go_is_told_so",
    ),
    order(
        "held",
        f"{MEMBERSHIP}:Membership._judge",
        "if ahead else Burned",
        "if True else Burned",
        f"{EVIL}/test_races.py::test_a_commit_replayed_epochs_later_is_burned_and_holds_no_client",
    ),
    order(
        "held",
        f"{MEMBERSHIP}:Membership._missed",
        "Burned(error.code) if alone else ",
        "",
        f"{EVIL}/test_held.py"
        "::test_a_commit_of_no_epoch_holds_participants_but_not_the_only_facilitator",
    ),
    order(
        "entry",
        f"{MEMBERSHIP}:Membership._extend_roster",
        "if entry is None:",
        "if False:",
        f"{EVIL}/test_commits.py"
        "::test_the_same_commits_take_effect_when_a_facilitator_makes_them[empty path]",
    ),
)

"""Mutants of what becomes of a log that a client brought back (docs/protocol.md, section 9)."""

from typing import Final

from tests.mutation.mutant import Mutant
from tests.mutation.order_places import CONTRACT, EVIL, MEMBERSHIP, order

SETTLING: Final = "alcove_server.rooms.settling"
NEW_LOG: Final = "alcove.engine.new_log:NewLog"
UNSETTLED: Final = "tests/server/test_unsettled.py"
BACK: Final = f"{EVIL}/test_brought_back.py"
EARLIER: Final = f"{EVIL}/test_earlier_commits.py"
ADMISSION: Final = f"{EVIL}/test_lost_admission.py"
MIDWAY: Final = f"{EVIL}/test_other_log_midway.py"
LOST: Final = f"{EVIL}/test_lost_entries.py"
LATE: Final = f"{LOST}::test_a_change_that_comes_too_late_for_the_settling_is_made_with_a_new_entry"
AGAIN: Final = "alcove.group.listed_again"
CHOICE: Final = f"{EVIL}/test_rejoin_by_choice.py"
BRANCHES: Final = (
    f"{UNSETTLED}::test_members_who_are_behind_do_not_shorten_the_wait_for_an_absent_facilitator"
)

BROUGHT_BACK: Final[tuple[Mutant, ...]] = (
    order(
        "brought back",
        f"{SETTLING}:is_over",
        "if log.age < _LEAST:",
        "if False:",
        f"{UNSETTLED}::test_a_log_is_settled_after_a_minute_when_most_members_named_its_head",
    ),
    order(
        "brought back",
        f"{SETTLING}:is_over",
        "return late or _named",
        "return _named",
        f"{UNSETTLED}::test_a_log_is_settled_after_ten_minutes_when_few_came",
    ),
    order(
        "brought back",
        f"{SETTLING}:_all_on_the_chain",
        " and _most_are_here(log, seated)",
        "",
        f"{UNSETTLED}::test_a_head_of_long_ago_does_not_choose_who_is_waited_for",
    ),
    order(
        "brought back",
        f"{SETTLING}:_most_are_here",
        "roster.facilitators() <= here and ",
        "",
        BRANCHES,
    ),
    order(
        "brought back",
        f"{SETTLING}:wins",
        "voters = _members(await at(fork))",
        "voters = frozenset(log.votes)",
        f"{UNSETTLED}::test_who_a_branch_lists_itself_has_no_vote_about_it",
    ),
    order(
        "brought back",
        f"{SETTLING}:wins",
        "theirs > ours",
        "theirs >= ours",
        f"{UNSETTLED}::test_a_tie_stays_held",
    ),
    order(
        "brought back",
        f"{SETTLING}:_cast",
        " if not vote.void",
        "",
        f"{UNSETTLED}::"
        "test_who_signed_entries_of_both_branches_does_not_hold_the_room_against_others",
    ),
    order(
        "brought back",
        "alcove_server.store.memory.room:MemoryRoom.vote",
        "if vote.void:",
        "if True:",
        f"{CONTRACT}::test_a_log_that_was_brought_back_keeps_the_first_vote_of_each_key",
    ),
    order(
        "brought back",
        "alcove_server.requests.restore:name",
        "if votes and said.head != history.roster.head:",
        "if votes and not frame.doors and said.head != history.roster.head:",
        f"{UNSETTLED}::test_a_head_that_is_lacked_is_answered_so_whatever_its_doors_say",
    ),
    order(
        "brought back",
        f"{NEW_LOG}.keeps_back",
        "if not self._bringing.unsettled or",
        "if True or",
        f"{BACK}::test_no_commit_is_followed_in_an_unsettled_log_that_was_not_merged_before",
    ),
    order(
        "brought back",
        f"{NEW_LOG}.keeps_back",
        "or self._is_before_own(Position.decode(frame.position))",
        "",
        f"{EARLIER}::test_who_came_by_the_last_commit_hears_the_others_in_an_unsettled_log",
    ),
    order(
        "brought back",
        f"{NEW_LOG}.read_admission",
        "cursor.number - READ_BEFORE",
        "cursor.number",
        f"{EARLIER}::test_who_missed_commits_follows_those_that_a_newcomer_brings[True-0]",
    ),
    order(
        "brought back",
        f"{NEW_LOG}.read_admission",
        "cursor.number - READ_BEFORE",
        "cursor.number - 1",
        f"{EARLIER}::test_the_commits_before_a_newcomers_own_are_brought_too",
    ),
    order(
        "brought back",
        "alcove.engine.following:Following.expect_of_stale",
        " and not self.waits",
        "",
        f"{EARLIER}::test_who_waits_for_an_unsettled_log_is_told_of_what_expires_once",
    ),
    order(
        "brought back",
        f"{NEW_LOG}.begin_log",
        "self._stream.opens(position)",
        "position.number == 1",
        f"{EARLIER}::test_the_log_hash_begins_at_the_last_commit_for_all",
    ),
    order(
        "brought back",
        f"{NEW_LOG}.is_before",
        "not (following.in_step and met)",
        "not met",
        f"{ADMISSION}::test_a_newcomer_calls_nothing_split_that_stands_before_their_admission",
    ),
    order(
        "brought back",
        f"{NEW_LOG}.is_commit_before",
        "return not following.in_step and",
        "return False and",
        f"{ADMISSION}::test_a_commit_of_before_their_admission_is_no_alarm_among_words",
    ),
    *(
        order("brought back", place, "self._stream.is_of_another_log(answer)", "False", test)
        for place, test in (
            (
                "alcove.engine.doubts:Doubts.ask_presence",
                f"{MIDWAY}::test_who_asks_for_presence_and_hears_of_another_log_comes_in_as_with"
                "_any_new_log",
            ),
            (
                f"{NEW_LOG}.look",
                f"{MIDWAY}::test_who_looks_whether_a_log_is_settled_and_hears_of_another_one_comes"
                "_in_as_always",
            ),
            (
                f"{NEW_LOG}.read_admission",
                f"{MIDWAY}::test_a_newcomer_who_reads_its_admission_and_hears_of_another_log"
                "_knocks_again",
            ),
        )
    ),
    order(
        "brought back",
        f"{NEW_LOG}.look_due",
        " or (hurries and self._clock() >= self._asked_at + LOOK_AHEAD)",
        "",
        f"{EVIL}/test_lost_commits.py"
        "::test_who_learns_late_of_a_settled_log_still_publishes_first[0]",
    ),
    order(
        "brought back",
        f"{NEW_LOG}.repeat_commit",
        "if not following.ahead or",
        "if True or",
        f"{BACK}::test_an_acknowledged_commit_that_the_relay_lost_is_taken_again",
    ),
    order(
        "brought back",
        "alcove.engine.following:Following.pass_over",
        "self.skipped |= said and bool(self.ahead)",
        "pass",
        f"{EVIL}/test_lost_commits.py"
        "::test_what_is_said_before_a_lost_commit_comes_again_is_told_as_missed",
    ),
    order(
        "brought back",
        f"{NEW_LOG}.repeat_commit",
        "entry = membership.entry_again(lost, self._identity.relay)",
        "entry = None",
        f"{LATE}[locks-True]",
    ),
    order(
        "brought back",
        f"{NEW_LOG}.repeat_commit",
        "self._bringing.has_all_again()",
        "pass",
        f"{LOST}::test_an_invite_whose_card_was_put_with_a_lost_entry_lets_people_in",
    ),
    order(
        "brought back",
        f"{AGAIN}:_changes",
        "not any(lets_in) and",
        "",
        f"{LATE}[admits-False]",
    ),
    order(
        "brought back",
        f"{AGAIN}:Branch.chain",
        "known[:place]",
        "known",
        f"{LATE}[locks-True]",
    ),
    order(
        "brought back",
        f"{MEMBERSHIP}:Membership.came_again",
        "entry_hash(Label.ROSTER, entry.body) != merged.after.head",
        "False",
        f"{LOST}::test_who_had_followed_what_was_lost_takes_the_new_entries_too",
    ),
    order(
        "brought back",
        "alcove.engine.endings:Endings._is_final",
        "if member is None or member.knows(generation):",
        "if True:",
        f"{BACK}::test_a_removal_in_a_log_that_a_client_did_not_know_is_doubted_for_half_an_hour",
    ),
    order(
        "rejoin by choice",
        "alcove.engine.commands:Commands.rejoin",
        "if member.membership.facilitates_alone:",
        "if False:",
        f"{CHOICE}::test_the_only_facilitator_has_nobody_to_ask",
    ),
    order(
        "rejoin by choice",
        "alcove.engine.held_member:HeldMember.rejoin",
        "elif self.presence.state in _NOTHING_WRONG and not self.membership.lacks_the_list:",
        "elif False:",
        f"{CHOICE}::test_nobody_makes_the_others_work_while_nothing_is_wrong",
    ),
    order(
        "rejoin by choice",
        "alcove.engine.rejoining:Rejoining.hurry",
        "self._asked_at + HURRIED",
        "0.0",
        f"{CHOICE}::test_a_held_client_asks_sooner_when_its_person_wants_it_but_not_at_every_key",
    ),
)

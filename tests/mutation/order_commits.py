"""Mutants of what becomes of a commit: merged, burned, held, put out."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant
from tests.mutation.order_places import EVIL, FRAMING, MEMBERSHIP, REJOINING, order

COMMITTER: Final = "alcove.facilitation.committer:Committer"
INTENTS: Final = "alcove.facilitation.intents"
RACES: Final = f"{EVIL}/test_lost_races.py"

DENIED: Final = f"{EVIL}/test_taken_and_refused.py"
ANSWERS: Final = f"{EVIL}/test_lying_answers.py"
LOST: Final = f"{EVIL}/test_lost_welcome.py"
LATE: Final = f"{EVIL}/test_late_requests.py"
NEW_LOG: Final = f"{EVIL}/test_new_log.py"
_UNHEARD: Final = (
    "tests/end_to_end/test_newcomers.py"
    "::test_a_newcomer_whose_knock_was_taken_unheard_has_the_code_that_facilitators_see"
)

ONE_COMMIT: Final[tuple[Mutant, ...]] = (
    order(
        "denied",
        f"{COMMITTER}._fail",
        "item.staged.set_aside()",
        "item.staged.drop()",
        f"{DENIED}::test_a_removal_that_was_taken_and_refused_is_merged_by_its_author[True]",
    ),
    order(
        "denied",
        "alcove.messages.outbox:Outbox.known",
        " and item.epoch == epoch",
        "",
        f"{DENIED}::test_a_message_of_an_epoch_that_is_over_was_not_sent",
    ),
    order(
        "denied",
        "alcove.messages.outbox:Outbox.remove",
        "if known.counter > item.counter",
        "if True",
        f"{DENIED}::test_a_message_that_comes_behind_what_stood_in_for_it_was_not_sent",
    ),
    order(
        "denied",
        "alcove.engine.doubts:Doubts._may_be_mine",
        "if self._asked_from == cursor:",
        "if False:",
        f"{DENIED}::test_a_relay_that_keeps_a_number_back_makes_a_client_come_again_once[True]",
    ),
    order(
        "lying answer",
        "alcove.engine.doubts:Doubts.ask_presence",
        "elif answer.lost and position == self._stream.cursor:",
        "elif False:",
        f"{EVIL}/test_silent_facilitators.py"
        "::test_words_that_were_kept_back_before_a_silence_are_told_as_missed",
    ),
    order(
        "lying answer",
        "alcove.engine.doubts:Doubts.note_loss",
        " or lost == self._told_lost",
        "",
        f"{EVIL}/test_silent_facilitators.py"
        "::test_one_loss_is_told_once_however_often_the_relay_says_it",
    ),
    order(
        "lying answer",
        "alcove.engine.doubts:Doubts.lacks_base",
        "elif self._membership.commits_alone:",
        "elif False:",
        f"{ANSWERS}::test_a_false_base_holds_no_only_facilitator",
    ),
    order(
        "lying answer",
        "alcove.engine.engine:Engine.on_authenticated",
        "if not self._asked_for(answer.role):",
        "if False:",
        f"{ANSWERS}::test_a_connection_in_a_role_that_was_not_asked_for_is_ended[0-door]",
    ),
    order(
        "lying answer",
        "alcove.facilitation.committer:Committer.tick",
        "any(intent.awaited for intent in self._wanted)",
        "bool(self._wanted)",
        f"{ANSWERS}::test_fresh_keys_that_wait_are_nobodys_wish",
    ),
    order(
        "lying answer",
        "alcove.facilitation.committer:Committer._wanted",
        "return (*in_flight, *self._queue)",
        "return in_flight",
        f"{DENIED}::test_a_commit_that_was_taken_is_known_again_behind_any_number_of_refused_ones",
    ),
    order(
        "lying answer",
        "alcove.facilitation.committer:Committer._stage_next",
        "len(self._aside) >= ASIDE_MOST",
        "False",
        f"{DENIED}::test_a_commit_that_was_taken_is_known_again_behind_any_number_of_refused_ones",
    ),
    order(
        "lying answer",
        "alcove.facilitation.committer:Committer._fail",
        "not item.intents",
        "False",
        f"{DENIED}::test_a_commit_that_was_taken_is_known_again_behind_any_number_of_refused_ones",
    ),
    order(
        "lying answer",
        "alcove.engine.endings:Endings._replaced",
        "        if again:\n",
        "        if True:\n",
        f"{ANSWERS}::test_a_connection_that_the_relay_calls_replaced_comes_back[0]",
    ),
    order(
        "lying answer",
        "alcove.joining.newcomer:Newcomer._knock_over",
        "self._clock() - self._knocked_at > patience.EXPIRES",
        "True",
        f"{ANSWERS}::test_a_knock_that_the_relay_drops_is_told_as_dropped_and_made_again[empty]",
    ),
    order(
        "lying answer",
        "alcove.joining.newcomer:Newcomer._knock",
        "if not self._dropped or self.outside:",
        "if True:",
        f"{ANSWERS}::test_a_relay_that_drops_every_knock_keeps_nobody_for_longer_than_one",
    ),
    order(
        "lying answer",
        "alcove.facilitation.lobby:Lobby.receive",
        "if known in self._seen:",
        "if item.number <= self.number:",
        f"{ANSWERS}::test_a_huge_number_in_the_lobby_makes_no_facilitator_deaf[1]",
    ),
    order(
        "lying answer",
        "alcove.facilitation.lobby:Lobby.receive",
        "len(self._seen) > SEEN_MOST",
        "False",
        f"{ANSWERS}::test_what_is_remembered_of_the_lobby_is_bounded",
    ),
    order(
        "lobby number",
        "alcove_server.rooms.replay:Replays._tell_lobby",
        "resumption.lobby > head.lobby",
        "False",
        "tests/server/test_replay.py"
        "::test_a_number_of_the_lobby_that_was_never_given_brings_all_that_is_open",
    ),
    order(
        "lying answer",
        "alcove.engine.forgotten:ForgottenRoom._unknown_for_long",
        "self._unknown_in != generation",
        "False",
        f"{ANSWERS}::test_whoever_is_not_listed_waits_as_long_in_each_new_log",
    ),
    order(
        "let go unseen",
        "alcove.engine.engine:Engine.on_not_authenticated",
        "late and (self._steps_outside() or self._coming_back.begin())",
        "False",
        "tests/end_to_end/test_absent.py"
        "::test_who_was_let_go_just_before_the_relay_lost_its_memory_comes_back",
    ),
    order(
        "replaced",
        "alcove_server.rooms.room:LocalRoom.connected",
        "older.since > client.since",
        "False",
        "tests/server/test_refusals_opening.py"
        "::test_a_connection_that_proved_its_key_late_does_not_replace_a_newer_one",
    ),
    order(
        "lost Welcome",
        "alcove.joining.newcomer:Newcomer._not_opened",
        "if self._listed_since is None:",
        "if False:",
        f"{ANSWERS}::test_a_newcomer_whose_welcome_does_not_open_asks_for_another",
    ),
    order(
        "unheard knock",
        "alcove.joining.newcomer:Newcomer.authenticated",
        "self.stage is not Stage.WAITING",
        "self.stage is Stage.READING",
        f"{_UNHEARD}[1]",
    ),
    order(
        "unheard knock",
        "alcove.joining.newcomer:Newcomer._behind_earlier",
        "self._believed.discard(code)",
        "pass",
        f"{_UNHEARD}[3]",
    ),
    order(
        "lost Welcome",
        "alcove.joining.tries:Tries.make",
        "== TRIES_KEPT",
        "== TRIES_KEPT - 2",
        f"{ANSWERS}::test_a_newcomer_is_let_in_by_the_oldest_request_that_the_relay_kept",
    ),
    order(
        "lost Welcome",
        "alcove.facilitation.member_requests:MemberRequests._late_knock",
        "person.key not in self._membership.unheard or ",
        "",
        f"{LOST}::test_a_knock_in_the_place_of_a_request_is_too_late_once_its_member_was_heard",
        Edit(
            f"{INTENTS}:Returning.proposals",
            "self.late and old.signature_key not in membership.unheard",
            "False",
        ),
    ),
    order(
        "lost Welcome",
        f"{INTENTS}:Returning.proposals",
        "self.late and old.signature_key not in membership.unheard",
        "False",
        f"{LATE}::test_it_is_void_once_something_was_heard_of_them",
    ),
    order(
        "lost Welcome",
        "alcove.engine.held_member:HeldMember.asked_before",
        "self._key_updates.hasten()",
        "pass",
        f"{LATE}::test_fresh_keys_make_it_void_before_its_minute_is_over",
    ),
    order(
        "lost Welcome",
        "alcove.joining.newcomer:Newcomer._expect_welcome",
        "late=True",
        "late=False",
        f"{LATE}::test_it_is_granted_while_nothing_was_heard_and_its_welcome_opens",
    ),
    order(
        "lost Welcome",
        f"{REJOINING}._leaves",
        "*before, ",
        "",
        f"{LATE}::test_its_welcome_is_lost_and_the_next_request_names_its_leaf",
    ),
    order(
        "lost Welcome",
        f"{REJOINING}.open",
        "opened is None and self._steps",
        "opened is None",
        f"{LATE}::test_a_welcome_that_comes_twice_is_no_altered_one",
    ),
    order(
        "new log",
        "alcove.engine.engine:Engine.on_not_authenticated",
        " and self._lost_memory(generation)",
        "",
        f"{NEW_LOG}::test_in_a_log_that_it_knows_a_client_believes_that_it_is_no_member",
    ),
    order(
        "new log",
        "alcove.facilitation.in_flight:sign_entry",
        "membership.restate or item.restate",
        "membership.restate",
        f"{NEW_LOG}::test_a_commit_that_only_its_author_brings_back_is_taken_again",
    ),
    order(
        "new log",
        "alcove.engine.rejoining:Rejoining._epoch",
        "self._round // 2 if self._round % 2 == 0 else 0",
        "0",
        f"{EVIL}/test_forks.py"
        "::test_who_was_in_the_other_part_comes_back_by_an_epoch_from_before_it",
    ),
    order(
        "clock",
        "alcove.facilitation.lobby:Lobby._knock",
        "if self._ports.clock_is_off:",
        "if False:",
        "tests/attacks/test_clocks.py"
        "::test_a_facilitator_whose_clock_is_wrong_blames_no_newcomer_and_is_told[7200.0]",
    ),
    order(
        "own",
        f"{COMMITTER}._stage",
        "judge(group, staged)",
        "pass",
        f"{RACES}::test_a_commit_that_the_others_would_burn_is_not_sent",
    ),
    order(
        "own",
        f"{INTENTS}:check_welcome",
        "if leaf_extension(leaf).agreement not in membership.state.good_agreements():",
        "if False:",
        f"{RACES}::test_the_rules_change_while_the_admission_is_on_its_way",
    ),
    order(
        "own",
        f"{INTENTS}:check_welcome",
        "if looks_like_any(name_of(leaf), [person.name for person in people]):",
        "if False:",
        f"{RACES}::test_of_two_newcomers_with_one_name_the_second_is_told_to_choose_another",
    ),
    order(
        "turn",
        f"{COMMITTER}._may_go_on",
        "or self._clock() >= self._turn_ends",
        "or True",
        "tests/end_to_end/test_fair_turn.py"
        "::test_forty_five_are_admitted_and_a_member_speaks_meanwhile",
    ),
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
        "approve=trial.approve",
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
        "alone, own = self.commits_alone, ",
        "alone, own = False, ",
        f"{EVIL}/test_held.py::test_a_commit_of_no_epoch_holds_participants_but_not_the_only_facilitator",
    ),
    order(
        "held",
        f"{MEMBERSHIP}:Membership._missed",
        "alone, own = self.commits_alone, ",
        "alone, own = True, ",
        f"{EVIL}/test_held.py::test_a_client_without_a_commit_is_held_and_let_in_again",
    ),
    order(
        "put out",
        f"{MEMBERSHIP}:Membership._judge",
        "if leaf_extension(leaf).reloaded and leaf.encryption_key != self._came_as:",
        "if True:",
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
        "if not self.restate:",
        "if False:",
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
        "Burned(error.code) if alone and not own else ",
        "",
        f"{EVIL}/test_held.py"
        "::test_a_commit_of_no_epoch_holds_participants_but_not_the_only_facilitator",
    ),
    order(
        "held",
        f"{MEMBERSHIP}:Membership._missed",
        "if alone and not own",
        "if alone",
        f"{EVIL}/test_order.py"
        "::test_the_only_facilitators_own_commit_that_the_others_took_holds_its_author",
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

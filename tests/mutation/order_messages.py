"""Mutants of the order that a client follows: numbers, log hash, messages."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant
from tests.mutation.order_places import (
    COVERAGE,
    EVIL,
    LOG_HASH,
    PRESENCE,
    STREAM,
    TALK,
    UNIT,
    order,
)

AGAIN: Final = f"{EVIL}/test_log_again.py"
ANSWERS: Final = f"{EVIL}/test_lying_answers.py"
FALSE_PLACE: Final = "test_a_message_is_not_sent_because_the_relay_names_a_place_that_is_taken"

ONE_VIEW: Final[tuple[Mutant, ...]] = (
    order(
        "cursor",
        f"{STREAM}.advance",
        "position.generation != self.cursor.generation or ",
        "",
        f"{UNIT}::test_what_was_handled_or_is_of_another_log_changes_nothing",
    ),
    order(
        "cursor",
        f"{STREAM}.advance",
        " or position.number <= self.cursor.number",
        "",
        f"{UNIT}::test_what_was_handled_or_is_of_another_log_changes_nothing",
    ),
    order(
        "cursor",
        f"{STREAM}.advance",
        "position.number <= self.cursor.number",
        "position.number < self.cursor.number",
        f"{UNIT}::test_what_was_handled_or_is_of_another_log_changes_nothing",
    ),
    order(
        "false place",
        f"{STREAM}.resumed",
        "if head.number < self.cursor.number:",
        "if False:",
        f"{ANSWERS}::test_a_number_that_the_relay_invented_makes_nobody_deaf",
    ),
    order(
        "false place",
        f"{STREAM}.may_hold",
        "if position.generation != self.cursor.generation:",
        "if False:",
        f"{ANSWERS}::{FALSE_PLACE}[in another log]",
    ),
    order(
        "false place",
        f"{STREAM}.may_hold",
        "(again and ",
        "(",
        f"{ANSWERS}::{FALSE_PLACE}[an earlier one]",
    ),
    order(
        "false place",
        f"{STREAM}.may_hold",
        " and not self.log.has(position)",
        "",
        f"{ANSWERS}::test_a_message_that_goes_again_is_not_where_another_one_was_received",
    ),
    order(
        "hole",
        f"{STREAM}.advance",
        "if position.number != self.cursor.number + 1:",
        "if False:",
        f"{UNIT}::test_a_number_left_out_is_a_hole_and_ends_the_comparison",
    ),
    order(
        "hole",
        f"{STREAM}.advance",
        "            self.log.drop_anchor()\n",
        "",
        f"{UNIT}::test_a_number_left_out_is_a_hole_and_ends_the_comparison",
    ),
    order(
        "hole",
        f"{STREAM}.advance",
        "self._replay_until + 1",
        "self._replay_until + 3",
        f"{UNIT}::test_what_is_left_out_of_a_replay_has_expired_and_after_it_is_withheld",
    ),
    order(
        "hole",
        f"{STREAM}.advance",
        "self._replay_until + 1",
        "self._replay_until",
        f"{UNIT}::test_what_is_left_out_of_a_replay_has_expired_and_after_it_is_withheld",
    ),
    order(
        "hole",
        f"{STREAM}.advance",
        "Advance.AFTER_EXPIRY if expired else Advance.AFTER_HOLE",
        "Advance.AFTER_EXPIRY",
        f"{UNIT}::test_a_number_left_out_is_a_hole_and_ends_the_comparison",
    ),
    order(
        "hole",
        f"{STREAM}.published",
        "min(self._replay_until, self.cursor.number - 1)",
        "self._replay_until",
        f"{UNIT}::test_ones_own_answer_ends_a_replay_whatever_end_the_relay_claimed",
    ),
    order(
        "generation",
        f"{STREAM}.resumed",
        "if head.generation == self.cursor.generation:",
        "if False:",
        f"{UNIT}::test_what_is_left_out_of_a_replay_has_expired_and_after_it_is_withheld",
    ),
    order(
        "generation",
        f"{STREAM}.resumed",
        "Position(head.generation, 0)",
        "head",
        f"{UNIT}::test_another_generation_begins_at_nothing_and_compares_nothing",
    ),
    order(
        "generation",
        f"{STREAM}.resumed",
        "self.log = LogHash()",
        "pass",
        f"{UNIT}::test_another_generation_begins_at_nothing_and_compares_nothing",
    ),
    order(
        "generation",
        f"{STREAM}.restart",
        "self._replay_until = cursor.number",
        "pass",
        f"{UNIT}::test_who_is_in_the_group_anew_begins_there",
    ),
    order(
        "generation",
        f"{STREAM}.restart",
        "self.log = LogHash()",
        "pass",
        f"{UNIT}::test_who_is_in_the_group_anew_begins_there",
    ),
    order(
        "covered",
        f"{COVERAGE}._in_log",
        "item.log is self._log() and item.log.reaches(item.at)",
        "self._log().reaches(item.at)",
        f"{AGAIN}::test_a_log_that_is_shown_again_covers_nothing_that_was_stolen",
    ),
    order(
        "covered",
        f"{PRESENCE}._goes_over",
        "beat is None or beat[1] is not self._stream.log",
        "beat is None",
        f"{AGAIN}::test_a_log_that_is_shown_again_clears_no_split",
        Edit(
            f"{PRESENCE}._goes_over",
            "beat[1].reaches(beat[0])",
            "self._stream.log.reaches(beat[0])",
        ),
    ),
    order(
        "covered",
        f"{PRESENCE}.rejoined",
        "self._clear_split()",
        "self._clear_split(); self.coverage.forget()",
        f"{AGAIN}::test_welcomes_that_the_relay_kept_win_no_further_90_seconds",
    ),
    order(
        "once",
        f"{LOG_HASH}:Seen.first_time",
        "if digest in self._hashes:",
        "if False:",
        f"{UNIT}::test_a_blob_is_handled_once",
    ),
)

ONE_MESSAGE: Final[tuple[Mutant, ...]] = (
    order(
        "class",
        f"{TALK}.receive",
        "or received.authenticated_data",
        "",
        f"{EVIL}/test_authors.py::test_a_message_with_words_outside_the_encryption_is_refused",
    ),
    order(
        "class",
        f"{TALK}.receive",
        "check_class(blob, mls.ContentType.APPLICATION)",
        "pass",
        f"{EVIL}/test_order.py::test_a_public_message_is_no_message_of_a_room",
    ),
    order(
        "agreement",
        f"{TALK}._judge",
        "if isinstance(body, Text | None) and payload.agreement != state.agreement:",
        "if False:",
        f"{EVIL}/test_authors.py::test_a_message_under_other_ground_rules_is_not_shown",
    ),
    order(
        "right",
        f"{TALK}._judge",
        "if not may(state, sender, act):",
        "if False:",
        f"{EVIL}/test_order.py::test_a_paused_members_message_is_not_shown_though_the_relay_takes_it",
    ),
    order(
        "right",
        f"{TALK}._judge",
        "Act(payload.kind) if body is not None else Act.TEXT",
        "Act.VOID",
        f"{EVIL}/test_order.py::test_a_paused_members_message_is_not_shown_though_the_relay_takes_it",
    ),
    order(
        "publisher",
        f"{TALK}.receive",
        "if self.membership.person(leaf).relay_key != frame.key:",
        "if False:",
        f"{EVIL}/test_authors.py"
        "::test_an_old_text_that_another_publishes_again_is_a_gap_to_a_member_who_was_away",
    ),
    order(
        "publisher",
        f"{TALK}.receive",
        "            self._alarms.missed(who.key, who.name, None)\n",
        "            who.key\n",
        f"{EVIL}/test_authors.py"
        "::test_a_message_that_the_relay_says_is_not_its_authors_is_told_as_missed",
    ),
    order(
        "class",
        f"{TALK}._read_in_place",
        " or is_beat != (blob_class == BlobClass.BEAT)",
        "",
        f"{EVIL}/test_insiders.py::test_a_heartbeat_as_a_message_is_no_sign_of_life",
    ),
    *(
        order(
            "own generation",
            f"{TALK}._read_in_place",
            "payload.generation != generation or ",
            "",
            test,
        )
        for test in (
            f"{EVIL}/test_authors.py::test_a_withheld_message_under_a_later_key_is_not_taken",
            f"{EVIL}/test_authors.py"
            "::test_an_old_text_under_a_new_key_is_not_shown_to_a_member_who_was_away",
            f"{EVIL}/test_insiders.py"
            "::test_a_heartbeat_repeated_by_a_facilitator_costs_its_sender_no_key",
        )
    ),
    order(
        "split",
        f"{TALK}._judge",
        "if self.compare_log(payload) is False:",
        "if False:",
        f"{EVIL}/test_not_heard.py::test_two_members_who_differ_are_a_split_until_a_beat_agrees",
    ),
    order(
        "keys",
        "alcove.mls.secret_tree:Ratchet._keep",
        "most = self._policy.max_skipped_keys",
        "most = 20",
        "tests/client_sdk/mls/test_bounds.py::test_the_forward_limit_is_about_a_thousand",
    ),
    order(
        "id",
        f"{TALK}._judge",
        "payload.id in self._ids or ",
        "",
        f"{EVIL}/test_authors.py::test_the_author_is_the_member_whom_mls_names_not_one_named_in_the_payload",
    ),
    order(
        "counter",
        f"{TALK}._judge",
        " or not self._count(leaf, payload)",
        "",
        f"{EVIL}/test_order.py::test_a_counter_is_used_once",
    ),
    order(
        "counter",
        f"{TALK}._count",
        "counter == 0 or ",
        "",
        f"{EVIL}/test_order.py::test_a_counter_is_used_once",
    ),
    order(
        "counter",
        f"{TALK}._count",
        " or (last is not None and counter <= last)",
        "",
        f"{EVIL}/test_order.py::test_a_counter_is_used_once",
    ),
    order(
        "counter",
        f"{TALK}._count",
        "counter <= last",
        "counter < last",
        f"{EVIL}/test_order.py::test_a_counter_is_used_once",
    ),
    order(
        "counter",
        f"{TALK}._count",
        "if missed > 0:",
        "if False:",
        f"{EVIL}/test_order.py::test_a_counter_left_out_is_told",
    ),
    order(
        "once",
        f"{TALK}.receive",
        "if not self._stream.seen.first_time(blob):",
        "if False:",
        f"{EVIL}/test_order.py::test_a_garbled_blob_is_told_once",
    ),
)

MORE_MESSAGES: Final[tuple[Mutant, ...]] = (
    order(
        "counter",
        f"{TALK}._count",
        " - (payload.voids or 0)",
        "",
        f"{EVIL}/test_order.py::test_what_an_author_abandoned_is_no_hole",
    ),
    order(
        "counter",
        f"{TALK}._count",
        "counter - last - 1",
        "counter - last",
        f"{EVIL}/test_order.py::test_a_counter_is_used_once",
    ),
    order(
        "log hash",
        f"{LOG_HASH}:LogHash.append",
        "if len(self._blobs) > WINDOW:",
        "if False:",
        f"{UNIT}::test_only_so_much_is_remembered",
    ),
    order(
        "once",
        f"{LOG_HASH}:Seen.first_time",
        "if len(self._hashes) > WINDOW:",
        "if False:",
        f"{UNIT}::test_only_so_much_is_remembered",
    ),
    order(
        "split",
        f"{TALK}.receive",
        "if blob_class == BlobClass.BEAT and not authors:",
        "if False:",
        f"{EVIL}/test_split.py"
        "::test_halves_in_different_epochs_show_the_split_with_one_heartbeat_that_crosses",
    ),
    order(
        "split",
        f"{TALK}.compare_log",
        "if payload.log == NO_HASH:",
        "if False:",
        f"{EVIL}/test_order.py::test_who_has_no_anchor_yet_disagrees_with_nobody",
    ),
    order(
        "class",
        f"{TALK}._judge",
        "        if isinstance(body, Heartbeat):\n",
        "        if False:\n",
        f"{EVIL}/test_authors.py"
        "::test_a_facilitators_heartbeat_at_the_same_moment_would_have_counted",
    ),
)

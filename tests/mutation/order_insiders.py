"""Mutants of what bounds one member: generations, alarms, the agreement, the roster's roles."""

from typing import Final

from tests.mutation.mutant import Mutant
from tests.mutation.order_places import EVIL, LISTING, MEMBERSHIP, STREAM, TALK, order

PRESENCE: Final = "alcove.messages.presence:Presence"
BOUNDS: Final = "tests/client_sdk/mls/test_bounds.py"

ONE_INSIDER: Final[tuple[Mutant, ...]] = (
    *(
        order(
            "agreement",
            f"{TALK}._judge",
            "isinstance(body, Text | None)",
            new,
            f"{EVIL}/test_agreement.py"
            "::test_texts_under_another_agreement_are_not_shown_but_counted",
        )
        for new in ("True", "isinstance(body, Text)")
    ),
    order(
        "agreement",
        f"{TALK}.seal",
        "self.membership.accepted",
        "self.membership.state.agreement",
        f"{EVIL}/test_agreement.py::test_updates_and_beats_carry_the_agreement_that_the_person_saw",
    ),
    order(
        "agreement",
        "alcove.engine.key_updates:KeyUpdates.tick",
        "self._membership.accepted",
        "self._membership.state.agreement",
        f"{EVIL}/test_agreement.py::test_updates_and_beats_carry_the_agreement_that_the_person_saw",
    ),
    order(
        "agreement",
        "alcove.engine.publisher:Publisher._may_go",
        "if item.kind == Text.KIND and self._membership.agreement_due:",
        "if False:",
        f"{EVIL}/test_agreement.py::test_after_a_change_nobody_posts_and_each_person_is_asked_once",
    ),
    order(
        "agreement",
        f"{MEMBERSHIP}:Membership.restart",
        "self.chain, self.accepted, self._came_as = chain, accepted, came_as",
        "self.chain, self._came_as = chain, came_as",
        f"{EVIL}/test_agreement.py"
        "::test_a_member_who_was_held_over_the_change_comes_back_and_is_asked",
        equivalent="The own leaf of a rejoin carries what the person accepted, so both are equal.",
    ),
    order(
        "generation of a message",
        "alcove.mls.messages:_open_private",
        "application and most is not None and sender.generation > most",
        "False",
        f"{BOUNDS}::test_an_application_can_bound_generations_itself_and_no_handshake_with_them",
    ),
    order(
        "generation of a message",
        "alcove.mls.messages:_open_private",
        "application and most is not None",
        "most is not None",
        f"{BOUNDS}::test_an_application_can_bound_generations_itself_and_no_handshake_with_them",
    ),
    order(
        "generation of a message",
        f"{TALK}._most_generation",
        "APPLICATION_AHEAD + ",
        "APPLICATION_AHEAD + 1 + ",
        f"{EVIL}/test_generations.py::test_a_message_is_read_up_to_64_generations_ahead_of_the_log",
    ),
    order(
        "generation of a message",
        f"{TALK}._most_generation",
        " - self._epoch_from",
        "",
        f"{EVIL}/test_generations.py::test_a_message_is_read_up_to_64_generations_ahead_of_the_log",
    ),
    order(
        "generation of a message",
        f"{TALK}._most_generation",
        "self._stream.passed - self._epoch_from",
        "0",
        f"{EVIL}/test_generations.py::test_a_long_epoch_mutes_nobody",
    ),
    order(
        "generation of a message",
        f"{TALK}._most_generation",
        "self._stream.passed - self._epoch_from",
        "self._stream.cursor.number - self.membership.base.number",
        f"{EVIL}/test_generations.py::test_a_burned_commit_does_not_begin_the_count_anew",
    ),
    order(
        "generation of a message",
        f"{STREAM}.advance",
        "self.passed += position.number - self.cursor.number",
        "self.passed = position.number",
        f"{EVIL}/test_generations.py"
        "::test_a_new_generation_of_the_log_adds_what_was_counted_before",
    ),
    order(
        "generation of a message",
        f"{TALK}.receive",
        ", most_generation=most",
        "",
        f"{EVIL}/test_generations.py::test_a_message_is_read_up_to_64_generations_ahead_of_the_log",
    ),
    order(
        "generation of a message",
        "alcove.engine.publisher:Publisher._may_go",
        "and not self._conversation.may_encrypt:",
        "and False:",
        f"{EVIL}/test_generations.py"
        "::test_texts_that_the_relay_refused_for_good_end_with_one_that_waits",
    ),
    order(
        "generation of a message",
        "alcove.engine.member:MemberClient.beat",
        "not self.conversation.may_encrypt",
        "False",
        f"{EVIL}/test_generations.py"
        "::test_heartbeats_that_the_relay_refused_are_no_split_when_it_takes_them_again",
    ),
    order(
        "split",
        f"{TALK}.receive",
        "blob_class == BlobClass.BEAT and not authors",
        "blob_class == BlobClass.BEAT",
        f"{EVIL}/test_alarms.py::test_a_facilitators_unreadable_beat_is_theirs_and_no_split",
    ),
    order(
        "author",
        f"{TALK}.receive",
        "self.membership.person(authors[0]) if authors else None",
        "None",
        f"{EVIL}/test_alarms.py"
        "::test_what_cannot_be_read_names_its_author_and_is_told_once_a_minute",
    ),
    order(
        "counter",
        f"{TALK}._count",
        "missed if missed <= most else None",
        "missed",
        f"{EVIL}/test_alarms.py::test_a_jump_of_a_counter_is_no_number_of_missed_messages",
    ),
    order(
        "counter",
        f"{TALK}._count",
        "missed if missed <= most else None",
        "None",
        f"{EVIL}/test_order.py::test_a_counter_left_out_is_told",
    ),
    *(
        order("split", f"{PRESENCE}.{where}", old, new, f"{EVIL}/test_alarms.py::{test}")
        for where, old, new, test in (
            (
                "_beat_agrees",
                "self._goes_over(self._differing_beats.get(sender), named)",
                "sender in self._differing_beats",
                "test_a_split_that_a_gap_made_forgotten_is_the_persons_to_end",
            ),
            (
                "_goes_over",
                " and beat[1].reaches(beat[0])",
                "",
                "test_a_split_that_a_gap_made_forgotten_is_the_persons_to_end",
            ),
            (
                "_goes_over",
                "beat[0].number <= named.number and ",
                "",
                "test_a_beat_does_not_clear_what_it_says_itself",
            ),
            (
                "_beat_agrees",
                "del self._differing_beats[sender]",
                "pass",
                "test_a_facilitators_beat_is_a_split_names_them_and_their_next_right_beat_clears_it",
            ),
            (
                "_beat_agrees",
                "if self._goes_over(self._differing_beats.get(sender), named):\n",
                "if self._differing_beats.pop(sender, None) or self._differing_beats.clear():\n",
                "test_another_facilitators_beat_does_not_clear_it",
            ),
            (
                "_beat_agrees",
                "if self._agreed >= self._coverers():",
                "if True:",
                "test_a_beat_of_nobody_is_cleared_when_every_facilitator_has_agreed_after_it",
            ),
            (
                "_is_split",
                "self._differing_beats.keys() & facilitators",
                "self._differing_beats",
                "test_a_demoted_facilitators_beat_splits_nobody_any_more",
            ),
            (
                "differs",
                "if sender not in self._contradicted:",
                "if True:",
                "test_two_members_who_lie_again_and_again_stop_the_others_once",
            ),
            (
                "tick",
                "self._contradicted.clear()  # the comparison begins anew",
                "pass",
                "test_a_member_who_was_contradicted_is_believed_anew_after_a_gap",
            ),
        )
    ),
)

ONE_ROSTER: Final[tuple[Mutant, ...]] = (
    order(
        "appointment",
        "alcove.group.appointments:needed_appointments",
        "wanted.add(one.appointer)",
        "pass",
        f"{EVIL}/test_appointments.py"
        "::test_a_line_of_appointments_is_kept_while_its_last_one_facilitates",
    ),
    order(
        "appointment",
        "alcove.group.standby_rules:with_appointment",
        "kept = needed_appointments(kept, after.facilitator_keys() | {standby_key(after)})",
        "pass",
        f"{EVIL}/test_appointments.py::test_nobody_uses_up_the_appointments_of_a_room",
    ),
    order(
        "appointment",
        "alcove.facilitation.roles:Roles._only",
        "> 1:",
        "> 9:",
        f"{EVIL}/test_insiders.py"
        "::test_a_helper_under_a_members_name_is_not_made_facilitator_in_their_place[appoint]",
    ),
    order(
        "vault",
        "alcove.facilitation.roles:Roles.tick",
        "REPAIR_AFTER + self._in_line.delay()",
        "REPAIR_AFTER * (1 + self._in_line.delay())",
        f"{EVIL}/test_insiders.py"
        "::test_a_first_in_line_that_keeps_the_lobbys_key_back_closes_the_lobby_for_no_longer",
    ),
    order(
        "vault",
        "alcove.facilitation.lobby_keys:LobbyKeys.add",
        "for key in theirs[:-COMING_MOST]:",
        "for key in ():",
        f"{EVIL}/test_lobby_keys.py"
        "::test_keys_that_another_facilitator_sends_push_out_only_keys_of_theirs",
    ),
    order(
        "appointment",
        "alcove.group.appointments:chained_facilitators",
        "known[keys.mls_key] = keys",
        "known.setdefault(keys.mls_key, keys)",
        f"{EVIL}/test_appointments.py"
        "::test_who_is_appointed_again_with_another_relay_key_lets_newcomers_in",
    ),
    order(
        "entry",
        f"{MEMBERSHIP}:Membership.compare_roster_with_group",
        "elif signer is not None:",
        "elif False:",
        f"{EVIL}/test_roster_roles.py"
        "::test_a_role_or_pause_of_the_roster_alone_is_told_with_the_name_of_its_author",
    ),
    order(
        "entry",
        f"{MEMBERSHIP}:Membership.compare_roster_with_group",
        "signer, True",
        "signer, False",
        f"{EVIL}/test_roster_roles.py"
        "::test_the_next_commit_of_a_facilitator_who_still_may_restates_what_the_group_says",
    ),
    *(
        order(
            "entry",
            f"{LISTING}:is_the_groups",
            old,
            new,
            f"{EVIL}/test_roster_roles.py::test_a_pause_or_flag_of_the_group_alone_is_told[{field}]",
        )
        for old, new, field in (
            ("and _pauses_are_the_groups(roster, state, people)", "", "paused"),
            ("(flags_of(state), ", "(roster.flags, ", "locked"),
            ("state.slow)", "roster.slow)", "slow"),
        )
    ),
    order(
        "entry",
        f"{LISTING}:_pauses_are_the_groups",
        "if seat.paused",
        "",
        f"{EVIL}/test_roster_roles.py::test_honest_appointments_and_demotions_alarm_nobody",
    ),
    order(
        "entry",
        f"{LISTING}:_pauses_are_the_groups",
        "group == listed - roster.entrants()",
        "group >= listed - roster.entrants()",
        f"{EVIL}/test_roster_roles.py::test_a_pause_or_flag_of_the_group_alone_is_told[paused]",
    ),
    order(
        "entry",
        f"{LISTING}:_pauses_are_the_groups",
        "if person.key in paused",
        "",
        f"{EVIL}/test_roster_roles.py::test_honest_appointments_and_demotions_alarm_nobody",
    ),
    order(
        "entry",
        f"{LISTING}:flags_of",
        "if state.locked",
        "if False",
        f"{EVIL}/test_roster_roles.py::test_a_pause_or_flag_of_the_group_alone_is_told[locked]",
    ),
    order(
        "entry",
        f"{LISTING}:flags_of",
        "if state.listen_only",
        "if False",
        f"{EVIL}/test_roster_roles.py::test_a_pause_or_flag_of_the_group_alone_is_told[listen_only]",
    ),
    order(
        "removed",
        f"{MEMBERSHIP}:Membership.puts_me_out",
        "return entry.signer in self.facilitators()",
        "return True",
        f"{EVIL}/test_roster_roles.py"
        "::test_a_removal_by_a_facilitator_of_the_roster_alone_is_no_proof",
    ),
    order(
        "ended",
        "alcove.engine.endings:Endings._verify_end",
        "ended.relay_key not in member.membership.facilitators()",
        "False",
        f"{EVIL}/test_roster_roles.py::test_an_end_by_a_facilitator_of_the_roster_alone_is_no_end",
    ),
    order(
        "entry",
        f"{MEMBERSHIP}:Membership.compare_roster_with_group",
        "            self.restate = True\n",
        "",
        f"{EVIL}/test_insiders.py"
        "::test_a_member_whom_a_facilitator_hides_from_the_list_can_be_removed",
    ),
    order(
        "right",
        "alcove.facilitation.removal_intent:RemoveMembers._doors",
        ".intersection(listed)",
        "",
        f"{EVIL}/test_insiders.py::test_a_full_list_of_invites_keeps_no_member_in",
    ),
    order(
        "expiry",
        f"{TALK}._show_text",
        "min(payload.ttl, self.membership.state.ttl)",
        "payload.ttl",
        f"{EVIL}/test_insiders.py"
        "::test_a_message_stays_no_longer_than_the_room_says_whatever_its_author_writes",
    ),
    order(
        "name",
        "alcove.group.members:Members._seated",
        "0 if person.relay_key in roster.seats else roster.counter + 1",
        "0",
        f"{EVIL}/test_insiders.py::test_of_two_with_one_name_the_one_who_came_last_is_removed",
    ),
)

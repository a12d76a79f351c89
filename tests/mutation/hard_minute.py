"""Mutants of a facilitator's acts in a hard minute: pauses, listen-only, the lock, their order."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant

_TESTS: Final = "tests/end_to_end/test_hard_minute.py"


def _mutant(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("hard minute", (Edit(f"alcove.{where}", old, new),), f"{_TESTS}::{test}")


_INTENTS: Final = "facilitation.intents"
_ROOM: Final = "facilitation.room_intents"
_COMMITTER: Final = "facilitation.committer:Committer"
_RULES: Final = "engine.room_rules:RoomRules"
_READS: Final = "test_a_paused_member_reads_and_does_not_write"
_FAILS: Final = "test_what_a_paused_member_had_written_fails_and_is_not_said_later"
_GOES: Final = "test_a_pause_goes_with_a_removal_and_ends_with_an_appointment"
_STILL: Final = "test_who_may_not_write_still_leaves_comes_back_and_renews_keys[pause]"
_LAST: Final = "test_the_last_word_of_a_person_counts"
_TURN: Final = "test_a_pause_waits_for_no_turn_of_others"
_LOCK: Final = "test_nobody_new_comes_through_a_locked_door"
_LISTEN: Final = "test_in_listen_only_facilitators_write_alone"
_LATE: Final = "test_a_pause_that_comes_after_an_appointment_is_not_made"

_HOLDS: Final = "tests/end_to_end/test_hold_and_fold.py"
_ONE_ACT: Final = "test_a_hold_is_one_act_that_folds_from_a_message_on"
_RESUMES: Final = "test_resuming_opens_the_room_and_not_the_door"
_ALL_OF_ONE: Final = "test_all_that_a_member_writes_is_folded_also_what_is_to_come"
_EARLY_LAST: Final = "test_two_facilitators_at_a_time[early-late-False-1]"
_LATE_LAST: Final = "test_two_facilitators_at_a_time[early-late-False-0]"
_ONE_MESSAGE: Final = "test_one_message_is_folded_for_everybody_by_name"
_PLACES: Final = "test_a_place_is_compared_in_the_order_in_which_logs_were_met"
_FULL: Final = "test_a_full_list_drops_first_who_is_gone"
_FOLDING: Final = "messages.folding:Folding"


def _hold(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("hold and fold", (Edit(f"alcove.{where}", old, new),), f"{_HOLDS}::{test}")


HOLD_AND_FOLD: Final = (
    _hold(f"{_ROOM}:HoldRoom.plan", ", locked=True)", ")", _ONE_ACT),
    _hold(f"{_ROOM}:HoldRoom.plan", " and not self._is_earlier(state.hold)", "", _EARLY_LAST),
    _hold(f"{_ROOM}:HoldRoom._is_earlier", "self.start.number < held.number", "True", _LATE_LAST),
    _hold(f"{_ROOM}:ResumeRoom.plan", ", listen_only=False", "", _RESUMES),
    _hold(
        f"{_ROOM}:SetRule.plan",
        "if state.hold is not None and not listen_only:",
        "if False:",
        "test_writing_is_given_back_by_resuming_only",
    ),
    _hold(
        f"{_FOLDING}.covers",
        "author in self._membership.state.folded_keys() or ",
        "",
        _ALL_OF_ONE,
    ),
    _hold(f"{_FOLDING}.look", "not self._stream.is_before(item.at, start)", "True", _ONE_ACT),
    _hold(f"{_FOLDING}.look", " and state.hold != held", "", _ONE_ACT),
    _hold("messages.shown:ShownMessages.fold", "not item.folded and ", "", _ONE_MESSAGE),
    _hold(
        "facilitation.role_intents:Appoint.plan",
        "without_folded(state, person.key)",
        "state.folded",
        "test_who_is_appointed_is_not_folded_any_more",
    ),
    _hold(f"{_INTENTS}:with_folded", "membership.find_key(key) is not None", "False", _FULL),
    _hold(f"{_INTENTS}:with_folded", "if key not in dropped", "", _FULL),
    _hold(
        "messages.stream:Stream.is_before", "if start.generation not in met:", "if False:", _PLACES
    ),
    _hold("messages.stream:Stream.is_before", "at.generation not in met or ", "", _PLACES),
    _hold(
        "messages.stream:Stream.restart",
        "cursor.generation != self.cursor.generation",
        "False",
        _PLACES,
    ),
    _hold(
        "engine.publisher:Publisher.pump",
        "(ToldAgreement.KIND, Fold.KIND)",
        "(ToldAgreement.KIND,)",
        "test_a_fold_that_was_meant_before_a_demotion_is_not_made",
    ),
)

_REMOVALS: Final = "tests/end_to_end/test_removals.py"
_INTENT: Final = "facilitation.removal_intent:RemoveMembers"
_GOING: Final = "facilitation.removals:Removals"


def _goes(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("removal", (Edit(f"alcove.{where}", old, new),), f"{_REMOVALS}::{test}")


REMOVALS: Final = (
    _goes(
        f"{_INTENT}.plan",
        "with_folded(membership, *gone) if self.fold else state.folded",
        "state.folded",
        "test_several_go_in_one_commit_and_all_that_they_wrote_is_folded",
    ),
    _goes(
        f"{_INTENT}.plan",
        "if self.fold else state.folded",
        "if True else state.folded",
        "test_without_a_fold_what_they_wrote_stays",
    ),
    _goes(
        "facilitation.removal_intent:_removal",
        "Seat(paused=one.keeps_door)",
        "Seat()",
        "test_a_link_is_kept_and_asks_from_then_on",
    ),
    _goes(
        f"{_INTENT}._doors",
        " if not one.keeps_door",
        "",
        "test_a_link_is_kept_and_asks_from_then_on",
    ),
    _goes(
        f"{_INTENT}._doors",
        "for door in listed if door not in closed",
        "for door in listed",
        "test_a_link_closes_and_another_one_takes_its_place",
    ),
    _goes(
        f"{_INTENT}._doors",
        " if old in closed",
        "",
        "test_the_link_of_one_who_left_meanwhile_stays",
    ),
    _goes(
        f"{_GOING}._closed",
        " or old.id in listed",
        "",
        "test_the_link_of_one_who_left_meanwhile_stays",
    ),
    _goes(
        f"{_INTENT}.plan",
        "if person.facilitator:",
        "if False:",
        "test_one_who_was_appointed_meanwhile_keeps_no_other_in",
    ),
    Mutant(
        "removal",
        (
            Edit(
                "alcove.facilitation.facilitator:Facilitator.merged",
                " if self.absences.find(one.relay_key) is None",
                "",
            ),
        ),
        "tests/end_to_end/test_absent.py::test_no_use_of_the_invite_is_consumed",
    ),
    _goes(
        f"{_GOING}._asks",
        " or (door.statement is not None and not door.multi_use)",
        "",
        "test_a_personal_link_closes_though_a_question_was_given",
    ),
    _goes(
        f"{_GOING}._meant",
        "for name in here or names",
        "for name in names",
        "test_a_name_that_is_not_here_keeps_no_other_in",
    ),
    _goes(
        f"{_GOING}._named",
        "if person.facilitator:",
        "if False:",
        "test_removals_that_cannot_be_made_say_why",
    ),
    _goes(
        "engine.endings:Endings._removed",
        "self._standing.removed_text()",
        '""',
        "test_one_who_was_away_reads_the_same",
    ),
)

_SLOWLY: Final = "tests/end_to_end/test_slow_mode.py"
_TURNS: Final = "alcove_server.rooms.slow_turns:SlowTurns"
_OWN: Final = "alcove.messages.slow:SlowMode"
_ONE_TURN: Final = "test_what_comes_within_a_minute_is_one_turn_and_then_there_is_a_pause"
_AT_RELAY: Final = "test_the_relay_refuses_who_exceeds_it_and_says_for_how_long"
_TOLD_OF: Final = "test_receivers_show_what_exceeds_it_and_facilitators_are_told"


def _slow(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("slow mode", (Edit(where, old, new),), f"{_SLOWLY}::{test}")


UNKNOWN: Final = Mutant(
    "fold",
    (
        Edit(
            "alcove.messages.conversation:Conversation._show",
            "case None if self.folding.covers(payload.id, leaf.signature_key):",
            "case None if False:",
        ),
    ),
    "tests/end_to_end/evil/test_folds.py"
    "::test_what_no_client_knows_is_told_of_nobody_who_is_folded[True]",
)

SLOW_MODE: Final = (
    UNKNOWN,
    _slow(f"{_TURNS}.counts", " and not roster.is_facilitator(key)", "", _ONE_TURN),
    _slow(f"{_TURNS}.take", "now < began + limits.TURN + roster.slow", "False", _AT_RELAY),
    _slow(f"{_TURNS}.take", "now < began + limits.TURN:", "False:", _AT_RELAY),
    _slow(
        f"{_TURNS}.told",
        "if not self.counts(roster, key):",
        "if True:",
        "test_a_turn_that_began_at_another_relay_of_the_room_counts_here",
    ),
    _slow(
        f"{_TURNS}.told",
        "self._clock() - age",
        "self._clock()",
        "test_a_turn_counts_from_when_it_was_taken_elsewhere",
    ),
    _slow(
        "alcove_server.requests.publish:_store",
        "        if begins:",
        "        if False:",
        "test_a_blob_that_the_relay_did_not_take_begins_no_turn",
    ),
    _slow(
        "alcove_server.requests.publish:publish_soon",
        "if post.blob_class is BlobClass.APPLICATION and",
        "if False and",
        _AT_RELAY,
    ),
    _slow(
        "alcove.engine.commands:Commands.say",
        "if wait := member.conversation.slow.wait:",
        "if wait := 0:",
        _ONE_TURN,
    ),
    _slow(
        "alcove.engine.publisher:Publisher._may_go",
        "if self._conversation.slow.wait:",
        "if False:",
        "test_what_waited_goes_when_the_pause_is_over",
    ),
    _slow(f"{_OWN}._counts", " and not self._membership.own.facilitator", "", _ONE_TURN),
    _slow(
        f"{_OWN}.wait",
        "min(until, now + limits.TURN + slow)",
        "until",
        "test_a_relay_that_says_wait_for_ever_is_believed_for_one_pause_at_most",
    ),
    _slow(
        f"{_OWN}.given",
        "if not self._counts:",
        "if False:",
        "test_a_turn_that_began_before_slow_mode_does_not_count",
    ),
    _slow(
        f"{_OWN}._early",
        "return at < began + limits.TURN + self._membership.state.slow - LATE",
        "return False",
        "test_a_text_that_comes_before_the_pause_is_over_is_told_of",
    ),
    _slow(
        f"{_OWN}.heard",
        "self._early(author, seen, at) or self._without_pause(seen, at)",
        "self._early(author, seen, at)",
        "test_who_never_pauses_is_told_of",
    ),
    _slow(
        f"{_OWN}._without_pause",
        "one < self._sure_from or began - one >= pause or",
        "began - one >= pause or",
        "test_a_facilitator_that_came_back_measures_no_run_of_before",
    ),
    _slow(
        f"{_OWN}._without_pause",
        "began - one >= pause or",
        "",
        "test_who_keeps_to_it_is_not_told_of",
    ),
    _slow(
        f"{_OWN}.unsure",
        "self._sure_from = self._clock() + _APART + LATE",
        "pass",
        "test_a_facilitator_that_was_away_measures_no_turn_of_before",
    ),
    _slow(
        f"{_OWN}.unsure",
        "self._clock() + _APART + LATE",
        "self._clock()",
        "test_a_facilitator_measures_no_turn_that_went_on_when_it_came",
    ),
    _slow(
        f"{_OWN}._early",
        "began = seen[bisect_left(seen, seen[before - 1] - _APART)]",
        "began = seen[before - 1]",
        "test_a_turn_begins_with_whatever_a_member_sends",
    ),
    _slow(
        "alcove.engine.engine:Engine.tick",
        "if self._silence.told:",
        "if False:",
        "test_what_a_network_held_up_is_not_measured_by_when_it_comes",
    ),
    _slow(
        "alcove.messages.conversation:Conversation._count",
        "self.slow.missed(sender)",
        "pass",
        "test_who_misses_a_message_measures_nobody_by_the_next_one",
    ),
    _slow(
        "alcove.messages.conversation:Conversation._count",
        "self.slow.missed(sender)",
        "self.slow.unsure()",
        "test_a_gap_of_one_member_hides_no_other",
    ),
    _slow(
        "alcove.messages.conversation:Conversation._show_text",
        " and self.membership.own.facilitator",
        "",
        _TOLD_OF,
    ),
)

ALL_HARD_MINUTE: Final = (
    *SLOW_MODE,
    *HOLD_AND_FOLD,
    *REMOVALS,
    *(
        Mutant(
            "lost rights",
            (Edit("alcove_server.requests.publish:_store", "code in _BY_A_COMMIT", new),),
            f"tests/end_to_end/evil/test_lost_rights.py::{test}",
        )
        for new, test in (
            (
                'code == "paused"',
                "test_a_facilitator_that_missed_that_it_is_none_any_more_finds_out",
            ),
            (
                'code == "not_allowed"',
                "test_one_who_missed_that_they_may_not_write_finds_out[pause]",
            ),
        )
    ),
    _mutant(
        "messages.conversation:Conversation.probe",
        "if not self.outbox.begins_with(Void.KIND, self.membership.group.epoch):",
        "if True:",
        "test_a_paused_member_that_comes_back_often_keeps_one_void_for_afterwards",
    ),
    *(
        Mutant(
            "hard minute",
            (Edit("alcove.messages.outbox:Outbox.begins_with", old, new),),
            "tests/client_sdk/test_outbox.py::test_a_void_that_waits_stands_in_for_one_put_first",
        )
        for old, new in (
            (" if not item.given_in(epoch)", ""),
            (" and first.kind == kind", ""),
            (" and not first.given", ""),
        )
    ),
    _mutant(
        "facilitation.removal_intent:RemoveMembers.plan",
        "if key not in gone",
        "",
        _GOES,
    ),
    _mutant(
        f"{_INTENTS}:LetMemberGo.plan",
        "paused=without_pause(membership.state, person.key)",
        "",
        _STILL,
    ),
    _mutant(f"{_INTENTS}:AdmitNewcomer.plan", "if membership.state.locked:", "if False:", _LOCK),
    _mutant(
        "facilitation.role_intents:Appoint.plan",
        "without_pause(state, person.key)",
        "state.paused",
        _GOES,
    ),
    _mutant(
        f"{_ROOM}:SetPause.plan",
        "(Change(Op.CHANGE, person.relay_key, Seat(paused=self.on)),)",
        "()",
        _READS,
    ),
    _mutant(
        f"{_ROOM}:SetPause.plan",
        "        if person.facilitator:\n            raise not_paused()\n",
        "",
        _LATE,
    ),
    _mutant(f"{_ROOM}:SetPause.urgent", "return True", "return False", _TURN),
    _mutant(f"{_ROOM}:SetRule.urgent", "return True", "return False", _TURN),
    _mutant(
        f"{_COMMITTER}._enqueue",
        "if one.urgent), default=0)",
        "if not one.urgent), default=0)",
        _LAST,
    ),
    _mutant(f"{_COMMITTER}._gather", " and (whole is None or whole.gathers)", "", _LAST),
    _mutant(f"{_COMMITTER}._taken", "one.urgent or ", "", _LAST),
    _mutant(
        f"{_RULES}._look_at_pauses",
        "concerned = own.facilitator or person.key == own.key",
        "concerned = True",
        _READS,
    ),
    _mutant(
        f"{_RULES}.look",
        "state.listen_only, state.locked",
        "state.locked, state.listen_only",
        _LISTEN,
    ),
    _mutant("engine.commands:Commands.say", "is not None:", "is None and False:", _READS),
    _mutant("engine.publisher:Publisher.pump", "or self._is_muted() ", "", _FAILS),
    _mutant(
        "engine.publisher:Publisher._is_muted",
        "elif item.kind == Text.KIND:",
        "elif False:",
        _FAILS,
    ),
    _mutant("messages.presence:Presence.tick", "self.coverage.rest()", "pass", _FAILS),
)

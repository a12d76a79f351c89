"""Mutants of presence and return: the private line's frames, signs of life, who is let go."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant

_LINE: Final = "tests/end_to_end/test_presence.py"
_GONE: Final = "tests/end_to_end/test_absent.py"
_DOOR: Final = "tests/end_to_end/test_same_door_name.py"
_NAME: Final = "tests/end_to_end/test_same_name.py"
_SAME: Final = "alcove.facilitation.same_names:SameNames"
_WORD: Final = "tests/end_to_end/test_todays_word.py"
_WORDS: Final = "alcove.facilitation.todays_words:TodaysWords"
_DESK: Final = "tests/server/test_desk.py"
_AWAY: Final = "tests/server/test_away.py"


def _mutant(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("presence", (Edit(where, old, new),), test)


_LIFE: Final = "alcove.desk.life:SignsOfLife"
_SERIES: Final = "alcove.desk.line:DeskLine"
_ROOM: Final = "alcove_server.rooms.room:LocalRoom"
_HISTORY: Final = "alcove_server.rooms.roster_history"
_KEPT: Final = f"{_LINE}::test_frames_that_the_relay_kept_prove_no_life_after_ninety_seconds"
_OWN: Final = f"{_LINE}::test_a_short_loss_of_ones_own_connection_begins_the_count_anew_too"
_DEAF: Final = f"{_LINE}::test_a_relay_that_takes_no_heartbeat_makes_nobody_away"
_CREEPS: Final = (
    "tests/end_to_end/test_whereabouts.py"
    "::test_every_facilitator_hears_the_members_though_the_clock_goes_on"
)
_STAYS: Final = "test_what_waits_when_it_is_over_is_said_to_stay"
_EVEN: Final = f"{_LINE}::test_every_member_sends_one_frame_of_one_size_at_each_tick"
_ANEW: Final = "tests/end_to_end/evil/test_counters_anew.py"
_REJOINING: Final = "alcove.engine.rejoining:Rejoining"
_ONCE: Final = f"{_GONE}::test_a_connection_that_comes_and_goes_on_the_way_back_is_told_once"
_BACK: Final = f"{_GONE}::test_who_comes_back_with_their_keys_is_in_again_without_a_decision"

ALL_PRESENCE: Final = (
    _mutant(
        "alcove.relay.connected_time:ConnectedClock.tick",
        "not (came or connected",
        "not (connected",
        f"{_GONE}::test_connections_of_less_than_a_second_on_the_way_back_end_too",
    ),
    _mutant("alcove.engine.coming_back:ComingBack.ask", "if not self._told:", "if True:", _ONCE),
    _mutant("alcove.engine.coming_back:ComingBack.begin", "self._told = False", "pass", _ONCE),
    _mutant(
        "alcove_server.requests.lobby:request",
        "not _follows(requester)",
        "False",
        f"{_AWAY}::test_in_an_unsettled_log_who_follows_none_is_told_to_wait",
    ),
    _mutant(
        "alcove_server.requests.lobby:_follows",
        "heard or client.resumption is not None",
        "False",
        f"{_AWAY}::test_in_an_unsettled_log_who_follows_none_is_told_to_wait",
    ),
    _mutant(
        "alcove.engine.coming_back:ComingBack.tick",
        "self._patience.runs and member.waits_for_log",
        "False",
        f"{_GONE}::test_while_a_lost_log_is_unsettled_no_minute_counts",
    ),
    _mutant(
        "alcove.relay.connected_time:UnsettledLog.believed",
        "<= UNSETTLED_MOST",
        ">= 0",
        "tests/end_to_end/evil/test_unsettled_for_ever.py"
        "::test_who_was_let_go_is_told_to_knock_after_the_time_that_a_log_can_take",
    ),
    _mutant(
        f"{_REJOINING}._answered",
        'self.unsettled = refused == "unsettled"',
        "self.unsettled = self.unsettled or bool(refused)",
        f"{_GONE}::test_after_it_is_settled_the_three_minutes_count_again",
    ),
    _mutant(f"{_LIFE}._forget_old", "> YOUNG", "> 100 * YOUNG", _KEPT),
    _mutant(f"{_LIFE}.resumed", "self._since = self._clock()", "self._since = 0.0", _OWN),
    _mutant(f"{_LIFE}.tick", "now - self._taken > LINE_BROKEN", "False", _DEAF),
    _mutant(
        "alcove.engine.member:MemberClient._application",
        "self.life.beat_heard(sha256(frame.blob).digest())",
        "pass",
        _CREEPS,
    ),
    _mutant(f"{_SERIES}.tick", "self._due += interval", "self._due += 2 * interval", _EVEN),
    _mutant(
        "alcove.desk.frame:DeskRoute.bound_to",
        "sha256(bodies).digest()",
        "bytes(32)",
        f"{_LINE}::test_a_frame_that_the_relay_changed_is_no_sign_of_life[second body]",
    ),
    _mutant(
        "alcove.facilitation.absence_intents:LetAbsentGo.plan",
        "person.facilitator or ",
        "",
        f"{_GONE}::test_a_lost_facilitator_is_never_let_go",
    ),
    _mutant(
        "alcove.facilitation.absences:Absences.tick",
        "if not after:",
        "if False:",
        f"{_GONE}::test_never_means_never",
    ),
    _mutant(
        "alcove.facilitation.absence_intents:LetBackIn.plan",
        "pauses=(leaf.signature_key,) if self.paused else (),",
        "",
        f"{_GONE}::test_a_pause_carries_over",
    ),
    _mutant("alcove.messages.outbox:Outbox.begin_anew", "self._counter = 0", "pass", _BACK),
    _mutant(
        "alcove.messages.outbox:Outgoing.renumber",
        "if self.given:",
        "if False:",
        f"{_ANEW}::test_a_message_that_the_relay_has_by_its_old_number_leaves_no_hole",
    ),
    _mutant(
        "alcove.messages.outbox:Outgoing.renumber",
        "self.in_flight = self.repeated = False",
        "self.in_flight = False",
        f"{_ANEW}::test_a_relay_cannot_say_behind_a_welcome_that_it_has_what_it_never_took",
    ),
    _mutant(
        "alcove.engine.held_member:HeldMember.welcomed",
        "self.conversation.outbox.begin_anew()",
        "pass",
        f"{_ANEW}::test_a_connection_lost_between_the_request_and_its_welcome",
    ),
    _mutant(
        "alcove.engine.member:MemberClient._merged",
        "self.conversation.count_anew(person.key)",
        "pass",
        f"{_ANEW}::test_who_was_not_let_go_is_heard_whatever_the_relay_says",
    ),
    _mutant(
        "alcove.messages.conversation:Conversation._judge",
        "not self._count(leaf, payload) or known",
        "known or not self._count(leaf, payload)",
        f"{_ANEW}::test_a_message_that_the_others_have_takes_its_new_number_too",
    ),
    _mutant(
        "alcove.messages.conversation:Conversation.unsend",
        "not item.given",
        "not item.blob",
        "tests/end_to_end/test_mishaps.py::"
        "test_what_the_relay_was_given_is_not_taken_back_as_if_it_was_never_sent",
    ),
    *(
        _mutant(f"alcove.{where}", old, new, f"tests/end_to_end/test_taking_back.py::{test}")
        for where, old, new, test in (
            (
                "engine.standing:Standing.close",
                "self._tell_not_taken_back(why)",
                "pass",
                f"{_STAYS}[removed-in the room]",
            ),
            (
                "engine.standing:Standing._tell_not_taken_back",
                "for shown in self.still_shown:",
                "for shown in ():",
                f"{_STAYS}[ended-outside]",
            ),
            (
                "engine.standing:Standing._tell_not_taken_back",
                " if id in shown}",
                "}",
                "test_what_expired_before_that_is_told_as_that[outside]",
            ),
            (
                "messages.conversation:Conversation.taking_back",
                " if self.may_retract(message)}",
                "}",
                "test_what_expired_before_that_is_told_as_that[in the room]",
            ),
            (
                "engine.standing:Standing._tell_not_taken_back",
                "_MAYBE_BACK if given else why",
                "why",
                "test_what_the_relay_has_not_confirmed_is_said_so",
            ),
            (
                "messages.conversation:Conversation.give_up",
                'self._emit(events.Problem("not_retracted", NOT_TAKEN))',
                "pass",
                "test_what_the_relay_does_not_take_is_told",
            ),
        )
    ),
    _mutant(
        "alcove.engine.standing:Standing._fail_waiting_texts",
        "if item.given else",
        "if item.blob else",
        "tests/end_to_end/test_mishaps.py::"
        "test_what_the_relay_was_given_is_unconfirmed_though_it_is_to_be_encrypted_anew",
    ),
    _mutant(
        f"{_ROOM}.tell_desk",
        "if self.history.roster.is_facilitator(sender):",
        "if True:",
        f"{_DESK}::test_a_members_frame_reaches_the_facilitators_alone",
    ),
    _mutant(
        "alcove_server.rooms.away:AwayKeys.may_return",
        " and self._clock() - since <= limits.AWAY",
        "",
        f"{_AWAY}::test_after_two_hours_the_key_is_a_strangers",
    ),
    _mutant(
        f"{_HISTORY}:_outcome",
        "if added[key] == history.absent[key]",
        "",
        f"{_AWAY}::test_another_door_than_their_own_needs_a_knock",
    ),
    _mutant(
        f"{_HISTORY}:_outcome",
        " if key not in returned",
        "",
        f"{_AWAY}::test_the_door_stays_and_no_use_is_consumed",
    ),
    _mutant(
        f"{_SAME}.find",
        "self._life.signed_within(key, FRESH * interval)",
        "False",
        f"{_NAME}::test_the_name_of_a_member_who_is_there_is_taken",
    ),
    _mutant(
        "alcove.facilitation.knock_check:KnockCheck.check",
        "raise AnotherWaits",
        "raise CannotAdmit('name_taken')",
        f"{_NAME}::test_who_died_at_the_door_knocks_again_when_the_first_knock_is_refused",
    ),
    _mutant(
        "alcove.facilitation.lobby:Lobby._names_beside",
        ", *outside]",
        "]",
        "tests/end_to_end/test_outside.py::test_the_name_is_kept_for_who_is_outside",
    ),
    _mutant(
        "alcove.facilitation.knock_check:KnockCheck.check",
        "if looks_like_any(body.name, waiting):",
        "if False:",
        f"{_NAME}::test_of_two_at_the_door_the_second_is_told_that_the_name_is_taken_when_it_is",
    ),
    _mutant(
        "alcove.engine.member:MemberClient._beat_when_due",
        "if self._following.waits:",
        "if False:",
        "tests/end_to_end/evil/test_long_replay.py"
        "::test_no_heartbeat_goes_to_a_log_whose_commits_are_not_known_here",
    ),
    _mutant(
        "alcove.engine.member:MemberClient._beat_when_due",
        "replayed = waited or not self.stream.replays",
        "replayed = True",
        "tests/end_to_end/test_whereabouts.py"
        "::test_who_comes_back_after_somebody_came_in_is_here_at_once",
    ),
    _mutant(
        "alcove.engine.member:MemberClient._beat_when_due",
        "min(self._blob_at + BEAT_AGAIN, self._replay_most)",
        "self._blob_at + BEAT_AGAIN",
        "tests/end_to_end/evil/test_long_replay.py"
        "::test_a_room_is_held_by_a_facilitator_whose_replay_takes_long",
    ),
    _mutant(
        "alcove.facilitation.lobby:Lobby._look_again",
        "self.in_step()",
        "pass",
        f"{_DOOR}::test_who_is_refused_and_knocks_again_at_once_does_not_overtake_who_waits",
    ),
    _mutant(
        "alcove.facilitation.lobby:Lobby._knock",
        "self._behind.put(body.name, item)",
        "self._put_off(item)",
        f"{_DOOR}::test_who_waits_behind_another_costs_nothing_while_nothing_changes",
    ),
    _mutant(
        "alcove.facilitation.lobby:Lobby.link_closed",
        "self._look_again(self._behind.take_all())",
        "pass",
        f"{_DOOR}::test_who_waits_behind_another_is_told_when_their_own_invite_is_closed",
    ),
    _mutant(
        f"{_SAME}.find",
        "self._life.signed_within(key, FRESH * interval)",
        "self._life.since_sign(key) <= FRESH * interval",
        f"{_NAME}::test_a_new_facilitator_calls_no_name_taken_before_a_sign_of_life_could_come",
    ),
    _mutant(
        f"{_LIFE}.began",
        "self._known.clear()",
        "pass",
        f"{_NAME}::test_who_facilitates_again_counts_no_silence_of_when_frames_were_not_for_them",
    ),
    _mutant(
        f"{_SAME}.find",
        "self._life.silence(key) <= SILENT * interval",
        "False",
        f"{_NAME}::test_a_knock_waits_until_it_is_known_whether_the_member_is_there",
    ),
    _mutant(
        f"{_SAME}.find",
        " or same[0].facilitator",
        "",
        f"{_NAME}::test_nobody_takes_a_facilitators_place_so",
    ),
    _mutant(
        f"{_SAME}.check_silent",
        "self._life.signed_within(key, fresh)",
        "False",
        f"{_NAME}::test_a_member_who_comes_back_meanwhile_keeps_the_place",
    ),
    _mutant(
        f"{_SAME}.check_silent",
        "self._life.silence(key) <= fresh",
        "False",
        f"{_NAME}::test_a_client_that_was_away_itself_calls_no_name_free_or_taken",
    ),
    _mutant(
        "alcove.facilitation.intents:AdmitNewcomer.plan",
        "self.to_listen or self.instead.paused()",
        "self.to_listen",
        f"{_NAME}::test_a_pause_carries_over_to_new_keys",
    ),
    _mutant(
        f"{_WORDS}.check",
        "compare_digest(word, chosen.word)",
        "True",
        f"{_WORD}::test_the_word_of_before_fits_and_others_do_not",
    ),
    _mutant(
        f"{_WORDS}.check",
        "len(chosen.wrong) >= WRONG_MOST",
        "False",
        f"{_WORD}::test_after_five_different_wrong_words_a_word_says_nothing_any_more",
    ),
    _mutant(
        f"{_WORDS}.check",
        "chosen.wrong.add(word)",
        "chosen.wrong.add(bytes([len(chosen.wrong)]))",
        f"{_WORD}::test_after_five_different_wrong_words_a_word_says_nothing_any_more",
    ),
    _mutant(
        f"{_WORDS}.merged",
        "person.key in absent or ",
        "",
        f"{_WORD}::test_who_was_let_go_is_known_by_their_word_for_two_hours",
    ),
    _mutant(
        f"{_WORDS}.waits_no_more",
        "gone[:-GONE_MOST]",
        "gone[:0]",
        f"{_WORD}::test_knocks_that_come_and_go_without_end_leave_few_words",
    ),
    _mutant(
        f"{_WORDS}._seat",
        "old is None or brought.word != NO_WORD",
        "True",
        f"{_WORD}::test_who_comes_back_with_new_keys_has_the_new_word_or_the_one_from_before",
    ),
    _mutant(
        f"{_WORDS}._forget_old",
        "one.gone_at is None or now - one.gone_at <= limits.AWAY",
        "True",
        f"{_WORD}::test_who_was_let_go_is_known_by_their_word_for_two_hours",
    ),
    _mutant(
        "alcove.joining.todays_word:word_key",
        "_LABEL + room + name.encode()",
        "_LABEL + room",
        f"{_WORD}::test_a_word_is_bound_to_room_and_name",
    ),
)

"""Mutants of the door: invites, the lobby in a hard minute, the talk there."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant

_INVITES: Final = "tests/end_to_end/test_invites.py"
_AWAY: Final = "tests/end_to_end/test_removed_while_away.py"
_BURNED: Final = "tests/end_to_end/evil/test_kept_out_beside_a_burned_commit.py"
_KEPT_OUT: Final = "test_no_other_facilitators_client_lets_them_in_again"
_KEEPER: Final = "alcove.facilitation.door_keeper:DoorKeeper"
_OF_INVITES: Final = "alcove.facilitation.invites:Invites"


def _invites(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("door", (Edit(where, old, new),), f"{_INVITES}::{test}")


_DIES: Final = "test_an_invite_is_closed_at_the_relay_when_its_facilitator_dies_after_the_commit"

_LOBBY: Final = "tests/end_to_end/test_lobby.py"


def _lobby(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("door", (Edit(where, old, new),), f"{_LOBBY}::{test}")


_TALK: Final = "tests/end_to_end/test_door_talk.py"
_DOOR_TALK: Final = "alcove.facilitation.door_talk:DoorTalk"
_VOICE: Final = "alcove.joining.door_voice:DoorVoice"


def _talk(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("door", (Edit(where, old, new),), f"{_TALK}::{test}")


_MAKE_UP: Final = "test_a_relay_and_a_holder_of_the_link_make_up_no_text[to the facilitator]"
_TWICE: Final = "test_a_relay_that_shows_a_text_twice_or_to_another_is_not_believed"
_NEXT: Final = "test_what_the_relay_did_not_take_is_said_with_the_next_knock"
_LOST: Final = "test_what_was_said_comes_again_after_a_lost_connection_and_is_shown_once"
_GONE: Final = "test_who_waits_is_told_when_the_facilitator_is_gone"
_LISTENS: Final = "test_who_is_let_in_to_listen_is_paused_by_the_commit_that_adds_them"

_OUTSIDE: Final = "tests/end_to_end/test_outside.py"


def _outside(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("door", (Edit(where, old, new),), f"{_OUTSIDE}::{test}")


_ANEW: Final = "tests/end_to_end/test_knocks_anew.py"
_NEWCOMER: Final = "alcove.joining.newcomer:Newcomer"


def _anew(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("door", (Edit(where, old, new),), f"{_ANEW}::{test}")


_CARDS: Final = "tests/end_to_end/evil/test_cards.py"
_WATCH: Final = "alcove.facilitation.card_watch:CardWatch"


def _cards(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("door", (Edit(where, old, new),), f"{_CARDS}::{test}")


_OLD_CARD: Final = "test_an_old_card_that_the_relay_shows_again_blames_nobody"
_ALONE_READ: Final = "test_a_knock_that_one_facilitator_alone_can_read_is_found_at_once"

_BACK: Final = "test_a_member_steps_outside_and_comes_back_within_ten_seconds"

_PUT_AFTER_A_LOSS: Final = (
    "test_a_way_back_that_no_facilitator_left_has_put_is_put_after_a_loss[asks]"
)
_STAYS_OUT: Final = "tests/end_to_end/evil/test_back_by_themselves.py"


_GO_ON: Final = "tests/end_to_end/evil/test_rules_go_on.py"


def _goes_on(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("rules go on", (Edit(where, old, new),), f"{_GO_ON}::{test}")


def _stays_out(where: str, old: str, new: str, test: str) -> Mutant:
    edit = Edit(f"alcove.facilitation.{where}", old, new)
    return Mutant("a decision holds", (edit,), f"{_STAYS_OUT}::{test}")


_SAME_NAME: Final = (
    "tests/end_to_end/test_same_name.py"
    "::test_who_lost_the_keys_comes_back_under_the_same_name_by_a_persons_decision"
)

ALL_DOOR: Final[tuple[Mutant, ...]] = (
    Mutant(
        "door",
        (Edit("alcove_server.rooms.roster_history:_replacing", "if door in vacant:", "if False:"),),
        _SAME_NAME,
    ),
    Mutant(
        "door",
        (
            Edit(
                "alcove_server.rooms.roster_history:_outcome",
                " if key not in returned}",
                "}",
            ),
        ),
        "tests/server/test_away.py::test_who_comes_back_takes_nobodys_place",
    ),
    Mutant(
        "door",
        (
            Edit(
                "alcove.facilitation.facilitator:Facilitator._count_uses",
                "if door in vacant:",
                "if False:",
            ),
        ),
        _SAME_NAME,
    ),
    _outside(
        "alcove.engine.outside:SteppingOutside.ask",
        "self._way.invite if self._way is not None else self._new_door(newcomer.invite)",
        "self._new_door(newcomer.invite)",
        "test_a_second_wish_names_the_door_of_the_first_which_may_still_wait",
    ),
    *(
        _outside(where, old, new, _PUT_AFTER_A_LOSS)
        for where, old, new in (
            (
                "alcove.engine.outside:SteppingOutside.no_door_in",
                "generation not in (None, self._log)",
                "False",
            ),
            (
                "alcove.facilitation.outside:WaysBack.tick",
                "found.statement is None and",
                "found.statement is not None and",
            ),
            ("alcove.facilitation.outside:WaysBack.new_log", "set(self._gone)", "set()"),
        )
    ),
    _outside(
        "alcove.facilitation.invites:Invites.moved",
        " and door not in came",
        "",
        "test_nor_to_a_facilitator_that_came_by_a_ticket_since",
    ),
    Mutant(
        "door",
        (
            Edit(
                "alcove.joining.newcomer:Newcomer._card_seen",
                "1 if self.voice.comes_back else 2",
                "1 if self.outside else 2",
            ),
        ),
        "tests/end_to_end/test_knocks_anew.py"
        "::test_one_outside_that_does_not_come_back_talks_on_behind_a_locked_door",
    ),
    _outside(
        "alcove.joining.newcomer:Newcomer._card_seen",
        "1 if self.voice.comes_back else 2",
        "2",
        "test_one_outside_comes_in_where_whoever_facilitates_cannot_open_their_knock",
    ),
    _outside(
        "alcove.joining.newcomer:Newcomer._card_seen",
        "1 if self.voice.comes_back else 2",
        "1",
        "test_a_newcomer_is_seen_by_whoever_facilitates_after_two_changes",
    ),
    _outside(
        "alcove.joining.newcomer:Newcomer.come_back",
        "self._watch.look_now()",
        "pass",
        "test_one_outside_comes_in_where_whoever_facilitates_cannot_open_their_knock",
    ),
    _anew(
        f"{_NEWCOMER}._card_seen",
        "if many and now >= self._anew_from:",
        "if many:",
        "test_a_relay_that_shows_cards_in_turn_costs_one_knock_in_a_while",
    ),
    _anew(
        f"{_NEWCOMER}._card_seen",
        "if checked.card.lobby_key == self._sealed_to:",
        "if False:",
        "test_a_newcomer_to_whom_the_card_of_before_is_shown_once_waits_on",
    ),
    _anew(
        f"{_NEWCOMER}._knock_anew",
        "elif self._link.state is LinkState.DOOR:",
        "else:",
        "test_who_is_let_in_meanwhile_is_in_without_another_connection",
    ),
    _anew(
        f"{_NEWCOMER}._knock",
        "self._sealed_to, self._again_at = self.card.card.lobby_key, None",
        "self._sealed_to = self.card.card.lobby_key",
        "test_a_knock_that_the_relay_drops_meanwhile_costs_one_knock_and_no_more",
    ),
    _anew(
        f"{_VOICE}._send",
        "if answer is None or between or",
        "if answer is None or",
        "test_what_is_said_meanwhile_is_said_with_the_next_knock",
    ),
    _anew(
        f"{_VOICE}.send_unsent",
        "self._between = False",
        "pass",
        "test_a_text_to_a_relay_that_knows_no_knock_is_told_as_not_said",
    ),
    _goes_on(
        "alcove_server.rooms.slow_turns:SlowTurns._forget",
        "len(gone) - GONE_KEPT",
        "len(gone)",
        "test_a_step_outside_begins_no_new_turn_of_slow_mode",
    ),
    _goes_on(
        "alcove.engine.engine:Engine._welcomed",
        "member.conversation.slow.go_on(self._outside.turn)",
        "pass",
        "test_a_step_outside_begins_no_new_turn_of_slow_mode",
    ),
    _goes_on(
        "alcove.facilitation.same_names:SameNames.admitted",
        "member.member in",
        "member.key in",
        "test_a_fold_goes_on_under_new_keys[let go]",
    ),
    _goes_on(
        "alcove.facilitation.same_names:SameNames.admitted",
        "self._committer.want(FoldMember(key=key))",
        "pass",
        "test_a_fold_goes_on_under_new_keys[silent]",
    ),
    _goes_on(
        "alcove.facilitation.outside:WaysBack.was_paused",
        "if gone.person.key == key",
        "if self.knows(knock)",
        "test_a_pause_goes_on_by_another_door_too",
    ),
    _goes_on(
        "alcove.facilitation.same_names:SameNames._is_paused",
        "return member.member in self._membership.state.paused_keys()",
        "return member.paused",
        "test_a_pause_that_ended_after_the_knock_does_not_begin_again_under_new_keys",
    ),
    _goes_on(
        "alcove.facilitation.same_names:SameNames._is_paused",
        "member.paused if lost is None else lost.paused",
        "member.paused",
        "test_a_pause_goes_on_when_its_member_is_let_go_after_the_knock[False]",
    ),
    _goes_on(
        "alcove.facilitation.lobby:Lobby._names_beside",
        "*self._same_names.kept(body.name), ",
        "",
        "test_a_name_like_that_of_one_who_may_come_back_is_taken",
    ),
    Mutant(
        "a decision holds",
        (
            Edit(
                "alcove.facilitation.removal_intent:RemoveMembers.plan",
                "if not one.keeps_door:",
                "if True:",
            ),
        ),
        "tests/end_to_end/test_removals.py::test_a_link_is_kept_and_asks_from_then_on",
    ),
    *(
        _stays_out(where, old, new, test)
        for where, old, new, test in (
            (
                "removal_intent:RemoveMembers.plan",
                "closed.add(back.door)",
                "pass",
                "test_a_removal_holds_when_a_step_outside_was_first",
            ),
            (
                "removal_intent:RemoveMembers.plan",
                "closed.add(membership",
                "str(membership",
                "test_a_removal_closes_a_way_back_that_a_newer_facilitator_took",
            ),
            (
                "removal_intent:RemoveMembers.plan",
                "if proposals or changes else None",
                "if here else None",
                "test_who_is_outside_is_removed_by_name",
            ),
            (
                "lobby:Lobby.refuse",
                "if self._outside.knows(knock):",
                "if False:",
                "test_who_was_refused_outside_comes_back_by_a_decision_alone",
            ),
            (
                "outside:WaysBack.knows",
                "gone is None or gone.person.relay_key != knock.body.relay_key",
                "gone is None",
                "test_only_the_keys_that_went_come_back_by_themselves",
            ),
            (
                "removals:Removals._came_by",
                "return first or ",
                "return ",
                "test_a_step_outside_keeps_no_invite_open",
            ),
            (
                "removals:Removals._closed",
                "self._door_keeper.revoke((old.id,))",
                "pass",
                "test_a_step_outside_keeps_no_invite_open",
            ),
            (
                "invites:Invites.moved",
                "self._shut(door)",
                "pass",
                "test_who_is_outside_is_removed_by_name",
            ),
        )
    ),
    *(
        Mutant("kept out while absent", (Edit(f"alcove.{where}", old, new),), f"{_AWAY}::{test}")
        for where, old, new, test in (
            (
                "facilitation.removal_intent:RemoveMembers.plan",
                "if back.relay_key is not None:",
                "if False:",
                f"{_KEPT_OUT}[leaves]",
            ),
            (
                "facilitation.seen_lost:SeenLost.kept_out",
                "self.lost.pop(key, None)",
                "self.lost.get(key)",
                "test_one_that_was_offline_forgets_them_too",
            ),
            (
                "engine.member:MemberClient._merged",
                "self.seen_lost.merged(outcome)",
                "pass",
                "test_a_facilitator_that_was_appointed_since_can_remove_them",
            ),
            (
                "engine.member:MemberClient._keep_out",
                "self.seen_lost.kept_out(one.removed | one.dropped)",
                "pass",
                "test_a_participant_knows_of_a_removal_before_they_are_appointed",
            ),
            (
                "engine.held_member:HeldMember.welcomed",
                "self.seen_lost.forget_all()",
                "pass",
                "test_what_a_participant_missed_is_forgotten_before_they_are_appointed",
            ),
            (
                "facilitation.absence_intents:LetBackIn.plan",
                " or not self.still()",
                "",
                "test_a_request_that_waits_is_not_granted_after_it",
            ),
            (
                "facilitation.removals:Removals.remove",
                "if self._outside.of(one.key) is not None]",
                "]",
                "test_everybody_is_told",
            ),
            (
                "group.listed_again:_changes",
                "(at.away or frozenset())",
                "(_barred(lost) if at.away is None else at.away)",
                "test_a_removal_that_is_lost_comes_again[None]",
            ),
            (
                "engine.let_go:LetGo.merged",
                "while len(self._names) > KEPT:",
                "while False:",
                "test_no_more_names_are_kept_than_the_bound",
            ),
            (
                "engine.let_go:LetGo.removed",
                "in names if name not in here)",
                "in names)",
                "test_a_name_that_somebody_has_by_then_is_not_told",
            ),
            (
                "engine.let_go:LetGo.came",
                "self._names.items() if name not in here}",
                "self._names.items()}",
                "test_a_name_that_somebody_has_by_then_is_not_told",
            ),
            (
                "engine.telling:Telling.kept_out",
                "self._absent.pop(name, None)",
                "pass",
                "test_the_name_is_free_after_it",
            ),
            (
                "facilitation.facilitator:Facilitator.rejoined",
                "self.seen_lost.forget_all()",
                "pass",
                "test_a_facilitator_that_missed_it_lets_nobody_in_by_what_it_knew",
            ),
            (
                "facilitation.in_flight:_restating",
                "*first, *changes)",
                "*first, *(one for one in changes if one.key in listed))",
                "test_a_list_that_is_restated_keeps_them_out_too",
            ),
            (
                "group.listed_again:entry_again",
                " and not _barred(lost)",
                "",
                "test_a_removal_that_is_lost_comes_again[True]",
            ),
            (
                "group.listed_again:_changes",
                " and known:",
                ":",
                "test_a_removal_that_is_lost_comes_again[False]",
            ),
            (
                "engine.telling:Telling.kept_out",
                'self._emit(events.Removed(name, by if facilitates else "", away=True))',
                "pass",
                "test_everybody_is_told",
            ),
            (
                "engine.member:MemberClient._tell_kept_out",
                "self.act_log.kept_out(name, by)",
                "pass",
                "test_everybody_is_told",
            ),
        )
    ),
    *(
        Mutant("kept out while absent", (Edit(f"alcove.{where}", old, new),), f"{_BURNED}::{test}")
        for where, old, new, test in (
            (
                "engine.member:MemberClient._follow",
                "() if isinstance(outcome, Merged) else self._keep_out()",
                "()",
                "test_a_removal_under_way_is_moot_for_them_alone[names0]",
            ),
            (
                "engine.member:MemberClient._keep_out",
                "self.facilitator.kept_out(one)",
                "pass",
                "test_a_removal_that_names_them_too_takes_out_the_others",
            ),
            (
                "engine.member:MemberClient._follow",
                "                self._tell_kept_out(kept_out)\n                if self",
                "                if self",
                "test_all_are_told_and_by_whom[True]",
            ),
            (
                "engine.member:MemberClient._follow",
                "self._tell_kept_out(kept_out)\n            return",
                "return",
                "test_one_that_cannot_follow_is_told_too",
            ),
            (
                "facilitation.facilitator:Facilitator.kept_out",
                "self.committer.plan_anew()",
                "pass",
                "test_a_return_under_way_is_not_made",
            ),
            (
                "facilitation.committer:Committer.plan_anew",
                "self._queue.extendleft(reversed(item.intents))",
                "pass",
                "test_a_removal_under_way_is_moot_for_them_alone[names1]",
            ),
            (
                "facilitation.facilitator:Facilitator.kept_out",
                "one.removed | one.dropped",
                "one.removed",
                "test_who_a_restated_list_leaves_out_comes_back_by_nobodys_rule",
            ),
            (
                "group.membership:Membership._note_kept_out",
                "frozenset(key for key in gone if key not in members)",
                "frozenset(key for key in gone if key not in members | before.seats.keys())",
                "test_a_removal_in_two_entries_is_told",
            ),
            (
                "group.membership:Membership._note_kept_out",
                "if op is Op.REMOVE)",
                ")",
                "test_who_a_restated_list_leaves_out_comes_back_by_nobodys_rule",
            ),
            (
                "group.membership:Membership.may_be_removed",
                "roster.away is None or ",
                "True or ",
                "test_a_removal_of_one_that_the_list_has_not_as_absent_is_moot_for_them_alone",
            ),
            (
                "facilitation.in_flight:_restating",
                "*first, *changes)",
                "*changes)",
                "test_who_is_on_the_list_without_a_leaf_can_be_removed",
            ),
        )
    ),
    Mutant(
        "kept out while absent",
        (
            Edit(
                "alcove.facilitation.removals:Removals.remove",
                "if not self._came_in(one, begun):",
                "if begun:",
            ),
        ),
        f"{_OUTSIDE}::test_one_that_comes_in_before_their_removal_is_told_as_removed_once",
    ),
    Mutant(
        "kept out while absent",
        (Edit("alcove_server.rooms.roster_history:_outcome", " | went\n", "\n"),),
        "tests/server/test_away.py::test_one_that_is_away_can_be_removed_and_loses_the_door",
    ),
    _cards(f"{_WATCH}._is_forged", " and (knew or later)", "", _OLD_CARD),
    _cards(
        f"{_WATCH}._is_forged",
        "(knew or later)",
        "knew",
        "test_a_card_by_the_first_in_line_is_replaced_by_the_next",
    ),
    _cards(
        f"{_WATCH}._judge_card",
        "        if checked is not None:\n            door.seen",
        "        door.seen = max(door.seen, answer.number)\n"
        "        if checked is not None:\n            door.seen",
        "test_what_the_relay_calls_a_huge_number_closes_no_invite",
    ),
    _cards(
        f"{_WATCH}._put_right",
        "self._close(door.id, not_awaited)",
        "pass",
        "test_a_forged_card_with_the_last_number_closes_its_invite",
    ),
    _cards(
        f"{_WATCH}.tick",
        "or not settled ",
        "",
        "test_who_slept_and_woke_in_a_room_that_was_brought_back_judges_no_card",
    ),
    _cards(
        f"{_WATCH}._judge_card",
        "self._compare_words(door, checked)",
        "pass",
        "test_other_words_on_a_card_are_told_with_their_signer_and_left",
    ),
    _cards(
        f"{_WATCH}.look_now",
        'self._found[door] = _Found("knock", self._clock())',
        "pass",
        _ALONE_READ,
    ),
    _cards(
        f"{_WATCH}._judge",
        "self._is_confirmed(door, answer.code)",
        "False",
        "test_an_invite_that_is_closed_at_the_relay_alone_is_told",
    ),
    _cards(
        "alcove.facilitation.doors:Doors.packed",
        "if anew is not None:",
        "if False:",
        "test_a_room_is_brought_back_with_the_cards_that_another_put_at_ones_doors",
    ),
    Mutant(
        "door",
        (
            Edit(
                "alcove.engine.bringing:Bringing._name",
                'refused == "bad_statement" and anew',
                "False",
            ),
        ),
        "tests/end_to_end/evil/test_other_log_midway.py::"
        "test_a_newcomer_who_reads_its_admission_and_hears_of_another_log_knocks_again",
    ),
    _cards(
        "alcove.facilitation.doors:Doors._number",
        "max(self._numbers, seen + 1) if card_counter(seen + 1) <= counter else self._numbers",
        "self._numbers",
        "test_a_card_is_put_anew_above_the_last_of_a_facilitator_who_died",
    ),
    _outside(
        "alcove.facilitation.outside:WaysBack.was_paused",
        "gone.paused for gone",
        "False for gone",
        "test_a_pause_goes_on_after_a_step_outside",
    ),
    _outside(
        "alcove.facilitation.intents:AdmitNewcomer.plan",
        "closes=(self.door,) if self.returns else (),",
        "",
        _BACK,
    ),
    _talk(
        f"{_DOOR_TALK}._ask_for",
        "self._not_asked.answered(answer, id)",
        "pass",
        "test_a_talk_is_asked_for_again_when_the_relay_did_not_take_it[False]",
    ),
    _talk(
        f"{_DOOR_TALK}._send_again",
        " and not self._talks[id].holder",
        "",
        "test_a_talk_that_another_has_meanwhile_is_not_asked_for_again",
    ),
    _outside(
        "alcove.facilitation.door_talk:DoorTalk.receive",
        "self._wants_in(talk.knock)",
        "pass",
        _BACK,
    ),
    _outside(
        "alcove.facilitation.outside:WaysBack.asked",
        "if self._doors.knows(door):",
        "if False:",
        "test_a_door_that_others_know_is_no_way_back",
    ),
    _outside(
        "alcove.facilitation.outside:WaysBack.asked",
        "if len(self._seen.lately(person.key)) >= IN_AN_HOUR:",
        "if False:",
        "test_a_member_steps_outside_five_times_in_an_hour_and_no_more",
    ),
    _outside(
        "alcove.facilitation.outside:WaysBack.look",
        "self._wants_in[id] = now + LOOK_AGAIN",
        "del self._wants_in[id]",
        "test_behind_a_locked_door_who_is_outside_comes_in_when_it_is_opened",
    ),
    _outside(
        "alcove.engine.outside:SteppingOutside.tick",
        "self._send()",
        "pass",
        "test_the_wish_goes_again_when_the_relay_lost_it",
    ),
    _outside(
        "alcove.joining.newcomer:Newcomer._knock_over",
        " and not self.outside",
        "",
        "test_outside_longer_than_a_knock_waits_is_outside_all_the_same",
    ),
    _outside(
        "alcove.engine.engine:Engine.on_not_authenticated",
        "self.member is not None and self._steps_outside()",
        "False",
        "test_who_is_away_when_they_are_let_go_comes_to_the_door_too",
    ),
    _talk(f"{_DOOR_TALK}._open", "body.reply_key == knock.body.reply_key", "True", _MAKE_UP),
    _talk(f"{_VOICE}.receive", "known in self._heard or ", "", _TWICE),
    _talk(f"{_VOICE}._send", "self._unsent.append(line)", "pass", _LOST),
    _talk(f"{_VOICE}.knocked", "self._say_again(line, lobby_key)", "pass", _NEXT),
    Mutant(
        "door",
        (
            Edit(
                "alcove.facilitation.lobby:Lobby.refuse",
                "if knock.body.relay_key in self._letting_in:",
                "if False:",
            ),
        ),
        f"{_LOBBY}::test_a_newcomer_on_their_way_in_is_not_refused",
    ),
    Mutant(
        "door",
        (
            Edit(
                "alcove.facilitation.lobby:Lobby._admission",
                "self._letting_in.discard(knock.body.relay_key)",
                "pass",
            ),
        ),
        f"{_LOBBY}::test_a_newcomer_whom_the_room_did_not_take_can_be_refused",
    ),
    _talk(f"{_DOOR_TALK}.tick", "self._give_free(talk)", "pass", _GONE),
    _talk(
        f"{_DOOR_TALK}._give_free",
        "holder != self._own and self._in_line.is_first(holder)",
        "False",
        _GONE,
    ),
    _talk(
        f"{_DOOR_TALK}.taken",
        "talk is not None and not talk.holder",
        "talk is not None",
        "test_of_two_who_take_a_talk_at_once_the_first_one_counts",
    ),
    _talk(
        f"{_DOOR_TALK}._free",
        "if other is not None and talk.holder != self._own:",
        "if False:",
        "test_one_facilitator_talks_and_the_others_keep_out",
    ),
    _talk(
        "alcove.joining.newcomer:Newcomer._renewed",
        "self._knocked_at = self._clock()",
        "pass",
        "test_each_text_renews_the_knock_for_a_quarter_of_an_hour",
    ),
    _talk(
        "alcove.joining.newcomer:Newcomer._card_seen",
        "self.card = checked",
        "pass",
        "test_who_waits_writes_to_the_lobby_key_that_the_card_has_now",
    ),
    _talk(
        "alcove.facilitation.lobby:Lobby._gone",
        "self.talk.gone(id)",
        "pass",
        "test_the_talk_is_gone_with_the_knock",
    ),
    _lobby(
        "alcove.facilitation.intents:AdmitNewcomer.plan",
        "pauses=(leaf.signature_key,) if listens else (),",
        "",
        _LISTENS,
    ),
    _lobby(
        "alcove.facilitation.intents:CommitPlan.with_other",
        "self.pauses + other.pauses,",
        "self.pauses,",
        _LISTENS,
    ),
    _lobby(
        "alcove.facilitation.intents:AdmitNewcomer.plan",
        "paused=listens",
        "paused=False",
        _LISTENS,
    ),
    _lobby(
        "alcove.facilitation.committer:Committer.want",
        "            self._enqueue(intent)\n        self.pump()",
        "            self._enqueue(intent)\n            self.pump()",
        "test_several_come_in_by_one_commit",
    ),
    _lobby(
        "alcove.joining.door_words:checked_answer",
        "if asked and not answer:",
        "if False:",
        "test_a_link_that_asks_shows_the_answer_with_the_knock",
    ),
    _lobby(
        "alcove.group.door_texts:fixed_text",
        '.ljust(limits.DOOR_ANSWER, b"\\0")',
        '.ljust(limits.DOOR_ANSWER * (1 + bool(text)), b"\\0")',
        "test_the_relay_cannot_tell_by_its_size_whether_a_link_asks",
    ),
    _invites(f"{_KEEPER}.close_for_others", "if self._in_line.is_first():", "if False:", _DIES),
    *(
        _invites(f"{_KEEPER}.{where}", old, new, test)
        for where, old, new, test in (
            (
                "send_unsent",
                "if over is not None:",
                "if False:",
                "test_nor_one_that_was_used_up_before_its_answer_came",
            ),
            (
                "_over",
                "if self._clock() >= door.deadline:",
                "if False:",
                "test_so_is_none_that_waited_until_its_time_was_over",
            ),
            (
                "_over",
                "if door.revoked:",
                "if False:",
                "test_an_invite_that_is_closed_before_it_is_ready_is_not_given_out[False-False]",
            ),
        )
    ),
    Mutant(
        "door",
        (Edit(f"{_KEEPER}._send", "done(self._over(door))", "done(None)"),),
        "tests/end_to_end/evil/test_revoked_door.py"
        "::test_an_invite_that_is_closed_before_the_relay_answers_is_not_given_out",
    ),
    _invites(
        "alcove.facilitation.doors:Doors.make",
        "door.listed = door.id in membership.state.door_ids()",
        "pass",
        "test_an_invite_that_is_closed_before_it_is_ready_is_not_given_out[False-False]",
    ),
    _invites(
        f"{_KEEPER}.send_unsent",
        "if door.id in self._brought:",
        "if False:",
        "test_an_invite_that_did_not_arrive_before_a_loss_is_put_and_no_code_is_told",
    ),
    _invites(
        f"{_OF_INVITES}.moved",
        "if not own and not outcome.gone and not outcome.joined:",
        "if False:",
        _DIES,
    ),
    _invites(
        f"{_OF_INVITES}.moved",
        "if own and not now <= before:",
        "if not now <= before:",
        "test_the_maker_of_a_link_is_told_when_another_removal_closes_it",
    ),
    _invites(
        f"{_KEEPER}._close",
        "self._closing[door] = self._clock() + AGAIN",
        "pass",
        "test_a_lost_answer_to_the_closing_is_asked_for_again",
    ),
    _invites(
        f"{_KEEPER}.renew_cards",
        "alone and door.statement is not None",
        "True",
        "test_another_facilitator_renews_a_card_and_keeps_its_question",
    ),
    _invites(
        f"{_OF_INVITES}._shut",
        "self._lobby.link_closed(door)",
        "pass",
        "test_a_closed_link_that_filled_the_door_makes_room_at_once",
    ),
)

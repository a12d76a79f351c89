"""Mutants of the standby: what it may sign, what a commit may do to it, and when it comes in."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant

CHANGES: Final = "alcove_protocol.roster_changes"
ROSTER: Final = "alcove_protocol.roster"
RULES: Final = "alcove.group.standby_rules"
_LIST: Final = "tests/protocol/test_roster_standby.py"
_RIGHTS: Final = "tests/end_to_end/evil/test_standby_rights.py"
_LIES: Final = "tests/end_to_end/evil/test_standby_lies.py"
_ENTERING: Final = "alcove.engine.standby_entering:StandbyEntering"
_UNPROVED: Final = "tests/end_to_end/test_return_before_its_proof.py"
_ANSWERS: Final = "tests/end_to_end/evil/test_standby_answers.py"
_USURPERS: Final = "tests/end_to_end/evil/test_standby_usurpers.py"
_RELAY: Final = "tests/server/test_standby.py"
_LIFE: Final = "tests/end_to_end/test_standby.py"


def _mutant(rule: str, where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant(f"standby {rule}", (Edit(where, old, new),), test)


def _listed(where: str, old: str, new: str, test: str) -> Mutant:
    return _mutant("list", where, old, new, f"{_LIST}::{test}")


def _judged(function: str, old: str, new: str, test: str) -> Mutant:
    return _mutant("rights", f"{RULES}:{function}", old, new, f"{_RIGHTS}::{test}")


_ONLY_REMOVES = "test_a_facilitator_only_removes_a_standby_key"
_BY_LINK = "test_a_link_signs_nothing_else"
_BY_FRESH = "test_a_fresh_key_signs_nothing_else"
_COUNTS = "test_there_is_one_link_and_one_key_that_enters_by_it"
_NO_RULE = "test_a_standby_key_changes_no_rule_of_the_room"
_LOBBY = "test_a_new_lobby_key_comes_with_the_listing_and_with_nothing_before_it"
_FRESH = "test_an_external_commit_is_of_fresh_keys_that_the_link_appointed"
_FIRST = "test_the_first_commit_of_the_leaf_lists_it_and_does_nothing_else"
_KEYS = "test_a_standby_has_keys_that_were_never_appointed"
_PLACES = "test_places_are_kept_for_the_person_that_comes_by_the_link"
_ALONG = "test_a_standby_that_is_cleared_takes_the_leaf_along"
_OWN_LEAF = "test_the_link_replaces_its_own_leaf_and_that_one_alone"

ALL_STANDBY: Final = (
    # the list
    _listed(
        f"{CHANGES}:check_standbys",
        "elif change.key in standbys and change.op is not Op.REMOVE:",
        "elif False:",
        _ONLY_REMOVES,
    ),
    _listed(
        f"{CHANGES}:check_standbys",
        "standbys |= {change.key} if change.seat.role is Role.STANDBY else set()",
        "pass",
        "test_a_restated_list_makes_no_facilitator_of_a_standby_key",
    ),
    _listed(
        f"{CHANGES}:check_standbys",
        "standbys.clear()",
        "pass",
        "test_a_restated_list_makes_a_member_of_a_link",
    ),
    _listed(f"{CHANGES}:check_counts_of_standbys", " <= 1:", ":", f"{_COUNTS}[two links]"),
    _listed(
        f"{CHANGES}:check_counts_of_standbys",
        "len(entrants) <= len(links)",
        "len(entrants) <= 1",
        f"{_COUNTS}[one that enters without a link]",
    ),
    _listed(
        f"{CHANGES}:check_by_standby", "signer in links and ", "", f"{_BY_FRESH}[another fresh key]"
    ),
    _listed(f"{CHANGES}:check_by_standby", "if not enters and not lists:", "if False:", _BY_LINK),
    _listed(
        f"{CHANGES}:_enters",
        "list(changes[:-1]) == former and ",
        "",
        f"{_BY_LINK}[a member removed]",
    ),
    _listed(
        f"{CHANGES}:_enters",
        "[(one.op, one.seat) for one in added]",
        "[(one.op, ENTRANT) for one in added]",
        f"{_BY_LINK}[a facilitator]",
    ),
    _listed(
        f"{CHANGES}:_lists",
        "Change(Op.CHANGE, signer, Seat(role=Role.FACILITATOR)), *spent]",
        "Change(Op.CHANGE, signer, Seat(role=Role.FACILITATOR))]",
        "test_the_fresh_key_becomes_a_facilitator_and_the_link_is_spent",
    ),
    _listed(f"{ROSTER}:extend", "check_standbys(roster.seats, changes)", "pass", _ONLY_REMOVES),
    _listed(f"{ROSTER}:_check_counts", "check_counts_of_standbys(seats)", "pass", _COUNTS),
    _listed(
        f"{ROSTER}:_check_of_standby",
        "check_by_standby(roster.seats, entry.signer, changes)",
        "pass",
        _BY_LINK,
    ),
    _listed(
        f"{ROSTER}:_check_of_standby",
        "(entry.flags, entry.slow) != (roster.flags, roster.slow) or ",
        "",
        f"{_NO_RULE}[locks]",
    ),
    _listed(
        f"{ROSTER}:_check_of_standby",
        " or entry.leaves is not None",
        "",
        f"{_NO_RULE}[has leaves]",
    ),
    _listed(
        f"{ROSTER}:_check_of_standby",
        "entry.welcomes != NO_HASH or ",
        "",
        f"{_NO_RULE}[has Welcomes]",
    ),
    _listed(
        f"{ROSTER}:_check_of_standby",
        "(entry.lobby is not None) is not lists",
        "False",
        _LOBBY,
    ),
    # the rights
    _judged("standby_fault", "if full or ", "if ", _PLACES),
    _judged(
        "standby_fault",
        " or len(after.facilitator_list()) >= limits.FACILITATORS",
        "",
        _PLACES,
    ),
    _judged(
        "standby_fault",
        "appointer_of(after) not in after.facilitator_keys()",
        "False",
        "test_a_standby_goes_with_the_facilitator_that_set_it",
    ),
    _judged(
        "standby_fault",
        '"standby_key" if _was_appointed(before, standby) else None',
        "None",
        _KEYS,
    ),
    _judged(
        "_was_appointed",
        "{one.mls_key, one.relay_key, one.appointer}",
        "{one.mls_key, one.relay_key}",
        "test_a_former_facilitators_key_is_no_standbys_either",
    ),
    _judged(
        "newly_appointed",
        "if standby is not None and after.standby != before.standby:",
        "if False:",
        "test_a_facilitator_sets_replaces_and_clears_a_standby",
    ),
    _judged(
        "newly_appointed",
        " and after.standby != before.standby",
        "",
        "test_a_standby_has_one_appointment_by_the_committer",
    ),
    _judged(
        "leaves_fault",
        "leaf.signature_key == standby.mls_key\n            or ",
        "",
        "test_no_leaf_has_a_key_of_the_standby",
    ),
    _judged(
        "leaves_fault",
        "\n            or leaf_extension(leaf).relay_key == standby.relay_key",
        "",
        "test_no_leaf_has_a_key_of_the_standby",
    ),
    _judged(
        "leaves_fault",
        "standby is not None and by == standby.mls_key",
        "True",
        _ALONG,
    ),
    _judged(
        "leaves_fault",
        "leaf.signature_key not in paused",
        "True",
        "test_a_leaf_that_enters_is_not_paused",
    ),
    _judged(
        "leaves_fault",
        " and leaf.signature_key not in listed",
        "",
        "test_a_listed_one_is_removed_by_no_link",
    ),
    _mutant(
        "rights",
        "alcove.group.rights:_judge_commit",
        "    if facilitates:\n",
        "    if True:\n",
        f"{_LIFE}::test_the_standby_saves_the_room",
    ),
    _judged(
        "entering_fault",
        "if standby is None or leaf is None:",
        "if False:",
        "test_without_a_standby_no_external_commit_enters",
    ),
    _judged(
        "entering_fault",
        "if not _may_replace(group.member(index), before, standby):",
        "if False:",
        "test_an_external_commit_removes_no_member",
    ),
    _judged(
        "_may_replace",
        "enters_by(leaf) == standby.mls_key",
        "True",
        _OWN_LEAF,
    ),
    _judged(
        "_may_replace",
        " or leaf.signature_key in state.facilitator_keys()",
        "",
        "test_a_listed_one_is_removed_by_no_link",
    ),
    _judged(
        "appointed_fault",
        "if extension.appointment is None:",
        "if False:",
        _FRESH,
    ),
    _judged(
        "appointed_fault",
        "(claimed.room, claimed.appointer) == (room, standby.mls_key)",
        "claimed.appointer == standby.mls_key",
        _FRESH,
    ),
    _judged(
        "appointed_fault",
        " or appointed_keys(claimed) != own",
        "",
        _FRESH,
    ),
    _judged(
        "appointed_fault",
        "    verify(Appointment, Label.APPOINT, signed, standby.mls_key)\n",
        "",
        _FRESH,
    ),
    _judged(
        "appointed_fault",
        "if extension.agreement not in before.good_agreements():",
        "if False:",
        _FRESH,
    ),
    _judged("is_listing", "after == expected and ", "", _FIRST),
    _judged("is_listing", " and after.lobby_key != before.lobby_key", "", _FIRST),
    _judged(
        "listing_fault",
        "if not _may_replace(group.member(index), before, standby):",
        "if False:",
        _FIRST,
    ),
    _mutant(
        "rights",
        "alcove.group.rights:_demand",
        "if fault is not None:",
        "if False:",
        f"{_RIGHTS}::{_FIRST}",
    ),
    _mutant(
        "follow",
        "alcove.group.membership:Membership.follow",
        "self._judge_external(blob) if external else self._judge(blob)",
        "self._judge(blob)",
        f"{_LIFE}::test_the_standby_saves_the_room",
    ),
    _mutant(
        "list",
        "alcove.group.listing:restated",
        "ENTRANT if person.entering else ",
        "",
        f"{_LIES}::test_a_restated_list_has_who_enters",
    ),
    _mutant(
        "rights",
        "alcove.group.rights:_judge_updater",
        " or enters_by(leaf) is not None",
        "",
        f"{_RIGHTS}::test_the_leaf_renews_no_key_before_it_is_listed",
    ),
    # when it comes in
    _mutant(
        "answer",
        "alcove.engine.standby_answers:StandbyAnswers.asked",
        " or not self._alone(statement)",
        "",
        f"{_LIES}::test_members_that_hear_a_facilitator_answer_no_ask",
    ),
    _mutant(
        "answer",
        "alcove.joining.candidates:Candidates.best",
        "one.epoch,",
        "-one.epoch,",
        f"{_LIES}::test_the_answer_of_the_latest_epoch_counts",
    ),
    _mutant(
        "answer",
        "alcove.joining.candidates:Candidates.best",
        "bool(one.with_texts_of(found).texts),",
        "0,",
        f"{_ANSWERS}::test_one_that_answers_without_a_text_does_not_hide_that_of_others",
    ),
    _mutant(
        "answer",
        "alcove.joining.candidates:Candidates.best",
        "-self._led_nowhere[one.by],",
        "0,",
        f"{_ANSWERS}::test_a_branch_of_one_member_is_not_believed_by_its_own_word",
    ),
    _mutant(
        "answer",
        "alcove.joining.candidates:Candidates.best",
        "-self._shown[one.by],",
        "0,",
        f"{_ANSWERS}::test_rules_that_change_each_time_are_to_be_accepted_a_few_times",
    ),
    _mutant(
        "answer",
        "alcove.joining.candidates:Candidates.ends_by",
        "return len(said) > 1 or said[by] >= SAID_BY_ONE",
        "return True",
        f"{_ANSWERS}::test_a_name_in_the_branch_of_one_member_is_not_taken",
    ),
    _mutant(
        "answer",
        "alcove.joining.candidates:Candidates.ends_by",
        "self._led_nowhere[by] += 1",
        "self.led_nowhere(by)",
        f"{_ANSWERS}::test_a_member_whose_answer_ends_the_way_in_is_heard_against_a_branch",
    ),
    _mutant(
        "answer",
        "alcove.engine.standby_answers:StandbyAnswers.asked",
        "statement.mls_key",
        'b""',
        f"{_ANSWERS}::test_a_holder_that_asks_each_second_takes_no_turn_of_a_facilitator",
    ),
    _mutant(
        "answer",
        "alcove.joining.standby_comer:StandbyComer._publish",
        'isinstance(answer, frames.RequestRefused) and answer.code == "stale"',
        "False",
        f"{_ANSWERS}::test_a_lie_is_believed_once_and_ends_nothing[base]",
    ),
    _mutant(
        "proof",
        "alcove.engine.standby_entering:StandbyEntering.answered",
        "if same:",
        "if True:",
        f"{_LIES}::test_a_false_answer_does_not_spend_the_link",
    ),
    *(
        _mutant("proof", f"{_ENTERING}.{where}", old, new, f"{_UNPROVED}::{test}")
        for where, old, new, test in (
            (
                "tick",
                "now = self._time.seconds",
                "now = self._ports.clock()",
                "test_minutes_without_a_connection_make_no_answer_false[by_a_ticket]",
            ),
            (
                "_believed",
                "now, alone = self._time.seconds,",
                "now, alone = self._ports.clock(),",
                "test_one_word_is_no_proof_because_the_connection_was_lost_behind_it",
            ),
            (
                "_asked",
                'refused == "unsettled" and self._log.believed()',
                "False",
                "test_nor_does_a_log_that_is_unsettled[a minute-by_a_ticket]",
            ),
        )
    ),
    *(
        _mutant("proof", f"alcove.engine.{where}", old, new, f"{_USURPERS}::{test}")
        for where, old, new, test in (
            (
                "standby_entering:StandbyEntering._believed",
                "return len(self.followed) > len(self._elsewhere)",
                "return True",
                "test_a_member_that_proves_its_own_lie_does_not_take_the_room",
            ),
            (
                "standby_entering:StandbyEntering._believed",
                "> len(self._elsewhere)",
                ">= len(self._elsewhere)",
                "test_one_liar_beside_one_honest_member_does_not_spend_the_link",
            ),
            (
                "standby_entering:StandbyEntering._believed",
                "max(self._first_proof + proved_for, self._since + self._all_words)",
                "self._first_proof",
                "test_two_that_lie_together_take_no_room_from_three",
            ),
            (
                "standby_entering:StandbyEntering._believed",
                "self._since + self._all_words",
                "0.0",
                "test_a_liar_in_a_large_room_waits_for_those_that_have_their_turn_late",
            ),
            (
                "standby_answers:StandbyAnswers.asked",
                "due = min(due, self._due[key][0])",
                "pass",
                "test_a_liar_in_a_large_room_waits_for_those_that_have_their_turn_late",
            ),
        )
    ),
    _mutant(
        "proof",
        "alcove.joining.candidates:Candidates.misled",
        "{by, *followed}",
        "{by}",
        f"{_USURPERS}::test_two_that_lie_together_take_no_room_from_three",
    ),
    _mutant(
        "disproved",
        "alcove.engine.standby_entering:StandbyEntering.answered",
        " and notice.key not in self._disproved",
        "",
        f"{_LIES}::test_a_false_answer_does_not_spend_the_link",
    ),
    _mutant(
        "replaced",
        "alcove.group.membership:Membership._judge_external",
        "if staged.removes_me else staged",
        "if False else staged",
        f"{_LIES}::test_a_copy_of_the_link_takes_the_place_of_who_is_not_listed_yet",
    ),
    _mutant(
        "places",
        "alcove.facilitation.standby_clearing:places",
        "1 if membership.state.standby is not None else 0",
        "0",
        f"{_LIFE}::test_a_full_room_keeps_a_place_for_the_standby",
    ),
    _mutant(
        "log hash",
        "alcove.engine.member:MemberClient._begin_log_hash",
        "if external and not self._following.held:",
        "if False:",
        f"{_LIFE}::test_the_standby_saves_the_room",
    ),
    _mutant(
        "log hash",
        "alcove.engine.member:MemberClient._follow",
        "self._begin_log_hash(position, external=external)",
        "self._new_log.begin_log(position)",
        "tests/end_to_end/evil/test_external_commits.py"
        "::test_a_member_and_the_relay_let_the_finder_in_and_everybody_sees_it",
    ),
    # the relay
    *(
        _mutant("relay", f"alcove_server.{where}", old, new, f"{_RELAY}::{test}[at once]")
        for where, old, new, test in (
            (
                "requests.standby:ask",
                "await require_unattended(requester)",
                "pass",
                "test_nothing_of_a_standby_is_taken_while_a_facilitator_is_there",
            ),
            (
                "requests.publish:_may_enter",
                "await require_unattended(requester)",
                "pass",
                "test_nothing_of_a_standby_is_taken_while_a_facilitator_is_there",
            ),
            (
                "requests.publish:_note_entered",
                "room.counts.entered_at = now",
                "pass",
                "test_a_link_tries_again_once_a_minute",
            ),
            (
                "requests.standby:answer",
                " or not asked.may_answer(client.key)",
                "",
                "test_an_answer_is_to_an_ask_that_was_told_and_each_member_has_one",
            ),
            (
                "rooms.asks:_Told.may_answer",
                "len(self.by) < limits.ANSWERS and",
                "",
                "test_an_answer_is_to_an_ask_that_was_told_and_each_member_has_one",
            ),
            (
                "rooms.asks:_Told.may_answer",
                " and member not in self.by",
                "",
                "test_an_answer_is_to_an_ask_that_was_told_and_each_member_has_one",
            ),
            (
                "rooms.rules:ask",
                "(said.room, said.id, said.relay_key) != (history.roster.room, id, key)",
                "False",
                "test_an_ask_is_signed_and_of_this_room_and_connection",
            ),
            (
                "rooms.rules:_require_committer",
                "allowed = key in roster.links()",
                "allowed = True",
                "test_each_key_of_a_standby_commits_its_own_and_nothing_else",
            ),
            (
                "rooms.rules:_require_committer",
                "or claimed.signer in standbys",
                "",
                "test_each_key_of_a_standby_commits_its_own_and_nothing_else",
            ),
            (
                "requests.entry:_as_standby",
                "if claimed.key not in room.history.roster.standbys():",
                "if False:",
                "test_the_two_keys_of_a_standby_connect_and_no_other",
            ),
        )
    ),
)

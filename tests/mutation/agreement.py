"""Mutants of the agreement: what a commit may do to it, whose text is shown, who is asked."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant

RULES: Final = "alcove.group.agreement_rules"
_LIFE: Final = "tests/end_to_end/test_agreement.py"
_DOOR: Final = "tests/end_to_end/test_agreement_at_the_door.py"
_BACK: Final = "tests/end_to_end/test_text_after_a_return.py"
_UNREAD: Final = "tests/end_to_end/test_standby_without_rules.py"
_RIGHTS: Final = "tests/end_to_end/evil/test_rights.py"


def _judged(old: str, new: str, kind: str, code: str = "agreement_corrected") -> Mutant:
    edit = Edit(f"{RULES}:agreement_fault", old, new)
    test = f"test_the_rule_that_refuses_a_commit[{kind}]"
    return Mutant(f"rights {code}", (edit,), f"{_RIGHTS}::{test}")


def _within(where: str, old: str, new: str, kind: str) -> Mutant:
    test = f"test_what_a_facilitator_may_commit[{kind}]"
    return Mutant("rights agreement_corrected", (Edit(where, old, new),), f"{_RIGHTS}::{test}")


def _life(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("order agreement", (Edit(where, old, new),), f"{_LIFE}::{test}")


def _door(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("order agreement", (Edit(where, old, new),), f"{_DOOR}::{test}")


def _back(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("order agreement", (Edit(where, old, new),), f"{_BACK}::{test}")


def _unread(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("order agreement", (Edit(where, old, new),), f"{_UNREAD}::{test}")


_STORE: Final = "alcove.messages.agreements:Agreements"
_ASK: Final = "alcove.engine.agreement:AgreementQuestion"
_CHANGE: Final = "alcove.engine.agreement_change:AgreementChange"

ALL_AGREEMENT: Final[tuple[Mutant, ...]] = (
    # what a commit may do to the state
    _judged(
        "if after.agreement_version != before.agreement_version + (0 if same_text else 1):",
        "if False:",
        "another agreement, same version",
        "agreement_version",
    ),
    _judged(
        "(0 if same_text else 1)",
        "after.agreement_version - before.agreement_version",
        "another version, same agreement",
        "agreement_version",
    ),
    _within(f"{RULES}:agreement_fault", "(0 if same_text else 1)", "0", "a new agreement"),
    _judged("if after.corrected in allowed", "if True", "a good hash that was never the room's"),
    _judged("{before.corrected} if same_text else", "", "a good hash without a change"),
    _judged(
        "{before.corrected} if same_text",
        "{before.corrected, b''} if same_text",
        "what was good taken back without a change",
    ),
    _judged("before.corrected + before", "before", "a correction that forgets an earlier one"),
    _judged(
        '{b"", corrected}',
        "{b'', corrected, before.corrected}",
        "a new rule that keeps what was good",
    ),
    _within(f"{RULES}:agreement_fault", '{b"", corrected}', "{b''}", "a correction"),
    _within(
        f"{RULES}:agreement_fault",
        '{b"", corrected}',
        "{corrected}",
        "a new rule after a correction",
    ),
    _within(
        "alcove.group.rights:_judge_leaves",
        "not in after.good_agreements()",
        "!= after.agreement",
        "who accepted what was corrected",
    ),
    Mutant(
        "rights acts",
        (
            Edit(
                "alcove.group.rights:ACTS",
                "Act.AGREEMENT: _facilitator",
                "Act.AGREEMENT: _every_member",
            ),
        ),
        f"{_RIGHTS}::test_who_may_send_what",
    ),
    # messages under it
    _life(
        "alcove.messages.conversation:Conversation._judge",
        "payload.agreement in state.good_agreements()",
        "payload.agreement == state.agreement",
        "test_a_correction_is_shown_and_asks_and_mutes_nobody",
    ),
    _life(
        "alcove.group.membership:Membership.agreement_due",
        "not in self.state.good_agreements()",
        "!= self.state.agreement",
        "test_a_correction_is_shown_and_asks_and_mutes_nobody",
    ),
    Mutant(
        "rights agreement_corrected",
        (
            Edit(
                "alcove.group.rights:_judge_state",
                "if (fault := agreement_fault(before, after)) is not None:",
                "if (fault := '') is not None and fault:",
            ),
        ),
        f"{_RIGHTS}::test_the_rule_that_refuses_a_commit[another agreement, same version]",
    ),
    # whose text is shown
    _life(
        f"{_STORE}.told",
        "if version == state.agreement_version + 1:",
        "if False:",
        "test_a_new_rule_asks_everybody_but_the_person_who_made_it",
    ),
    _life(
        f"{_STORE}.told",
        "if agreement.hash == state.agreement:",
        "if True:",
        "test_a_committer_who_dies_after_the_text_leaves_the_room_as_it_was",
    ),
    _life(
        f"{_STORE}.moved",
        "if agreement.hash == state.agreement:",
        "if agreement.version == state.agreement_version:",
        "test_of_two_facilitators_at_once_the_first_commit_wins_and_the_other_is_told",
    ),
    # the person alone accepts, what they read
    _life(
        f"{_ASK}.accept",
        "if not self._membership.agreement_due:",
        "if False:",
        "test_a_correction_is_shown_and_asks_and_mutes_nobody",
    ),
    _life(
        f"{_ASK}.accept",
        "if self._shown != state.agreement:",
        "if False:",
        "test_who_is_shown_no_text_is_told_so_and_cannot_accept_it_unread",
    ),
    _life(
        f"{_ASK}.accept",
        "if version not in (None, state.agreement_version):",
        "if False:",
        "test_a_person_accepts_the_version_that_they_read_and_no_later_one",
    ),
    _life(
        f"{_ASK}.ask",
        "if self._shown == state.agreement:",
        "if False:",
        "test_who_is_shown_no_text_is_told_so_and_cannot_accept_it_unread",
    ),
    # a change, and its repetition
    _life(
        "alcove.facilitation.agreement_intent:ChangeAgreement.plan",
        "if state.agreement_version + 1 != self.version:",
        "if False:",
        "test_of_two_facilitators_at_once_the_first_commit_wins_and_the_other_is_told",
    ),
    _life(
        f"{_CHANGE}.own",
        "if sent and facilitator is not None:",
        "if facilitator is not None:",
        "test_a_text_that_the_relay_refuses_changes_nothing",
    ),
    _life(
        f"{_CHANGE}.tick",
        "elif self._clock() >= self._repeat_at:",
        "elif False:",
        "test_who_is_shown_no_text_is_told_so_and_cannot_accept_it_unread",
    ),
    _life(
        f"{_CHANGE}._anyone_lacks_it",
        "has not in good",
        "True",
        "test_a_text_is_repeated_less_and_less_often_and_not_when_all_have_accepted",
    ),
    _door(
        f"{_CHANGE}.merged",
        "away = own and (any(self._lags(person) for person in came) or bool(outcome.reloaded))",
        "away = False",
        "test_who_waits_over_a_correction_comes_in_and_is_shown_it",
    ),
    _door(
        f"{_CHANGE}.merged",
        "self._came_since |= bool(came)",
        "pass",
        "test_who_comes_between_the_text_and_the_commit_is_told_it_at_once",
    ),
    _door(
        "alcove.facilitation.facilitator:Facilitator.agreement_is",
        "self.door_keeper.cards_changed(own=own)",
        "pass",
        "test_a_newcomer_reads_the_new_agreement_by_an_old_invite",
    ),
    _door(
        "alcove.facilitation.door_keeper:DoorKeeper.renew_cards",
        " or not self._doors.fits(self._membership)",
        "",
        "test_a_facilitator_without_the_text_puts_no_earlier_card",
    ),
    _door(
        "alcove.facilitation.lobby:Lobby.agreement_changed",
        "if knock.body.agreement not in good:",
        "if False:",
        "test_who_waits_with_the_old_agreement_is_told_to_read_the_new_one",
    ),
    _life(
        "alcove.engine.key_updates:KeyUpdates.tick",
        "now if self._membership.leaf_lags else now + INTERVAL",
        "now + INTERVAL",
        "test_an_acceptance_reaches_the_leaf_though_an_older_update_was_on_its_way",
    ),
    # who comes back by a ticket
    _back(
        "alcove.engine.publisher:Publisher._may_go",
        "        given = given or self._is_of_the_room(item)\n",
        "",
        "test_the_text_comes_while_the_committer_is_not_heard",
    ),
    _back(
        "alcove.engine.publisher:Publisher._is_of_the_room",
        "return hashed == self._membership.state.agreement",
        "return True",
        "test_new_ground_rules_wait_while_their_author_is_not_heard",
    ),
    _back(
        f"{_CHANGE}._anyone_lacks_it",
        "return behind or self._reloaded",
        "return behind",
        "test_another_facilitator_tells_the_text_when_the_committer_dies",
    ),
    _back(
        f"{_CHANGE}.own",
        "self._reloaded and not sent",
        "self._reloaded",
        "test_one_facilitator_tells_the_text_once_when_all_is_well",
    ),
    _back(
        f"{_CHANGE}.heard",
        "        self._reloaded = False\n",
        "",
        "test_one_facilitator_tells_the_text_once_when_all_is_well",
    ),
    _back(
        "alcove.group.standby_entry:read_answer",
        "unpack_agreement(answer.agreement) if answer.agreement else ()",
        "unpack_agreement(answer.agreement)",
        "test_nobody_has_the_text_and_a_facilitator_is_back_and_gives_it_anew",
    ),
    _back(
        "alcove.joining.candidates:Candidates.best",
        "best.with_texts_of(found)",
        "best",
        "test_a_member_that_has_the_text_is_preferred",
    ),
    _unread(
        "alcove.joining.candidates:Candidates.add",
        "if candidate.texts and not candidate.answer.held",
        "if not candidate.answer.held",
        "test_the_text_of_another_member_is_shown[in step]",
    ),
    _unread(
        "alcove.group.standby_entry:Candidate.with_texts_of",
        " and one.state.agreement == self.state.agreement",
        "",
        "test_a_text_of_other_rules_is_not_taken_for_these",
    ),
    _unread(
        "alcove.joining.standby_comer:StandbyComer._decide",
        "self._accept_all or self.accepted == state.agreement",
        "self._accept_all or not best.texts or self.accepted == state.agreement",
        "test_the_person_is_asked_whether_to_come_in_unread",
    ),
    _unread(
        "alcove.engine.agreement:AgreementQuestion.__init__",
        'b"" if unseen else membership.accepted',
        "membership.accepted",
        "test_the_text_that_comes_later_is_shown_and_asks_for_nothing",
    ),
    _unread(
        "alcove.engine.agreement:AgreementQuestion.ask",
        "(self._missing, self._agreements.unseen)",
        "(self._missing,)",
        "test_it_is_told_that_its_invites_need_rules",
    ),
    _back(
        "alcove.engine.entering_room:EnteringRoom._resumed",
        "if rules is not None:",
        "if False:",
        "test_a_facilitator_alone_comes_back_by_a_member_that_has_no_text",
    ),
)

WATCHED: Final = (f"{RULES}:agreement_fault", f"{_STORE}.told", f"{_ASK}.accept")

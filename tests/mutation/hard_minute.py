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

ALL_HARD_MINUTE: Final = (
    _mutant(
        f"{_INTENTS}:RemoveMember.plan",
        "after = replace(after, paused=without_pause(after, self.key))",
        "pass",
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

"""Mutants of the acts about facilitators: vaults, demotions, the quorum, and the first in line."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant

_ACTS: Final = "tests/end_to_end/test_facilitators.py"
_DEATHS: Final = "tests/end_to_end/test_facilitator_deaths.py"
_RACES: Final = "tests/end_to_end/test_facilitator_races.py"
_QUORUM: Final = "tests/end_to_end/test_quorum.py"
_INSIDERS: Final = "tests/end_to_end/evil/test_insiders.py"
_F: Final = "alcove.facilitation"


def _mutant(where: str, old: str, new: str, test: str) -> Mutant:
    edit = Edit(f"{_F}.{where}" if "." not in where.split(":")[0] else where, old, new)
    return Mutant("facilitators", (edit,), test)


_SECOND: Final = f"{_DEATHS}::test_the_second_in_line_lets_the_first_go_when_nobody_before_does"
_LEAVES: Final = f"{_DEATHS}::test_a_facilitator_who_leaves_takes_the_lobby_key_along"
_REPAIR: Final = f"{_DEATHS}::test_after_90_seconds_without_a_vault_the_first_in_line_begins_anew"
_ONCE: Final = (
    f"{_DEATHS}::test_invites_that_nobody_here_can_serve_are_dropped_once_over_a_slow_line"
)
_KEPT_WAITING: Final = "tests/end_to_end/evil/test_kept_waiting.py"
_PUT_OFF: Final = f"{_KEPT_WAITING}::test_what_is_asked_for_later_does_not_put_off_what_is_told"
_DEMOTED: Final = f"{_ACTS}::test_a_demoted_facilitator_stays_and_keeps_no_key_of_the_lobby"
_TOLD: Final = f"{_INSIDERS}::test_a_facilitator_whose_lobby_key_another_replaced_is_told_once"
_WAITS: Final = f"{_ACTS}::test_a_knock_that_waits_is_told_to_the_appointed"
_RACE: Final = f"{_RACES}::test_a_lobby_key_that_a_former_facilitator_read_is_not_used"
_KEPT: Final = f"{_RACES}::test_the_next_lobby_key_is_kept_from_whom_its_commit_demotes[invite]"
_HANDS: Final = f"{_ACTS}::test_handing_over_waits_for_what_the_successor_needs"
_START: Final = f"{_QUORUM}::test_a_room_begins_with_as_many_facilitators_as_it_needs"
_NEVER: Final = f"{_ACTS}::test_a_successor_who_never_opens_the_vault_holds_nobody"
_STAY: Final = f"{_QUORUM}::test_a_room_that_needs_two_to_go_on_waits_and_opens_by_itself"

ALL_FACILITATORS: Final = (
    _mutant("lobby:Lobby._may_handle", " or self._vaults.complete)", " or True)", _WAITS),
    _mutant(
        "vaults:Vaults.complete",
        "self._lobby_keys.has_present and ",
        "",
        _TOLD,
    ),
    _mutant(
        "vaults:Vaults._see_lobby_key",
        "self._named, self._coming = present, None",
        "self._named = present",
        _RACE,
    ),
    _mutant(
        "vaults:Vaults.keep_from",
        "put.content[0] == self._coming",
        "False",
        f"{_RACES}::test_a_next_lobby_key_that_one_has_is_not_the_next_without_them",
    ),
    _mutant("roles:Roles._drop", "self._vaults.keep_from(key)", "pass", _KEPT),
    _mutant(
        "vaults:Vaults._content",
        "None if key in self._kept_from else self._coming",
        "self._coming",
        _KEPT,
    ),
    _mutant("roles:Roles.look", "elif handing.appointed:", "elif False:", _NEVER),
    _mutant("roles:Roles.hand_over", " and self._handing.key == person.key", "", _NEVER),
    _mutant(
        "alcove.group.members:Members.find_name",
        "wanted or named",
        "named",
        f"{_INSIDERS}::test_a_helper_under_a_facilitators_name_keeps_nobody_from_demoting_them",
    ),
    _mutant(
        "alcove.group.membership:Membership.follow",
        "self._tell_of_list(entry)",
        "pass",
        f"{_INSIDERS}::test_who_takes_all_others_off_the_relays_list_is_told_by_name",
    ),
    _mutant(
        "intents:ListDoor.plan",
        "max(0, len(listed) + len(new) - limits.DOORS)",
        "0",
        f"{_INSIDERS}::test_a_full_list_of_invites_keeps_nobody_from_inviting",
    ),
    _mutant("roles:Roles.look", " and self._vaults.has_opened(handing.key)", "", _HANDS),
    _mutant("roles:Roles.tick", "self._let_go()", "pass", _SECOND),
    _mutant("roles:Roles.tick", "self._repair()", "pass", _REPAIR),
    _mutant("roles:Roles.tick", " and not self._repairing", "", _ONCE),
    _mutant("overdue:Overdue.asked", "if self._told:", "if True:", _PUT_OFF),
    _mutant("in_line:InLine.delay", "OTHERS_WAIT", "3600.0", _SECOND),
    _mutant("intents:without_facilitator", ", lobby_key=lobby_key())", ")", _LEAVES),
    _mutant(
        "door_keeper:DoorKeeper.moved",
        "if state.lobby_key != self._lobby_key:",
        "if False:",
        _DEMOTED,
    ),
    _mutant("alcove.messages.quorum:Quorum.missing", "needed - there", "0", _START),
    _mutant(
        "alcove.messages.quorum:Quorum._needed",
        "state.facilitators_stay if self._started else state.facilitators_start",
        "state.facilitators_start",
        _START,
    ),
    _mutant("alcove.messages.quorum:Quorum.heard", " or started", "", _START),
    _mutant(
        "alcove.messages.quorum:Quorum.missing",
        "key == own or self._here(key)",
        "key == own or True",
        _STAY,
    ),
)

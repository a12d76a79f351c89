"""Mutants of the acts about facilitators: vaults, demotions, the quorum, and the first in line."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant

_TESTS: Final = "tests/end_to_end/test_facilitators.py"
_F: Final = "alcove.facilitation"


def _mutant(where: str, old: str, new: str, test: str) -> Mutant:
    edit = Edit(f"{_F}.{where}" if "." not in where.split(":")[0] else where, old, new)
    return Mutant("facilitators", (edit,), f"{_TESTS}::{test}")


_SECOND: Final = "test_the_second_in_line_lets_the_first_go_when_nobody_before_does"
_LEAVES: Final = "test_a_facilitator_who_leaves_takes_the_lobby_key_along"
_REPAIR: Final = "test_after_90_seconds_without_a_vault_the_first_in_line_begins_anew"
_DEMOTED: Final = "test_a_demoted_facilitator_stays_and_keeps_no_key_of_the_lobby"
_TOLD: Final = "test_a_facilitator_whose_lobby_key_another_replaced_is_told_once"
_WAITS: Final = "test_a_knock_that_waits_is_told_to_the_appointed"
_HANDS: Final = "test_handing_over_waits_for_what_the_successor_needs"
_START: Final = "test_a_room_begins_with_as_many_facilitators_as_it_needs"
_STAY: Final = "test_a_room_that_needs_two_to_go_on_waits_and_opens_by_itself"

ALL_FACILITATORS: Final = (
    _mutant("lobby:Lobby._may_handle", " or self._vaults.complete)", " or True)", _WAITS),
    Mutant(
        "facilitators",
        (Edit(f"{_F}.vaults:Vaults.complete", "self._lobby_keys.has_present and ", ""),),
        f"tests/end_to_end/evil/test_insiders.py::{_TOLD}",
    ),
    _mutant("roles:Roles.look", " and self._vaults.has_opened(handing.key)", "", _HANDS),
    _mutant("roles:Roles.tick", "self._let_go()", "pass", _SECOND),
    _mutant("roles:Roles.tick", "self._repair()", "pass", _REPAIR),
    _mutant("roles:Roles.go", "OTHERS_WAIT", "3600.0", _SECOND),
    _mutant("intents:LetMemberGo.plan", ", lobby_key=self.lobby_key())", ")", _LEAVES),
    _mutant(
        "door_keeper:DoorKeeper.moved",
        "if state.lobby_key != self._lobby_key:",
        "if False:",
        _DEMOTED,
    ),
    _mutant("alcove.messages.quorum:Quorum.missing", "needed - there", "0", _START),
    _mutant(
        "alcove.messages.quorum:Quorum.missing",
        "state.facilitators_stay if self._started else state.facilitators_start",
        "state.facilitators_start",
        _START,
    ),
    _mutant("alcove.messages.quorum:Quorum.talk_heard", "= True", "= False", _START),
    _mutant(
        "alcove.messages.quorum:Quorum.missing",
        "key == own or self._here(key)",
        "key == own or True",
        _STAY,
    ),
)

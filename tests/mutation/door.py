"""Mutants of the door: invites, the lobby in a hard minute, the talk there."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant

_INVITES: Final = "tests/end_to_end/test_invites.py"
_KEEPER: Final = "alcove.facilitation.door_keeper:DoorKeeper"
_OF_INVITES: Final = "alcove.facilitation.invites:Invites"


def _invites(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("door", (Edit(where, old, new),), f"{_INVITES}::{test}")


_DIES: Final = "test_an_invite_is_closed_at_the_relay_when_its_facilitator_dies_after_the_commit"

ALL_DOOR: Final[tuple[Mutant, ...]] = (
    _invites(
        f"{_KEEPER}.close_for_others", "if self._in_line.is_first():", "if False:", _DIES
    ),
    _invites(f"{_OF_INVITES}.moved", "if not own:", "if False:", _DIES),
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
        f"{_OF_INVITES}.close",
        "self._lobby.link_closed(door)",
        "pass",
        "test_a_closed_link_that_filled_the_door_makes_room_at_once",
    ),
)

"""Mutants of the door: invites, the lobby in a hard minute, the talk there."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant

_INVITES: Final = "tests/end_to_end/test_invites.py"
_KEEPER: Final = "alcove.facilitation.door_keeper:DoorKeeper"
_OF_INVITES: Final = "alcove.facilitation.invites:Invites"


def _invites(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("door", (Edit(where, old, new),), f"{_INVITES}::{test}")


_DIES: Final = "test_an_invite_is_closed_at_the_relay_when_its_facilitator_dies_after_the_commit"

_LOBBY: Final = "tests/end_to_end/test_lobby.py"


def _lobby(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("door", (Edit(where, old, new),), f"{_LOBBY}::{test}")


_LISTENS: Final = "test_who_is_let_in_to_listen_is_paused_by_the_commit_that_adds_them"

ALL_DOOR: Final[tuple[Mutant, ...]] = (
    _lobby(
        "alcove.facilitation.intents:AdmitNewcomer.plan",
        "pauses=(self.key_package.leaf_node.signature_key,) if self.to_listen else (),",
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
        "paused=self.to_listen",
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

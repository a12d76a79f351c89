"""A few thousand messages of members that keep no rule but those of encryption."""

from __future__ import annotations

import pytest
from alcove import mls

from tests.fuzz import __main__ as command
from tests.fuzz import insiders

MESSAGES = 1_500


@pytest.mark.parametrize("seed", [1, 2])
def test_insiders_change_nothing_and_part_no_group(seed: int) -> None:
    outcomes = insiders.run(MESSAGES, seed)
    assert outcomes.total() == 2 * MESSAGES
    # The run is of use only if it gets far: every kind of answer is among them.
    for name in (
        "ReceivedApplication",
        "ReceivedProposal",
        "StagedCommit",
        "OwnCommit",
        "CommitUnreadable",
        "InvalidProposalList",
        "InvalidPath",
        "ConfirmationMismatch",
        "InvalidSignature",
        "MalformedMessage",
    ):
        assert outcomes[name] > 0, name


def test_a_parted_group_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = mls.Group.receive

    def bob_is_strict(group: mls.Group, *message: object) -> object:
        taken = real(group, *message)  # type: ignore[arg-type]  # values of many types
        judged = len(message) == 2  # by the run, with a store, and not while a scene is made
        if judged and group.own_index == 1 and isinstance(taken, mls.StagedCommit):
            taken.drop()
            raise mls.InvalidCommit
        return taken

    monkeypatch.setattr(mls.Group, "receive", bob_is_strict)
    with pytest.raises(insiders.Parted, match="burns what another takes"):
        insiders.run(MESSAGES, 3)


def test_a_member_whose_answers_change_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real, seen = mls.Group.receive, set[tuple[int, bytes]]()

    def bob_consumes(group: mls.Group, message: bytes, *rest: object) -> object:
        first = (id(group), message) not in seen
        seen.add((id(group), message))
        if rest and not first and group.own_index == 1:
            raise mls.OwnCommit
        return real(group, message, *rest)  # type: ignore[arg-type]  # values of many types

    monkeypatch.setattr(mls.Group, "receive", bob_consumes)
    with pytest.raises(insiders.Parted, match="the second"):
        insiders.run(MESSAGES, 3)


def test_the_command_runs_insiders(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run_insiders(100) == 0
    assert "100 messages of insiders" in capsys.readouterr().out

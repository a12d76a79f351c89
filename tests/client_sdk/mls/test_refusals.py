"""What each refusal of a message means for the group: burned for all, held for one, or malformed.

The table is in docs/mls-validation.md. A burned message is refused by every member, with a verdict
that lets none of them go on alone. A held one is taken by another member.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal

import pytest
from alcove import mls
from alcove.mls import errors

from tests.client_sdk.mls.refusals import CASES, HELD, these_three, with_a_false_tag
from tests.client_sdk.mls.support import (
    NOW,
    SUITE,
    forge,
    limits,
    release,
    room,
    seal,
)
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.forging import refused

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "mls-validation.md"


@pytest.mark.parametrize("error", CASES, ids=lambda error: error.__name__)
def test_a_refusal_means_the_same_for_all(error: type[mls.MLSError]) -> None:
    case = CASES[error]()
    refused(case.by, case.message, error, error.sentence, case.store)
    assert error.verdict is not None
    for other in case.others:
        if error.verdict is HELD:
            assert other.receive(case.message, case.theirs) is not None
            continue
        with pytest.raises(mls.MLSError) as caught:
            other.receive(case.message, case.theirs)
        assert type(caught.value) is error


def _classes() -> dict[str, type[mls.MLSError]]:
    found_ = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, mls.MLSError)
    }
    del found_["MLSError"], found_["CannotFollow"]  # bases only
    return found_


def test_the_table_of_refusals_is_that_of_the_code() -> None:
    text = DOCUMENT.read_text()
    rows = re.findall(r"^\| `(\w+)` \| (burned|held|malformed|the caller's) \|", text, re.M)
    table = dict(rows)
    assert len(table) == len(rows)
    classes = _classes()
    assert set(table) == set(classes)
    for name, kind in classes.items():
        verdict = "the caller's" if kind.verdict is None else kind.verdict.value
        assert table[name] == verdict, name


def test_every_refusal_of_a_message_has_a_case() -> None:
    """What `receive` raises, as the table says: by itself, or as part of another refusal."""
    text = DOCUMENT.read_text()
    direct = set(re.findall(r"^\| `(\w+)` \| \S+ \| `receive` \|", text, re.M))
    assert direct == {kind.__name__ for kind in CASES}


# -- where the classes once parted the group


def test_a_commit_far_ahead_is_followed_by_all_or_by_none() -> None:
    these = room("bob", "carol", policy=limits(forward_generations=3, max_handshakes=40))
    for _ in range(30):
        these["carol"].receive(these["alice"].propose(mls.Remove(2), now=NOW))
    # Bob saw none of the thirty: a distance would part them, the generation itself does not.
    message = these["alice"].commit(now=NOW).message
    for name in ("bob", "carol"):
        assert isinstance(these[name].receive(message), mls.StagedCommit)


def test_a_member_sends_no_more_than_others_take() -> None:
    these = room("bob", policy=limits(max_handshakes=2))
    for _ in range(2):
        these["bob"].receive(these["alice"].propose(mls.Remove(1), now=NOW))
    before = these["alice"].proposals
    with pytest.raises(mls.TooLarge, match="handshake messages of one epoch"):
        these["alice"].propose(mls.Remove(1), now=NOW)
    with pytest.raises(mls.TooLarge):
        these["alice"].commit(now=NOW)
    assert these["alice"].state is mls.GroupState.OPERATIONAL
    assert these["alice"].proposals == before
    these["bob"].receive(these["alice"].encrypt(b"still"))


def test_a_false_tag_beside_a_key_of_the_group_burns() -> None:
    """All members have the same value of such a key, so it is the tag that is false."""
    these = these_three()
    psk = mls.PreSharedKeyID.of_epoch(SUITE, these["alice"].group_id, 1, os.urandom)
    message = with_a_false_tag(these["alice"], mls.PreSharedKey(psk))
    for name in ("bob", "carol"):
        refused(these[name], message, mls.ConfirmationMismatch, "does not confirm")


def test_a_burned_commit_that_comes_again_is_burned_again() -> None:
    these = these_three()
    message = forging.pathless(these["alice"], mls.Remove(0))
    for _ in range(2):
        refused(these["bob"], message, mls.InvalidProposalList, "cannot remove itself")


def test_a_commit_in_my_name_that_i_did_not_make_is_burned() -> None:
    these = these_three()
    forged = forge(these["carol"], mls.Commit((), None), sender=mls.Sender.member(1))
    message = seal(these["carol"], forged)
    for name in ("alice", "bob"):
        refused(these[name], message, mls.CommitUnreadable, "does not verify")


@pytest.mark.parametrize("wire", ["private", "public"])
def test_an_own_handshake_is_known(wire: Literal["private", "public"]) -> None:
    these = these_three()
    alice = these["alice"]
    refused(alice, alice.propose(mls.Remove(2), wire, now=NOW), mls.OwnMessage, "your own")
    commit = alice.commit(wire_format=wire, now=NOW)
    assert alice.receive(commit.message) is commit
    assert isinstance(these["bob"].receive(commit.message), mls.StagedCommit)
    release(alice)
    refused(alice, commit.message, mls.OwnCommit, "your own")


def test_a_kem_output_that_is_none_puts_no_member_out() -> None:
    """The member that the commit removes, and one whose path ciphertext does not open, judge it as
    all others do. Anybody with a GroupInfo can sign such a commit."""
    these = room("bob", "carol")
    real: Any = mls.ExternalInit
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forging.external, "ExternalInit", lambda _k: real(bytes(32)))
        putting_out = forging.join_externally(
            these["alice"].group_info(), remove=1, signer=these.people["bob"].signer
        )
        patch.setattr(SUITE.hpke, "sealer", lambda _info: lambda *_rest: (bytes(32), bytes(48)))
        unreadable = forging.join_externally(these["alice"].group_info())
    for name in ("alice", "bob", "carol"):
        for staged in (putting_out, unreadable):
            with pytest.raises(mls.InvalidProposalList):
                these[name].receive(staged.message)


def test_a_stranger_holds_no_member_up_by_a_reference_to_nothing() -> None:
    """An external commit refers to no proposals, whether a member knows them or not."""
    these = these_three()
    known = these["bob"].receive(these["alice"].propose(mls.Remove(2), now=NOW))
    assert isinstance(known, mls.ReceivedProposal)
    for ref in (bytes(32), known.ref):
        group_info = these["alice"].group_info()
        # Wrong on purpose.
        staged = forging.lawless_join(group_info, mls.ProposalRef(ref))  # type: ignore[arg-type]
        for name in ("alice", "bob", "carol"):
            refused(these[name], staged.message, mls.InvalidProposalList, "a reference")

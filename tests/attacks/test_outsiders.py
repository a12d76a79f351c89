"""External commits: by a stranger, of a stranger, and what becomes of the member they remove."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from alcove import mls
from alcove.group.outcomes import Burned

from tests.client_sdk.mls.support import POLICY, epoch_of, person, room
from tests.client_sdk.mls.validation import forging
from tests.end_to_end.evil.rogue import group_of, state_of
from tests.end_to_end.evil.rooms import epochs, goes_on, three, two_facilitators
from tests.end_to_end.evil.test_order import outcome
from tests.end_to_end.evil.test_rights import external_in_a_members_place, refusal


def test_a_room_burns_an_external_commit_whoever_it_removes() -> None:
    """A participant, in whose place it comes with that member's own keys; and a facilitator's own,
    in the class of other commits. In its own class and wrapped, that one is a return."""
    for world, ann, bob, cleo in (three(), two_facilitators()):
        blob = external_in_a_members_place(world, bob, cleo)
        facilitates = bob.engine.identity.signature.public in state_of(ann).facilitator_keys()
        before = epochs(ann, bob, cleo)
        for client in (ann, cleo):
            assert outcome(client, blob) == Burned("class")  # rooms take no PublicMessage
            assert refusal(client, blob) == (None if facilitates else "committer")
        assert epochs(ann, bob, cleo) == before
        goes_on(world, ann, bob, cleo)
        assert group_of(cleo).epoch == group_of(ann).epoch


def test_a_stranger_in_a_members_place_is_refused_by_default() -> None:
    """With the member's own name or another: a credential is a mere claim."""
    these, zoe = room("bob", "carol"), person("zoe")
    info, before = these["alice"].group_info(), epoch_of(these["carol"])
    with pytest.raises(mls.InvalidProposal, match="removes another member"):
        forging.join_externally(info, signer=zoe.signer, remove=1)
    lawless = replace(POLICY, replace_keys=True)
    for credential in (zoe.credential, these.people["bob"].credential):
        staged = forging.join_externally(
            info, signer=zoe.signer, credential=credential, remove=1, policy=lawless
        )
        for name in ("alice", "bob", "carol"):
            with pytest.raises(mls.InvalidProposalList, match="removes another member"):
                these[name].receive(staged.message)
    assert epoch_of(these["carol"]) is before
    these.agree()


def test_an_application_that_lets_keys_change_is_shown_both_leaves_first() -> None:
    policy = replace(POLICY, replace_keys=True)
    these, zoe = room("bob", "carol", policy=policy), person("zoe")
    info = these["alice"].group_info()
    staged = forging.join_externally(
        info, signer=zoe.signer, credential=zoe.credential, remove=1, policy=policy
    )
    seen: list[mls.CommitView] = []

    def approve(view: mls.CommitView) -> None:
        seen.append(view)
        raise mls.InvalidProposalList("a stranger in a member's place")

    before = epoch_of(these["carol"])
    with pytest.raises(mls.InvalidProposalList, match="a stranger"):
        these["carol"].receive(staged.message, approve=approve)
    assert [(view.is_external, view.removed) for view in seen] == [(True, (1,))]
    assert seen[0].new_leaf is not None
    assert seen[0].new_leaf.signature_key == zoe.signer.public
    assert epoch_of(these["carol"]) is before
    these.agree()


def test_who_is_removed_by_an_external_commit_closes_and_keeps_no_secret() -> None:
    these = room("bob", "carol")
    signer = these.people["bob"].signer
    credential = these.people["bob"].credential
    info = these["alice"].group_info()
    staged = forging.join_externally(info, signer=signer, credential=credential, remove=1)
    old, secrets = these["bob"], epoch_of(these["bob"]).secrets
    received = old.receive(staged.message)
    assert isinstance(received, mls.StagedCommit)
    assert received.removes_me
    with pytest.raises(mls.RemovedFromGroup):
        received.merge()
    acts: tuple[Callable[[], object], ...] = (
        lambda: old.encrypt(b"still here"),
        old.propose_update,
        old.group_info,
    )
    for act in acts:
        with pytest.raises(mls.GroupClosed):
            act()
    with pytest.raises(mls.GroupClosed):
        old.receive(staged.message)
    with pytest.raises(mls.SecretWiped):
        secrets.init_secret.expose()
    # The others go on with the one who came back.
    after = these["carol"].receive(staged.message)
    assert isinstance(after, mls.StagedCommit)
    carol, bob = after.merge(), staged.merge()
    text = bob.encrypt(b"back")
    heard = carol.receive(text)
    assert isinstance(heard, mls.ReceivedApplication)
    assert heard.sender == 1


def test_an_external_commit_may_be_refused_by_everybody_alike() -> None:
    """It changes nothing for a group that refuses it, as often as it comes."""
    these = room("bob")
    staged = forging.join_externally(these["alice"].group_info())

    class No(Exception):
        pass

    def never(view: mls.CommitView) -> None:
        raise No

    for _ in range(3):
        with pytest.raises(No):
            these["bob"].receive(staged.message, approve=never)
    these.agree()
    assert POLICY.accept_x509 is False

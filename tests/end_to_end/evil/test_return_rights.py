"""A facilitator's external commit in the place of its own leaf, and every other one: `judge`."""

from dataclasses import replace

from alcove import events, mls
from alcove.group.admission import leaf_extensions, room_policy
from alcove.group.extensions import (
    LEAF_EXTENSION,
    LeafExtension,
    capabilities,
    leaf_extension,
)
from alcove.group.keys import Identity
from alcove.group.rights import NotAllowed, judge
from alcove.mls.secret import Secret
from alcove_protocol import limits

from tests.end_to_end.evil.rogue import group_of, leaf_of, now, state_of
from tests.end_to_end.evil.rooms import two_facilitators
from tests.end_to_end.world import Client


def returns(
    judged_by: Client,
    identity: Identity,
    *,
    remove: int | None,
    leaf: LeafExtension | None = None,
    name: str = "",
    psk: bool = False,
) -> str | None:
    """How this member judges an external commit by these keys."""
    group = group_of(judged_by)
    extensions = leaf_extensions(identity, state_of(judged_by).agreement, reloaded=True)
    if leaf is not None:
        extensions = (mls.Extension(LEAF_EXTENSION, leaf.encode()),)
    asked = (mls.PreSharedKeyID.external(group.suite, b"id", judged_by.world.random),)
    store = mls.PskStore({b"id": Secret(bytes(32))})
    staged = mls.Group.join_externally(
        group.group_info(),
        identity.signature,
        mls.Credential.basic((name or identity.name).encode()),
        capabilities(identity.suite),
        extensions,
        judged_by.world.random,
        policy=room_policy(limits.MEMBERS_MAX),
        now=now(judged_by),
        remove=remove,
        psk_ids=asked if psk else (),
        psks=store,
    )
    message = staged.message
    staged.drop()
    try:
        received = group.receive(message, store, approve=lambda view: judge(group, view))
    except NotAllowed as error:
        return error.code
    assert isinstance(received, mls.StagedCommit)
    received.drop()
    return None


def own_leaf(client: Client) -> LeafExtension:
    found = group_of(client).member(leaf_of(client))
    assert found is not None
    return leaf_extension(found)


def test_a_facilitator_replaces_its_own_leaf_by_the_same_member() -> None:
    world, ann, bob, cleo = two_facilitators()
    for facilitator in (ann, bob):
        identity, own = facilitator.engine.identity, leaf_of(facilitator)
        for judged_by in (ann, bob, cleo):
            assert returns(judged_by, identity, remove=own) is None
    assert world.clients


def test_what_comes_in_its_place_is_no_other_member() -> None:
    world, ann, bob, cleo = two_facilitators()
    identity, own, leaf = bob.engine.identity, leaf_of(bob), own_leaf(bob)
    for judged_by in (ann, cleo):
        assert returns(judged_by, identity, remove=own, name="Bobby") == "leaf_identity"
        other = replace(leaf, relay_key=bytes(31) + b"\x01")
        assert returns(judged_by, identity, remove=own, leaf=other) == "leaf_identity"
        appointed = replace(leaf, appointment=bytes(100))
        assert returns(judged_by, identity, remove=own, leaf=appointed) == "leaf_appointment"
    assert world.clients


def test_it_puts_out_nobody_else() -> None:
    """With the facilitator's keys the tree would have two leaves of one key, which MLS refuses.
    With fresh ones it is a stranger's."""
    world, ann, bob, cleo = two_facilitators()
    stranger = Identity.generate("Bob", bob.engine.identity.suite, world.random)
    for victim in (bob, ann):
        assert returns(cleo, stranger, remove=leaf_of(victim)) == "committer"
    assert returns(cleo, stranger, remove=None) == "committer"


def test_a_participant_does_not_come_back_so() -> None:
    _, ann, bob, cleo = two_facilitators()
    for judged_by in (ann, bob, cleo):
        assert returns(judged_by, cleo.engine.identity, remove=leaf_of(cleo)) == "committer"


def test_it_brings_nothing_else_along() -> None:
    _, ann, bob, cleo = two_facilitators()
    for judged_by in (ann, cleo):
        code = returns(judged_by, bob.engine.identity, remove=leaf_of(bob), psk=True)
        assert code == "proposal_kind"


def test_a_former_facilitator_does_not_come_back_so() -> None:
    world, ann, bob, cleo = two_facilitators()
    done: list[object] = []
    ann.engine.commands.demote("Bob", done.append)
    world.settle()
    assert done == [None]
    assert bob.of(events.RoleChanged)
    assert returns(cleo, bob.engine.identity, remove=leaf_of(bob)) == "committer"

"""What no commit may do to a standby, and what a standby may not commit: `judge`, alone."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from alcove import mls
from alcove.group.admission import make_key_package, room_policy
from alcove.group.extensions import (
    LEAF_EXTENSION,
    FacilitatorKeys,
    LeafExtension,
    RoomExtension,
    capabilities,
    leaf_extension,
)
from alcove.group.keys import ROOM_SUITE, SEED_SIZE, Identity, SigningKey
from alcove.group.rights import NotAllowed, judge
from alcove.group.standby import StandbyKeys, StandbySecrets
from alcove.mls.secret import Secret
from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.invite import Invite
from alcove_protocol.labels import Label
from alcove_protocol.statements import Appointment, Signed

from tests.end_to_end.evil.rogue import (
    aside,
    commit_blob,
    context,
    group_of,
    keys_of,
    now,
    room_of,
    state_of,
    with_facilitator,
)
from tests.end_to_end.standing_by import make_link
from tests.end_to_end.world import Client, World, room_of_three


def verdict(by: Client, *proposals: mls.Proposal) -> str | None:
    """The rule that burns a commit of this member, as every member judges it."""
    staged = group_of(by).commit(proposals, force_path=True, now=now(by))
    try:
        judge(group_of(by), staged)
    except NotAllowed as error:
        return error.code
    finally:
        staged.drop()
    return None


def other_keys(world: World) -> StandbyKeys:
    signature, relay = SigningKey.generate(world.random), SigningKey.generate(world.random)
    box = mls.ciphersuite(ROOM_SUITE).hpke_keypair(world.random)
    return StandbyKeys(signature.public, relay.public, box.public, world.random(32))


def appointed(by: Client, mls_key: bytes, relay_key: bytes) -> bytes:
    signer = by.engine.identity.mls_signer()
    statement = Appointment(room_of(by), signer.public, mls_key, relay_key)
    return pack_list([signer.sign(Label.APPOINT, statement).encode()])


def with_standby(
    state: RoomExtension, by: Client, keys: StandbyKeys, appointment: bytes | None = None
) -> RoomExtension:
    if appointment is None:
        appointment = appointed(by, keys.mls_key, keys.relay_key)
    return replace(state, standby=keys.encode(), appointments=state.appointments + appointment)


Room = tuple[World, Client, Client, Client]


def two() -> Room:
    """Ann and Bob facilitate, Cleo takes part."""
    world, ann, bob, cleo = room_of_three()
    done: list[object] = []
    ann.engine.commands.appoint("Bob", done.append)
    world.settle()
    assert done == [None]
    world.advance(2)
    return world, ann, bob, cleo


def with_link() -> tuple[Room, StandbySecrets]:
    """The same with a standby that Ann made."""
    room = two()
    link = make_link(room[0], room[1])
    return room, StandbySecrets.of(Invite.parse(link))


# --- setting and clearing -----------------------------------------------------------------------


def test_a_facilitator_sets_replaces_and_clears_a_standby() -> None:
    (world, _, bob, cleo), _ = with_link()
    state = state_of(bob)
    assert verdict(bob, context(with_standby(state, bob, other_keys(world)))) is None
    assert verdict(bob, context(replace(state, standby=None))) is None
    assert verdict(cleo, context(replace(state, standby=None))) == "committer"


def _unappointed(world: World, bob: Client, cleo: Client) -> RoomExtension:
    return replace(state_of(bob), standby=other_keys(world).encode())


def _of_other_keys(world: World, bob: Client, cleo: Client) -> RoomExtension:
    keys, other = other_keys(world), other_keys(world)
    return with_standby(state_of(bob), bob, keys, appointed(bob, other.mls_key, other.relay_key))


def _by_another(world: World, bob: Client, cleo: Client) -> RoomExtension:
    keys, ann = other_keys(world), world.clients[0]
    return with_standby(state_of(bob), bob, keys, appointed(ann, keys.mls_key, keys.relay_key))


def _two_of_it(world: World, bob: Client, cleo: Client) -> RoomExtension:
    keys = other_keys(world)
    twice = appointed(bob, keys.mls_key, keys.relay_key) * 2
    return with_standby(state_of(bob), bob, keys, twice)


def _kept_and_appointed_again(world: World, bob: Client, cleo: Client) -> RoomExtension:
    state = state_of(bob)
    keys = StandbyKeys.decode(state.standby or b"")
    return replace(
        state, appointments=state.appointments + appointed(bob, keys.mls_key, keys.relay_key)
    )


@pytest.mark.parametrize(
    "wrong",
    [_unappointed, _of_other_keys, _by_another, _two_of_it, _kept_and_appointed_again],
    ids=lambda one: one.__name__,
)
def test_a_standby_has_one_appointment_by_the_committer(
    wrong: Callable[[World, Client, Client], RoomExtension],
) -> None:
    (world, _, bob, cleo), _ = with_link()
    assert verdict(bob, context(wrong(world, bob, cleo))) == "appointment"


def test_a_standby_has_keys_that_were_never_appointed() -> None:
    """A link that is set twice would revive its former holder, whom a facilitator demoted."""
    (world, ann, bob, cleo), secrets = with_link()
    state = state_of(bob)
    cleared: list[object] = []
    ann.engine.commands.standby(False, cleared.append)
    world.settle()
    again = with_standby(state_of(bob), bob, secrets.keys)
    assert verdict(bob, context(again)) == "standby_key"
    other = other_keys(world)
    for known in (keys_of(bob), FacilitatorKeys(ann.engine.identity.signature.public, bytes(32))):
        wrong = replace(other, mls_key=known.mls_key)
        assert verdict(bob, context(with_standby(state, bob, wrong))) == "standby_key"
    wrong = replace(other, relay_key=keys_of(bob).relay_key)
    assert verdict(bob, context(with_standby(state, bob, wrong))) == "standby_key"
    # of a participant, who was never appointed and has a leaf
    for wrong in (
        replace(other, mls_key=keys_of(cleo).mls_key),
        replace(other, relay_key=keys_of(cleo).relay_key),
    ):
        assert verdict(bob, context(with_standby(state, bob, wrong))) == "standby_key"


def test_a_former_facilitators_key_is_no_standbys_either() -> None:
    """The first facilitator was appointed by nobody, and has no leaf any more."""
    (world, ann, bob, _), _ = with_link()
    for act in ("demote", "remove"):
        done: list[object] = []
        getattr(bob.engine.commands, act)("Ann", done.append)
        world.advance(2)
        assert done == [None]
    wrong = replace(other_keys(world), mls_key=ann.engine.identity.signature.public)
    assert verdict(bob, context(with_standby(state_of(bob), bob, wrong))) == "standby_key"


def test_nothing_is_sealed_to_a_standby_of_small_order() -> None:
    (world, _, bob, _), _ = with_link()
    wrong = replace(other_keys(world), hpke_key=bytes(32))
    assert verdict(bob, context(with_standby(state_of(bob), bob, wrong))) == "bad_field"


def test_a_standby_goes_with_the_facilitator_that_set_it() -> None:
    (_, ann, bob, _), _ = with_link()
    state = state_of(bob)
    left = b"".join(one.encode() for one in state.facilitator_list() if one != keys_of(ann))
    other = mls.ciphersuite(ROOM_SUITE).hpke_keypair(bob.world.random).public
    gone = replace(state, facilitators=left, lobby_key=other)
    assert verdict(bob, context(gone)) == "standby_appointer"
    assert verdict(bob, context(replace(gone, standby=None))) is None


def test_a_demotion_by_a_real_client_clears_it() -> None:
    (world, ann, bob, cleo), _ = with_link()
    result: list[object] = []
    bob.engine.commands.demote("Ann", result.append)
    world.advance(2)
    assert result == [None]
    assert state_of(cleo).standby is None
    assert not cleo.engine.require_member().membership.roster.standbys()
    assert cleo.engine.require_member().membership.alarm is None
    assert ann.engine.closed is None


def test_places_are_kept_for_the_person_that_comes_by_the_link(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (_, _, bob, cleo), _ = with_link()
    more = with_facilitator(state_of(bob), room_of(bob), bob, cleo)
    assert verdict(bob, context(more)) is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "FACILITATORS", 3)
        assert verdict(bob, context(more)) == "standby_place"
        assert verdict(bob, context(replace(more, standby=None))) is None
    monkeypatch.setattr(limits, "APPOINTMENTS", 3)
    assert verdict(bob, context(more)) == "standby_place"
    assert verdict(bob, context(replace(more, standby=None))) is None


def test_no_leaf_has_a_key_of_the_standby() -> None:
    """Its holder would knock by any invite, and be a facilitator that nobody sees."""
    (world, _, bob, _), secrets = with_link()
    identity = Identity.generate("Eve", mls.ciphersuite(ROOM_SUITE), world.random)
    stolen = mls.SignatureKeyPair(
        identity.suite,
        Secret(secrets.signature._private.expose()[:SEED_SIZE]),
        secrets.keys.mls_key,
    )
    for wrong in (
        replace(identity, signature=stolen),
        replace(identity, relay=secrets.relay),
    ):
        assert verdict(bob, mls.Add(package(world, wrong, bob))) == "standby_key"
    assert verdict(bob, mls.Add(package(world, identity, bob))) is None


def package(world: World, identity: Identity, bob: Client) -> mls.KeyPackage:
    agreed = state_of(bob).agreement
    return make_key_package(identity, agreed, world.wall(), world.random).key_package


# --- the external commit ------------------------------------------------------------------------


def enters(
    by: Client,
    extension: LeafExtension,
    identity: Identity,
    *,
    remove: int | None = None,
) -> str | None:
    """How this member judges an external commit with such a leaf."""
    staged = mls.Group.join_externally(
        group_of(by).group_info(),
        identity.signature,
        mls.Credential.basic(b"Dora"),
        capabilities(identity.suite),
        (mls.Extension(LEAF_EXTENSION, extension.encode()),),
        by.world.random,
        policy=room_policy(50),
        now=now(by),
        remove=remove,
    )
    message = staged.message
    staged.drop()
    group = group_of(by)
    try:
        received = group.receive(message, approve=lambda view: judge(group, view))
    except NotAllowed as error:
        return error.code
    assert isinstance(received, mls.StagedCommit)
    received.drop()
    return None


def dora(world: World) -> Identity:
    return Identity.generate("Dora", mls.ciphersuite(ROOM_SUITE), world.random)


def leaf_by(
    secrets: StandbySecrets, room: bytes, identity: Identity, agreement: bytes
) -> LeafExtension:
    signed = secrets.appoint(room, identity.signature.public, identity.relay.public)
    return LeafExtension(1, identity.relay.public, identity.desk.public, agreement, signed.encode())


def test_an_external_commit_is_of_fresh_keys_that_the_link_appointed() -> None:
    (world, ann, bob, cleo), secrets = with_link()
    new, agreed = dora(world), state_of(bob).agreement
    leaf = leaf_by(secrets, room_of(bob), new, agreed)
    assert enters(cleo, leaf, new) is None
    assert enters(cleo, replace(leaf, appointment=None), new) == "committer"
    assert enters(cleo, replace(leaf, agreement=bytes(32)), new) == "agreement_not_accepted"
    of_others = leaf_by(secrets, room_of(bob), dora(world), agreed)
    assert enters(cleo, replace(leaf, appointment=of_others.appointment), new) == "appointment"
    elsewhere = leaf_by(secrets, bytes(32), new, agreed)
    assert enters(cleo, elsewhere, new) == "appointment"
    signed = Signed.decode(leaf.appointment or b"")
    forged = replace(leaf, appointment=Signed(signed.body, bytes(64)).encode())
    assert enters(cleo, forged, new) == "bad_signature"
    by_ann = appointed(ann, new.signature.public, new.relay.public)[4:]
    assert enters(cleo, replace(leaf, appointment=by_ann), new) == "appointment"
    twin = replace(leaf_by(secrets, room_of(bob), new, agreed), relay_key=keys_of(bob).relay_key)
    assert enters(cleo, twin, new) == "appointment"
    same = replace(new, relay=bob.engine.identity.relay)
    assert enters(cleo, leaf_by(secrets, room_of(bob), same, agreed), same) == "relay_key_twice"
    own = replace(new, relay=secrets.relay)
    assert enters(cleo, leaf_by(secrets, room_of(bob), own, agreed), own) == "standby_key"


def test_an_external_commit_removes_no_member() -> None:
    (world, _, bob, cleo), secrets = with_link()
    new = dora(world)
    leaf = leaf_by(secrets, room_of(bob), new, state_of(bob).agreement)
    for member in (bob, cleo):
        assert enters(cleo, leaf, new, remove=group_of(member).own_index) == "standby_leaf"


def test_without_a_standby_no_external_commit_enters() -> None:
    world, ann, bob, cleo = two()
    link = make_link(world, ann)
    secrets = StandbySecrets.of(Invite.parse(link))
    done: list[object] = []
    ann.engine.commands.standby(False, done.append)
    world.settle()
    new = dora(world)
    leaf = leaf_by(secrets, room_of(bob), new, state_of(bob).agreement)
    assert enters(cleo, leaf, new) == "committer"


# --- the leaf that it brings --------------------------------------------------------------------


def entered() -> tuple[Room, StandbySecrets, mls.Group, Identity]:
    """All three follow Dora's external commit. Dora's own group comes along."""
    (world, ann, bob, cleo), secrets = with_link()
    new = dora(world)
    extension = leaf_by(secrets, room_of(bob), new, state_of(bob).agreement)
    staged = mls.Group.join_externally(
        group_of(bob).group_info(),
        new.signature,
        mls.Credential.basic(b"Dora"),
        capabilities(new.suite),
        (mls.Extension(LEAF_EXTENSION, extension.encode()),),
        world.random,
        policy=room_policy(50),
        now=now(bob),
    )
    for client in (ann, bob, cleo):
        group = group_of(client)
        received = group.receive(staged.message, approve=partial(judge, group))
        assert isinstance(received, mls.StagedCommit)
        client.engine.require_member().membership.merge(received, b"", None)
    return (world, ann, bob, cleo), secrets, staged.merge(), new


def listing(group: mls.Group, state: RoomExtension, world: World, **other: object) -> RoomExtension:
    leaf = group.member(group.own_index)
    assert leaf is not None
    extension = leaf_extension(leaf)
    keys = FacilitatorKeys(leaf.signature_key, extension.relay_key)
    box = mls.ciphersuite(ROOM_SUITE).hpke_keypair(world.random)
    after = replace(
        state,
        facilitators=state.facilitators + keys.encode(),
        appointments=state.appointments + pack_list([extension.appointment or b""]),
        standby=None,
        lobby_key=box.public,
        doors=b"",
    )
    return replace(after, **other)  # type: ignore[arg-type]


def judged(
    group: mls.Group, new: Identity, world: World, *proposals: mls.Proposal, keep: bool = False
) -> str | None:
    leaf = group.member(group.own_index)
    assert leaf is not None
    bare = replace(leaf_extension(leaf), appointment=None)
    said = leaf_extension(leaf) if keep else bare
    staged = group.commit(
        proposals,
        force_path=True,
        leaf_extensions=(mls.Extension(LEAF_EXTENSION, said.encode()),),
        now=int(world.wall()),
    )
    try:
        judge(group, staged)
    except NotAllowed as error:
        return error.code
    finally:
        staged.drop()
    return None


def test_the_first_commit_of_the_leaf_lists_it_and_does_nothing_else() -> None:
    (world, _, bob, cleo), _, group, new = entered()
    state = state_of(bob)
    right = listing(group, state, world)
    assert judged(group, new, world, context(right)) is None
    assert judged(group, new, world) == "standby_listing"
    wrong: dict[str, dict[str, object]] = {
        "the standby stays": {"standby": state.standby},
        "the lobby key stays": {"lobby_key": state.lobby_key},
        "the doors stay": {"doors": state.doors},
        "locked": {"locked": True},
        "an agreement": {"agreement": bytes(32), "agreement_version": 2},
        "a facilitator less": {"facilitators": right.facilitators[64:]},
        "not listed": {"facilitators": state.facilitators},
        "not appended": {"appointments": state.appointments},
        "a pause": {"paused": keys_of(cleo).mls_key},
    }
    for name, other in wrong.items():
        found = judged(group, new, world, context(listing(group, state, world, **other)))
        assert found == "standby_listing", name
    remove = mls.Remove(group_of(cleo).own_index)
    assert judged(group, new, world, remove, context(right)) == "standby_listing"
    assert judged(group, new, world, context(right), keep=True) == "leaf_appointment"


def test_the_leaf_renews_no_key_before_it_is_listed() -> None:
    """An Update would drop its appointment, and let it stay as a member that nobody admitted."""
    (_, _, bob, _), _, group, _ = entered()
    leaf = group.member(group.own_index)
    assert leaf is not None
    bare = replace(leaf_extension(leaf), appointment=None)
    for extension in (bare, leaf_extension(leaf)):
        message = group.propose_update(
            leaf_extensions=(mls.Extension(LEAF_EXTENSION, extension.encode()),)
        )
        carried = group_of(bob).read_proposal(message)
        staged = group_of(bob).commit((), carried=[carried], now=now(bob))
        with pytest.raises(NotAllowed, match="proposal_by_reference"):
            judge(group_of(bob), staged)
        staged.drop()


def test_a_standby_that_is_cleared_takes_the_leaf_along() -> None:
    (world, ann, bob, _), _, group, _ = entered()
    state = state_of(bob)
    for after in (
        replace(state, standby=None),
        with_standby(state, bob, other_keys(world)),
    ):
        assert verdict(bob, context(after)) == "standby_leaf"
        assert verdict(bob, mls.Remove(group.own_index), context(after)) is None
    assert verdict(bob, mls.Remove(group.own_index)) is None
    assert verdict(ann) is None  # what has nothing to do with it goes on


def test_a_leaf_that_enters_is_not_paused() -> None:
    """Its listing changes no pause, and a pause would outlive the leaf that the link replaces."""
    (_, _, bob, _), _, group, new = entered()
    state = state_of(bob)
    paused = replace(state, paused=new.signature.public)
    assert verdict(bob, context(paused)) == "standby_leaf"
    remove = mls.Remove(group.own_index)
    assert verdict(bob, remove, context(paused)) == "paused_not_member"


def test_the_link_replaces_its_own_leaf_and_that_one_alone() -> None:
    (world, _, bob, cleo), secrets, group, _ = entered()
    again = dora(world)
    leaf = leaf_by(secrets, room_of(bob), again, state_of(bob).agreement)
    assert enters(cleo, leaf, again, remove=group.own_index) is None
    assert enters(cleo, leaf, again, remove=group_of(cleo).own_index) == "standby_leaf"


def test_a_listed_one_is_removed_by_no_link() -> None:
    """A facilitator appointed the leaf before it listed itself: it is a facilitator like others."""
    (world, _, bob, cleo), secrets, group, new = entered()
    keys = FacilitatorKeys(new.signature.public, new.relay.public)
    state = state_of(bob)
    after = replace(
        state,
        facilitators=state.facilitators + keys.encode(),
        appointments=state.appointments + appointed(bob, keys.mls_key, keys.relay_key),
    )
    staged = group_of(bob).commit((context(after),), force_path=True, now=now(bob))
    judge(group_of(bob), staged)
    blob = commit_blob(aside(staged).message)
    for client in (bob, cleo):
        membership = client.engine.require_member().membership
        membership.follow(blob, None, membership.base)
    other = dora(world)
    leaf = leaf_by(secrets, room_of(bob), other, state_of(cleo).agreement)
    assert enters(cleo, leaf, other, remove=group.own_index) == "standby_leaf"
    gone = replace(state_of(bob), standby=None)
    assert verdict(bob, context(gone)) is None  # its leaf may stay: it is a facilitator's

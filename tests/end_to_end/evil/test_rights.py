"""Which rule refuses what: every right by its code, so that no rule stands in for another.

`test_commits.py` shows that a forbidden commit is burned by all and that the room goes on. A commit
that breaks one rule may break another too, and then the first rule could be gone without anybody
noticing. Here each rule has a commit that breaks that rule, and the code that it is refused with.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from alcove import mls
from alcove.group.admission import leaf_extensions, leaf_lifetime, room_policy
from alcove.group.extensions import (
    LEAF_EXTENSION,
    REQUIRED_CAPABILITIES,
    FacilitatorKeys,
    LeafExtension,
    RoomExtension,
    capabilities,
    group_extensions,
    leaf_extension,
)
from alcove.group.framing import unpack_commit
from alcove.group.keys import Identity
from alcove.group.rights import Act, NotAllowed, judge, may
from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.labels import Label
from alcove_protocol.statements import Appointment, Signed

from tests.end_to_end.agreeing import KIND, PUBLISH, changed
from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    appointment,
    aside,
    change,
    commit_blob,
    context,
    demote,
    evil_leaf_extensions,
    group_of,
    keys_of,
    leaf_of,
    relay_key,
    rogue_commit,
    room_of,
    state_of,
    with_facilitator,
    without_facilitator,
)
from tests.end_to_end.evil.rooms import two_facilitators
from tests.end_to_end.evil.test_commits import (
    ALLOWED,
    DESK,
    FORBIDDEN,
    WAITING,
    Make,
    changes,
    empty_path,
)
from tests.end_to_end.world import Client


def refusal(victim: Client, blob: bytes) -> str | None:
    """The code with which a member's rights refuse a commit; None when it is within them."""
    proposals, commit = unpack_commit(blob)
    group = group_of(victim)
    for message in proposals:
        group.receive(message)
    try:
        group.receive(commit, approve=lambda seen: judge(group, seen))
    except NotAllowed as error:
        return error.code
    return None


# --- commits that break one rule --------------------------------------------------------------


def key_package_with(
    world: EvilWorld, identity: Identity, extensions: tuple[mls.Extension, ...]
) -> mls.KeyPackage:
    return mls.KeyPackageBundle.create(
        identity.suite,
        identity.signature,
        mls.Credential.basic(identity.name.encode()),
        capabilities(identity.suite),
        leaf_lifetime(world.wall()),
        leaf_extensions=extensions,
        rng=world.random,
    ).key_package


def external_in_a_members_place(world: EvilWorld, by: Client, about: Client) -> bytes:
    """An outsider with a member's keys puts the member's leaf out and takes it."""
    identity = by.engine.identity
    staged = mls.Group.join_externally(
        group_of(by).group_info(),
        identity.signature,
        mls.Credential.basic(identity.name.encode()),
        capabilities(identity.suite),
        leaf_extensions(identity, state_of(by).agreement),
        world.random,
        remove=leaf_of(by),
        policy=room_policy(limits.MEMBERS_MAX),
        now=int(world.wall()),
    )
    return commit_blob(staged.message)


def pre_shared_key(world: EvilWorld, by: Client, about: Client) -> bytes:
    psk = mls.PreSharedKeyID.external(group_of(by).suite, b"id", world.random)
    store = mls.PskStore({b"id": mls.Secret(bytes(32))})
    staged = group_of(by).commit([mls.PreSharedKey(psk)], psks=store, now=int(world.wall()))
    return commit_blob(aside(staged).message)


def _update_with(
    world: EvilWorld, by: Client, about: Client, extensions: tuple[mls.Extension, ...]
) -> bytes:
    """The commit takes an Update in which a participant's relay key is another."""
    message = group_of(about).propose_update(extensions)
    received = group_of(by).receive(message)
    assert isinstance(received, mls.ReceivedProposal)
    staged = group_of(by).commit(references=(received.ref,), now=int(world.wall()))
    return commit_blob(aside(staged).message, message)


def update_with_another_relay_key(world: EvilWorld, by: Client, about: Client) -> bytes:
    return _update_with(world, by, about, evil_leaf_extensions(about, world.random(32)))


def add_with_a_members_relay_key(world: EvilWorld, by: Client, about: Client) -> bytes:
    identity = Identity.generate("Mallory", mls.ciphersuite(3), world.random)
    extensions = evil_leaf_extensions(about, relay_key(about))
    return rogue_commit(by, mls.Add(key_package_with(world, identity, extensions)))


def _rejoin(world: EvilWorld, by: Client, about: Client, identity: Identity, key: bytes) -> bytes:
    extensions = evil_leaf_extensions(about, key)
    add = mls.Add(key_package_with(world, identity, extensions))
    return rogue_commit(by, mls.Remove(leaf_of(about)), add)


def rejoin(world: EvilWorld, by: Client, about: Client) -> bytes:
    identity = about.engine.identity
    return _rejoin(world, by, about, identity, identity.relay.public)


def rejoin_under_another_name(world: EvilWorld, by: Client, about: Client) -> bytes:
    identity = replace(about.engine.identity, name="Cleopatra")
    return _rejoin(world, by, about, identity, identity.relay.public)


def rejoin_with_another_relay_key(world: EvilWorld, by: Client, about: Client) -> bytes:
    return _rejoin(world, by, about, about.engine.identity, world.random(32))


def appointed_leaf(by: Client, about: Client) -> tuple[mls.Extension, ...]:
    """A leaf that holds an appointment of its member, as a standby's leaf will."""
    leaf = group_of(about).member(leaf_of(about))
    assert leaf is not None
    signed = appointment(room_of(by), by, about).encode()
    content = replace(leaf_extension(leaf), appointment=signed)
    return (mls.Extension(LEAF_EXTENSION, content.encode()),)


def appointment_in_an_update(world: EvilWorld, by: Client, about: Client) -> bytes:
    return _update_with(world, by, about, appointed_leaf(by, about))


def appointment_in_a_rejoin(world: EvilWorld, by: Client, about: Client) -> bytes:
    identity = about.engine.identity
    add = mls.Add(key_package_with(world, identity, appointed_leaf(by, about)))
    return rogue_commit(by, mls.Remove(leaf_of(about)), add)


def appointment_in_a_new_leaf(world: EvilWorld, by: Client, about: Client) -> bytes:
    dora = world.client("Dora")
    content = LeafExtension(
        1,
        relay_key(dora),
        dora.engine.identity.desk.public,
        state_of(by).agreement,
        appointment(room_of(by), by, dora).encode(),
    )
    extensions = (mls.Extension(LEAF_EXTENSION, content.encode()),)
    return rogue_commit(by, mls.Add(key_package_with(world, dora.engine.identity, extensions)))


def appointment_in_the_path(world: EvilWorld, by: Client, about: Client) -> bytes:
    staged = group_of(by).commit(
        force_path=True, leaf_extensions=appointed_leaf(by, by), now=int(world.wall())
    )
    return commit_blob(aside(staged).message)


def other_required_capabilities(world: EvilWorld, by: Client, about: Client) -> bytes:
    ours = group_extensions(state_of(by))
    empty = mls.Extension(REQUIRED_CAPABILITIES, mls.RequiredCapabilities().encode())
    others = tuple(empty if e.type == REQUIRED_CAPABILITIES else e for e in ours)
    return rogue_commit(by, mls.GroupContextExtensions(others))


def _state(change: Callable[[RoomExtension], RoomExtension]) -> Make:
    def make(world: EvilWorld, by: Client, about: Client) -> bytes:
        return rogue_commit(by, context(change(state_of(by))))

    return make


def _named(by: Client, keys: FacilitatorKeys, *signed: Signed) -> bytes:
    """A commit that adds these keys to the facilitators, on the strength of these statements."""
    state = state_of(by)
    named = replace(
        state,
        facilitators=state.facilitators + keys.encode(),
        appointments=state.appointments + pack_list([item.encode() for item in signed]),
    )
    return rogue_commit(by, context(named))


def appoint(world: EvilWorld, by: Client, about: Client) -> bytes:
    return _named(by, keys_of(about), appointment(room_of(by), by, about))


def appointment_signed_by_another(world: EvilWorld, by: Client, about: Client) -> bytes:
    """In the name of the committer, signed by whom it appoints."""
    keys, committer = keys_of(about), by.engine.identity.signature.public
    statement = Appointment(room_of(by), committer, keys.mls_key, keys.relay_key)
    return _named(by, keys, about.engine.identity.mls_signer().sign(Label.APPOINT, statement))


def appointed_by_another_facilitator(world: EvilWorld, by: Client, about: Client) -> bytes:
    """Rightly signed by the first facilitator, in a commit of the second."""
    first = world.clients[0]
    return _named(by, keys_of(about), appointment(room_of(by), first, about))


def appointed_with_other_keys(world: EvilWorld, by: Client, about: Client) -> bytes:
    keys = replace(keys_of(about), relay_key=world.random(32))
    return _named(by, keys, appointment(room_of(by), by, about))


def appointed_by_the_just_appointed(world: EvilWorld, by: Client, about: Client) -> bytes:
    """Who is made a facilitator by a commit appoints somebody in the same commit."""
    dora = world.client("Dora")
    state = with_facilitator(state_of(by), room_of(by), by, about)
    state = with_facilitator(state, room_of(by), about, dora)
    return rogue_commit(by, context(state))


def facilitator_removed_but_listed(world: EvilWorld, by: Client, about: Client) -> bytes:
    first = next(c for c in world.clients if c not in (by, about))
    return rogue_commit(by, mls.Remove(leaf_of(first)))


def lobby_key_kept(world: EvilWorld, by: Client, about: Client) -> bytes:
    before = state_of(by)
    after = without_facilitator(before, world.clients[0])
    return rogue_commit(by, context(replace(after, lobby_key=before.lobby_key)))


def nobody_left(world: EvilWorld, by: Client, about: Client) -> bytes:
    return rogue_commit(by, context(replace(state_of(by), facilitators=b"")))


def _corrected(change: Callable[[RoomExtension], RoomExtension]) -> Make:
    """A commit to a room whose agreement was corrected once."""

    def make(world: EvilWorld, by: Client, about: Client) -> bytes:
        changed(world, by, KIND, correction=True)
        return rogue_commit(by, context(change(state_of(by))))

    return make


def _other_agreement(state: RoomExtension, corrected: bytes) -> RoomExtension:
    version = state.agreement_version + 1
    return replace(state, agreement=bytes(32), agreement_version=version, corrected=corrected)


def _newcomer_of(former: Callable[[EvilWorld, Client], bytes]) -> Make:
    """A newcomer who accepted an earlier agreement."""

    def make(world: EvilWorld, by: Client, about: Client) -> bytes:
        accepted = former(world, by)
        dora = world.client("Dora").engine.identity
        extensions = leaf_extensions(dora, accepted)
        return rogue_commit(by, mls.Add(key_package_with(world, dora, extensions)))

    return make


def before_a_correction(world: EvilWorld, by: Client) -> bytes:
    accepted = state_of(by).agreement
    changed(world, by, KIND, correction=True)
    return accepted


def before_a_new_rule(world: EvilWorld, by: Client) -> bytes:
    accepted = before_a_correction(world, by)
    changed(world, by, PUBLISH)
    return accepted


def behind_a_locked_door(world: EvilWorld, by: Client, about: Client) -> bytes:
    change(world, by, lambda m: (context(replace(m.state, locked=True)),))
    return ALLOWED["add"](world, by, about)


def locked_with_an_add(world: EvilWorld, by: Client, about: Client) -> bytes:
    add = mls.Add(key_package_with(world, *_dora(world, by)))
    return rogue_commit(by, add, context(replace(state_of(by), locked=True)))


def opened_with_an_add(world: EvilWorld, by: Client, about: Client) -> bytes:
    change(world, by, lambda m: (context(replace(m.state, locked=True)),))
    add = mls.Add(key_package_with(world, *_dora(world, by)))
    return rogue_commit(by, add, context(replace(state_of(by), locked=False)))


def _dora(world: EvilWorld, by: Client) -> tuple[Identity, tuple[mls.Extension, ...]]:
    dora = world.client("Dora").engine.identity
    return dora, leaf_extensions(dora, state_of(by).agreement)


def rejoin_behind_a_locked_door(world: EvilWorld, by: Client, about: Client) -> bytes:
    change(world, by, lambda m: (context(replace(m.state, locked=True)),))
    return rejoin(world, by, about)


def folded(world: EvilWorld, by: Client, about: Client) -> bytes:
    return rogue_commit(by, context(replace(state_of(by), folded=keys_of(about).mls_key)))


def folded_and_removed(world: EvilWorld, by: Client, about: Client) -> bytes:
    after = replace(state_of(by), folded=keys_of(about).mls_key)
    change(world, by, lambda m: (context(after),))
    by.remove(about.name)
    world.settle()
    return rogue_commit(by, context(replace(state_of(by), locked=True)))


def folded_with_an_add(world: EvilWorld, by: Client, about: Client) -> bytes:
    identity = Identity.generate("Mallory", mls.ciphersuite(3), world.random)
    add = mls.Add(
        key_package_with(world, identity, evil_leaf_extensions(about, identity.relay.public))
    )
    return rogue_commit(by, add, context(replace(state_of(by), folded=identity.signature.public)))


def paused_and_removed(world: EvilWorld, by: Client, about: Client) -> bytes:
    after = replace(state_of(by), paused=keys_of(about).mls_key)
    return rogue_commit(by, mls.Remove(leaf_of(about)), context(after))


def pause(world: EvilWorld, by: Client, about: Client) -> bytes:
    return rogue_commit(by, context(replace(state_of(by), paused=keys_of(about).mls_key)))


REFUSED: dict[str, tuple[Make, str]] = {
    "external": (
        lambda world, by, about: external_in_a_members_place(world, about, by),
        "committer",
    ),
    "a pre-shared key": (pre_shared_key, "proposal_kind"),
    "reinit": (FORBIDDEN["reinit"], "proposal_kind"),
    "add by reference": (FORBIDDEN["add by reference"], "proposal_by_reference"),
    "remove by reference": (FORBIDDEN["remove by reference"], "proposal_by_reference"),
    "another name": (FORBIDDEN["another name in the path"], "leaf_identity"),
    "another signature key": (FORBIDDEN["another signature key in the path"], "leaf_identity"),
    "another relay key": (FORBIDDEN["another relay key in the path"], "leaf_identity"),
    "an update with another relay key": (update_with_another_relay_key, "leaf_identity"),
    "an appointment in an update": (appointment_in_an_update, "leaf_appointment"),
    "an appointment in a rejoin": (appointment_in_a_rejoin, "leaf_appointment"),
    "an appointment in a new leaf": (appointment_in_a_new_leaf, "leaf_appointment"),
    "an appointment in the path": (appointment_in_the_path, "leaf_appointment"),
    "a member's relay key": (add_with_a_members_relay_key, "relay_key_twice"),
    "rejoin under another name": (rejoin_under_another_name, "leaf_identity"),
    "rejoin with another relay key": (rejoin_with_another_relay_key, "leaf_identity"),
    "who did not accept": (FORBIDDEN["add without acceptance"], "agreement_not_accepted"),
    "external senders": (FORBIDDEN["external senders"], "context_extensions"),
    "no required capabilities": (FORBIDDEN["no required capabilities"], "context_extensions"),
    "other required capabilities": (other_required_capabilities, "required_capabilities"),
    "no room state": (FORBIDDEN["no room state"], "bad_field"),
    "the committer is none afterwards": (
        lambda world, by, about: rogue_commit(by, context(without_facilitator(state_of(by), by))),
        "committer_steps_down",
    ),
    "another agreement, same version": (
        FORBIDDEN["another agreement, same version"],
        "agreement_version",
    ),
    "another version, same agreement": (
        _state(lambda s: replace(s, agreement_version=s.agreement_version + 1)),
        "agreement_version",
    ),
    "a good hash without a change": (
        _state(lambda s: replace(s, corrected=s.agreement)),
        "agreement_corrected",
    ),
    "a good hash that was never the room's": (
        _state(lambda s: _other_agreement(s, bytes([1]) * 32)),
        "agreement_corrected",
    ),
    "a good hash beside the one before": (
        _state(lambda s: _other_agreement(s, s.agreement + bytes([1]) * 32)),
        "agreement_corrected",
    ),
    "a correction that forgets an earlier one": (
        _corrected(lambda s: _other_agreement(s, s.agreement)),
        "agreement_corrected",
    ),
    "a new rule that keeps what was good": (
        _corrected(lambda s: _other_agreement(s, s.corrected)),
        "agreement_corrected",
    ),
    "what was good taken back without a change": (
        _corrected(lambda s: replace(s, corrected=b"")),
        "agreement_corrected",
    ),
    "who accepted what a new rule replaced": (
        _newcomer_of(before_a_new_rule),
        "agreement_not_accepted",
    ),
    "appointments left out": (FORBIDDEN["appointments left out"], "appointments_rewritten"),
    "nobody appointed": (FORBIDDEN["a facilitator without an appointment"], "appointment"),
    "appointed by oneself": (FORBIDDEN["a self-signed appointment"], "appointment"),
    "appointed in another room": (FORBIDDEN["an appointment of another room"], "appointment"),
    "appointed with other keys": (appointed_with_other_keys, "appointment"),
    "appointed by the just appointed": (appointed_by_the_just_appointed, "appointment"),
    "appointed by another facilitator": (appointed_by_another_facilitator, "appointment"),
    "demoted, and the lobby key stays": (lobby_key_kept, "lobby_key_kept"),
    "an appointment that lists nobody": (
        FORBIDDEN["an appointment that lists nobody"],
        "appointment",
    ),
    "two appointments of one": (
        FORBIDDEN["two appointments of one facilitator"],
        "appointment",
    ),
    **{f"another {name}": (changes(name), "not_offered") for name in WAITING},
    **{f"another {name}": (changes(name), "desk_settings") for name in DESK},
    "appointment signed by another": (appointment_signed_by_another, "bad_signature"),
    "removed but listed": (facilitator_removed_but_listed, "facilitator_not_member"),
    "nobody left": (nobody_left, "bad_field"),
    "who comes through a locked door": (behind_a_locked_door, "locked"),
    "who comes with the lock": (locked_with_an_add, "locked"),
    "a facilitator paused": (
        _state(lambda s: replace(s, paused=s.facilitator_list()[0].mls_key)),
        "paused_facilitator",
    ),
    "a stranger paused": (
        _state(lambda s: replace(s, paused=bytes([7]) * 32)),
        "paused_not_member",
    ),
    "who goes and stays paused": (paused_and_removed, "paused_not_member"),
    "a facilitator folded": (
        _state(lambda s: replace(s, folded=s.facilitator_list()[0].mls_key)),
        "folded_facilitator",
    ),
    "a stranger folded": (
        _state(lambda s: replace(s, folded=bytes([7]) * 32)),
        "folded_not_member",
    ),
    "who comes and is folded": (folded_with_an_add, "folded_not_member"),
    "held, and everybody writes": (
        _state(lambda s: replace(s, hold=bytes(16))),
        "hold_open",
    ),
    "held from no position": (
        _state(lambda s: replace(s, hold=b"\xff" * 16, listen_only=True)),
        "bad_number",
    ),
}
"""Commits of a facilitator (Bob; Ann was the first, Cleo takes part), and the rule's code."""

WITHIN: dict[str, Make] = {
    **ALLOWED,
    "rejoin": rejoin,
    "rejoin through a locked door": rejoin_behind_a_locked_door,
    "who comes as the door opens": opened_with_an_add,
    "a return in its own place": external_in_a_members_place,
    "a pause": pause,
    "a hold": _state(lambda s: replace(s, hold=bytes(16), listen_only=True, locked=True)),
    "a hold with the door open": _state(lambda s: replace(s, hold=bytes(16), listen_only=True)),
    "a fold": folded,
    "a fold that stays when its member goes": folded_and_removed,
    "a locked door": _state(lambda s: replace(s, locked=True)),
    "appoint": appoint,
    "demote": lambda world, by, about: rogue_commit(
        by, context(without_facilitator(state_of(by), world.clients[0]))
    ),
    "a correction": _state(lambda s: _other_agreement(s, s.agreement)),
    "a second correction": _corrected(lambda s: _other_agreement(s, s.corrected + s.agreement)),
    "a new rule after a correction": _corrected(lambda s: _other_agreement(s, b"")),
    "who accepted what was corrected": _newcomer_of(before_a_correction),
    "a new agreement": _state(
        lambda s: replace(s, agreement=bytes(32), agreement_version=s.agreement_version + 1)
    ),
}
"""What a facilitator may commit: each rule above lets these through."""


@pytest.mark.parametrize("kind", REFUSED)
def test_the_rule_that_refuses_a_commit(kind: str) -> None:
    world, ann, bob, cleo = two_facilitators()
    make, code = REFUSED[kind]
    assert refusal(ann, make(world, bob, cleo)) == code


@pytest.mark.parametrize("kind", WITHIN)
def test_what_a_facilitator_may_commit(kind: str) -> None:
    world, ann, bob, cleo = two_facilitators()
    assert refusal(ann, WITHIN[kind](world, bob, cleo)) is None


@pytest.mark.parametrize("kind", ALLOWED)
def test_a_participant_commits_nothing(kind: str) -> None:
    world, ann, bob, cleo = two_facilitators()
    assert refusal(ann, ALLOWED[kind](world, cleo, bob)) == "committer"


def test_a_facilitators_update_is_never_committed() -> None:
    """Facilitators renew their keys by commits."""
    world, ann, bob, cleo = two_facilitators()
    blob = ALLOWED["another's update"](world, ann, bob)
    assert refusal(cleo, blob) == "proposal_by_reference"


def test_a_commit_is_judged_by_the_state_before_it() -> None:
    """A participant who appoints themselves in the commit is none when they commit it."""
    world, ann, _bob, cleo = two_facilitators()
    assert refusal(ann, appoint(world, cleo, cleo)) == "committer"


def test_an_earlier_appointment_does_not_serve_again() -> None:
    """Bob was appointed and demoted. Naming him again needs an appointment of its own."""
    world, ann, bob, cleo = two_facilitators()
    demote(world, ann, bob)
    listed = state_of(ann).facilitators + keys_of(bob).encode()
    blob = rogue_commit(ann, context(replace(state_of(ann), facilitators=listed)))
    assert refusal(cleo, blob) == "appointment"


# --- acts -------------------------------------------------------------------------------------

_TALK = {Act.TEXT}
_FACILITATE = set(Act)
_ALWAYS = {Act.RETRACT, Act.VOID}


@cache
def two_facilitators_state() -> RoomExtension:
    _world, ann, _bob, _cleo = two_facilitators()
    return state_of(ann)


@pytest.mark.parametrize(
    ("who", "changed", "allowed"),
    [
        ("facilitator", {}, _FACILITATE),
        ("participant", {}, _ALWAYS | _TALK),
        ("participant", {"listen_only": True}, _ALWAYS),
        ("facilitator", {"listen_only": True}, _FACILITATE),
        ("participant", {"paused": "participant"}, _ALWAYS),
        ("participant", {"paused": "another"}, _ALWAYS | _TALK),
        ("facilitator", {"paused": "facilitator"}, _FACILITATE),
    ],
)
def test_who_may_send_what(who: str, changed: dict[str, object], allowed: set[Act]) -> None:
    keys = {
        name: bytes([n]) * 32 for n, name in enumerate(("facilitator", "participant", "another"))
    }
    values = {k: keys[v] if isinstance(v, str) else v for k, v in changed.items()}
    state = replace(
        two_facilitators_state(),
        facilitators=FacilitatorKeys(keys["facilitator"], bytes(32)).encode(),
        **values,  # type: ignore[arg-type]  # values of many types
    )
    assert {act for act in Act if may(state, keys[who], act)} == allowed


def test_the_leaf_of_this_file_is_the_members_own() -> None:
    """The control of `rejoin`: the leaf that comes back says what the leaf said before."""
    world, ann, bob, cleo = two_facilitators()
    leaf = group_of(ann).member(leaf_of(cleo))
    assert leaf is not None
    assert leaf_extension(leaf).relay_key == relay_key(cleo)
    assert refusal(ann, empty_path(world, bob, cleo)) is None

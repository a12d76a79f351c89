"""The room's extension, and every way in which somebody could change it without the right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from alcove import mls
from alcove.group.extensions import ROOM_EXTENSION, group_extensions
from alcove.group.outcomes import Burned
from alcove.mls.framing import SenderType, WireFormat
from alcove.mls.welcome import GroupInfo

from tests.client_sdk.mls.support import NOW, Room, capabilities, forge, found, person
from tests.client_sdk.mls.validation import forging
from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    aside,
    commit_blob,
    context,
    group_of,
    now,
    rogue_commit,
    state_of,
)
from tests.end_to_end.evil.rooms import goes_on, two_facilitators
from tests.end_to_end.evil.test_order import outcome
from tests.end_to_end.world import Client

Make = Callable[[EvilWorld, Client, Client], bytes]


def _open(client: Client) -> mls.Proposal:
    """The room's state with everybody's word taken away."""
    return context(replace(state_of(client), listen_only=not state_of(client).listen_only))


def by_a_participant(world: EvilWorld, facilitator: Client, participant: Client) -> bytes:
    return rogue_commit(participant, _open(participant))


def by_reference(world: EvilWorld, facilitator: Client, participant: Client) -> bytes:
    """A participant proposes, and a facilitator's client that misbehaves commits it."""
    message = group_of(participant).propose(_open(participant), now=now(participant))
    received = group_of(facilitator).receive(message)
    assert isinstance(received, mls.ReceivedProposal)
    group = group_of(facilitator)
    staged = aside(group.commit(references=(received.ref,), now=now(facilitator)))
    return commit_blob(staged.message, message)


def by_reinit(world: EvilWorld, facilitator: Client, participant: Client) -> bytes:
    changed = group_extensions(replace(state_of(facilitator), listen_only=True))
    group = group_of(facilitator)
    return rogue_commit(facilitator, mls.ReInit(group.group_id, 1, group.suite.number, changed))


def beside_another_extension(world: EvilWorld, facilitator: Client, participant: Client) -> bytes:
    """Two of the room's type, of which a reader may take either."""
    ours = group_extensions(state_of(facilitator))
    other = replace(state_of(facilitator), listen_only=True)
    twice = mls.Extension(ROOM_EXTENSION, other.encode())
    with forging.lawless():
        group = group_of(facilitator)
        change = mls.GroupContextExtensions((*ours, twice))
        staged = aside(group.commit([change], now=now(facilitator)))
    return commit_blob(staged.message)


def in_other_bytes(world: EvilWorld, facilitator: Client, participant: Client) -> bytes:
    """The same state with a byte behind its end: two readers could differ about it."""
    data = state_of(facilitator).encode() + b"\x00"
    ours = [e for e in group_extensions(state_of(facilitator)) if e.type != ROOM_EXTENSION]
    change = mls.GroupContextExtensions((*ours, mls.Extension(ROOM_EXTENSION, data)))
    return rogue_commit(facilitator, change)


ROUTES: dict[str, Make] = {
    "a participant's commit": by_a_participant,
    "a participant's proposal": by_reference,
    "a ReInit": by_reinit,
    "a second extension": beside_another_extension,
    "other bytes": in_other_bytes,
}


@pytest.mark.parametrize("route", ROUTES)
def test_no_route_but_a_facilitators_commit_changes_the_state(route: str) -> None:
    world, ann, bob, cleo = two_facilitators()
    before = [state_of(client) for client in (ann, cleo)]
    blob = ROUTES[route](world, bob, cleo)
    assert isinstance(outcome(ann, blob), Burned)
    assert [state_of(client) for client in (ann, cleo)] == before
    goes_on(world, ann, bob, cleo)


def test_the_route_that_is_a_right_changes_it_for_all() -> None:
    world, ann, bob, cleo = two_facilitators()
    blob = rogue_commit(bob, _open(bob))
    assert not isinstance(outcome(cleo, blob), Burned)
    assert not state_of(cleo).listen_only  # it is judged, and not merged
    assert world.clients[0] is ann


# --- the same in MLS, where no rights are ------------------------------------------------------

_CAPS = capabilities(extensions=(ROOM_EXTENSION,))
_STATE = mls.Extension(ROOM_EXTENSION, b"the state")


def _room() -> Room:
    these = Room({"alice": found(caps=_CAPS, extensions=(_STATE,))}, {})
    bob = person("bob", caps=_CAPS)
    these.settle("alice", these["alice"].commit([bob.add], now=NOW), [bob])
    return these


def test_an_external_commit_brings_no_extensions_of_the_group() -> None:
    these = _room()
    change = mls.GroupContextExtensions((replace(_STATE, data=b"another"),))
    staged = forging.lawless_join(these["alice"].group_info(), change, caps=_CAPS)
    detail = "not allowed in an external commit"
    forging.list_refused([these["alice"], these["bob"]], staged.message, detail)


@pytest.mark.parametrize("kind", [SenderType.EXTERNAL, SenderType.NEW_MEMBER_PROPOSAL])
def test_an_outsider_proposes_no_extensions_where_no_outsider_is_listed(kind: SenderType) -> None:
    these, signer = _room(), forging.SUITE.signature_keypair(bytes)
    change = mls.GroupContextExtensions((replace(_STATE, data=b"another"),))
    sender = mls.Sender(kind, 0 if kind is SenderType.EXTERNAL else None)
    content = forge(
        these["alice"],
        change,
        wire_format=WireFormat.PUBLIC_MESSAGE,
        sender=sender,
        signer=signer,
        context=b"",
    )
    with pytest.raises(mls.InvalidMessage):
        these["bob"].receive(forging.public(content))
    assert these["bob"].proposals == ()


def test_a_welcome_whose_context_has_another_state_lets_nobody_in() -> None:
    """The relay, or whoever answers a knock, cannot change the state on the way: it is part of
    the tree's hash, the confirmation tag and every key."""
    these, zoe = _room(), person("zoe", caps=_CAPS)

    def alter(info: GroupInfo) -> GroupInfo:
        changed = replace(_STATE, data=b"another")
        return replace(info, group_context=replace(info.group_context, extensions=(changed,)))

    message = forging.welcome_with(these["alice"], zoe, alter)
    with pytest.raises(mls.InvalidWelcome, match="the confirmation tag is wrong"):
        forging.join(message, zoe)
    info = forging.wrap_info(
        forging.forged_info(
            these["alice"], extensions=these_extensions(these), group_context=alter_context(these)
        )
    )
    staged = forging.join_externally(info, caps=_CAPS)
    with pytest.raises(mls.InvalidCommit):
        these["bob"].receive(staged.message)


def these_extensions(these: Room) -> tuple[mls.Extension, ...]:
    return GroupInfo.decode(these["alice"].group_info()[4:]).extensions


def alter_context(these: Room) -> mls.GroupContext:
    return replace(these["alice"].context, extensions=(replace(_STATE, data=b"another"),))

"""Alcove's own extensions with ts-mls in the room: the room's state in the GroupContext, each
member's part in their leaf, the roster's beginning in the GroupInfo."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from alcove import mls
from alcove.group import extensions as room_state
from alcove.group.extensions import LEAF_EXTENSION, ROOM_EXTENSION, ROSTER_EXTENSION

from tests.client_sdk.mls.interop.driver import (
    Adding,
    Extensions,
    Peer,
    PeerFault,
    TsClient,
    Updating,
)
from tests.client_sdk.mls.interop.rooms import AlcoveClient, Client, Room
from tests.client_sdk.mls.support import SUITE

ALL = (ROOM_EXTENSION, LEAF_EXTENSION, ROSTER_EXTENSION)


def hpke_key() -> bytes:
    return SUITE.hpke_keypair(os.urandom).public


def state() -> room_state.RoomExtension:
    return room_state.RoomExtension(
        version=1,
        facilitators=os.urandom(64),
        appointments=b"",
        lobby_key=hpke_key(),
        agreement_version=1,
        agreement=os.urandom(32),
        paused=b"",
        doors=os.urandom(16),
        locked=False,
        listen_only=False,
        slow=0,
        ttl=3600,
    )


def own() -> tuple[mls.Extension, ...]:
    part = room_state.LeafExtension(1, os.urandom(32), hpke_key(), os.urandom(32))
    return (mls.Extension(LEAF_EXTENSION, part.encode()),)


def roster() -> mls.Extension:
    entry = room_state.RosterExtension(3, os.urandom(32), b"", 0, 0, 2, 3600)
    return mls.Extension(ROSTER_EXTENSION, entry.encode())


def clients(peer: Peer) -> tuple[AlcoveClient, TsClient, AlcoveClient, TsClient]:
    return (
        AlcoveClient("ann", 3, own=own(), gives=ALL),
        TsClient(peer, "tom", 3, own=own(), gives=ALL),
        AlcoveClient("amy", 3, own=own(), gives=ALL),
        TsClient(peer, "tim", 3, own=own(), gives=ALL),
    )


@pytest.mark.parametrize("founder", ["alcove", "ts-mls"])
def test_a_room_of_alcove_is_carried_whole(peer: Peer, founder: str) -> None:
    ann, tom, amy, tim = clients(peer)
    first: Client = ann if founder == "alcove" else tom
    second: Client = tom if founder == "alcove" else ann
    began, given = state(), roster()
    room = Room(first, extensions=room_state.group_extensions(began))
    room.settle(first, newcomers=[second], info_extensions=(given,))
    assert second.info_extensions[ROSTER_EXTENSION] == given.data
    room.settle(second, newcomers=[amy, tim], info_extensions=(given,))
    assert amy.info_extensions[ROSTER_EXTENSION] == given.data
    assert tim.info_extensions[ROSTER_EXTENSION] == given.data

    for one in (ann, amy):
        assert room_state.room_extension(one.group.context) == began
        assert [room_state.name_of(member.leaf) for member in one.group.members()] == (
            [each.name for each in room.members]
        )
        parts = [room_state.leaf_extension(member.leaf) for member in one.group.members()]
        assert len({part.relay_key for part in parts}) == 4

    # A path keeps the leaf's part, made by either client.
    before = {one.name: ann.group.members()[one.leaf].leaf.extensions for one in room.members}
    for committer in room.members:
        room.settle(committer)
    after = {one.name: ann.group.members()[one.leaf].leaf.extensions for one in room.members}
    assert after == before
    room.talk()


def test_the_room_changes_and_ts_mls_follows(peer: Peer) -> None:
    ann, tom, amy, tim = clients(peer)
    began = state()
    room = Room(ann, extensions=room_state.group_extensions(began))
    room.settle(ann, newcomers=[tom, amy, tim])
    locked = replace(began, locked=True)
    room.settle(ann, [Extensions(room_state.group_extensions(locked))])
    assert room_state.room_extension(amy.group.context).locked
    room.settle(tom)
    assert room_state.room_extension(amy.group.context).locked
    room.talk()


def test_a_member_replaces_its_part_by_an_update(peer: Peer) -> None:
    ann, tom, amy, tim = clients(peer)
    room = Room(ann, extensions=room_state.group_extensions(state()))
    room.settle(ann, newcomers=[tom, amy, tim])
    for one in (tim, amy):
        new = own()
        room.propose(one, Updating(new))
        room.settle(ann, updating=one)
        assert ann.group.members()[one.leaf].leaf.extensions == new
    room.talk()


def test_neither_lets_in_a_client_that_does_not_know_the_extensions(peer: Peer) -> None:
    ann, tom, _amy, _tim = clients(peer)
    room = Room(ann, extensions=room_state.group_extensions(state()))
    room.settle(ann, newcomers=[tom])
    strange, strangers = TsClient(peer, "sue", 3), AlcoveClient("sam", 3)
    with pytest.raises(mls.InvalidLeaf, match="lacks a required capability"):
        ann.commit([Adding(strange.key_package)])
    with pytest.raises(PeerFault, match="doesn't support extension in GroupContext"):
        tom.commit([Adding(strangers.key_package)])

"""A room's life with Alcove and ts-mls in it, in both directions: after every step all clients
have the same epoch, tree and epoch authenticator."""

from __future__ import annotations

import os

import pytest
from alcove import mls

from tests.client_sdk.mls.interop.driver import Adding, Peer, Psk, Removing, TsClient, Updating
from tests.client_sdk.mls.interop.rooms import AlcoveClient, Client, Room


@pytest.mark.parametrize("public", [False, True], ids=["private", "public"])
@pytest.mark.parametrize("founder", ["alcove", "ts-mls"])
@pytest.mark.parametrize("suite", [1, 3])
def test_a_room_lives(peer: Peer, suite: int, founder: str, public: bool) -> None:
    ann, amy, al, ada = (AlcoveClient(name, suite) for name in ("ann", "amy", "al", "ada"))
    tom, tim, ted, tess = (TsClient(peer, name, suite) for name in ("tom", "tim", "ted", "tess"))
    first: Client = ann if founder == "alcove" else tom
    second: Client = tom if founder == "alcove" else ann
    room = Room(first, public=public)

    room.settle(first, newcomers=[second])
    room.settle(second, newcomers=[amy, tim])
    room.talk()
    room.settle(tim)  # nothing but a path, from either kind
    room.settle(amy)
    room.talk()
    room.export()

    # Updates by proposal, one alone and two at once; rc.10 can propose one, not commit it.
    room.propose(tim, Updating())
    room.settle(amy, updating=tim)
    room.propose(tim, Updating())
    room.propose(amy, Updating())
    room.settle(ann if peer.candidate else tom, updating=tim)
    room.talk()

    room.settle(ann, newcomers=[ted], force_path=True)
    room.settle(ted, newcomers=[al, ada, tess])
    room.settle(tess)
    room.talk()

    key, nonce = os.urandom(32), os.urandom(32)
    for one in room.members:
        one.know(b"a psk", key)
    room.settle(ann, [Psk(b"a psk", nonce)])
    room.settle(tom, [Psk(b"a psk", os.urandom(32))])
    room.talk()

    room.settle(ann, leaving=[tim], learns=not peer.candidate)
    room.settle(tess, leaving=[amy, ted], learns=not peer.candidate)
    room.settle(al, leaving=[ada])
    room.talk()
    room.export()
    assert {one.name for one in room.members} == {"ann", "tom", "al", "tess"}


@pytest.mark.parametrize("suite", [1, 3])
def test_a_newcomer_brings_the_psk_that_its_welcome_names(peer: Peer, suite: int) -> None:
    for founder, newcomer in (
        (AlcoveClient("ann", suite), TsClient(peer, "tom", suite)),
        (TsClient(peer, "tim", suite), AlcoveClient("amy", suite)),
    ):
        assert isinstance(founder, AlcoveClient | TsClient)
        founder.know(b"door", b"k" * 32)
        newcomer.know(b"door", b"k" * 32)
        room = Room(founder)
        room.settle(founder, [Psk(b"door", os.urandom(32))], [newcomer])
        room.talk()


def test_a_tree_may_travel_beside_the_welcome(peer: Peer) -> None:
    ann, tom = AlcoveClient("ann", 3), TsClient(peer, "tom", 3)
    room = Room(ann)
    sent = ann.commit([Adding(tom.key_package)], with_tree=False)
    ann.merge()
    assert sent.welcome is not None
    tom.join(sent.welcome, ann.tree)
    room.members.append(tom)
    room.agree()
    room.talk()


def test_a_member_comes_back_by_one_commit(peer: Peer) -> None:
    """Remove and Add of one signature key (12.2 allows it), of either kind of client."""
    ann, tom, tim = AlcoveClient("ann", 3), TsClient(peer, "tom", 3), TsClient(peer, "tim", 3)
    amy = AlcoveClient("amy", 3)
    room = Room(ann)
    room.settle(ann, newcomers=[tom, tim, amy])
    amy_again = AlcoveClient("amy", 3, signer=amy.signer)
    tim_again = tim.renew()
    # A client that rejoins has lost its state, and reads nothing of what removes it.
    for old, new in ((amy, amy_again), (tim, tim_again)):
        room.members.remove(old)
        room.settle(ann, [Removing(old.leaf)], [new])
        room.talk()
    if not peer.candidate:  # rc.10 makes no path for one Remove, see test_flaws.py
        room.members.remove(amy_again)
        once_more = AlcoveClient("amy", 3, signer=amy.signer)
        room.settle(tom, [Removing(amy_again.leaf)], [once_more])
        room.talk()


def test_the_first_leaf_is_updated(peer: Peer) -> None:
    """Its index, 0, is not taken for none."""
    ann, tom, amy = AlcoveClient("ann", 3), TsClient(peer, "tom", 3), AlcoveClient("amy", 3)
    room = Room(ann)
    room.settle(ann, newcomers=[tom, amy])
    room.propose(ann, Updating())
    room.settle(amy)
    if not peer.candidate:  # rc.10 makes no path for one Update
        room.propose(ann, Updating())
        room.settle(tom)
    room.talk()


def test_1_6_4_removes_and_adds_in_one_commit(one: Peer) -> None:
    """With a path, where rc.10 fails."""
    ann, tom, amy = AlcoveClient("ann", 3), TsClient(one, "tom", 3), AlcoveClient("amy", 3)
    room = Room(ann)
    room.settle(ann, newcomers=[tom, amy])
    room.settle(tom, newcomers=[AlcoveClient("al", 3), TsClient(one, "tim", 3)], leaving=[amy])
    room.talk()


@pytest.mark.parametrize(("suite", "founder"), [(1, "alcove"), (3, "ts-mls")])
def test_fifty(peer: Peer, suite: int, founder: str) -> None:
    """Half of each kind. One of each kind commits, and all follow."""
    alcoves = [AlcoveClient(f"a{number}", suite) for number in range(25)]
    others = [TsClient(peer, f"t{number}", suite) for number in range(25)]
    mixed: list[Client] = [one for pair in zip(alcoves, others, strict=True) for one in pair]
    if founder == "ts-mls":
        mixed = [mixed[1], mixed[0], *mixed[2:]]
    room = Room(mixed[0])
    room.settle(mixed[0], newcomers=mixed[1:10])
    room.settle(mixed[1], newcomers=mixed[10:50])
    assert len(room.members) == 50
    room.settle(others[20])
    room.settle(alcoves[20])
    room.talk([others[3], alcoves[3]])
    room.settle(alcoves[7], leaving=[others[4], alcoves[9], others[24]], learns=not peer.candidate)
    room.settle(others[8], leaving=[others[10], alcoves[11]], learns=not peer.candidate)
    room.settle(others[20])
    room.talk([others[20], alcoves[24]])
    room.export()
    assert len(room.members) == 45


def test_padding_of_either_kind_is_read(peer: Peer) -> None:
    ann = AlcoveClient("ann", 3, padding=mls.power_of_two_padding(256))
    padded = {"kind": "alwaysPad", "paddingLength": 77}
    tom, tim = TsClient(peer, "tom", 3, config={"paddingConfig": padded}), TsClient(peer, "tim", 3)
    room = Room(ann)
    room.settle(ann, newcomers=[tom, tim])
    room.settle(tom)
    room.settle(tim)
    room.talk()
    # Alcove shows powers of two; ts-mls pads by a constant or up to one length, no further.
    assert len({len(ann.send(bytes(length))) for length in (0, 1, 100, 150)}) == 1
    sizes = [len(tim.send(bytes(length))) for length in (1, 100, 400, 401)]
    assert sizes[0] == sizes[1]
    assert sizes[3] == sizes[2] + 1


def test_messages_out_of_order_are_read(peer: Peer) -> None:
    ann, tom = AlcoveClient("ann", 3), TsClient(peer, "tom", 3)
    room = Room(ann)
    room.settle(ann, newcomers=[tom])
    for sender, reader in ((ann, tom), (tom, ann)):
        assert isinstance(sender, AlcoveClient | TsClient)
        assert isinstance(reader, AlcoveClient | TsClient)
        messages = [sender.send(b"%d" % number) for number in range(9)]
        for number in (8, 0, 3, 1, 7, 2):
            assert reader.receive(messages[number]).plaintext == b"%d" % number


def test_grease_is_carried(peer: Peer) -> None:
    """The peer lists all its suites, and values that no client knows."""
    ann, tom = AlcoveClient("ann", 3), TsClient(peer, "tom", 3, grease=True, gives=(0x0A0A,))
    room = Room(tom)
    room.settle(tom, newcomers=[ann])
    leaf = ann.group.member(0)
    assert leaf is not None
    assert set(leaf.capabilities.ciphersuites) > set(range(1, 8))
    assert 0x0A0A in leaf.capabilities.extensions
    room.settle(ann)
    room.settle(tom)
    room.talk()

"""Coming in from outside: external commits and proposals, as far as the peers can."""

from __future__ import annotations

import os

import pytest
from alcove import mls
from alcove.mls.framing import unwrap

from tests.client_sdk.mls.interop.driver import Peer, PeerFault, TsClient
from tests.client_sdk.mls.interop.rooms import AlcoveClient, Client, Room


def enter(room: Room, newcomer: Client, message: bytes, leaving: tuple[Client, ...] = ()) -> None:
    for one in room.members:
        if one not in leaving:
            one.receive(message)
    room.members = [one for one in room.members if one not in leaving] + [newcomer]
    room.agree()
    room.talk()


def room_of(peer: Peer) -> tuple[Room, AlcoveClient, TsClient]:
    ann, tom = AlcoveClient("ann", 3), TsClient(peer, "tom", 3)
    room = Room(ann)
    room.settle(ann, newcomers=[tom])
    return room, ann, tom


def test_alcove_joins_from_outside_and_ts_mls_follows(peer: Peer) -> None:
    room, ann, tom = room_of(peer)
    amy = AlcoveClient("amy", 3)
    enter(room, amy, amy.join_externally(ann.group.group_info()))
    # Once more, in place of its old self; then with a PSK.
    again = AlcoveClient("amy", 3, signer=amy.signer)
    message = again.join_externally(ann.group.group_info(), remove=amy.leaf)
    enter(room, again, message, leaving=(amy,))
    al = AlcoveClient("al", 3)
    for one in (ann, tom, again, al):
        one.know(b"door", b"k" * 32)
    psk = mls.PreSharedKeyID.external(mls.ciphersuite(3), b"door", os.urandom)
    enter(room, al, al.join_externally(ann.group.group_info(), psk_ids=(psk,)))


def test_ts_mls_joins_from_outside_with_the_prefix_taken_off(peer: Peer) -> None:
    """The flaw of `external_pub` mended from outside the library, see peer.js."""
    room, ann, _tom = room_of(peer)
    tim = TsClient(peer, "tim", 3)
    message = tim.join_externally(ann.group.group_info(), mended=True)
    enter(room, tim, message)
    again = tim.renew()
    message = again.join_externally(ann.group.group_info(), mended=True, resync=True)
    enter(room, again, message, leaving=(tim,))


def test_alcove_joins_by_the_group_info_of_ts_mls_with_the_prefix_put_on(peer: Peer) -> None:
    room, _ann, tom = room_of(peer)
    amy = AlcoveClient("amy", 3)
    enter(room, amy, amy.join_externally(tom.group_info(mended=True)))


def test_a_newcomer_proposes_itself(peer: Peer) -> None:
    room, ann, tom = room_of(peer)
    tim, amy = TsClient(peer, "tim", 3), AlcoveClient("amy", 3)
    info = ann.group.group_info(with_external_pub=False)
    asked = bytes.fromhex(tim.ask("propose_oneself", group_info=info.hex()))
    package = mls.KeyPackage.decode(unwrap(amy.key_package)[1])
    asked_too = mls.propose_oneself(amy.signer, ann.group.group_id, ann.epoch, package)
    for one in room.members:
        one.receive(asked)
        one.receive(asked_too)
    sent = tom.commit()
    ann.receive(sent.message)
    tom.merge()
    assert sent.welcome is not None
    tim.join(sent.welcome)
    amy.join(sent.welcome)
    room.members += [tim, amy]
    room.agree()
    room.talk()


def test_an_external_pub_with_its_prefix_is_refused_by_ts_mls(peer: Peer) -> None:
    """FLAW of both: the key is written and read bare, not as `opaque<V>` (RFC 9420, 12.4.3.2)."""
    _room, ann, tom = room_of(peer)
    tim, amy = TsClient(peer, "tim", 3), AlcoveClient("amy", 3)
    with pytest.raises(PeerFault, match="Invalid public key for the ciphersuite"):
        tim.join_externally(ann.group.group_info(), mended=False)
    with pytest.raises((mls.MalformedMessage, mls.InvalidPublicKey)):
        amy.join_externally(tom.group_info(mended=False))
    bare = mls.GroupInfo.decode(unwrap(tom.group_info(mended=False))[1])
    assert len(bare.extension(mls.ExtensionType.EXTERNAL_PUB) or b"") == 32

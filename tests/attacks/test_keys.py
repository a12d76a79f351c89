"""Keys that no honest client has, at every use of HPKE: refused by name, and nobody falls over.

MLS itself (KeyPackages, leaves, paths, external joins) has its own tests of this, named in
docs/mls-validation.md: 7.3-19, 7.3-24, 10.1-5, 12.4.2-11, 12.4.3.1-13, 12.4.3.2-7 and -8.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from alcove import events, mls
from alcove.errors import NotTrusted
from alcove.group.admission import make_key_package
from alcove.group.keys import Identity
from alcove.group.sealing import (
    KnockBody,
    Psk,
    RefusalBody,
    open_card,
    open_knock,
    open_refusal,
    open_request,
    open_welcome,
    request_psk,
    seal_card,
    seal_knock,
    seal_refusal,
    seal_request,
    seal_welcome,
)
from alcove.mls.xwing import XWing
from alcove_protocol import limits
from alcove_protocol.card import Card
from alcove_protocol.frames import CardIs, Knock, LobbyItem, LobbyKind
from alcove_protocol.invite import Invite
from alcove_protocol.labels import Label
from alcove_protocol.sealed import RequestBody
from alcove_protocol.statements import Signed

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import context, group_of, rogue_commit, room_of, state_of
from tests.end_to_end.evil.rooms import forget, goes_on, three
from tests.end_to_end.evil.test_rights import refusal
from tests.end_to_end.evil.test_way_in import body_of, knock_item, person
from tests.end_to_end.world import Client

SMALL_ORDER = (
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
)
PSK, SIGNED = Psk(bytes(32), bytes(8)), Signed(b"body", bytes(64))
BAD = (*SMALL_ORDER, *(key[:31] + bytes((key[31] | 0x80,)) for key in SMALL_ORDER))
"""Every point of small order, and each with the bit that X25519 ignores."""


@pytest.mark.parametrize("key", BAD, ids=bytes.hex)
def test_a_public_key_of_small_order_is_none(key: bytes) -> None:
    suite = mls.ciphersuite(3)
    with pytest.raises(mls.InvalidPublicKey):
        suite.hpke.kem.check(key)
    with pytest.raises(mls.InvalidPublicKey):
        suite.hpke.seal(key, b"info", b"", b"text", os.urandom)


@pytest.mark.parametrize("key", BAD, ids=bytes.hex)
def test_what_is_encapsulated_to_a_point_of_small_order_opens_for_nobody(key: bytes) -> None:
    """The shared secret would be zero, whoever holds the private key."""
    keys = mls.ciphersuite(3).hpke_keypair(os.urandom)
    room, invite = os.urandom(32), _invite()
    sealed = key + bytes(64)
    openings: tuple[Callable[[], object], ...] = (
        lambda: open_welcome(room, keys, sealed, PSK),
        lambda: open_refusal(room, keys, sealed, PSK),
        lambda: open_request(room, keys, bytes(32), PSK.id + sealed, PSK),
        lambda: open_knock(invite, keys, bytes(16), sealed),
    )
    for opening in openings:
        with pytest.raises(NotTrusted):
            opening()


def _invite() -> Invite:
    world, ann, _bob, _cleo = three()
    assert world.clients
    return Invite.parse(ann.invite())


def malformed_lattice_keys() -> list[bytes]:
    """Of ML-KEM: another length, and coefficients that are not reduced (FIPS 203, 7.2)."""
    _private, public = XWing().generate(os.urandom)
    unreduced = [b"\xff" * 1152, b"\x01\xfd" + public[2:3] + public[3:1152]]
    # Two coefficients of 12 bits stand in three bytes: 3329 and more are not reduced.
    unreduced[1] = b"\x01\x0d" + bytes((public[2],)) + public[3:1152]
    whole = [bad + public[1152:] for bad in unreduced]
    return [b"", public[:-1], public + b"\x00", public[:32], *whole]


def test_a_malformed_lattice_key_is_none() -> None:
    kem = XWing()
    for key in malformed_lattice_keys():
        with pytest.raises(mls.InvalidPublicKey):
            kem.check(key)
        with pytest.raises(mls.InvalidPublicKey):
            kem.encapsulate(key, os.urandom)


def test_a_hybrid_key_with_a_small_curve_half_is_none() -> None:
    kem = XWing()
    private, public = kem.generate(os.urandom)
    _shared, output = kem.encapsulate(public, os.urandom)
    for bad in BAD:
        with pytest.raises(mls.InvalidPublicKey):
            kem.check(public[:-32] + bad)
        with pytest.raises(mls.InvalidPublicKey):
            kem.encapsulate(public[:-32] + bad, os.urandom)
        with pytest.raises(mls.InvalidPublicKey):
            kem.decapsulate(output[:-32] + bad, private, public)
    for cut in (b"", output[:-1], output + b"\x00", output[:1088]):
        with pytest.raises(mls.InvalidPublicKey):
            kem.decapsulate(cut, private, public)


# --- the door: the card's lobby key ------------------------------------------------------------


@pytest.mark.parametrize("key", [SMALL_ORDER[0], SMALL_ORDER[2], BAD[-1]], ids=bytes.hex)
def test_a_card_with_a_lobby_key_of_small_order_is_refused_before_anybody_knocks(
    key: bytes,
) -> None:
    """Signed by the facilitator. What a newcomer would seal to it, everybody could open."""
    world, ann, _bob, _cleo = three()
    invite = Invite.parse(ann.invite())
    dora = world.client("Dora")

    def swap(answer: CardIs) -> CardIs:
        body = open_card(invite, answer.number, answer.card).body
        weak = replace(Card.decode(body, limit=limits.CARD), lobby_key=key)
        signed = ann.engine.identity.mls_signer().sign(Label.CARD, weak)
        return replace(answer, card=seal_card(invite, answer.number, signed, world.random))

    swapped = world.alter(dora, CardIs, swap)
    world.knock_with(dora, ann.invite())
    assert len(swapped.hits) == 1
    assert dora.engine.closed is not None
    assert dora.engine.closed.code == "bad_card"
    assert not world.seen(Knock, dora)


# --- the room's state: the lobby key of the group ----------------------------------------------


@pytest.mark.parametrize("key", [SMALL_ORDER[0], SMALL_ORDER[3], BAD[-1]], ids=bytes.hex)
def test_a_commit_that_sets_a_lobby_key_of_small_order_is_burned(key: bytes) -> None:
    """Every member seals requests to it."""
    world, ann, bob, cleo = three()
    blob = rogue_commit(ann, context(replace(state_of(ann), lobby_key=key)))
    for victim in (bob, cleo):
        assert refusal(victim, blob) == "bad_field"
    goes_on(world, ann, bob, cleo)


# --- knocks and requests: the reply key --------------------------------------------------------


def knock_with_reply_key(world: EvilWorld, ann: Client, key: bytes, name: str) -> LobbyItem:
    invite, who = Invite.parse(ann.invite()), person(world, name)
    body = replace(body_of(world, ann, who), reply_key=key)
    item = knock_item(ann, 1, b"-", who.relay.public, invite.door)
    sealed = seal_knock(invite, state_of(ann).lobby_key, item.id, body, world.random)
    return replace(item, blob=sealed)


@pytest.mark.parametrize("name", ["Dora", "Ann"])
@pytest.mark.parametrize("key", [SMALL_ORDER[0], SMALL_ORDER[2], BAD[-1]], ids=bytes.hex)
def test_a_knock_with_a_reply_key_of_small_order_is_not_answered(key: bytes, name: str) -> None:
    """Neither with a Welcome, nor with a refusal ("Ann" is taken): both would be sealed to it."""
    world, ann, bob, cleo = three()
    forget(ann)
    world.forge(ann, knock_with_reply_key(world, ann, key, name))
    world.settle()
    assert not ann.of(events.Knocked)
    goes_on(world, ann, bob, cleo)


def ask_to_rejoin(world: EvilWorld, ann: Client, bob: Client, key: bytes, nth: int) -> None:
    """A request of Bob's client, with any reply key."""
    identity, agreement = bob.engine.identity, state_of(bob).agreement
    package = make_key_package(identity, agreement, world.wall(), world.random).key_package
    member, group = bob.engine.require_member(), group_of(bob)
    leaf = group.member(group.own_index)
    secret = member.membership.request_secrets.of(group.epoch)
    assert leaf is not None
    assert secret is not None
    body = RequestBody(
        room_of(bob),
        group.epoch,
        member.membership.roster.counter,
        leaf.encryption_key,
        "rejoin",
        package.encode(),
        key,
    )
    signed = identity.mls_signer().sign(Label.REQUEST, body)
    own, lobby = identity.relay.public, state_of(ann).lobby_key
    psk = request_psk(secret, group.epoch)
    sealed = seal_request(room_of(ann), lobby, own, signed, psk, world.random)
    number = max(item.number for item in world.seen(LobbyItem, ann)) + nth
    world.forge(ann, LobbyItem(number, LobbyKind.REQUEST, bytes([nth] * 16), own, 0, sealed, None))
    world.advance(15)


@pytest.mark.parametrize("key", [SMALL_ORDER[0], BAD[-1]], ids=bytes.hex)
def test_a_rejoin_with_a_reply_key_of_small_order_is_not_granted(key: bytes) -> None:
    world, ann, bob, cleo = three()
    before = group_of(ann).epoch
    ask_to_rejoin(world, ann, bob, key, 1)
    assert group_of(ann).epoch == before
    goes_on(world, ann, bob, cleo)
    # The control: with a key of Bob's own it is granted.
    own = mls.ciphersuite(3).hpke_keypair(world.random).public
    ask_to_rejoin(world, ann, bob, own, 2)
    assert group_of(ann).epoch == before + 2


@pytest.mark.parametrize("key", [SMALL_ORDER[0], BAD[-1]], ids=bytes.hex)
def test_nothing_is_sealed_to_a_key_of_small_order(key: bytes) -> None:
    room, invite = os.urandom(32), _invite()
    identity = Identity.generate("Dora", mls.ciphersuite(3), os.urandom)
    body = KnockBody("Dora", b"", identity.relay.public, identity.desk.public, bytes(32))
    sealings: tuple[Callable[[], object], ...] = (
        lambda: seal_welcome(room, key, b"welcome", PSK, os.urandom),
        lambda: seal_refusal(room, key, RefusalBody("refused"), PSK, os.urandom),
        lambda: seal_request(room, key, bytes(32), SIGNED, PSK, os.urandom),
        lambda: seal_knock(invite, key, bytes(16), body, os.urandom),
    )
    for sealing in sealings:
        with pytest.raises(mls.InvalidPublicKey):
            sealing()

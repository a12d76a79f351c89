"""What facilitators share: what fits, when it serves, and what of it is wiped.

The refusals of a vault and of a wish to step down are in `protocol/vectors/rights.json`.
"""

import os
from dataclasses import replace

import pytest
from alcove import mls
from alcove.errors import NotTrusted
from alcove.group.facilitator_seals import DeskFrame, VaultRoute, open_vault, seal_slot, seal_vault
from alcove.group.keys import ROOM_SUITE
from alcove.group.sealing import request_psk
from alcove.group.vault import VaultPost, judge_vault, sign_vault
from alcove.mls.secret import Secret
from alcove_protocol import limits
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import LobbyRequest
from alcove_protocol.invite import door_id_of

from tests.end_to_end.evil.rogue import room_of, state_of
from tests.end_to_end.evil.rooms import two_facilitators
from tests.vectors.facilitation import AT_DESK, OWN_DESK

HPKE = mls.ciphersuite(ROOM_SUITE)
Doors = dict[bytes, Secret]


def some_doors(room: bytes, count: int) -> Doors:
    secrets = [os.urandom(32) for _ in range(count)]
    return {door_id_of(room, secret): Secret(secret) for secret in secrets}


@pytest.mark.parametrize("count", [0, 1, limits.DOORS])
def test_a_vault_of_every_door_goes_from_one_facilitator_to_another(count: int) -> None:
    _world, ann, bob, _cleo = two_facilitators()
    room, lobby = room_of(ann), HPKE.hpke_keypair(os.urandom)
    mine, yours = ann.engine.identity, bob.engine.identity
    doors = some_doors(room, count)
    state = replace(state_of(ann), lobby_key=lobby.public, doors=b"".join(doors))
    membership = ann.engine.require_member().membership
    epoch = membership.group.epoch
    secret = membership.request_secrets.of(epoch)
    assert secret is not None
    psk = request_psk(secret, epoch)
    post = VaultPost(room, epoch, mine.signature.public, yours.signature.public)
    signed = sign_vault(post, 1, lobby.private, doors, mine.mls_signer())
    route = VaultRoute(room, mine.relay.public, yours.relay.public)
    sealed = seal_vault(route, yours.desk.public, signed, psk, os.urandom)
    assert len(sealed) <= limits.VAULT
    frame = LobbyRequest(1, bytes(16), sealed, yours.relay.public)
    assert LobbyRequest.decode(frame.encode()).blob == sealed
    vault = judge_vault(state, post, 0, open_vault(route, yours.desk, sealed, psk))
    assert vault.is_complete(state)
    assert vault.lobby.private == lobby.private
    assert dict(vault.doors) == doors
    assert lobby.private.expose().hex() not in repr(vault)
    for wrong in (
        replace(state, lobby_key=bytes([9]) * 32),
        replace(state, doors=state.doors[8:] + bytes(8)),
    ):
        assert not vault.is_complete(wrong)
    vault.wipe()
    assert vault.lobby.private.wiped
    assert all(secret.wiped for secret in vault.doors.values())
    assert not lobby.private.wiped


def test_a_vault_that_names_another_epoch_outside_does_not_open() -> None:
    psk, keys = request_psk(bytes([1]) * 32, 7), HPKE.hpke_keypair(os.urandom)
    route = VaultRoute(bytes(32), b"a" * 32, b"b" * 32)
    signer = two_facilitators()[1].engine.identity.mls_signer()
    signed = sign_vault(
        VaultPost(bytes(32), 7, signer.public, bytes(32)), 1, keys.private, {}, signer
    )
    sealed = seal_vault(route, keys.public, signed, psk, os.urandom)
    assert open_vault(route, keys, sealed, psk) == signed
    for wrong in (bytes(8) + sealed[8:], sealed + bytes(limits.VAULT)):
        with pytest.raises(NotTrusted):
            open_vault(route, keys, wrong, psk)


@pytest.mark.parametrize("key", [bytes(32), b"\xff" * 32], ids=["small order", "not canonical"])
def test_nothing_is_sealed_to_a_key_that_opens_for_everybody(key: bytes) -> None:
    route = VaultRoute(bytes(32), b"a" * 32, b"b" * 32)
    signer = two_facilitators()[1].engine.identity.mls_signer()
    post = VaultPost(bytes(32), 7, signer.public, bytes(32))
    signed = sign_vault(post, 1, Secret(bytes(32)), {}, signer)
    with pytest.raises(Malformed):
        seal_vault(route, key, signed, request_psk(bytes([1]) * 32, 7), os.urandom)
    frame = DeskFrame(bytes(32), 7, b"a" * 32, 1, bytes(32))
    with pytest.raises(Malformed):
        seal_slot(frame, key, OWN_DESK, b"body key", AT_DESK, os.urandom)

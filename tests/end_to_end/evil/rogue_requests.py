"""Requests to the facilitators as a member would make them, and with any content."""

from alcove.group.sealing import Psk, request_psk, seal_request
from alcove_protocol.frames import LobbyItem, LobbyKind
from alcove_protocol.labels import Label
from alcove_protocol.sealed import RequestBody, RequestKind

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    committer_of,
    group_of,
    key_package,
    relay_key,
    room_of,
    roster_of,
)
from tests.end_to_end.world import Client


def psk_of(client: Client) -> Psk:
    """The secret that seals requests of this client's epoch."""
    membership = client.engine.require_member().membership
    secret = membership.request_secrets.of(group_of(client).epoch)
    assert secret is not None
    return request_psk(secret, group_of(client).epoch)


def rejoin_of(world: EvilWorld, whose: Client) -> RequestBody:
    """All that a rejoin says, as its member would say it now."""
    leaf = group_of(whose).member(group_of(whose).own_index)
    assert leaf is not None
    return RequestBody(
        room_of(whose),
        group_of(whose).epoch,
        roster_of(whose).counter,
        leaf.encryption_key,
        RequestKind.REJOIN,
        key_package(whose).key_package.encode(),
        whose.engine.identity.desk.public,
    )


def tell(
    world: EvilWorld, ann: Client, whose: Client, body: RequestBody, by: Client, psk: Psk | None
) -> None:
    """Hand Ann a request under the relay key of `whose`, signed by `by`."""
    signer = by.engine.identity.mls_signer()
    signed = signer.sign(Label.REQUEST, body)
    key = relay_key(whose)
    lobby = ann.engine.require_member().membership.state.lobby_key
    sealed = seal_request(room_of(ann), lobby, key, signed, psk or psk_of(ann), world.random)
    number = committer_of(ann).lobby.number + 1
    item = LobbyItem(number, LobbyKind.REQUEST, world.random(16), key, 0, sealed)
    world.forge(ann, item)
    world.settle()

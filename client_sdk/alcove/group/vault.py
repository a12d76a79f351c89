"""The vault: the lobby's private key and the doors' secrets, from one facilitator to another.

It is sealed by `facilitator_seals` and judged here, from the state and the bytes alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from alcove_protocol import limits
from alcove_protocol.codec import split
from alcove_protocol.errors import Malformed
from alcove_protocol.invite import door_id_of
from alcove_protocol.labels import Label
from alcove_protocol.sealed import DOOR_ITEM_SIZE, VaultBody
from alcove_protocol.statements import DOOR_ID_SIZE, Signed, verify

from alcove import mls
from alcove.group.extensions import RoomExtension
from alcove.group.keys import ROOM_SUITE, SigningKey
from alcove.group.rights import NotAllowed
from alcove.mls.secret import Secret


@dataclass(frozen=True, slots=True)
class Vault:
    """What a facilitator was told. The secrets are the reader's to wipe."""

    counter: int
    lobby: mls.HpkeKeyPair
    doors: Mapping[bytes, Secret] = field(repr=False)
    """The secret of each door, by its id."""

    def is_complete(self, state: RoomExtension) -> bool:
        """Whether it serves this state: the private key fits the lobby key, and each listed door
        has a secret. A facilitator serves no lobby before."""
        return self.lobby.public == state.lobby_key and set(state.door_ids()) <= set(self.doors)

    def wipe(self) -> None:
        self.lobby.wipe()
        for secret in self.doors.values():
            secret.wipe()


@dataclass(frozen=True, slots=True)
class VaultPost:
    """Where a vault belongs: room, epoch, and the MLS keys of sender and recipient."""

    room: bytes
    epoch: int
    sender: bytes
    recipient: bytes


def sign_vault(
    post: VaultPost, counter: int, lobby: Secret, doors: Mapping[bytes, Secret], signer: SigningKey
) -> Signed:
    """A vault for one recipient. `counter` grows with each that this sender makes."""
    items = b"".join(door + secret.expose() for door, secret in sorted(doors.items()))
    body = VaultBody(post.room, post.recipient, post.epoch, counter, lobby.expose(), items)
    return signer.sign(Label.VAULT, body)


def judge_vault(state: RoomExtension, post: VaultPost, newest: int, signed: Signed) -> Vault:
    """The vault, when it is right in this state. `newest` is the counter of the last one from this
    sender, and -1 before the first.

    Raises `NotAllowed`:
    - `vault_sender` unless the sender is another facilitator
    - `bad_signature` and the like when it is not the sender's, or cannot be read
    - `vault` when it is of another room, recipient or epoch
    - `vault_counter` when it is not newer than the last
    - `vault_door` when a door's id is not that of its secret, or comes twice
    """
    if post.sender not in state.facilitator_keys() or post.sender == post.recipient:
        raise NotAllowed("vault_sender")
    try:
        body = verify(VaultBody, Label.VAULT, signed, post.sender).statement
        if (body.room, body.recipient, body.epoch) != (post.room, post.recipient, post.epoch):
            raise NotAllowed("vault")
        if body.counter <= newest:
            raise NotAllowed("vault_counter")
        doors = _doors(post.room, body.doors)
    except Malformed as error:
        raise NotAllowed(error.code) from None
    public = mls.ciphersuite(ROOM_SUITE).hpke.kem.public_key(body.lobby_private)
    lobby = mls.HpkeKeyPair(Secret(body.lobby_private), public)
    return Vault(body.counter, lobby, MappingProxyType(doors))


def _doors(room: bytes, packed: bytes) -> dict[bytes, Secret]:
    """Raises `Malformed` and `NotAllowed`."""
    doors: dict[bytes, Secret] = {}
    for item in split(packed, DOOR_ITEM_SIZE, most=limits.DOORS):
        door, secret = item[:DOOR_ID_SIZE], item[DOOR_ID_SIZE:]
        if door in doors or door_id_of(room, secret) != door:
            raise NotAllowed("vault_door")
        doors[door] = Secret(secret)
    return doors

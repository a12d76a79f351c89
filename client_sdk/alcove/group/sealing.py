"""What is sealed outside the group: cards, knocks, Welcomes, refusals, requests.

Each is padded first (docs/protocol.md 2). HPKE (RFC 9180) comes from the MLS suite.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Final

from alcove_protocol import limits
from alcove_protocol.errors import Malformed
from alcove_protocol.invite import Invite
from alcove_protocol.labels import Label
from alcove_protocol.padding import pad, unpad
from alcove_protocol.records import AtMost, Exactly, Record
from alcove_protocol.statements import HASH_SIZE, KEY_SIZE, Signed
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_ABYTES,
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
)
from nacl.exceptions import CryptoError

from alcove import mls
from alcove.errors import NotTrusted
from alcove.group.keys import ROOM_SUITE, check_hpke_key
from alcove.mls.secret import Random

EPOCH_SIZE: Final = 8
NO_EPOCH: Final = 2**64 - 1
"""In the place of a request's epoch: a newcomer who never had a Welcome sends a knock there."""
_NONCE: Final = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
_ENC: Final = 32  # an encapsulated X25519 key
CODE_DIGITS: Final = 6
_CARD_MOST: Final = limits.CARD_BUCKET
_KNOCK_MOST: Final = limits.KNOCK // 2
_REQUEST_MOST: Final = limits.REQUEST // 2


@dataclass(frozen=True, slots=True)
class KnockBody(Record):
    """A newcomer's knock. `agreement` is the hash that they accepted. `answer` is a text of fixed
    size (`door_texts`), empty where the card asks nothing. `word` is made of the word that they
    chose for today (`joining.todays_word`), and zeros where they chose none."""

    name: Annotated[str, AtMost(limits.NAME)]
    key_package: Annotated[bytes, AtMost(limits.KNOCK)]
    relay_key: Annotated[bytes, Exactly(KEY_SIZE)]
    reply_key: Annotated[bytes, Exactly(KEY_SIZE)]
    agreement: Annotated[bytes, Exactly(HASH_SIZE)]
    answer: Annotated[bytes, Exactly(limits.DOOR_ANSWER)] = field(
        default=bytes(limits.DOOR_ANSWER), repr=False
    )
    word: Annotated[bytes, Exactly(HASH_SIZE)] = field(default=bytes(HASH_SIZE), repr=False)


@dataclass(frozen=True, slots=True)
class RefusalBody(Record):
    """Why a knock was refused: a code for which the newcomer's client knows a sentence."""

    code: Annotated[str, AtMost(limits.CODE)]


@dataclass(frozen=True, slots=True)
class Psk:
    """What a seal needs beside the recipient's key: without it, a recording stays closed even
    when X25519 is broken later. `id` is public, and names the secret."""

    secret: bytes = field(repr=False)
    id: bytes

    def __post_init__(self) -> None:
        """Raises `ValueError` for an empty key or id: HPKE takes two of them for its mode without a
        pre-shared key (RFC 9180, section 5.1), and would seal without one."""
        if not self.secret or not self.id:
            raise ValueError("a seal needs a pre-shared key and its id")


def door_psk(invite: Invite) -> Psk:
    """Of all that is sealed at a door: only holders of the invite have it."""
    return Psk(invite.lobby_psk(), invite.door)


def request_psk(secret: bytes, epoch: int) -> Psk:
    """Of a request, and of the Welcome that answers it: only members of the epoch have it."""
    return Psk(secret, epoch.to_bytes(EPOCH_SIZE, "big"))


def desk_psk(secret: bytes, epoch: int) -> Psk:
    """Of a slot of the private line: only members of the epoch have it."""
    return Psk(secret, epoch.to_bytes(EPOCH_SIZE, "big"))


def _info(*parts: bytes) -> bytes:
    return Label.KNOCK.bytes + b"".join(parts)


def seal_padded(
    public: bytes, info: bytes, aad: bytes, content: bytes, most: int, psk: Psk, random: Random
) -> bytes:
    """`enc ‖ ciphertext` of the padded content, in mode PSK."""
    hpke = mls.ciphersuite(ROOM_SUITE).hpke
    padded = pad(content, most=most)
    enc, ciphertext = hpke.seal(public, info, aad, padded, random, psk=psk.secret, psk_id=psk.id)
    return enc + ciphertext


def open_padded(keys: mls.HpkeKeyPair, info: bytes, aad: bytes, sealed: bytes, psk: Psk) -> bytes:
    """Raises `NotTrusted` (`cannot_open`)."""
    hpke = mls.ciphersuite(ROOM_SUITE).hpke
    try:
        enc, ciphertext = sealed[:_ENC], sealed[_ENC:]
        opened = hpke.open(enc, keys, info, aad, ciphertext, psk=psk.secret, psk_id=psk.id)
        return unpad(opened)
    except (mls.MLSError, Malformed):
        raise NotTrusted("cannot_open", "Something sealed did not open; it was altered.") from None


def seal_card(invite: Invite, number: int, card: Signed, random: Random) -> bytes:
    """The signed card under the invite's card key: nonce, then ciphertext.

    One key seals every card of a door. A random 24-byte nonce makes that safe.
    """
    nonce = random(_NONCE)
    content = pad(card.encode(), most=_CARD_MOST)
    aad = Label.CARD.bytes + invite.room + invite.door + number.to_bytes(8, "big")
    sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(content, aad, nonce, invite.card_key())
    return nonce + sealed


def open_card(invite: Invite, number: int, sealed: bytes) -> Signed:
    """Raises `NotTrusted` (`cannot_open`)."""
    aad = Label.CARD.bytes + invite.room + invite.door + number.to_bytes(8, "big")
    try:
        if len(sealed) < _NONCE + crypto_aead_xchacha20poly1305_ietf_ABYTES:
            raise ValueError
        content = crypto_aead_xchacha20poly1305_ietf_decrypt(
            sealed[_NONCE:], aad, sealed[:_NONCE], invite.card_key()
        )
        return Signed.decode(unpad(content))
    except (CryptoError, Malformed, ValueError):
        raise NotTrusted(
            "bad_card", "The room's card does not fit this invite; do not go on."
        ) from None


def _knock_context(room: bytes, door: bytes, knock_id: bytes) -> tuple[bytes, bytes]:
    return _info(room, door, knock_id), room + door + knock_id


def seal_knock(
    invite: Invite, lobby_key: bytes, knock_id: bytes, body: KnockBody, random: Random
) -> bytes:
    """Only a holder of the lobby key can read it, and only a holder of the invite can make it."""
    info, aad = _knock_context(invite.room, invite.door, knock_id)
    return seal_padded(lobby_key, info, aad, body.encode(), _KNOCK_MOST, door_psk(invite), random)


def open_knock(invite: Invite, lobby: mls.HpkeKeyPair, knock_id: bytes, sealed: bytes) -> KnockBody:
    """Raises `NotTrusted` (`cannot_open`)."""
    info, aad = _knock_context(invite.room, invite.door, knock_id)
    content = open_padded(lobby, info, aad, sealed, door_psk(invite))
    try:
        body = KnockBody.decode(content)
        check_hpke_key(body.reply_key)
        return body
    except Malformed:
        raise NotTrusted("cannot_open", "A knock did not open; it was altered.") from None


def seal_late_knock(
    invite: Invite, lobby_key: bytes, request_id: bytes, body: KnockBody, random: Random
) -> bytes:
    """A knock in the place of a request, of a newcomer who is on the list and has no Welcome."""
    return NO_EPOCH.to_bytes(EPOCH_SIZE, "big") + seal_knock(
        invite, lobby_key, request_id, body, random
    )


def open_late_knock(
    invite: Invite, lobby: mls.HpkeKeyPair, request_id: bytes, sealed: bytes
) -> KnockBody:
    """Raises `NotTrusted` (`cannot_open`)."""
    if request_epoch(sealed) != NO_EPOCH:
        raise NotTrusted("cannot_open", "A knock did not open; it was altered.")
    return open_knock(invite, lobby, request_id, sealed[EPOCH_SIZE:])


def short_code(key_package: bytes) -> str:
    """Digits by which a newcomer and a facilitator check, elsewhere, that they see the same knock.

    Only a reader of the knock knows the right code, so no other can aim at it.
    """
    digest = sha256(Label.KNOCK.bytes + sha256(key_package).digest()).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def seal_welcome(room: bytes, reply_key: bytes, welcome: bytes, psk: Psk, random: Random) -> bytes:
    info = _info(room, b"welcome")
    return seal_padded(reply_key, info, b"", welcome, limits.HANDSHAKE_BUCKET, psk, random)


def open_welcome(room: bytes, reply: mls.HpkeKeyPair, sealed: bytes, psk: Psk) -> bytes:
    """Raises `NotTrusted` (`cannot_open`)."""
    return open_padded(reply, _info(room, b"welcome"), b"", sealed, psk)


def seal_refusal(
    room: bytes, reply_key: bytes, body: RefusalBody, psk: Psk, random: Random
) -> bytes:
    info = _info(room, b"refused")
    return seal_padded(reply_key, info, b"", body.encode(), limits.PADDING_FLOOR, psk, random)


def open_refusal(room: bytes, reply: mls.HpkeKeyPair, sealed: bytes, psk: Psk) -> RefusalBody:
    """Raises `NotTrusted` (`cannot_open`)."""
    try:
        return RefusalBody.decode(open_padded(reply, _info(room, b"refused"), b"", sealed, psk))
    except Malformed:
        raise NotTrusted("cannot_open", "A refusal did not open; it was altered.") from None


def _request_info(room: bytes, epoch: bytes) -> bytes:
    return Label.REQUEST.bytes + room + epoch


def seal_request(
    room: bytes, lobby_key: bytes, sender: bytes, request: Signed, psk: Psk, random: Random
) -> bytes:
    """A signed `RequestBody`: the epoch of the PSK in 8 bytes, then what is sealed."""
    info = _request_info(room, psk.id)
    sealed = seal_padded(lobby_key, info, sender, request.encode(), _REQUEST_MOST, psk, random)
    return psk.id + sealed


def request_epoch(sealed: bytes) -> int:
    """The epoch that a sealed request names, which nothing vouches for yet."""
    return int.from_bytes(sealed[:EPOCH_SIZE], "big")


def open_request(
    room: bytes, lobby: mls.HpkeKeyPair, sender: bytes, sealed: bytes, psk: Psk
) -> Signed:
    """Raises `NotTrusted` (`cannot_open`). The signature is not verified here."""
    info = _request_info(room, psk.id)
    content = open_padded(lobby, info, sender, sealed[EPOCH_SIZE:], psk)
    try:
        return Signed.decode(content)
    except Malformed:
        raise NotTrusted("cannot_open", "A request did not open; it was altered.") from None

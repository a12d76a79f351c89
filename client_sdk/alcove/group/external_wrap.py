"""The wrapping of an external commit: RFC 9420 makes it a PublicMessage, which would show the relay
the name and all keys of the person that comes by the standby's link.

The key is an export of the epoch that the commit builds on. Members have it, and a member's answer
brings it to the standby. docs/protocol.md sections 9 and 11.
"""

from collections.abc import Callable
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label
from alcove_protocol.padding import pad, unpad
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_ABYTES,
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from alcove import mls
from alcove.group.rights import NotAllowed
from alcove.group.seal_secrets import LABEL, SIZE
from alcove.mls.secret import Random, Secret

EXTERNAL: Final = b"standby"
"""The context of the export."""
_NONCE: Final = 24


def wrap_key(group: mls.Group) -> Secret:
    """The key of the present epoch, 32 bytes. The caller wipes it."""
    return group.export(LABEL, EXTERNAL, SIZE)


def _aad(room: bytes, epoch: int) -> bytes:
    return Label.STANDBY.bytes + room + epoch.to_bytes(8, "big")


def wrap_external(key: bytes, room: bytes, epoch: int, message: bytes, random: Random) -> bytes:
    """The blob of an external commit: nonce, then ciphertext of the padded message. A random
    24-byte nonce is safe for the few that one epoch has. Raises `Malformed` (`too_large`)."""
    nonce = random(_NONCE)
    content = pad(message, most=limits.HANDSHAKE_BUCKET)
    aad = _aad(room, epoch)
    return nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(content, aad, nonce, key)


def read_external(
    group: mls.Group, blob: bytes, approve: Callable[[mls.CommitView], None]
) -> mls.StagedCommit:
    """Work out the external commit in a blob of the present epoch. Raises `Malformed`, `NotAllowed`
    (`class` for any other message), `MLSError`, and what `approve` raises."""
    key = wrap_key(group)
    try:
        message = unwrap_external(key.expose(), group.group_id, group.epoch, blob)
    finally:
        key.wipe()
    if mls.peek(message).wire_format != mls.WireFormat.PUBLIC_MESSAGE:
        raise NotAllowed("class")
    staged = group.receive(message, approve=approve)
    if not isinstance(staged, mls.StagedCommit) or not staged.is_external:
        raise NotAllowed("class")
    return staged


def unwrap_external(key: bytes, room: bytes, epoch: int, blob: bytes) -> bytes:
    """The external commit in a blob. Raises `Malformed`."""
    if len(blob) < _NONCE + crypto_aead_xchacha20poly1305_ietf_ABYTES:
        raise Malformed("truncated", "An external commit is too short.")
    try:
        content = crypto_aead_xchacha20poly1305_ietf_decrypt(
            blob[_NONCE:], _aad(room, epoch), blob[:_NONCE], key
        )
    except CryptoError:
        raise Malformed("bad_signature", "An external commit is of another epoch.") from None
    return unpad(content)

"""Invites: links whose fragment carries the secret, which so is in no request.

    https://HOST/join#base64url(version 1 ‖ role 1 ‖ door id 8 ‖ room id 32 ‖ secret 32 ‖ origin)

`origin` is the relay's, in UTF-8, and empty when it is the link's own. No padding characters.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final
from urllib.parse import urlsplit

from alcove_protocol.errors import Malformed
from alcove_protocol.labels import VERSION

SECRET_SIZE: Final = 32
_FIXED: Final = 2 + 8 + 32 + SECRET_SIZE
_LINK_MAX: Final = 1000
_PATH: Final = "/join"


class InviteRole(IntEnum):
    PARTICIPANT = 0
    STANDBY = 2


@dataclass(frozen=True, slots=True)
class Invite:
    """One invite. `origin` is the relay's, `scheme://host[:port]`. The secret does not print."""

    role: InviteRole
    door: bytes
    room: bytes
    origin: str
    secret: bytes = field(repr=False)

    def url(self, host_origin: str | None = None) -> str:
        """The link; `host_origin` is where the web client is, when that is not the relay."""
        base = host_origin if host_origin is not None else self.origin
        tail = b"" if base == self.origin else self.origin.encode()
        content = bytes([VERSION, self.role]) + self.door + self.room + self.secret + tail
        return f"{base}{_PATH}#{base64.urlsafe_b64encode(content).rstrip(b'=').decode()}"

    @classmethod
    def parse(cls, url: str) -> "Invite":
        """Raises `Malformed`: `bad_invite`, or `invite_version` for one of a later version."""
        url = url.strip()
        link, _, fragment = url.partition("#")
        if len(url) > _LINK_MAX or not fragment:
            raise Malformed("bad_invite", "This is not a complete invite link; copy it whole.")
        content = _decode_fragment(fragment)
        if content[:1] != bytes([VERSION]):
            raise Malformed("invite_version", "This invite needs a newer version of Alcove.")
        if len(content) < _FIXED:
            raise Malformed("bad_invite", "This is not a complete invite link; copy it whole.")
        try:
            role = InviteRole(content[1])
            origin = origin_of(content[_FIXED:].decode() if content[_FIXED:] else link)
        except ValueError:
            raise Malformed("bad_invite", "This link is not an invite of Alcove.") from None
        return cls(role, content[2:10], content[10:42], origin, content[42:_FIXED])

    def _derive(self, label: bytes) -> bytes:
        info = label + self.room + self.door
        return hkdf_sha256(self.secret, info, 32)

    def door_seed(self) -> bytes:
        """The Ed25519 seed of the door key, whose public half the relay keeps. 32 bytes."""
        return self._derive(b"alcove v1 door")

    def lobby_psk(self) -> bytes:
        """The pre-shared key of a knock's HPKE, 32 bytes."""
        return self._derive(b"alcove v1 lobby psk")

    def card_key(self) -> bytes:
        """The XChaCha20-Poly1305 key that the room card is sealed under, 32 bytes."""
        return self._derive(b"alcove v1 card")


def _decode_fragment(fragment: str) -> bytes:
    try:
        data = fragment.encode("ascii")
        content = base64.b64decode(data + b"=" * (-len(data) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Malformed(
            "bad_invite", "This is not a complete invite link; copy it whole."
        ) from None
    # One link, one spelling: leftover bits of the last character must be zero.
    if base64.urlsafe_b64encode(content).rstrip(b"=") != data:
        raise Malformed("bad_invite", "This is not a complete invite link; copy it whole.")
    return content


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of an http, https, ws or wss address, as http or https.

    Raises `ValueError` when it is not such an address.
    """
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    if scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("not the address of a relay")
    host = parts.hostname
    if ":" in host:
        host = f"[{host}]"
    return f"{scheme}://{host}" + (f":{parts.port}" if parts.port is not None else "")


def hkdf_sha256(secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF (RFC 5869) with SHA-256 and no salt, at most 32 bytes: extract, then one expansion."""
    if length > hashlib.sha256().digest_size:
        raise ValueError("one block at most")
    extracted = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")[:length]

"""Invites: links with the secret in the fragment, which a browser puts into no request.

    https://HOST/join#base64url(version 1 ‖ role 1 ‖ door id 8 ‖ room id 32 ‖ secret 32 ‖ check 4 ‖
                                origin)

`origin` is the relay's, in UTF-8. It is empty when it is the origin of the link. The base64url has
no padding characters. `check` is of all the rest, and of the relay's origin also when it stands
before the fragment only. So a link that was cut off, put together wrongly or mistyped is told.
"""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Literal
from urllib.parse import urlsplit

from alcove_protocol.errors import FAULTS, Malformed
from alcove_protocol.labels import VERSION, hash_with
from alcove_protocol.statements import DOOR_ID_SIZE, HASH_SIZE

SECRET_SIZE: Final = 32
_ROOM_AT: Final = 2 + DOOR_ID_SIZE
_SECRET_AT: Final = _ROOM_AT + HASH_SIZE
CHECK_SIZE: Final = 4
_CHECK_AT: Final = _SECRET_AT + SECRET_SIZE
_FIXED: Final = _CHECK_AT + CHECK_SIZE
_LINK_MAX: Final = 1000
_PATH: Final = "/join"
_AUTHORITY: Final = re.compile(
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*)(:(?P<port>[0-9]{0,5}))?"
)
_HOST_MAX: Final = 253
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


StandbyPart = Literal["mls", "relay", "hpke"]
"""A key of a standby's link: of its appointments, of its place on the list, of what is sealed."""


class InviteRole(IntEnum):
    PARTICIPANT = 0
    STANDBY = 2


@dataclass(frozen=True, slots=True)
class Invite:
    """One invite. `origin` is the relay's, as `origin_of` writes it. The secret does not print.

    Raises `ValueError` when a field is of the wrong size or the origin is written otherwise: the
    link would be read as another invite, or not at all.
    """

    role: InviteRole
    door: bytes
    room: bytes
    origin: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        sizes = len(self.door), len(self.room), len(self.secret)
        if sizes != (DOOR_ID_SIZE, HASH_SIZE, SECRET_SIZE):
            raise ValueError("a field of the invite is of the wrong size")
        if origin_of(self.origin) != self.origin:
            raise ValueError("the relay's origin is not written as an origin")

    def url(self, host_origin: str | None = None) -> str:
        """The link; `host_origin` is where the web client is, when that is not the relay."""
        base = self.origin if host_origin is None else host_origin.rstrip("/")
        tail = b"" if base == self.origin else self.origin.encode()
        fixed = bytes([VERSION, self.role]) + self.door + self.room + self.secret
        content = fixed + _check(fixed, self.origin) + tail
        return f"{base}{_PATH}#{base64.urlsafe_b64encode(content).rstrip(b'=').decode()}"

    @classmethod
    def parse(cls, url: str) -> "Invite":
        """Raises `Malformed`: `bad_invite`, or `invite_version` for one of a later version."""
        url = url.strip()
        link, _, fragment = url.partition("#")
        if len(url) > _LINK_MAX or not fragment:
            raise _incomplete()
        content = decode_base64url(fragment)
        if content is None:
            raise _incomplete()
        if content[:1] != bytes([VERSION]):
            raise Malformed("invite_version", "This invite needs a newer version of Alcove.")
        if len(content) < _FIXED:
            raise _incomplete()
        try:
            host_origin = origin_of(link)
            origin = content[_FIXED:].decode() or host_origin
            door, room = content[2:_ROOM_AT], content[_ROOM_AT:_SECRET_AT]
            secret = content[_SECRET_AT:_CHECK_AT]
            invite = cls(InviteRole(content[1]), door, room, origin, secret)
        except ValueError:
            raise _incomplete() from None
        if _check(content[:_CHECK_AT], origin) != content[_CHECK_AT:_FIXED]:
            raise _incomplete()
        if door_id_of(room, secret) != door:
            raise _incomplete()
        return invite

    def _derive(self, label: bytes) -> bytes:
        info = label + self.room + self.door
        return hkdf_sha256(self.secret, info, 32)

    def door_seed(self) -> bytes:
        """The Ed25519 seed of the door key, whose public half the relay keeps. 32 bytes."""
        return self._derive(b"alcove v1 door")

    def lobby_psk(self) -> bytes:
        """The pre-shared key of a knock's HPKE, 32 bytes."""
        return self._derive(b"alcove v1 lobby psk")

    def standby_psk(self) -> bytes:
        """Of a standby's link: the pre-shared key of answers to it, 32 bytes."""
        return self._derive(b"alcove v1 standby psk")

    def standby_seed(self, part: StandbyPart) -> bytes:
        """Of a standby's link: the seed of one of its keys, 32 bytes."""
        return self._derive(f"alcove v1 standby {part}".encode())

    def card_key(self) -> bytes:
        """The XChaCha20-Poly1305 key that the room card is sealed under, 32 bytes."""
        return self._derive(b"alcove v1 card")


def door_id_of(room: bytes, secret: bytes) -> bytes:
    """Return the door id of an invite's secret, 8 bytes.

    Facilitators share the secrets. Each of them finds the door of a secret so, without believing
    the sender.
    """
    return hash_with("door id", room, secret)[:DOOR_ID_SIZE]


def _check(fixed: bytes, origin: str) -> bytes:
    return hash_with("invite", fixed, origin.encode())[:CHECK_SIZE]


def decode_base64url(text: str) -> bytes | None:
    """The content of base64url without padding characters, or None for any other text."""
    try:
        data = text.encode("ascii")
        content = base64.b64decode(data + b"=" * (-len(data) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    # One text, one spelling: leftover bits of the last character must be zero.
    return content if base64.urlsafe_b64encode(content).rstrip(b"=") == data else None


def _incomplete() -> Malformed:
    return Malformed("bad_invite", FAULTS["bad_invite"])


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of an http, https, ws or wss address, as http or https.

    One relay, one spelling, as a browser writes an origin: small letters, no default port. The host
    is a name of ASCII letters (a browser's `xn--` form of others), digits, hyphens and underscores
    between dots, or an address. Raises `ValueError` when it is not such an address.
    """
    try:
        # urlsplit would drop tabs and newlines wherever they stand.
        parts = urlsplit(url) if url.isascii() and url.isprintable() else urlsplit("")
        found = _AUTHORITY.fullmatch(parts.netloc.lower())
        host = _host(found["host"]) if found else ""
    except ValueError:
        raise ValueError("not the address of a relay") from None
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    if found is None or not host or scheme not in _DEFAULT_PORTS:
        raise ValueError("not the address of a relay")
    port = int(found["port"] or _DEFAULT_PORTS[scheme])
    if not 0 < port < 2**16:
        raise ValueError("not the port of a relay")
    return f"{scheme}://{host}" + ("" if port == _DEFAULT_PORTS[scheme] else f":{port}")


def _host(host: str) -> str:
    if host.startswith("["):
        return f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
    return host if len(host) <= _HOST_MAX else ""


def hkdf_sha256(secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF (RFC 5869) with SHA-256 and no salt, at most 32 bytes: extract, then one expansion."""
    if length > hashlib.sha256().digest_size:
        raise ValueError("one block at most")
    extracted = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")[:length]

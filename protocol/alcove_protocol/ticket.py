"""Tickets: the way back for the same person after a crash or a reload.

    alcove-ticket-base64url(version 1 ‖ room id 32 ‖ secret 32 ‖ check 4 ‖ relay's origin)

The keys of a person are in memory alone. A client parks them with the relay, sealed under a key
that only the ticket has. So whoever finds the ticket has nothing without the relay, which forgets
what is parked soon after its client is gone, and the relay has nothing without the ticket. From the
secret follow the slot, the token that fetches it, and the key.
"""

import base64
from dataclasses import dataclass, field
from typing import Final

from alcove_protocol.errors import FAULTS, Malformed
from alcove_protocol.invite import CHECK_SIZE, SECRET_SIZE, decode_base64url, hkdf_sha256, origin_of
from alcove_protocol.labels import VERSION, hash_with
from alcove_protocol.statements import HASH_SIZE, ID_SIZE

PREFIX: Final = "alcove-ticket-"
_SECRET_AT: Final = 1 + HASH_SIZE
_CHECK_AT: Final = _SECRET_AT + SECRET_SIZE
_FIXED: Final = _CHECK_AT + CHECK_SIZE
_TEXT_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket. `origin` is the relay's, as `origin_of` writes it. The secret does not print.

    Raises `ValueError` when a field is of the wrong size or the origin is written otherwise.
    """

    room: bytes
    origin: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if (len(self.room), len(self.secret)) != (HASH_SIZE, SECRET_SIZE):
            raise ValueError("a field of the ticket is of the wrong size")
        if origin_of(self.origin) != self.origin:
            raise ValueError("the relay's origin is not written as an origin")

    def text(self) -> str:
        """What its holder keeps: a secret, as an invite is."""
        fixed = bytes([VERSION]) + self.room + self.secret
        content = fixed + _check(fixed, self.origin) + self.origin.encode()
        return PREFIX + base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    @classmethod
    def parse(cls, text: str) -> "Ticket":
        """Raises `Malformed` (`bad_ticket`)."""
        text = text.strip()
        if len(text) > _TEXT_MAX or not text.startswith(PREFIX):
            raise _incomplete()
        content = decode_base64url(text[len(PREFIX) :])
        if content is None or len(content) < _FIXED or content[:1] != bytes([VERSION]):
            raise _incomplete()
        try:
            origin = content[_FIXED:].decode()
            ticket = cls(content[1:_SECRET_AT], origin, content[_SECRET_AT:_CHECK_AT])
        except ValueError:
            raise _incomplete() from None
        if _check(content[:_CHECK_AT], origin) != content[_CHECK_AT:_FIXED]:
            raise _incomplete()
        return ticket

    def _derive(self, label: bytes, length: int) -> bytes:
        return hkdf_sha256(self.secret, label + self.room, length)

    def slot(self) -> bytes:
        """What names the parked bytes at the relay, 16 bytes."""
        return self._derive(b"alcove v1 park slot", ID_SIZE)

    def token(self) -> bytes:
        """What fetches them, 32 bytes. The relay keeps its hash."""
        return self._derive(b"alcove v1 park token", HASH_SIZE)

    def key(self) -> bytes:
        """The XChaCha20-Poly1305 key that they are sealed under, 32 bytes."""
        return self._derive(b"alcove v1 park key", 32)


def _check(fixed: bytes, origin: str) -> bytes:
    return hash_with("ticket", fixed, origin.encode())[:CHECK_SIZE]


def _incomplete() -> Malformed:
    return Malformed("bad_ticket", FAULTS["bad_ticket"])

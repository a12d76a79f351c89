"""The three frames of the hot path, encoded and decoded without the generic machinery.

A room's life is `publish` in, `blob` and `published` out. The records of `alcove_protocol` say what
these frames are; this file says the same for the one form in which clients send them and the relay
does, at a tenth of the cost. Whatever is not exactly of that form goes to the generic decoder, so
nothing is accepted here that it would refuse, and nothing refused here at all; tests hold the two
against each other for all values.
"""

import re
from typing import Final

from alcove_protocol import limits
from alcove_protocol.frames import Publish, Request, from_client

_UINT: Final = rb"([\x00-\x7f]|\xcc.|\xcd..|\xce.{4}|\xcf.{8})"
_PUBLISH: Final = re.compile(
    rb"\x87\xa1t\xa7publish\xa1n" + _UINT + rb"\xa2id\xc4\x10(.{16})\xa4base\xc4\x10(.{16})"
    rb"\xaablob_class([\x01-\x03])\xa3ttl" + _UINT + rb"\xa4blob(\xc4.|\xc5..|\xc6.{4})",
    re.DOTALL,
)


def decode(data: bytes, limit: int) -> Request:
    """As `from_client`. Raises `Malformed`."""
    found = _PUBLISH.match(data)
    if found is None or len(data) > limit:
        return from_client(data, limit=limit)
    n, id, base, blob_class, ttl, size = found.groups()
    number, seconds = _uint(n), _uint(ttl)
    length = int.from_bytes(size[1:], "big")
    fits = (
        number <= limits.REQUEST_NUMBER
        and limits.TTL_MIN <= seconds <= limits.TTL_MAX
        and 1 <= length <= limits.HANDSHAKE_BLOB
        and found.end() + length == len(data)
    )
    if not fits:
        return from_client(data, limit=limit)
    return Publish(number, id, base, blob_class[0], seconds, data[found.end() :])


def _uint(encoded: bytes) -> int:
    return encoded[0] if len(encoded) == 1 else int.from_bytes(encoded[1:], "big")


def _pack_uint(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    if value < 0x100:
        return bytes((0xCC, value))
    if value < 0x10000:
        return b"\xcd" + value.to_bytes(2, "big")
    if value < 0x1_0000_0000:
        return b"\xce" + value.to_bytes(4, "big")
    return b"\xcf" + value.to_bytes(8, "big")


def _pack_bytes(value: bytes) -> bytes:
    size = len(value)
    if size < 0x100:
        return bytes((0xC4, size)) + value
    if size < 0x10000:
        return b"\xc5" + size.to_bytes(2, "big") + value
    return b"\xc6" + size.to_bytes(4, "big") + value


def blob(position: bytes, blob_class: int, age: int, content: bytes) -> bytes:
    """A `BlobIs` without a roster entry, of values that the relay took once and so may send."""
    return b"".join(
        (
            b"\x85\xa1t\xa4blob\xa8position\xc4\x10",
            position,
            b"\xaablob_class",
            bytes((blob_class,)),
            b"\xa3age",
            _pack_uint(age),
            b"\xa4blob",
            _pack_bytes(content),
        )
    )


def published(n: int, position: bytes) -> bytes:
    """A `Published`."""
    return b"\x83\xa1t\xa9published\xa1n" + _pack_uint(n) + b"\xa8position\xc4\x10" + position

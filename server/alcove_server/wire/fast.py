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
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import BlobClass, Publish, Request, from_client

from alcove_server.ports.outlet import framed, header

_UINT: Final = rb"([\x00-\x7f]|\xcc.|\xcd..|\xce.{4}|\xcf.{8})"
_PUBLISH: Final = re.compile(
    rb"\x87\xa1t\xa7publish\xa1n" + _UINT + rb"\xa2id\xc4\x10(.{16})\xa4base\xc4\x10(.{16})"
    rb"\xaablob_class([\x01-\x03])\xa3ttl" + _UINT + rb"\xa4blob(\xc4.|\xc5..|\xc6.{4})",
    re.DOTALL,
)
_READ_CLASS: Final = {bytes((one,)): one for one in BlobClass}
_WRITTEN_CLASS: Final = {one: b"\xaablob_class" + bytes((one,)) + b"\xa3age" for one in BlobClass}


class Post:
    """A `Publish` without a roster entry: nearly all there are."""

    __slots__ = ("base", "blob", "blob_class", "id", "n", "ttl")

    def __init__(
        self, n: int, id: bytes, base: bytes, blob_class: BlobClass, ttl: int, blob: bytes
    ) -> None:
        self.n: Final = n
        self.id: Final = id
        self.base: Final = base
        self.blob_class: Final = blob_class
        self.ttl: Final = ttl
        self.blob: Final = blob


def decode(data: bytes, limit: int) -> Post | Request:
    """As `from_client`. Raises `Malformed`."""
    found = _PUBLISH.match(data)
    if found is None or len(data) > limit:
        return _generic(data, limit)
    n, id, base, blob_class, ttl, size = found.groups()
    number, seconds = _uint(n), _uint(ttl)
    length, start = int.from_bytes(size[1:], "big"), found.end()
    fits = (
        number <= limits.REQUEST_NUMBER
        and limits.TTL_MIN <= seconds <= limits.TTL_MAX
        and 1 <= length <= limits.HANDSHAKE_BLOB
        and start + length == len(data)
    )
    if not fits:
        return _generic(data, limit)
    return Post(number, id, base, _READ_CLASS[blob_class], seconds, data[start:])


def _generic(data: bytes, limit: int) -> Post | Request:
    request = from_client(data, limit=limit)
    if isinstance(request, Publish) and request.entry is None:
        return post(request)
    return request


def post(frame: Publish) -> Post:
    """The same as a `Post`. Raises `Malformed` when something of an entry goes without it."""
    if frame.signature is not None or frame.welcomes is not None:
        raise Malformed("bad_field", "a signature or Welcomes without the entry they go with")
    blob_class = BlobClass(frame.blob_class)
    return Post(frame.n, frame.id, frame.base, blob_class, frame.ttl, frame.blob)


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


def _bytes_header(size: int) -> bytes:
    if size < 0x100:
        return bytes((0xC4, size))
    if size < 0x10000:
        return b"\xc5" + size.to_bytes(2, "big")
    return b"\xc6" + size.to_bytes(4, "big")


def blob(position: bytes, blob_class: BlobClass, age: int, content: bytes) -> bytes:
    """A `BlobIs` without a roster entry, framed, of values that the relay took once and so may
    send."""
    head = b"".join(
        (
            b"\x85\xa1t\xa4blob\xa8position\xc4\x10",
            position,
            _WRITTEN_CLASS[blob_class],
            _pack_uint(age),
            b"\xa4blob",
            _bytes_header(len(content)),
        )
    )
    return b"".join((header(len(head) + len(content)), head, content))


def published(n: int, position: bytes) -> bytes:
    """A `Published`, framed."""
    return framed(
        b"\x83\xa1t\xa9published\xa1n" + _pack_uint(n) + b"\xa8position\xc4\x10" + position
    )

"""The hot frame that clients send, `publish`, decoded without the generic machinery.

The records of `alcove_protocol` define the frame. This file reads the one form in which clients
send it, at a tenth of the cost. Any other form goes to the generic decoder. So nothing is accepted
here that the generic decoder would refuse, and nothing is refused here at all. Tests compare the
two for all values.
"""

import re
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import BlobClass, ClientFrame, Publish, from_client

_UINT: Final = rb"([\x00-\x7f]|\xcc.|\xcd..|\xce.{4}|\xcf.{8})"
_PUBLISH: Final = re.compile(
    rb"\x87\xa1t\xa7publish\xa1n" + _UINT + rb"\xa2id\xc4\x10(.{16})\xa4base\xc4\x10(.{16})"
    rb"\xaablob_class([\x01-\x03])\xa3ttl" + _UINT + rb"\xa4blob(\xc4.|\xc5..|\xc6.{4})",
    re.DOTALL,
)
_READ_CLASS: Final = {bytes((one,)): one for one in BlobClass}


class Post:
    """A `Publish` without a roster entry, as nearly all are."""

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


def decode(data: bytes, limit: int) -> Post | ClientFrame:
    """Decode one frame as `from_client` does. Raises `Malformed`."""
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


def _generic(data: bytes, limit: int) -> Post | ClientFrame:
    request = from_client(data, limit=limit)
    if isinstance(request, Publish) and request.entry is None:
        return post(request)
    return request


def post(frame: Publish) -> Post:
    """The same frame as a `Post`. Raises `Malformed` for parts of an entry without the entry."""
    if frame.signature is not None or frame.welcomes is not None:
        raise Malformed("bad_field", "A signature or Welcomes came without their entry.")
    blob_class = BlobClass(frame.blob_class)
    return Post(frame.n, frame.id, frame.base, blob_class, frame.ttl, frame.blob)


def _uint(encoded: bytes) -> int:
    return encoded[0] if len(encoded) == 1 else int.from_bytes(encoded[1:], "big")

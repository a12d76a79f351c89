"""Strict MessagePack: the only file that imports `msgpack`.

A value on the wire is a map. Its keys are text. Its values are unsigned integers, byte strings,
text, booleans, or such maps again. The codec refuses everything else that MessagePack can say:
arrays (a list travels as one byte string), floats (and so NaN), nil, negative integers, extension
types, duplicate keys, and bytes after the end.

`scan` walks the encoding before `msgpack` builds any object. This makes the decoder safe: without
it, a 64 KiB frame of nested or empty containers costs eighty times its size in memory. After the
scan a frame holds at most `limits.ELEMENTS` objects, whose bytes are a part of the input, and at
most `limits.TEXT_TOTAL` bytes of text, which Python may hold four times as wide.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgpack  # type: ignore[import-untyped]  # it has no types

from alcove_protocol import limits
from alcove_protocol.errors import Malformed

Value: TypeAlias = "int | bytes | str | bool | Mapping[str, Value]"

# What the first byte of an element says about it.
_NOT_OURS, _PLAIN, _TEXT, _NUMBER, _MAP = range(5)


def _head(byte: int) -> tuple[int, int, int]:
    """The kind of an element, how much it holds as far as this byte says it, and how many bytes
    behind this one say it instead: elements in pairs for a map, else bytes."""
    if byte <= 0x7F or byte in (0xC2, 0xC3):
        return _PLAIN, 0, 0
    if byte <= 0x8F:
        return _MAP, byte & 0x0F, 0
    if 0xA0 <= byte <= 0xBF:
        return _TEXT, byte & 0x1F, 0
    for kind, sizes in (
        (_PLAIN, {0xC4: 1, 0xC5: 2, 0xC6: 4}),
        (_NUMBER, {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}),
        (_TEXT, {0xD9: 1, 0xDA: 2, 0xDB: 4}),
        (_MAP, {0xDE: 2, 0xDF: 4}),
    ):
        if byte in sizes:
            return kind, 0, sizes[byte]
    return _NOT_OURS, 0, 0


_HEADS: Final = tuple(_head(byte) for byte in range(256))
"""A table, because every frame passes `scan`, and each element of it."""


def pack(value: Mapping[str, Value]) -> bytes:
    """Encode a map in the order of its keys, with the shortest form of every length and number.

    `unpack` takes everything that this returns. Raises `Malformed`: `bad_text`, `bad_type`, or as
    `scan`.
    """
    try:
        packed: bytes = msgpack.packb(value, use_bin_type=True)
    except UnicodeEncodeError:
        raise Malformed("bad_text", "Text holds half of a surrogate pair.") from None
    except (ValueError, TypeError, OverflowError):
        raise Malformed("bad_type", "A value is of a type that the wire does not have.") from None
    scan(packed)
    return packed


def unpack(data: bytes, *, limit: int = limits.FRAME) -> dict[str, Value]:
    """Decode one map of at most `limit` bytes.

    Raises `Malformed`: `too_large`, `bad_text`, `bad_type` or `duplicate_key`, or as `scan`.
    """
    if len(data) > limit:
        raise Malformed("too_large", f"The encoding has more than {limit} bytes.")
    scan(data)
    try:
        value: dict[str, Value] = msgpack.unpackb(
            data, raw=False, strict_map_key=True, object_pairs_hook=_no_duplicates
        )
    except UnicodeDecodeError:
        raise Malformed("bad_text", "Text is not UTF-8.") from None
    except (ValueError, TypeError):
        raise Malformed("bad_type", "A key of a map is not text.") from None
    return value


def _no_duplicates(pairs: list[tuple[object, Value]]) -> dict[str, Value]:
    result: dict[str, Value] = {}
    for key, value in pairs:
        if not isinstance(key, str):
            raise Malformed("bad_type", "A key of a map is not text.")
        if key in result:
            raise Malformed("duplicate_key", "A map has the same key twice.")
        result[key] = value
    return result


def scan(data: bytes) -> None:
    """Check the structure of one encoded map without building anything from it.

    Raises `Malformed`: `truncated`, `trailing`, `too_deep`, `too_many_elements`, `too_much_text`,
    `bad_type` or `bad_number`. It takes at most `limits.ELEMENTS` steps for an input of any length.
    """
    if not data:
        raise Malformed("truncated", "The encoding is empty.")
    if _HEADS[data[0]][0] != _MAP:
        raise Malformed("bad_type", "The encoding is not a map.")
    size = len(data)
    at = elements = text = left = 0
    outer: list[int] = []  # elements still to come in each open map, but for the innermost: `left`
    while True:
        if at >= size:
            raise _cut_off()
        kind, length, prefix = _HEADS[data[at]]
        start, at = at, at + 1
        if prefix:
            at, length = _length(data, at, prefix)
        if kind == _NUMBER:
            if length > limits.REQUEST_NUMBER:
                raise Malformed("bad_number", "A number is 2^53 or more.")
        elif kind == _NOT_OURS:
            raise Malformed("bad_type", "A value is of a type that this protocol does not use.")
        elif kind != _MAP:
            at += length
            if at > size:
                raise _cut_off()
        elements += 1
        if elements > limits.ELEMENTS or (kind == _MAP and length > limits.ELEMENTS):
            raise Malformed("too_many_elements", f"There are more than {limits.ELEMENTS} elements.")
        if kind == _MAP:
            if len(outer) == limits.DEPTH:
                raise Malformed("too_deep", f"Maps are nested deeper than {limits.DEPTH}.")
            outer.append(left)
            left = 2 * length
        elif kind == _TEXT:
            text += at - start
            if text > limits.TEXT_TOTAL:
                raise Malformed("too_much_text", f"More than {limits.TEXT_TOTAL} bytes are text.")
        while not left and outer:
            left = outer.pop()
        if not left:
            break
        left -= 1
    if at != size:
        raise Malformed("trailing", "Bytes follow the end of the encoding.")


def _length(data: bytes, at: int, size: int) -> tuple[int, int]:
    end = _skip(data, at, size)
    return end, int.from_bytes(data[at:end], "big")


def _skip(data: bytes, at: int, size: int) -> int:
    end = at + size
    if end > len(data):
        raise _cut_off()
    return end


def _cut_off() -> Malformed:
    return Malformed("truncated", "The encoding is cut off.")


def pack_list(items: "list[bytes] | tuple[bytes, ...]") -> bytes:
    """Join a list into one byte string: each item behind its length in four bytes, big-endian."""
    return b"".join(len(item).to_bytes(4, "big") + item for item in items)


def unpack_list(data: bytes, *, most: int) -> tuple[bytes, ...]:
    """Return the items of `pack_list`. Raises `Malformed` (`truncated`, `too_many_items`)."""
    items: list[bytes] = []
    at = 0
    while at < len(data):
        if len(items) == most:
            raise Malformed("too_many_items", f"The list has more than {most} items.")
        start, length = _length(data, at, 4)
        at = _skip(data, start, length)
        items.append(data[start:at])
    return tuple(items)


def split(data: bytes, size: int, *, most: int) -> tuple[bytes, ...]:
    """Cut a byte string into items of `size` bytes. Raises `Malformed` (`bad_length`)."""
    if len(data) % size or len(data) // size > most:
        raise Malformed("bad_length", f"This is no list of at most {most} items of {size} bytes.")
    return tuple(data[at : at + size] for at in range(0, len(data), size))

"""Padding to powers of two, so that a size says little.

MLS pads its own messages inside PrivateMessage (RFC 9420 section 6.3.1); `bucket` gives the total.
Cards, knocks, Welcomes and requests are not framed by MLS. They are padded here before they are
sealed: length in four bytes, content, zeros.
"""

from alcove_protocol import limits
from alcove_protocol.errors import Malformed

_LENGTH = 4


def bucket(size: int, *, most: int) -> int:
    """Return the padded size: a power of two from 256. Raises `Malformed` (`too_large`)."""
    result = limits.PADDING_FLOOR
    while result < size:
        result *= 2
    if result > most:
        raise Malformed("too_large", f"Padded, this has more than {most} bytes.")
    return result


def pad(content: bytes, *, most: int) -> bytes:
    """Return length, content and zeros: a power of two of bytes in all, at most `most`.

    Raises `Malformed` (`too_large`).
    """
    size = _LENGTH + len(content)
    return len(content).to_bytes(_LENGTH, "big") + content + bytes(bucket(size, most=most) - size)


def unpad(padded: bytes) -> bytes:
    """Return the content. Raises `Malformed` (`bad_padding`) unless `pad` could have made this."""
    size = int.from_bytes(padded[:_LENGTH], "big")
    end = _LENGTH + size
    if len(padded) < limits.PADDING_FLOOR or end > len(padded):
        raise Malformed("bad_padding", "The padding is wrong.")
    # Only zeros, in the smallest bucket: otherwise padding is a second channel.
    if bucket(end, most=2 * len(padded)) != len(padded) or padded[end:].strip(b"\0"):
        raise Malformed("bad_padding", "The padding is wrong.")
    return padded[_LENGTH:end]

"""How Alcove carries MLS messages: their class, their padding, and a commit with its proposals."""

from alcove_protocol import limits
from alcove_protocol.codec import unpack_list
from alcove_protocol.errors import Malformed
from alcove_protocol.padding import bucket

from alcove import mls
from alcove.group.rights import NotAllowed


def handshake_padding(size: int) -> int:
    """The total that MLS pads a commit or proposal to. Raises `Malformed` (`too_large`)."""
    return bucket(size, most=limits.HANDSHAKE_BUCKET)


def application_padding(size: int) -> int:
    """The total that MLS pads an application message to. Raises `Malformed` (`too_large`)."""
    return bucket(size, most=limits.APPLICATION_BUCKET)


def unpack_commit(blob: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """The Update proposals of a commit's blob, then the commit. Raises `Malformed`."""
    parts = unpack_list(blob, most=limits.PROPOSALS + 1)
    if not parts:
        raise Malformed("truncated", "A commit's blob has no commit.")
    return parts[:-1], parts[-1]


def check_class(message: bytes, content_type: mls.ContentType) -> None:
    """Raise `NotAllowed` unless it is a PrivateMessage of this content type.

    Without this check a relay or member could pass a commit off as application data, past base and
    roster.
    """
    header = mls.peek(message)
    if header.wire_format != mls.WireFormat.PRIVATE_MESSAGE or header.content_type != content_type:
        raise NotAllowed("class")

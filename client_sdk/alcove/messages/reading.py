"""What an application message holds, once MLS has opened it (docs/protocol.md 11)."""

from alcove_protocol import limits
from alcove_protocol.frames import BlobClass

from alcove.messages.payload import BODIES, Heartbeat, MessageBody, Payload


class Misplaced(Exception):
    """A message is not where its author put it: it is under another key, or a heartbeat as a
    message, or a message as a heartbeat. Another one than its author did that."""


def body_of(payload: Payload) -> MessageBody | None:
    """The body of a kind that this version knows. Raises `Malformed`."""
    kind = BODIES.get(payload.kind)
    return None if kind is None else kind.decode(payload.body, limit=limits.APPLICATION_BUCKET)


def read_in_place(plaintext: bytes, generation: int, blob_class: int) -> Payload:
    """Read the payload. Raises `Malformed`, `Misplaced`.

    Any member can encrypt again what another one said, under the key that the other's next
    message needs (RFC 9420, section 16.11). Refused here, it leaves that key alone. So it
    silences nobody, and MLS takes what a member said once in an epoch: its one key is gone
    then. The relay takes heartbeats of facilitators only, so a participant publishes none.
    """
    payload = Payload.decode(plaintext, limit=limits.APPLICATION_BUCKET)
    is_beat = payload.kind == Heartbeat.KIND
    if payload.generation != generation or is_beat != (blob_class == BlobClass.BEAT):
        raise Misplaced
    return payload

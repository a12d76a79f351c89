"""Texts at the door that have one size, whatever they say.

A knock carries the answer to the card's question, and most cards ask nothing. By its size the relay
would tell one from the other. A text of the talk at the door and a note of it are alike, too.
"""

from dataclasses import dataclass, field
from typing import Annotated, Final

from alcove_protocol import limits
from alcove_protocol.errors import Malformed
from alcove_protocol.records import AtMost, Exactly, Record
from alcove_protocol.statements import KEY_SIZE

_LENGTH: Final = 2


class TalkKind:
    """The values of `TalkBody.kind`."""

    TEXT: Final = "text"
    TAKEN: Final = "taken"  # this facilitator talks with the newcomer from now on
    INSIDE: Final = "inside"  # a member that stepped outside comes back
    FREE: Final = "free"  # the one that did is gone


@dataclass(frozen=True, slots=True)
class TalkBody(Record):
    """One text of the talk at the door, or a note of it. `number` counts what its sender sent of
    this knock, from 1. `name` is the sender's. `reply_key` is that of the knock: only its newcomer
    and the facilitators know it, so a holder of the link alone makes none."""

    number: Annotated[int, AtMost(limits.DOOR_TALK, least=1)]
    kind: Annotated[str, AtMost(8)]
    name: Annotated[str, AtMost(limits.NAME)]
    text: Annotated[bytes, Exactly(limits.DOOR_ANSWER)] = field(repr=False)
    reply_key: Annotated[bytes, Exactly(KEY_SIZE)]


def fixed_text(text: str) -> bytes:
    """Return a text of at most `limits.QUESTION` bytes as length, UTF-8 and zeros. Raises
    `Malformed` (`bad_text`, `bad_length`)."""
    try:
        content = text.encode()
    except UnicodeEncodeError:
        raise Malformed("bad_text", "Text is not UTF-8.") from None
    if len(content) > limits.QUESTION:
        raise Malformed("bad_length", "The text is too long.")
    return (len(content).to_bytes(_LENGTH, "big") + content).ljust(limits.DOOR_ANSWER, b"\0")


def text_of(fixed: bytes) -> str:
    """Return the text. Raises `Malformed` (`bad_length`, `bad_padding`, `bad_text`)."""
    size, content = int.from_bytes(fixed[:_LENGTH], "big"), fixed[_LENGTH:]
    if len(fixed) != limits.DOOR_ANSWER or size > limits.QUESTION:
        raise Malformed("bad_length", "The text has the wrong length.")
    if any(content[size:]):
        raise Malformed("bad_padding", "The padding is wrong.")
    try:
        return content[:size].decode()
    except UnicodeDecodeError:
        raise Malformed("bad_text", "Text is not UTF-8.") from None

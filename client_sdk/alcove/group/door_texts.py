"""Texts at the door that have one size, whatever they say.

A knock carries the answer to the card's question, and most cards ask nothing. By its size the relay
would tell one from the other.
"""

from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Malformed

_LENGTH: Final = 2


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

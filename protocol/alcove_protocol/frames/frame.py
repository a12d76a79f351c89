"""What every frame has: a kind, a bound on its size, and exact bytes.

A client's frame is a `Request` and carries a number. The relay's `Answer` carries the same number.
A `Notice` is what the relay sends unasked. It has no number, so its bytes are the same for every
member and it is encoded once.
"""

from dataclasses import dataclass
from typing import ClassVar

from alcove_protocol import limits
from alcove_protocol.codec import pack
from alcove_protocol.errors import Malformed
from alcove_protocol.frames.fields import RequestNumber
from alcove_protocol.records import Record


@dataclass(frozen=True, slots=True)
class Frame(Record):
    """Base of all frames. `KIND` is the value of the key `t`."""

    KIND: ClassVar[str] = ""

    def to_bytes(self) -> bytes:
        """The frame's exact bytes.

        Raises `Malformed`: `bad_field`, or `too_large`, because the bounds of its single fields let
        a `Reseat` be larger than a frame.
        """
        packed = pack({"t": self.KIND, **self.to_map()})
        if len(packed) > limits.FRAME:
            raise Malformed("too_large", f"The frame has more than {limits.FRAME} bytes.")
        return packed


@dataclass(frozen=True, slots=True)
class Request(Frame):
    """Base of what a client sends. The relay answers each request once."""

    n: RequestNumber


@dataclass(frozen=True, slots=True)
class Answer(Frame):
    """Base of what the relay answers. `n` is the number of the request."""

    n: RequestNumber


@dataclass(frozen=True, slots=True)
class Notice(Frame):
    """Base of what the relay sends unasked."""

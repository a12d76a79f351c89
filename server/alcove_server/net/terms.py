"""What all WebSockets of a node share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from alcove_server.net.inbox import Inbox
from alcove_server.net.keepalive import Keepalive, Stalled
from alcove_server.net.shares import Shares
from alcove_server.net.unfinished import Unfinished


class Timer(Protocol):
    """A call that waits for its time."""

    def cancel(self) -> None:
        """The call is not made any more."""


class Loop(Protocol):
    """The part of an event loop that makes calls later. A test gives one that it steers."""

    def call_soon(self, callback: Callable[[], object], /) -> object:
        """Call it in the next turn."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        """Call it in `delay` seconds."""


class Unsent(Protocol):
    """A connection whose client takes less than it is sent."""

    def relieve(self) -> None:
        """Drop what waits for it: other clients need the memory."""


@dataclass(frozen=True, slots=True)
class Terms:
    """`clock` gives seconds. `queue_bytes` may wait for one client, and `unsent` bounds what waits
    for all. `rates` is a factor."""

    clock: Callable[[], float]
    loop: Loop
    keepalive: Keepalive
    stalled: Stalled
    unfinished: Unfinished
    inbox: Inbox
    unsent: Shares[Unsent]
    queue_bytes: int
    rates: float

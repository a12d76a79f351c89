"""What all WebSockets of a node share."""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import dataclass

from alcove_server.net.keepalive import Stalled, Wheel
from alcove_server.net.unfinished import Partials


@dataclass(frozen=True, slots=True)
class Terms:
    """`clock` gives seconds; `queue_bytes` is what may wait for one client, `rates` a factor."""

    clock: Callable[[], float]
    loop: AbstractEventLoop
    wheel: Wheel
    stalled: Stalled
    partials: Partials
    queue_bytes: int
    rates: float

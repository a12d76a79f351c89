"""What all WebSockets of a node share."""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import dataclass

from alcove_server.net.keepalive import Keepalive, Stalled
from alcove_server.net.unfinished import Unfinished


@dataclass(frozen=True, slots=True)
class Terms:
    """`clock` gives seconds; `queue_bytes` is what may wait for one client, `rates` a factor."""

    clock: Callable[[], float]
    loop: AbstractEventLoop
    keepalive: Keepalive
    stalled: Stalled
    unfinished: Unfinished
    queue_bytes: int
    rates: float

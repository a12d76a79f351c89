"""What follows from heartbeats that somebody missed."""

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from alcove_protocol import limits

if TYPE_CHECKING:
    from tests.simulator.world import World

LATELY: Final = 60.0
"""Seconds within which another facilitator's heartbeat keeps one from beginning the log anew."""


def begun_anew(world: "World", since: float) -> bool:
    """Whether a facilitator may have begun the log hash anew by a heartbeat that is over, while a
    client was away `since` then. It was away itself until all heartbeats were over, and no other
    one was there. The client cannot know that it missed heartbeats alone: no value tells it."""
    beats = list(zip(world.truth.beat_by, world.truth.beat_at, strict=True))
    for number, (by, at) in enumerate(beats):
        over = world.clock() - at > limits.HEARTBEAT_TTL
        others = any(other != by and at - LATELY < then <= at for other, then in beats[:number])
        if over and at > since and not others and _was_away(beats[: number + 1], by):
            return True
    return False


def _was_away(beats: list[tuple[bytes, float]], by: bytes) -> bool:
    """Whether the last of these heartbeats is of the first minute after a silence of their sender
    in which all heartbeats of before were over."""
    own = [at for one, at in beats if one == by]
    return any(
        later - earlier > limits.HEARTBEAT_TTL and own[-1] - later < LATELY
        for earlier, later in pairwise(own)
    )

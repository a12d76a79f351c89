"""How often a client sends a frame of the private line, and how large it is (docs/protocol.md 10).

Both follow from the state and the tree alone. The commit that changes how many members or
facilitators there are sets them, and no person does: otherwise one facilitator could slow the line
down, or make one member's frames stand out.
"""

from typing import Final

from alcove_protocol import limits

from alcove.group.extensions import RoomExtension

TICKS: Final = ((20, 5), (200, 30))
"""Up to so many members, a frame each so many seconds. What is said in a crisis cannot wait."""
SLOW_TICK: Final = 120
"""Seconds above the last of them."""


def desk_settings(members: int, facilitators: int) -> tuple[int, int]:
    """`desk_interval` in seconds and `desk_size` in bytes, for so many leaves of the tree."""
    interval = next((seconds for most, seconds in TICKS if members <= most), SLOW_TICK)
    small = facilitators <= limits.DESK_SMALL_FACILITATORS
    return interval, limits.DESK_SMALL if small else limits.DESK_LARGE


def has_desk_settings(state: RoomExtension, members: int) -> bool:
    """Whether a state has what its facilitators and so many leaves ask for."""
    wanted = desk_settings(members, len(state.facilitator_list()))
    return (state.desk_interval, state.desk_size) == wanted

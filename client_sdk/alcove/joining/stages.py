"""Where a newcomer is on the way in."""

from enum import Enum, auto


class Stage(Enum):
    READING = auto()
    ASKED = auto()
    KNOCKING = auto()
    WAITING = auto()

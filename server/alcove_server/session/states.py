"""The states of a connection; `connection` tells how one follows from another."""

from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from alcove_protocol.frames import ConnectionRole


class State(Enum):
    CHALLENGED = auto()
    AT_DOOR = auto()
    MEMBER = auto()
    RESEATING = auto()
    CLOSED = auto()


ROLES: Final = MappingProxyType(
    {
        State.CHALLENGED: "",
        State.AT_DOOR: ConnectionRole.DOOR,
        State.MEMBER: ConnectionRole.MEMBER,
        State.RESEATING: ConnectionRole.RESEAT,
        State.CLOSED: "",
    }
)
"""What a client in this state is told that it is."""

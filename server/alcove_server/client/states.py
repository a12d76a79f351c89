"""The states of a client's connection. `session.handlers` says how one follows from another."""

from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from alcove_protocol.frames import ConnectionRole


class ClientState(Enum):
    CHALLENGED = auto()
    AT_DOOR = auto()
    AWAY = auto()
    MEMBER = auto()
    RESTORING = auto()
    STANDBY = auto()
    CLOSED = auto()


ROLES: Final = MappingProxyType(
    {
        ClientState.CHALLENGED: "",
        ClientState.AT_DOOR: ConnectionRole.DOOR,
        ClientState.AWAY: ConnectionRole.AWAY,
        ClientState.MEMBER: ConnectionRole.MEMBER,
        ClientState.RESTORING: ConnectionRole.RESEAT,
        ClientState.STANDBY: ConnectionRole.STANDBY,
        ClientState.CLOSED: "",
    }
)
"""The role that the relay told a client in this state. Empty: none."""

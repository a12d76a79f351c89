"""What a server says when it does not do a command: it is another one, or the slot is elsewhere.

These are apart from `wire`, because a compiled module cannot hold errors of its own.
"""

from __future__ import annotations

from typing import Final

import hiredis

OTHER: Final = frozenset(
    {"READONLY", "UNBLOCKED", "NOSCRIPT", "LOADING", "MASTERDOWN", "REIGN", "MOVED"}
    | {"CLUSTERDOWN", "NOAUTH", "NOPERM"}
)
"""Errors of a server that is not, or is no longer, the primary to which this node introduced
itself. The connection is given up, and the next one finds the primary."""


class OwnWords(ConnectionError):
    """Raised by the store itself. Its message may be shown."""


class TooFewReplicas(OwnWords):
    """The server is a primary, and fewer replicas than needed confirm what it writes."""


class SlotMoved(ConnectionError):
    """This server of a Cluster did not do a command, because the slot of its key is elsewhere or on
    its way. `at` is the host and the port of its server, or None while it is on its way. The host
    is empty when it is the one that was asked."""

    def __init__(self, at: tuple[str, int] | None = None) -> None:
        super().__init__("the room is on its way to another server")
        self.at = at


_NOT_HERE: Final = ("non local key", "during rehashing of the slot")
"""In the error of a script that looks for a key of a slot that is on its way, as Redis says it and
as Valkey does. A part of the keys is here then. The scripts look for one that is never there,
before they write anything."""


def moved_of(error: hiredis.ReplyError) -> SlotMoved | None:
    """What an error says of a slot, or None when it says something else."""
    kind, _, rest = str(error).partition(" ")
    if kind == "MOVED":
        host, _, port = rest.partition(" ")[2].rpartition(":")
        return SlotMoved((host, int(port)))
    if kind in ("ASK", "TRYAGAIN") or any(one in rest for one in _NOT_HERE):
        return SlotMoved()
    return None

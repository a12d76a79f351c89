"""The restores under way on one node, so many for each part of the network.

A restore may take seconds, because a long chain is verified. Rooms are restored after the relay
lost its memory, all of them at that moment. A stranger who restores rooms of its own must leave
places to the others.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from alcove_protocol.errors import Refusal

from alcove_server.ports.place import Quota

WAITING: Final = 32
"""Restores under way at a time. Each holds a frame of up to 2.5 MB."""
OF_A_PREFIX: Final = 4
"""Those of one part of the network, for each prefix that it stands for, and half of all at most."""


class Restores:
    """Those of one node."""

    def __init__(self) -> None:
        self._of: Counter[Quota | None] = Counter()

    def __len__(self) -> int:
        """How many are under way."""
        return self._of.total()

    def begin(self, part: Quota | None) -> None:
        """Count one more, of a client in this part of the network. Raises `Refusal` (`busy`)."""
        most = WAITING if part is None else min(OF_A_PREFIX * part.weight, WAITING // 2)
        if len(self) >= WAITING or self._of[part] >= most:
            raise Refusal("busy")
        self._of[part] += 1

    def end(self, part: Quota | None) -> None:
        """One of them is over."""
        self._of[part] -= 1
        if not self._of[part]:
            del self._of[part]

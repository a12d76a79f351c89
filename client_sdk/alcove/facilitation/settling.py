"""What this client settled at the relay. An item whose settling was lost is settled again.

The relay tells no client an item twice that it gave once, so nothing else would remind of it. The
sender of a vault learns only by this that it was opened, and hands over only then.
"""

from collections import OrderedDict
from typing import Final

from alcove_protocol import frames
from alcove_protocol.frames import RelayAnswer

from alcove.errors import PASSING
from alcove.relay.ports import Ports

AGAIN: Final = 5.0
"""Seconds between two rounds of what a busy relay did not take."""
UNSETTLED_MOST: Final = 1024
"""Items that are kept to be settled again. One more takes the place of the oldest, which ends by
the relay's own time. A relay that answers nothing grows no list here."""


class Settling:
    """The items of one facilitator."""

    def __init__(self, ports: Ports) -> None:
        self._link = ports.link
        self._clock = ports.clock
        self._unsettled: OrderedDict[bytes, None] = OrderedDict()
        self._again_at = 0.0

    def settle(self, id: bytes) -> None:
        """Tell the relay that the item with this id is done."""

        def answered(answer: RelayAnswer | None) -> None:
            passing = isinstance(answer, frames.RequestRefused) and answer.code in PASSING
            if answer is None or passing:
                self._keep(id)  # any other refusal: it is settled, or gone

        self._link.request(lambda n: frames.Settle(n, id), answered)

    def _keep(self, id: bytes) -> None:
        self._unsettled[id] = None
        self._again_at = self._clock() + AGAIN
        if len(self._unsettled) > UNSETTLED_MOST:
            self._unsettled.popitem(last=False)

    def tick(self) -> None:
        """To be called while this client is in step."""
        if self._clock() >= self._again_at:
            self.resumed()

    def resumed(self) -> None:
        """Connected again."""
        unsettled, self._unsettled = self._unsettled, OrderedDict()
        for id in unsettled:
            self.settle(id)

    def new_log(self) -> None:
        """The relay's lobby began anew: nothing of it waits there."""
        self._unsettled.clear()

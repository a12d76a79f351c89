"""What this client settled at the relay. An item whose settling was lost is settled again.

The relay tells no client an item twice that it gave once, so nothing else would remind of it. The
sender of a vault learns only by this that it was opened, and hands over only then.
"""

from alcove_protocol import frames

from alcove.facilitation.unsent import NotTaken
from alcove.relay.ports import Ports


class Settling:
    """The items of one facilitator."""

    def __init__(self, ports: Ports) -> None:
        self._link = ports.link
        self._unsettled: NotTaken[bytes] = NotTaken(ports.clock)

    def settle(self, id: bytes) -> None:
        """Tell the relay that the item with this id is done."""
        self._link.request(
            lambda n: frames.Settle(n, id), lambda answer: self._unsettled.answered(answer, id)
        )

    def tick(self) -> None:
        """To be called while this client is in step."""
        for id in self._unsettled.due():
            self.settle(id)

    def resumed(self) -> None:
        """Connected again."""
        self._unsettled.resumed()
        self.tick()

    def new_log(self) -> None:
        """The relay's lobby began anew: nothing of it waits there."""
        self._unsettled.take_all()

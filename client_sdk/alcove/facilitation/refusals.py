"""Refusals on their way to newcomers. One that the relay did not take goes again."""

from typing import Final

from alcove_protocol import frames
from alcove_protocol.frames import RelayAnswer

from alcove.errors import PASSING
from alcove.group.membership import Membership
from alcove.group.sealing import Psk, RefusalBody, seal_refusal
from alcove.relay.ports import Ports

FOR_THE_NEWCOMER: Final = frozenset({"agreement", "name_taken"})
"""Why an admission failed, where only the newcomer can mend it: they are told, and knock again."""
LINK_CLOSED: Final = "link_closed"
"""Why a knock is refused whose invite a facilitator closed."""
AGAIN: Final = 5.0
"""Seconds between two rounds of what a busy relay did not take."""


class Refusals:
    """Those of one facilitator."""

    def __init__(self, membership: Membership, ports: Ports) -> None:
        self._membership = membership
        self._link = ports.link
        self._clock = ports.clock
        self._random = ports.random
        self._unsent: list[tuple[bytes, bytes, str, Psk]] = []
        self._again_at = 0.0

    def send(self, knock: bytes, reply_key: bytes, code: str, psk: Psk) -> None:
        """Refuse the knock with this id, for a reason that only its newcomer can read."""
        room = self._membership.group.group_id
        sealed = seal_refusal(room, reply_key, RefusalBody(code), psk, self._random)

        def answered(answer: RelayAnswer | None) -> None:
            passing = isinstance(answer, frames.RequestRefused) and answer.code in PASSING
            if answer is None or passing:
                self._unsent.append((knock, reply_key, code, psk))
                self._again_at = self._clock() + AGAIN

        self._link.request(lambda n: frames.RefuseKnock(n, knock, sealed), answered)

    def tick(self) -> None:
        """To be called while this client is in step."""
        if self._clock() >= self._again_at:
            self.resumed()

    def resumed(self) -> None:
        """Connected again."""
        unsent, self._unsent = self._unsent, []
        for refusal in unsent:
            self.send(*refusal)

    def new_log(self) -> None:
        """The relay's lobby began anew: no knock waits there."""
        self._unsent.clear()

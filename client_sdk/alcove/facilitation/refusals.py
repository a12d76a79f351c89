"""Refusals on their way to newcomers. One that the relay did not take goes again."""

from typing import Final

from alcove_protocol import frames

from alcove.facilitation.unsent import NotTaken
from alcove.group.membership import Membership
from alcove.group.sealing import Psk, RefusalBody, seal_refusal
from alcove.relay.ports import Ports

FOR_THE_NEWCOMER: Final = frozenset({"agreement", "name_taken"})
"""Why an admission failed, where only the newcomer can mend it: they are told, and knock again."""
LINK_CLOSED: Final = "link_closed"
"""Why a knock is refused whose invite a facilitator closed."""
LETTING_IN: Final = (
    "Your client lets this person in already, so this was not done. /remove takes them out, once "
    "they are in."
)


class Refusals:
    """Those of one facilitator."""

    def __init__(self, membership: Membership, ports: Ports) -> None:
        self._membership = membership
        self._link = ports.link
        self._random = ports.random
        self._unsent: NotTaken[tuple[bytes, bytes, str, Psk]] = NotTaken(ports.clock)

    def send(self, knock: bytes, reply_key: bytes, code: str, psk: Psk) -> None:
        """Refuse the knock with this id, for a reason that only its newcomer can read."""
        room = self._membership.group.group_id
        sealed = seal_refusal(room, reply_key, RefusalBody(code), psk, self._random)
        self._link.request(
            lambda n: frames.RefuseKnock(n, knock, sealed),
            lambda answer: self._unsent.answered(answer, (knock, reply_key, code, psk)),
        )

    def tick(self) -> None:
        """To be called while this client is in step."""
        for refusal in self._unsent.due():
            self.send(*refusal)

    def resumed(self) -> None:
        """Connected again."""
        self._unsent.resumed()
        self.tick()

    def new_log(self) -> None:
        """The relay's lobby began anew: no knock waits there."""
        self._unsent.take_all()

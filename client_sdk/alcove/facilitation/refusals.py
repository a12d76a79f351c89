"""Refusals on their way to newcomers. One that the relay did not take goes again."""

from typing import Final

from alcove_protocol import frames
from alcove_protocol.frames import RelayAnswer

from alcove import events
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
_LATE: Final = (
    "{} did not wait any more when you refused them: another facilitator may have let them in, or "
    "they have gone."
)


class Refusals:
    """Those of one facilitator."""

    def __init__(self, membership: Membership, ports: Ports) -> None:
        self._membership = membership
        self._link = ports.link
        self._emit = ports.emit
        self._random = ports.random
        self._unsent: NotTaken[tuple[bytes, bytes, str, Psk]] = NotTaken(ports.clock)

    def send(self, knock: bytes, reply_key: bytes, code: str, psk: Psk, name: str = "") -> None:
        """Refuse the knock with this id, for a reason that only its newcomer can read. `name` is
        the newcomer's when a person decided it, who is told when it came too late."""
        room = self._membership.group.group_id
        sealed = seal_refusal(room, reply_key, RefusalBody(code), psk, self._random)

        def answered(answer: RelayAnswer | None) -> None:
            self._unsent.answered(answer, (knock, reply_key, code, psk))
            late = isinstance(answer, frames.RequestRefused) and answer.code == "unknown_knock"
            if late and name:  # of one that goes again it is not known: the first may have come
                self._emit(events.Problem("refused_late", _LATE.format(name), sender=name))

        self._link.request(lambda n: frames.RefuseKnock(n, knock, sealed), answered)

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

"""What is asked of the members without a facilitator, and the answers that came: by the holder of a
standby's link, or by a facilitator that comes back by a ticket."""

from dataclasses import dataclass
from typing import Final

from alcove_protocol import frames
from alcove_protocol.labels import Label
from alcove_protocol.statements import AskStatement

from alcove import mls
from alcove.errors import NotTrusted
from alcove.group.facilitator_seals import Reply, open_answer, standby_psk
from alcove.group.keys import ROOM_SUITE, SigningKey
from alcove.group.sealing import Psk
from alcove.group.standby import StandbySecrets
from alcove.relay.link import OnAnswer
from alcove.relay.ports import Ports

_KEPT: Final = 4
"""Asks whose answers still open: an answer may come late."""


@dataclass(frozen=True, slots=True)
class _Ask:
    id: bytes
    reply: mls.HpkeKeyPair


@dataclass(frozen=True, slots=True)
class AskKeys:
    """With what an ask is signed, and its answers are sealed. `epoch` is of a facilitator's, and so
    is `by_leaf`: of answers by members that do not know that epoch."""

    signature: SigningKey
    psk: Psk
    epoch: int | None = None
    by_leaf: Psk | None = None

    @classmethod
    def of_link(cls, secrets: StandbySecrets) -> "AskKeys":
        """Of a standby's link."""
        keys = secrets.keys
        return cls(secrets.signature, standby_psk(keys.psk, keys.mls_key))


class StandbyAsks:
    """The asks of one link, or of one way back. Each has a fresh reply key, which is wiped with
    it. The keys of `keys` are the caller's to wipe."""

    def __init__(self, room: bytes, keys: AskKeys, ports: Ports) -> None:
        self._room = room
        self._keys = keys
        self._ports = ports
        self._asks: list[_Ask] = []

    def ask(self, relay: SigningKey, counter: int, answered: OnAnswer) -> None:
        """Ask the members, as the connection with this relay key."""
        random = self._ports.random
        box = mls.ciphersuite(ROOM_SUITE).hpke_keypair(random)
        made = _Ask(random(frames.ID_SIZE), box)
        self._asks.append(made)
        while len(self._asks) > _KEPT:
            self._asks.pop(0).reply.private.wipe()
        statement = AskStatement(
            self._room,
            made.id,
            self._keys.signature.public,
            relay.public,
            made.reply.public,
            counter,
            self._keys.epoch,
        )
        signed = self._keys.signature.sign(Label.STANDBY, statement)
        self._ports.link.request(
            lambda n: frames.AskMembers(n, made.id, signed.body, signed.signature), answered
        )

    def open(self, notice: frames.Answered) -> bytes | None:
        """The content of an answer to one of these asks, or None. Raises `NotTrusted`."""
        for made in self._asks:
            if made.id == notice.id:
                return self._open(made, notice)
        return None

    def _open(self, made: _Ask, notice: frames.Answered) -> bytes:
        reply, keys = Reply(self._room, made.id, notice.key), self._keys
        try:
            return open_answer(reply, made.reply, notice.blob, keys.psk)
        except NotTrusted:
            if keys.by_leaf is None:
                raise
        return open_answer(reply, made.reply, notice.blob, keys.by_leaf)

    def wipe(self) -> None:
        """Forget the reply keys."""
        for made in self._asks:
            made.reply.private.wipe()
        self._asks.clear()

"""What the holder of a standby's link asks of the members, and the answers that came."""

from dataclasses import dataclass
from typing import Final

from alcove_protocol import frames
from alcove_protocol.labels import Label
from alcove_protocol.statements import AskStatement

from alcove import mls
from alcove.group.facilitator_seals import Reply, open_answer, standby_psk
from alcove.group.keys import ROOM_SUITE, SigningKey
from alcove.group.standby import StandbySecrets
from alcove.relay.link import OnAnswer
from alcove.relay.ports import Ports

_KEPT: Final = 4
"""Asks whose answers still open: an answer may come late."""


@dataclass(frozen=True, slots=True)
class _Ask:
    id: bytes
    reply: mls.HpkeKeyPair


class StandbyAsks:
    """The asks of one link. Each has a fresh reply key, which is wiped with it."""

    def __init__(self, room: bytes, secrets: StandbySecrets, ports: Ports) -> None:
        self._room = room
        self._secrets = secrets
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
            self._secrets.keys.mls_key,
            relay.public,
            made.reply.public,
            counter,
        )
        signed = self._secrets.signature.sign(Label.STANDBY, statement)
        self._ports.link.request(
            lambda n: frames.AskMembers(n, made.id, signed.body, signed.signature), answered
        )

    def open(self, notice: frames.Answered) -> bytes | None:
        """The content of an answer to one of these asks, or None. Raises `NotTrusted`."""
        for made in self._asks:
            if made.id == notice.id:
                reply = Reply(self._room, made.id, notice.key)
                keys = self._secrets.keys
                psk = standby_psk(keys.psk, keys.mls_key)
                return open_answer(reply, made.reply, notice.blob, psk)
        return None

    def wipe(self) -> None:
        """Forget the reply keys."""
        for made in self._asks:
            made.reply.private.wipe()
        self._asks.clear()

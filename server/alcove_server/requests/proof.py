"""The answer to the challenge, compared with what the relay saw itself. docs/protocol.md section 5.

Comparisons come before signatures, and signatures before the store: cheap checks refuse first.
"""

from dataclasses import dataclass
from typing import Final

from alcove_protocol.codec import unpack
from alcove_protocol.errors import Malformed, Refusal
from alcove_protocol.frames import Authenticate, ConnectionRole
from alcove_protocol.labels import VERSION, Label
from alcove_protocol.statements import ChallengeAnswer, Signed, signature_holds

from alcove_server.rooms.roster_history import begin

_ROLES: Final = (
    ConnectionRole.MEMBER,
    ConnectionRole.DOOR,
    ConnectionRole.RESEAT,
    ConnectionRole.STANDBY,
    ConnectionRole.AWAY,
)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What the relay saw of the request: the hosts that an answer may name, and
    `Sec-WebSocket-Protocol` as it came."""

    hosts: frozenset[str]
    offered: str


@dataclass(frozen=True, slots=True)
class Claim:
    """An answer whose relay key is proved. The door's key is still to be checked (`door_holds`)."""

    room: bytes
    role: str
    key: bytes
    door: bytes | None
    _frame: Authenticate

    def door_holds(self, door_key: bytes) -> bool:
        """Whether the door key signed the same answer."""
        signature = self._frame.door_signature
        return signature is not None and signature_holds(
            Label.CHALLENGE, self._frame.statement, signature, door_key
        )


def claim(frame: Authenticate, upgrade: Upgrade, nonce: bytes) -> Claim:
    """Verify an answer. Raises `Refusal` (`version`, `wrong_host`, `auth_failed`)."""
    answer = _decode(frame.statement)
    if answer.host not in upgrade.hosts:
        raise Refusal("wrong_host")
    # The nonce is public, so the time that its comparison takes tells no secret.
    if answer.nonce != nonce or answer.offered != upgrade.offered or answer.role not in _ROLES:
        raise Refusal("auth_failed")
    if not signature_holds(Label.CHALLENGE, frame.statement, frame.signature, answer.relay_key):
        raise Refusal("auth_failed")
    at_door = answer.role == ConnectionRole.DOOR
    if at_door is not (answer.door is not None) or at_door is not (
        frame.door_signature is not None
    ):
        raise Refusal("auth_failed")
    if answer.role == ConnectionRole.RESEAT:
        _check_opening(frame.opening, answer.room)
    return Claim(answer.room, answer.role, answer.relay_key, answer.door, frame)


def _decode(statement: bytes) -> ChallengeAnswer:
    try:
        # Another version may have other fields, so its number is looked at alone, first.
        if unpack(statement).get("version") != VERSION:
            raise Refusal("version")
        return ChallengeAnswer.decode(statement)
    except Malformed:
        raise Refusal("auth_failed") from None


def _check_opening(opening: bytes | None, room: bytes) -> None:
    """A client that restores a room must hold its entry 0. Raises `Refusal` (`auth_failed`)."""
    try:
        begin(Signed.decode(opening or b""), room)
    except Malformed:
        raise Refusal("auth_failed") from None

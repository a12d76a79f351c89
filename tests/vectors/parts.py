"""What the vectors share: fixed keys, fixed randomness, and a case's shape."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from alcove_protocol.errors import AlcoveProtocolError
from alcove_protocol.labels import room_id_of
from nacl.signing import SigningKey

FOLDER = Path(__file__).parents[2] / "protocol" / "vectors"
Case: TypeAlias = "dict[str, Any]"


def key_of(name: str) -> SigningKey:
    """The Ed25519 key whose seed is SHA-256 of a name."""
    return SigningKey(hashlib.sha256(name.encode()).digest())


def public(key: SigningKey) -> bytes:
    return bytes(key.verify_key)


ROOT, FACILITATOR, MEMBER = key_of("root"), key_of("facilitator, relay"), key_of("member, relay")
FACILITATOR_MLS, MEMBER_MLS = key_of("facilitator, MLS"), key_of("member, MLS")
ROOM = room_id_of(public(ROOT))


def fixed_random(name: str) -> Callable[[int], bytes]:
    """Bytes that look random and are the same every time."""
    counter = 0

    def random(size: int) -> bytes:
        nonlocal counter
        counter += 1
        return hashlib.shake_256(f"{name} {counter}".encode()).digest(size)

    return random


def code_of(read: Callable[[], object]) -> str | None:
    """The code with which the code refuses, or None when it takes."""
    try:
        read()
    except AlcoveProtocolError as error:
        return error.code
    return None

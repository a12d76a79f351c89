"""A member reads the chain, to be able to bring the room back. docs/protocol.md section 9."""

from __future__ import annotations

from typing import Final

from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import ChainIs, ReadChain

from alcove_server.requests.requester import Requester

_ENTRIES: Final = 700
"""Entries that are read for one part: each has more than 400 bytes."""
_LENGTH: Final = 4
"""Bytes before each entry in a list."""


async def read_chain(requester: Requester, frame: ReadChain) -> None:
    """Answer one part. Raises `Refusal` (`rate_limited`) when this part of the network had too much
    sent."""
    room, store = requester.seated, requester.services.store
    if not requester.may_tell(0):
        raise Refusal("rate_limited")
    entries = await store.chain(room.id, frame.first, _ENTRIES + 1)
    packed: list[bytes] = []
    size = 0
    for entry in entries[:_ENTRIES]:
        encoded = entry.encode()
        size += _LENGTH + len(encoded)
        if size > limits.CHAIN_PAGE:
            break
        packed.append(encoded)
    part = pack_list(packed)
    requester.may_tell(len(part))  # told all the same: the debt counts
    requester.client.send(ChainIs(frame.n, frame.first, part, len(packed) < len(entries)))

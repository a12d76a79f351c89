"""What a member parks for the holder of its ticket, and the fetch of it: docs/protocol.md 10.

The relay knows of a ticket the slot, the hash of its token, and sealed bytes. It hands them out to
whoever has the token, while the key is on the list and its client is gone (`rooms.fetches`).
"""

from __future__ import annotations

from hashlib import sha256

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import Done, Fetch, Park

from alcove_server.requests.requester import Requester
from alcove_server.store.interface import Parking


async def park(requester: Requester, frame: Park) -> None:
    """Raises `Refusal` (`not_member`, and all of `Store.park`)."""
    room, client = requester.seated, requester.client
    if not room.history.roster.is_member(client.key):
        raise Refusal("not_member")
    parking = Parking(frame.slot, frame.token_hash, frame.blob)
    await requester.services.store.park(room.id, client.key, parking, requester.payer)
    client.send(Done(frame.n))


async def fetch(requester: Requester, frame: Fetch) -> None:
    """The answer comes when the client of the ticket is known to be gone. Raises `Refusal`
    (`unknown_ticket`, also for a wrong token, `unknown_room`, `ended`, `rate_limited`, `busy`)."""
    store, rooms = requester.services.store, requester.rooms
    # The token is as good as random, and only its hash is compared: the time tells nothing of it.
    token_hash = sha256(frame.token).digest()
    found = await store.parked(frame.room, frame.slot, token_hash)
    if found is None:
        raise Refusal("unknown_ticket")
    if not requester.may_tell(len(found.blob)):
        raise Refusal("rate_limited")
    head = await store.head(frame.room)
    try:
        room = await rooms.load(frame.room, head, requester.client.part)
        if not room.history.roster.is_member(found.key):
            raise Refusal("unknown_ticket")
        rooms.fetches.begin(
            requester.client, frame.n, frame.room, found.key, frame.slot, token_hash
        )
    finally:
        rooms.release(frame.room)

"""What waits for the facilitators, and what settles it: doors, knocks, requests, leaves.

docs/protocol.md sections 7, 9 and 10.
"""

from __future__ import annotations

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import (
    ID_SIZE,
    Done,
    LeaveRoom,
    LobbyKind,
    LobbyRequest,
    PutDoor,
    RefuseKnock,
    Settle,
)
from alcove_protocol.statements import Signed

from alcove_server.ports.outlet import Close
from alcove_server.requests.requester import Requester
from alcove_server.rooms import rules


async def put_door(requester: Requester, frame: PutDoor) -> None:
    """Raises `Refusal` (all of `rules.door`, `Store.put_door` and `Store.revoke_door`)."""
    store, room, client = requester.services.store, requester.seated, requester.client
    history = room.history
    door = rules.door(history, client.key, frame)
    if door.closed is not None:
        await store.revoke_door(room.id, door.id, history.roster.head)
        await room.close_doors(frozenset({door.id}))
    else:
        await store.put_door(room.id, door, history.roster.head)
    client.send(Done(frame.n))


async def refuse_knock(requester: Requester, frame: RefuseKnock) -> None:
    """Raises `Refusal` (`not_allowed`, `unknown_knock`)."""
    await _settle(requester, frame.n, frame.id, frame.blob)


async def settle(requester: Requester, frame: Settle) -> None:
    """Raises `Refusal` (`not_allowed`, `unknown_knock`)."""
    await _settle(requester, frame.n, frame.id, None)


async def _settle(requester: Requester, n: int, id: bytes, reason: bytes | None) -> None:
    room, client = requester.seated, requester.client
    rules.require_facilitator(room.history, client.key)
    await requester.services.store.settle(room.id, id, reason, client.key)
    client.send(Done(n))


async def request(requester: Requester, frame: LobbyRequest) -> None:
    """A request, or with `to` a vault. Raises `Refusal` (`busy`, `rate_limited` when this part of
    the network had too much sent, and all of `rules.vault`)."""
    room = requester.seated
    listeners = len(room.history.roster.facilitators()) if frame.to is None else 1
    if not requester.may_tell(len(frame.blob) * listeners):
        raise Refusal("rate_limited")
    if frame.to is None:
        await _add_item(requester, LobbyKind.REQUEST, frame.id, frame.blob)
    else:
        rules.vault(room.history, requester.client.key, frame.to, frame.blob)
        await _add_item(requester, LobbyKind.VAULT, frame.id, frame.blob, frame.to)
    requester.client.send(Done(frame.n))


async def request_back(requester: Requester, frame: LobbyRequest) -> None:
    """Role `away`: ask to be let in again. Raises as `request`, and `Refusal` (`not_allowed`) for a
    vault."""
    if frame.to is not None:
        raise Refusal("not_allowed")
    await request(requester, frame)


async def leave(requester: Requester, frame: LeaveRoom) -> None:
    """The wish goes to the facilitators, and the connection closes. Raises `Refusal`
    (`bad_statement`, `busy`)."""
    room, client = requester.seated, requester.client
    signed = Signed(frame.statement, frame.signature)
    rules.leave(room.history, client.key, signed)
    id = requester.services.random(ID_SIZE)
    await _add_item(requester, LobbyKind.LEAVE, id, signed.encode())
    client.send(Done(frame.n))
    client.finish(Close.DONE)


async def _add_item(
    requester: Requester, kind: LobbyKind, id: bytes, blob: bytes, to: bytes = b""
) -> None:
    room, client = requester.seated, requester.client
    await requester.services.store.add_item(room.id, kind, client.key, id, blob, to)

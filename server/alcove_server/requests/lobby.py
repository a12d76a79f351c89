"""What waits for the facilitators, and what settles it: doors, knocks, requests, leaves.

docs/protocol.md sections 7, 9 and 10.
"""

from __future__ import annotations

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import (
    ID_SIZE,
    CardIs,
    Done,
    LeaveRoom,
    LobbyKind,
    LobbyRequest,
    PutDoor,
    ReadCard,
    RefuseKnock,
    Settle,
)
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed

from alcove_server.ports.outlet import Close
from alcove_server.requests.requester import Requester
from alcove_server.requests.unsettled import require_settled
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
        await store.put_door(room.id, door, history.roster.head, requester.payer)
    client.send(Done(frame.n))


async def read_card(requester: Requester, frame: ReadCard) -> None:
    """The card of any door, with what is left of it: another facilitator may have made it. Raises
    `Refusal` (`not_allowed`, `unknown_door`, `rate_limited`, or what closed the door)."""
    store, room = requester.services.store, requester.seated
    rules.require_facilitator(room.history, requester.client.key)
    if frame.door is None:
        raise Refusal("not_allowed")  # a member stands at no door
    door = await store.door(room.id, frame.door)
    if door is None:
        raise Refusal("unknown_door")
    if door.closed is not None:
        raise Refusal(door.closed)
    if not requester.may_tell(len(door.card)):
        raise Refusal("rate_limited")
    # From the end, for the store's time: the first blob of a log may be a commit of 2 MB.
    page = await store.read(room.id, Position(room.generation, room.number), 1)
    left = max(0, int(door.expires_at - page.now))
    card = CardIs(frame.n, door.card_number, door.card, page.read_only, door.uses_left, left)
    requester.client.send(card)


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
    """A request, or with `to` a vault; or a text for the newcomer who waits under that key. Raises
    `Refusal` (`busy`, `rate_limited` when this part of the network had too much sent, `unsettled`
    for a request of one that follows no log, all of `rules.vault` and `Store.add_talk`)."""
    room = requester.seated
    if frame.to is None and not _follows(requester):
        # It asks to be let in. Nobody can do that now, and nothing else tells it how long to wait.
        await require_settled(requester)
    listeners = len(room.history.leading) if frame.to is None else 1
    if not requester.may_tell(len(frame.blob) * listeners):
        raise Refusal("rate_limited")
    if frame.to is None:
        await _add_item(requester, LobbyKind.REQUEST, frame.id, frame.blob)
    elif not room.history.roster.is_member(frame.to):
        await _add_talk(requester, frame.to, frame)
    else:
        rules.vault(room.history, requester.client.key, frame.to, frame.blob)
        await _add_item(requester, LobbyKind.VAULT, frame.id, frame.blob, frame.to)
    requester.client.send(Done(frame.n))


def _follows(requester: Requester) -> bool:
    client = requester.client
    heard = requester.seated.live.get(client.key) is client
    return heard or client.resumption is not None


async def request_back(requester: Requester, frame: LobbyRequest) -> None:
    """Role `away`: ask to be let in again. Raises as `request`, and `Refusal` (`not_allowed`) for a
    vault."""
    if frame.to is not None:
        raise Refusal("not_allowed")
    await request(requester, frame)


async def talk(requester: Requester, frame: LobbyRequest) -> None:
    """A text of a newcomer who waits, for the facilitators. Raises `Refusal` (`not_allowed` for one
    with a receiver, `rate_limited`, and all of `Store.add_talk`)."""
    if frame.to is not None:
        raise Refusal("not_allowed")
    listeners = len(requester.seated.history.leading)
    if not requester.may_tell(len(frame.blob) * listeners):
        raise Refusal("rate_limited")
    await _add_talk(requester, requester.client.key, frame)
    requester.client.send(Done(frame.n))


async def _add_talk(requester: Requester, newcomer: bytes, frame: LobbyRequest) -> None:
    room, client = requester.seated, requester.client
    rules.talk(room.history, newcomer, client.key, frame.blob)
    store = requester.services.store
    await store.add_talk(room.id, newcomer, client.key, frame.id, frame.blob, requester.payer)


async def leave(requester: Requester, frame: LeaveRoom) -> None:
    """The wish goes to the facilitators, and the connection closes. Raises `Refusal`
    (`bad_statement`, `busy`)."""
    room, client = requester.seated, requester.client
    signed = Signed(frame.statement, frame.signature)
    rules.leave(room.history, client.key, signed)
    id = requester.services.random(ID_SIZE)
    await _add_item(requester, LobbyKind.LEAVE, id, signed.encode())
    await requester.services.store.unpark(room.id, client.key)
    client.send(Done(frame.n))
    client.finish(Close.DONE)


async def _add_item(
    requester: Requester, kind: LobbyKind, id: bytes, blob: bytes, to: bytes = b""
) -> None:
    room, client = requester.seated, requester.client
    store, payer = requester.services.store, requester.payer
    await store.add_item(room.id, kind, client.key, id, blob, to, payer)

"""A standby asks the members to be let in, and a member answers. So does a facilitator that comes
back by a ticket and finds no other one. docs/protocol.md section 10.

Both are items of the lobby, so that every node tells its clients. The relay tells an ask to all
members. They choose among themselves which of them answer first.
"""

from __future__ import annotations

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import ID_SIZE, AnswerAsker, AskMembers, Done, LobbyKind
from alcove_protocol.statements import Signed

from alcove_server.requests.requester import Requester
from alcove_server.requests.unattended import require_alone, require_unattended
from alcove_server.requests.unsettled import require_settled
from alcove_server.rooms import rules


async def ask(requester: Requester, frame: AskMembers) -> None:
    """Raises `Refusal` (`bad_statement`, `unsettled`, `facilitated`, `rate_limited`, `busy`)."""
    room, client = requester.seated, requester.client
    signed = Signed(frame.statement, frame.signature)
    rules.ask(room.history, client.key, frame.id, signed)
    await require_settled(requester)
    facilitates = room.history.roster.is_facilitator(client.key)
    if facilitates:
        require_alone(requester)
    elif client.key not in room.history.roster.entrants():
        await require_unattended(requester)
    if not requester.may_tell(len(frame.statement) * len(room.live)):
        raise Refusal("rate_limited")
    store = requester.services.store
    await store.add_item(room.id, LobbyKind.ASK, client.key, frame.id, signed.encode())
    if facilitates:
        room.asks.note(client.key, requester.services.clock())
    client.send(Done(frame.n))


async def answer(requester: Requester, frame: AnswerAsker) -> None:
    """Raises `Refusal` (`unknown_knock` for an ask that is over, was answered enough, or by this
    member before; `busy`, `rate_limited`)."""
    room, client = requester.seated, requester.client
    asked = room.asks.get(frame.id)
    if asked is None or not asked.may_answer(client.key):
        raise Refusal("unknown_knock")
    if not requester.may_tell(len(frame.blob)):
        raise Refusal("rate_limited")
    asked.by.add(client.key)
    id, blob = requester.services.random(ID_SIZE), frame.id + frame.blob
    store = requester.services.store
    try:
        await store.add_item(room.id, LobbyKind.ANSWER, client.key, id, blob, asked.key)
    except BaseException:
        asked.by.discard(client.key)
        raise
    client.send(Done(frame.n))

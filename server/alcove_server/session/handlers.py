"""Which request is handled when, and by what.

    CHALLENGED ── auth: member ──────────────▶ MEMBER ──── leave, end, removed ────┐
        │  │                                    ▲                                  ▼
        │  ├───── auth: door ──▶ AT_DOOR ── admitted                            CLOSED
        │  └───── auth: away ──▶ AWAY ───── let in again                           ▲
        │                                                                          │
        ├──────── auth: standby ─▶ STANDBY ─ listed ─▶ MEMBER                       │
        └──────── auth: reseat ─▶ RESTORING ─────────────── goodbye ───────────────┤
    any state: a malformed frame, too large a frame, a refused auth, ──────────────┘
    10 s of silence before auth, a newer connection of the same key

`HANDLERS` is the whole table. A request that it does not have in the client's state is refused
(`not_authenticated` before authentication, `not_allowed` after).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from alcove_protocol.frames import (
    AnswerAsker,
    AskMembers,
    Authenticate,
    ClientFrame,
    EndRoom,
    Fetch,
    Knock,
    LeaveRoom,
    LobbyRequest,
    OpenRoom,
    Park,
    Publish,
    PutDoor,
    ReadCard,
    ReadChain,
    RefuseKnock,
    Reseat,
    Resume,
    SendDesk,
    Settle,
    Withdraw,
)

from alcove_server.client.states import ClientState
from alcove_server.requests import (
    chain,
    desk,
    entry,
    lobby,
    newcomer,
    opening,
    publish,
    restore,
    resume,
    standby,
    tickets,
)
from alcove_server.wire.fast_in import Post

Handler = Callable[..., Awaitable[None]]
"""Takes the `Requester` and a frame of the kind in its line. Each handler takes another kind, which
no type of a whole table can say; hence the dots."""

HANDLERS: Final[dict[ClientState, dict[type[Post | ClientFrame], Handler]]] = {
    ClientState.CHALLENGED: {
        OpenRoom: opening.open_room,
        Authenticate: entry.authenticate,
        Fetch: tickets.fetch,
    },
    ClientState.AT_DOOR: {
        ReadCard: newcomer.read_card,
        Knock: newcomer.knock,
        Withdraw: newcomer.withdraw,
        LobbyRequest: lobby.talk,
    },
    ClientState.AWAY: {LobbyRequest: lobby.request_back},
    ClientState.MEMBER: {
        Resume: resume.resume,
        Post: publish.publish,
        Publish: publish.publish,
        PutDoor: lobby.put_door,
        ReadCard: lobby.read_card,
        RefuseKnock: lobby.refuse_knock,
        LobbyRequest: lobby.request,
        Settle: lobby.settle,
        LeaveRoom: lobby.leave,
        EndRoom: opening.end_room,
        ReadChain: chain.read_chain,
        SendDesk: desk.desk,
        Reseat: restore.name,
        AnswerAsker: standby.answer,
        Park: tickets.park,
        AskMembers: standby.ask,
    },
    ClientState.STANDBY: {
        Resume: resume.resume,
        ReadChain: chain.read_chain,
        AskMembers: standby.ask,
        Publish: publish.publish,
    },
    ClientState.RESTORING: {Reseat: restore.restore},
    ClientState.CLOSED: {},
}

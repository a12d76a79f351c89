"""What a member may ask. `rules` says whether, the store does it, the hub tells everybody.

docs/protocol.md sections 8 to 10.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import (
    Done,
    EndRoom,
    Leave,
    LobbyKind,
    LobbyRequest,
    Publish,
    PutDoor,
    RefuseKnock,
    Resume,
    Resumed,
    Settle,
)
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed

from alcove_server.ports import error_log
from alcove_server.ports.outlet import Close
from alcove_server.rooms import rules
from alcove_server.rooms.room import PAGE, Replay, Room, blob_frame, bye
from alcove_server.rooms.roster_history import RosterHistory
from alcove_server.store.interface import Publication, Stale
from alcove_server.wire import fast
from alcove_server.wire.fast import Post

if TYPE_CHECKING:
    from alcove_server.session.connection import Connection


# --- the stream `room` ------------------------------------------------------------------------


def publish_now(connection: Connection, post: Post) -> bool:
    """As `publish`, when the store need not be waited for and all goes well: the way of nearly all
    there is. False means that it is for `publish` to do, and to answer. That does no harm even when
    the blob was taken here: its id is known, and a repetition changes nothing."""
    hub, now = connection.seated, connection.relay.store.publish_now
    if now is None:
        return False
    connection.unanswered[post.id] = post.n
    try:
        publication = rules.blob(hub.history, connection.key, post)
        taken = now(publication)
        if taken.fresh:
            hub.took(publication, taken)
    except Exception:  # `publish` meets it again
        taken = None
    # To be told answers it, if its member is live and nothing else stood before it.
    return connection.unanswered.pop(post.id, None) is None and taken is not None


async def publish(connection: Connection, frame: Post | Publish) -> None:
    """Raises `Refusal` (`stale` and all of `rules.blob`, `rules.commit_with_entry` and
    `Store.publish`). An id that was taken before is answered before anything is judged."""
    id, n = frame.id, frame.n
    connection.unanswered[id] = n
    try:
        position = await _take(connection, frame)
    except Exception:
        if connection.unanswered.pop(id, None) is None:
            return  # it was told and answered before this failed
        raise
    if connection.unanswered.pop(id, None) is None:
        return
    replay = connection.replay
    if replay is None or replay.live or position.number <= replay.after.number:
        connection.send_framed(fast.published(n, position.encode()))
    else:  # it answers when it comes there, between the blobs before and after
        replay.owed.setdefault(position.number, []).append(n)


async def _take(connection: Connection, frame: Post | Publish) -> Position:
    """Where the blob stands, once everybody who is live has been told all up to there."""
    store, hub = connection.relay.store, connection.seated
    try:
        if isinstance(frame, Post):
            publication = rules.blob(hub.history, connection.key, frame)
        else:
            publication = await _with_entry(connection, hub.history, frame)
    except Refusal:
        known = await store.published(connection.room, connection.key, frame.id)
        if known is None:
            raise
        if known.number > hub.number:
            await hub.catch_up()
        return known
    taken = await store.publish(publication)
    hub = connection.relay.hubs.get(connection.room, hub)  # it was forgotten if its last one went
    told = taken.fresh and publication.step is None and hub.took(publication, taken)
    if not told:
        await hub.catch_up()
    return taken.position


async def _with_entry(
    connection: Connection, history: RosterHistory, frame: Publish
) -> Publication:
    await _expect_base(connection, frame)
    judged = rules.commit_with_entry(history, connection.key, frame)
    step = judged.publication.step
    assert step is not None  # it has an entry
    waiting = {
        key: door
        for key, door in judged.restated.items()
        if await connection.relay.store.waiting(connection.room, key) is not None
    }
    step = replace(
        step,
        admitted={**step.admitted, **waiting},
        settled=step.settled | frozenset(waiting),
    )
    return judged.publication.with_step(step)


async def _expect_base(connection: Connection, frame: Publish) -> None:
    """Who lost a race is told `stale`, not that the entry does not follow: it did when they made
    it. The store looks again when it takes the blob."""
    head = await connection.relay.store.head(connection.room)
    if head is None or head.ended is not None:
        raise Refusal("unknown_room" if head is None else "ended")
    base = Position(head.generation, head.base)
    if Position.decode(frame.base) != base:
        raise Stale(base)


# --- resuming ---------------------------------------------------------------------------------


async def resume(connection: Connection, frame: Resume) -> None:
    """Answer where the room stands, then tell everything after the position, page by page."""
    hub = connection.seated
    hub.go_away(connection)  # what it was not given yet, the replay brings
    older, connection.replay = connection.replay, None
    try:
        replay = await _resumed(connection, frame)
    except BaseException:
        if older is not None:  # no replay will come to answer them
            _answer(connection, older, max(older.owed, default=0))
        raise
    if older is not None:
        replay.owed = older.owed
        _answer(connection, replay, replay.after.number)
    connection.replay = replay
    await continue_replay(connection)


async def _resumed(connection: Connection, frame: Resume) -> Replay:
    """The answer, and where the replay begins."""
    relay = connection.relay
    asked = Position.decode(frame.position)
    page = await relay.store.read(connection.room, asked, 1)
    same_log = asked.generation == page.position.generation
    head, base = page.position.encode(), page.base.encode()
    await relay.store.welcomed(connection.room, connection.key, asked)
    connection.send(Resumed(frame.n, head, base, page.commit, page.lost, page.read_only))
    known = same_log and asked.number <= page.position.number
    after = asked if known else Position(page.position.generation, 0)
    return Replay(after, frame.lobby if same_log else 0, page.lost)


async def continue_replay(connection: Connection) -> None:
    """Queue pages until the outlet has enough or everything is told. Should a page not be read,
    the client has its answer and yet is not live: it is asked to come back, and resumes."""
    hub, replay = connection.hub, connection.replay
    if hub is None or replay is None:
        return
    if replay.running:  # and looks at the outlet again when it has read
        return
    replay.running = True
    try:
        if not replay.live:
            await _replay_room(connection, hub, replay)
        if replay.live:
            await hub.page_lobby(connection, replay)
    except Exception as error:
        error_log.report(error)
        connection.finish(Close.TRY_AGAIN, bye("unavailable"))
    finally:
        replay.running = False


async def _replay_room(connection: Connection, hub: Room, replay: Replay) -> None:
    """The stream `room`; then the member is live."""
    paging = connection.relay.paging
    # Not `while connection.replay is replay`: mypyc would take it for a `Replay` after the read.
    while True:
        if connection.outlet.backlog >= PAGE:
            return
        await paging.turn()
        if connection.replay is not replay:
            return
        page = await connection.relay.store.read(connection.room, replay.after, PAGE)
        if connection.replay is not replay:
            return
        paging.read(len(page.blobs))
        if page.position.generation != hub.generation:
            connection.finish(Close.RESTARTING, bye("draining"))
            return
        if page.lost and not replay.lost:
            # Something expired before this slow client could be sent it. It was told that nothing
            # is lost, so it must resume again and be told otherwise.
            connection.finish(Close.SLOW_CONSUMER, bye("slow_consumer"))
            return
        for blob in page.blobs:
            _answer(connection, replay, blob.number - 1)
            # One's own blob too: whoever lost the answer learns here, in order, that it was taken.
            # A publish that waits for its answer meanwhile is answered in its place.
            if blob.sender == connection.key and blob.id in connection.unanswered:
                n = connection.unanswered.pop(blob.id)
                replay.owed.setdefault(blob.number, []).append(n)
            if blob.number in replay.owed:
                _answer(connection, replay, blob.number)
            else:
                connection.send_framed(blob_frame(hub.generation, blob, page.now))
        replay.after = Position(hub.generation, page.up_to)
        _answer(connection, replay, page.up_to)
        if page.complete and page.up_to >= hub.number:
            _go_live(connection, hub, replay)
            return


def _answer(connection: Connection, replay: Replay, up_to: int) -> None:
    """Answer the publishes whose blobs stand up to here, in the order of the log. A blob that
    expired before its turn has its answer still."""
    owed = replay.owed
    if not owed:
        return
    generation = replay.after.generation
    for number in sorted([number for number in owed if number <= up_to]):
        at = Position(generation, number).encode()
        for n in owed.pop(number):
            connection.send_framed(fast.published(n, at))


def _go_live(connection: Connection, hub: Room, replay: Replay) -> None:
    connection.heard = replay.after.number
    connection.replay = None
    hub.go_live(connection)
    if hub.history.roster.is_facilitator(connection.key):
        hub.begin_lobby(connection, replay)


# --- doors and the lobby ----------------------------------------------------------------------


async def put_door(connection: Connection, frame: PutDoor) -> None:
    """Raises `Refusal` (all of `rules.door`, `Store.put_door` and `Store.revoke_door`)."""
    relay, room = connection.relay, connection.room
    history = connection.seated.history
    door = rules.door(history, connection.key, frame)
    if door.closed is not None:
        await relay.store.revoke_door(room, door.id, history.roster.head)
    else:
        await relay.store.put_door(room, door, history.roster.head)
    connection.send(Done(frame.n))


async def refuse_knock(connection: Connection, frame: RefuseKnock) -> None:
    """Raises `Refusal` (`not_allowed`, `unknown_knock`)."""
    await _settle(connection, frame.n, frame.id, frame.blob)


async def settle(connection: Connection, frame: Settle) -> None:
    """Raises `Refusal` (`not_allowed`, `unknown_knock`)."""
    await _settle(connection, frame.n, frame.id, None)


async def _settle(connection: Connection, n: int, id: bytes, reason: bytes | None) -> None:
    hub = connection.seated
    rules.require_facilitator(hub.history, connection.key)
    await connection.relay.store.settle(connection.room, id, reason)
    connection.send(Done(n))
    await connection.relay.ring_or_later(connection.room)


async def request(connection: Connection, frame: LobbyRequest) -> None:
    """Raises `Refusal` (`busy`)."""
    await _add_item(connection, LobbyKind.REQUEST, frame.id, frame.blob)
    connection.send(Done(frame.n))


async def leave(connection: Connection, frame: Leave) -> None:
    """The wish goes to the facilitators; the connection closes. Raises `Refusal`
    (`bad_statement`, `busy`)."""
    signed = Signed(frame.statement, frame.signature)
    hub = connection.seated
    rules.leave(hub.history, connection.key, signed)
    id = connection.relay.random(16)
    await _add_item(connection, LobbyKind.LEAVE, id, signed.encode())
    connection.send(Done(frame.n))
    connection.finish(Close.DONE)


async def _add_item(connection: Connection, kind: LobbyKind, id: bytes, blob: bytes) -> None:
    await connection.relay.store.add_item(connection.room, kind, connection.key, id, blob)
    await connection.relay.ring_or_later(connection.room)


async def end_room(connection: Connection, frame: EndRoom) -> None:
    """Raises `Refusal` (`not_allowed`, `bad_statement`)."""
    hub = connection.seated
    signed = Signed(frame.statement, frame.signature)
    rules.end(hub.history, connection.key, signed)
    await connection.relay.store.end(connection.room, signed, hub.history.roster.head)
    connection.send(Done(frame.n))
    await connection.relay.ring_or_later(connection.room)

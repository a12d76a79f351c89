"""A member or facilitator publishes a blob. `rules` says whether it may, the store takes the blob,
and the room tells everybody. docs/protocol.md section 8.
"""

from __future__ import annotations

from dataclasses import replace

from alcove_protocol.errors import Refusal
from alcove_protocol.frames import Publish
from alcove_protocol.position import Position

from alcove_server.requests.requester import Requester
from alcove_server.rooms import rules
from alcove_server.rooms.roster_history import RosterHistory
from alcove_server.store.interface import Publication, Stale
from alcove_server.wire import fast_out
from alcove_server.wire.fast_in import Post


def publish_now(requester: Requester, post: Post) -> bool:
    """As `publish`, where the store need not be waited for and all goes well: the way of nearly all
    blobs. False leaves the request to `publish`, which answers it. That does no harm even when the
    blob was taken here: its id is known, and a repetition changes nothing."""
    store_now = requester.services.store.publish_now
    if store_now is None:
        return False
    room, client = requester.seated, requester.client
    client.answers.expect(post.id, post.n)
    try:
        publication = rules.blob(room.history, client.key, post)
        taken = store_now(publication)
        if taken.fresh:
            room.announce(publication, taken)
    except Exception:  # `publish` meets it again
        taken = None
    # Telling the blob answers it, if its member is live and nothing else stood before it.
    return client.answers.pop(post.id) is None and taken is not None


async def publish(requester: Requester, frame: Post | Publish) -> None:
    """An id that was taken before is answered before anything is judged. Raises `Refusal` (`stale`
    and all of `rules.blob`, `rules.commit_with_entry` and `Store.publish`)."""
    id, n, client = frame.id, frame.n, requester.client
    client.answers.expect(id, n)
    try:
        position = await _store(requester, frame)
    except Exception:
        if client.answers.pop(id) is None:
            return  # it was told and answered before this failed
        raise
    if client.answers.pop(id) is None:
        return
    resumption = client.resumption
    if resumption is None or resumption.live or position.number <= resumption.after.number:
        client.send_framed(fast_out.published(n, position.encode()))
    else:  # the replay answers it when it comes there, between the blobs before and after
        client.answers.owe(position.number, n)


async def _store(requester: Requester, frame: Post | Publish) -> Position:
    """Return where the blob stands, once all live members were told everything up to there."""
    store, room, client = requester.services.store, requester.seated, requester.client
    try:
        if isinstance(frame, Post):
            publication = rules.blob(room.history, client.key, frame)
        else:
            publication = await _with_entry(requester, room.history, frame)
    except Refusal:
        known = await store.published(room.id, client.key, frame.id)
        if known is None:
            raise
        if known.number > room.number:
            await room.catch_up()
        return known
    taken = await store.publish(publication)
    room = requester.rooms.here(room)  # it was released if its last client went
    told = taken.fresh and publication.step is None and room.announce(publication, taken)
    if not told:
        await room.catch_up()
    return taken.position


async def _with_entry(requester: Requester, history: RosterHistory, frame: Publish) -> Publication:
    room_id, store = requester.seated.id, requester.services.store
    await _expect_base(requester, frame)
    judged = rules.commit_with_entry(history, requester.client.key, frame)
    step = judged.publication.step
    assert step is not None  # it has an entry
    waiting = {
        key: door
        for key, door in judged.restated.items()
        if await store.waiting(room_id, key) is not None
    }
    step = replace(
        step,
        admitted={**step.admitted, **waiting},
        settled=step.settled | frozenset(waiting),
    )
    return judged.publication.with_step(step)


async def _expect_base(requester: Requester, frame: Publish) -> None:
    """A facilitator that lost a race is told `stale`, not that its entry does not follow: it did
    follow when it was made. The store compares again when it takes the blob."""
    head = await requester.services.store.head(requester.seated.id)
    if head is None or head.ended is not None:
        raise Refusal("unknown_room" if head is None else "ended")
    base = Position(head.generation, head.base)
    if Position.decode(frame.base) != base:
        raise Stale(base)

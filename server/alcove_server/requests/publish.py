"""A member or facilitator publishes a blob. `rules` says whether it may, the store takes the blob,
and the room tells its clients. docs/protocol.md section 8.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import COMMITS, BlobClass, Publish
from alcove_protocol.position import Position

from alcove_server.requests.requester import Requester
from alcove_server.requests.unattended import require_alone, require_unattended
from alcove_server.requests.unsettled import require_settled
from alcove_server.rooms import rules
from alcove_server.rooms.roster_history import RosterHistory
from alcove_server.store.interface import Publication, PublishDone, Stale, Taken
from alcove_server.wire import fast_out
from alcove_server.wire.fast_in import Post

_REFUSED: Final = 8.0
"""Steps (`ports.turn`) of one question to the store about what is refused."""
_BY_A_COMMIT: Final = ("not_allowed", "paused")
"""Refusals that a commit brings upon a member. One that has not merged it cannot know why."""


def publish_soon(requester: Requester, post: Post, done: PublishDone) -> bool:
    """Give a blob to the store: the way of nearly all blobs. The store has the room tell it, which
    answers the request, and then calls `done`. False means that nothing was done, and leaves the
    request to `publish`."""
    client, room = requester.client, requester.seated
    if post.blob_class is BlobClass.COMMIT and (
        not room.settled or room.commit_turns.counts(room.history.roster)
    ):
        return False  # the store is asked first, or a facilitator's turn
    if post.blob_class is BlobClass.APPLICATION and room.slow_turns.counts(
        room.history.roster, client.key
    ):
        return False  # a member's turn
    try:
        publication = rules.blob(room.history, client.key, post, requester.payer)
    except Refusal:  # unless its id was taken before
        return False
    client.answers.expect(post.id, post.n)
    requester.services.store.publish_soon(publication, done)
    return True


async def publish(requester: Requester, frame: Post | Publish) -> None:
    """An id that was taken before is answered before anything is judged. Raises `Refusal` (`stale`,
    `rate_limited` for a commit out of turn, `slow` for a message out of turn, and all of
    `rules.blob`, `rules.commit_with_entry` and `Store.publish`)."""
    answers = requester.client.answers
    answers.expect(frame.id, frame.n)
    try:
        taken = await _store(requester, frame)
    except Exception:
        if answers.pop(frame.id) is None:
            return  # it was told and answered before this failed
        raise
    await answer(requester, frame.id, taken)


async def answer(requester: Requester, id: bytes, taken: Taken) -> None:
    """Answer a publish that the store took, once all live members were told everything up to its
    blob. Telling the blob answers it, if its member is live and was not told of it before."""
    client = requester.client
    room = requester.rooms.here(requester.seated)  # it was released if its last client went
    try:
        if taken.generation != room.generation or taken.number > room.number:
            await room.catch_up()
    except Exception:
        if client.answers.pop(id) is None:
            return  # as above
        raise
    n = client.answers.pop(id)
    if n is None:
        return
    resumption = client.resumption
    if resumption is None or resumption.live or taken.number <= resumption.after.number:
        client.send_framed(fast_out.published(n, taken.position.encode()))
    else:  # the replay answers it when it comes there, between the blobs before and after
        client.answers.owe(taken.number, n)


async def _store(requester: Requester, frame: Post | Publish) -> Taken:
    """Return the place of the blob, whether it was taken before or now."""
    store, room, client = requester.services.store, requester.seated, requester.client
    # In the compiled relay the class of either frame is a plain number: none is compared by `is`.
    commits, begins = frame.blob_class in COMMITS, False
    try:
        if commits:
            await require_settled(requester)
        if isinstance(frame, Post):
            publication = rules.blob(room.history, client.key, frame, requester.payer)
        else:
            publication = await _with_entry(requester, room.history, frame)
        if commits and not room.commit_turns.take(room.history.roster, client.key):
            raise Refusal("rate_limited")
        if publication.blob_class is BlobClass.APPLICATION:
            begins = room.slow_turns.take(room.history.roster, client.key)
    except Refusal as refusal:
        requester.services.turn.spend(_REFUSED)
        known = await store.published(room.id, client.key, frame.id)
        if known is None:
            if refusal.code in _BY_A_COMMIT and isinstance(frame, Post):
                requester.services.turn.spend(_REFUSED)
                await _expect_base(requester, frame.base)
            raise
        return Taken(known.generation, known.number)
    try:
        taken = await store.publish(publication)
        if publication.blob_class is BlobClass.EXTERNAL:
            _note_entered(requester)
        return taken
    except BaseException:
        if commits:
            room.commit_turns.give_back(client.key)
        if begins:
            room.slow_turns.give_back(client.key)
        raise


async def _with_entry(requester: Requester, history: RosterHistory, frame: Publish) -> Publication:
    room_id, store = requester.seated.id, requester.services.store
    await _expect_base(requester, frame.base)
    judged = rules.commit_with_entry(history, requester.client.key, frame, requester.payer)
    if judged.publication.blob_class is BlobClass.EXTERNAL:  # judged first: it is the link's own
        await _may_enter(requester)
    step = judged.publication.step
    assert step is not None  # it has an entry
    waiting = judged.restated
    if waiting:
        still = await store.waiting_among(room_id, waiting)
        waiting = {key: door for key, door in waiting.items() if key in still}
    step = replace(
        step,
        admitted={**step.admitted, **waiting},
        settled=step.settled | frozenset(waiting),
    )
    return judged.publication.with_step(step)


async def _may_enter(requester: Requester) -> None:
    """An external commit comes while no other facilitator is there, and once a minute: a link that
    was answered falsely tries again without a bound. A facilitator's own comes `limits.ALONE`
    seconds after its ask, so that another one may let it in. Raises `Refusal` (`facilitated`,
    `rate_limited`)."""
    room, key, now = requester.seated, requester.client.key, requester.services.clock()
    if room.history.roster.is_facilitator(key):
        require_alone(requester)
        last = room.counts.returned_at.get(key)
        if room.asks.asks_for(key, now) < limits.ALONE:
            raise Refusal("rate_limited")
    else:
        await require_unattended(requester)
        last = room.counts.entered_at
    if last is not None and now - last < limits.ENTERS_EVERY:
        raise Refusal("rate_limited")


def _note_entered(requester: Requester) -> None:
    room, key, now = requester.seated, requester.client.key, requester.services.clock()
    if room.history.roster.is_facilitator(key):
        room.counts.returned_at[key] = now
    else:
        room.counts.entered_at = now


async def _expect_base(requester: Requester, named: bytes) -> None:
    """A facilitator that lost a race is told `stale`, not that its entry does not follow: it did
    follow when it was made. So is a member that missed the commit by which it may do less: it would
    go on asking, and never learn of that commit. The store compares again when it takes the blob.
    """
    head = await requester.services.store.head(requester.seated.id)
    if head is None or head.ended is not None:
        raise Refusal("unknown_room" if head is None else "ended")
    base = Position(head.generation, head.base)
    if Position.decode(named) != base:
        raise Stale(base)

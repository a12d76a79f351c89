"""What a client that resumes has missed, told page by page.

    resume ─▶ the stream `room`, page by page ─▶ live ─▶ the stream `lobby` (facilitators)
    promoted while live ──────────────────────────────▶ the stream `lobby`

A replay queues pages until the outlet has enough, and goes on when the outlet has sent them. A
`Resumption` says how far it got. A client that resumes again gets another one, so after each wait a
replay asks whether its own is still the client's.
"""

from __future__ import annotations

from typing import Final

from alcove_protocol.position import Position

from alcove_server.client.client import Client
from alcove_server.client.resumption import Resumption
from alcove_server.ports import error_log
from alcove_server.ports.outlet import Close
from alcove_server.ports.services import Services
from alcove_server.rooms.asks import STANDBYS
from alcove_server.rooms.replay_budget import ReplayBudget
from alcove_server.rooms.room import PAGE, LocalRoom
from alcove_server.store.interface import Page
from alcove_server.wire import fast_out
from alcove_server.wire.says import blob_frame, bye, item_frame

_AN_ITEM: Final = 10
"""Blobs that a lobby item counts as: it is encoded for each client that is told."""
_PAGING: Final = 1 << 62
"""`heard_lobby` while lobby pages are sent. New items come in those pages."""


class Replays:
    """The replays of one node."""

    def __init__(self, services: Services, budget: ReplayBudget) -> None:
        self._services = services
        self._budget = budget

    async def begin(self, room: LocalRoom, client: Client, resumption: Resumption) -> None:
        """Replay from where the resumption stands."""
        client.resumption = resumption
        await self.go_on(room, client)

    def on_promoted(self, room: LocalRoom, client: Client) -> None:
        """A live member became a facilitator: tell it what waits in the lobby."""
        resumption = Resumption(Position(room.generation, room.number), 0)
        self._begin_lobby(client, resumption)
        self._services.runner.start(self.go_on(room, client))

    async def go_on(self, room: LocalRoom, client: Client) -> None:
        """Queue pages until the outlet has enough or everything is told. When a page cannot be
        read, the client is closed and asked to come back: it has its answer, but is not live."""
        resumption = client.resumption
        if resumption is None:
            return
        if resumption.reading:  # that reader looks at the outlet again
            return
        resumption.reading = True
        try:
            if not resumption.live:
                await self._tell_room(room, client, resumption)
            if resumption.live:
                await self._tell_lobby(room, client, resumption)
        except Exception as error:
            error_log.report(error)
            client.finish(Close.TRY_AGAIN, bye("unavailable"))
        finally:
            resumption.reading = False

    # --- the stream `room` ------------------------------------------------------------------

    async def _tell_room(self, room: LocalRoom, client: Client, resumption: Resumption) -> None:
        # Not `while client.resumption is resumption`: mypyc would take the attribute for a
        # `Resumption` after the read.
        while True:
            if client.outlet.backlog >= PAGE:
                return
            await self._budget.wait_for_turn(client.part)
            if client.resumption is not resumption:
                return
            page = await self._services.store.read(room.id, resumption.after, PAGE)
            if client.resumption is not resumption:
                return
            size = sum([len(blob.blob) for blob in page.blobs])
            self._budget.read(len(page.blobs), size)
            if client.part is not None:
                client.part.tell(size)  # a resume begun is told whole: the debt counts
            if page.position.generation != room.generation:
                client.finish(Close.RESTARTING, bye("draining"))
                return
            if page.lost and not resumption.lost:
                # A blob expired before this slow client could be sent it. The client was told that
                # nothing is lost, so it must resume again and be told otherwise.
                client.finish(Close.SLOW_CONSUMER, bye("slow_consumer"))
                return
            _send_page(room, client, page)
            resumption.after = Position(room.generation, page.up_to)
            if page.complete and page.up_to >= room.number:
                self._go_live(room, client, resumption)
                return

    def _go_live(self, room: LocalRoom, client: Client, resumption: Resumption) -> None:
        client.heard = resumption.after.number
        client.resumption = None
        room.go_live(client)
        if room.history.roster.is_facilitator(client.key):
            self._begin_lobby(client, resumption)

    # --- the stream `lobby` -----------------------------------------------------------------

    def _begin_lobby(self, client: Client, resumption: Resumption) -> None:
        """From here on a live facilitator is told what waits, in the order of its numbers: a client
        that comes back with the last number must have been told all items before it."""
        resumption.live, client.resumption = True, resumption
        client.heard_lobby = _PAGING

    async def _tell_lobby(self, room: LocalRoom, client: Client, resumption: Resumption) -> None:
        """Queue what waits until the outlet has enough or everything is told. Then the facilitator
        hears of items as they come."""
        store = self._services.store
        if resumption.lobby > room.lobby:
            head = await store.head(room.id)
            if head is None or resumption.lobby > head.lobby:
                resumption.lobby = 0  # never given: the client would hear of no item any more
        while client.outlet.backlog < PAGE:
            known = room.lobby
            page = await store.read_lobby(room.id, resumption.lobby, resumption.lobby > 0)
            items = page.items
            if client.resumption is not resumption:
                return
            if not room.history.roster.is_facilitator(client.key):
                client.resumption = None
                return
            size = sum([len(item.blob) for item in items])
            self._budget.read(_AN_ITEM * len(items), size)
            if client.part is not None:
                client.part.tell(size)  # as with a page of the log
            for item in items:
                if client.outlet.backlog >= PAGE:
                    return
                if item.kind not in STANDBYS and item.is_for(client.key):
                    client.send(item_frame(item, page.now))
                resumption.lobby = item.number
            if page.more:
                await self._budget.wait_for_turn(client.part)
                if client.resumption is not resumption:
                    return
                continue
            if room.lobby == known:  # else the others were told of items that came after the read
                client.heard_lobby = max(known, resumption.lobby)
                client.resumption = None
                return


def _send_page(room: LocalRoom, client: Client, page: Page) -> None:
    """Send the page's blobs, and in the place of the client's own those answers that it lacks."""
    answers = client.answers
    for blob in page.blobs:
        if answers.owing:
            answer_due(client, room.generation, blob.number - 1)
        # A client that lost an answer learns from its own blob, in order, that it was taken. A
        # publish that waits for its answer at the moment is answered in the blob's place.
        if blob.sender == client.key:
            n = answers.pop(blob.id)
            if n is not None:
                answers.owe(blob.number, n)
        if answers.owes(blob.number):
            answer_due(client, room.generation, blob.number)
        else:
            client.send_framed(blob_frame(room.generation, blob, page.now))
    answer_due(client, room.generation, page.up_to)


def answer_due(client: Client, generation: bytes, up_to: int | None = None) -> None:
    """Answer the owed publishes with blobs up to a number (None: all), in the order of the log. A
    blob that expired before its turn still has its answer."""
    for number, n in client.answers.due(up_to):
        client.send_framed(fast_out.published(n, Position(generation, number).encode()))

"""One client's requests, without I/O: messages in by `receive`, answers out by its `Client`.

Each request gets exactly one answer with its number. The requests of one client are handled one
after the other, in order. Blobs without an entry are the exception: while some wait for the store,
more may be given to it, and it keeps their order. `handlers` says which request is handled when,
and `price` what it costs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import REFUSALS, Malformed, Refusal
from alcove_protocol.frames import (
    BlobClass,
    Challenge,
    ClientFrame,
    Publish,
    RequestRefused,
    SendDesk,
)
from alcove_protocol.labels import VERSION

from alcove_server.client.client import Client
from alcove_server.client.states import ClientState
from alcove_server.ports import error_log
from alcove_server.ports.outlet import Close, Outlet
from alcove_server.ports.place import Place
from alcove_server.ports.services import Services
from alcove_server.ports.token_bucket import TokenBucket
from alcove_server.ports.turn import BYTES
from alcove_server.requests import publish
from alcove_server.requests.proof import Upgrade
from alcove_server.requests.requester import Requester
from alcove_server.rooms.registry import Rooms
from alcove_server.rooms.room import LocalRoom
from alcove_server.session import price
from alcove_server.session.handlers import HANDLERS
from alcove_server.store.interface import Publication, RosterMoved, Taken
from alcove_server.wire import fast_in
from alcove_server.wire.fast_in import Post
from alcove_server.wire.says import bye

_FRAME: Final = limits.FRAME
_FRAME_BEFORE_AUTH: Final = limits.FRAME_BEFORE_AUTH
_ASKED_FOR: Final = 64 * limits.KIB
"""Bytes told for one client before its room and its part of the network are asked."""
_JUDGED_AGAIN: Final = 8
"""How often a request is judged again when the roster moved under it. Each time another one won, so
the room makes progress. A client whose request loses this often may send it again."""

_RESUMES: Final = frozenset({ClientState.MEMBER, ClientState.STANDBY})
"""States in which a client may have been told to resume."""
_LARGE: Final = _RESUMES | {ClientState.RESTORING}
"""States in which a client may send the largest frames."""


class Session:
    """The requests of one client, which is in `client`. It is to be told of every message, of a
    drained outlet and of a lost transport."""

    __slots__ = (
        "_bucket",
        "_early",
        "_on_closed",
        "_requester",
        "_requests",
        "_rooms",
        "_services",
        "_strikes",
        "_told",
        "_working",
        "client",
    )

    def __init__(
        self,
        services: Services,
        rooms: Rooms,
        upgrade: Upgrade,
        outlet: Outlet,
        place: Place | None,
        on_authenticated: Callable[[Client], None],
        on_closed: Callable[[Client], None],
    ) -> None:
        """`on_authenticated` and `on_closed` are each called at most once."""
        now = services.clock()
        self.client = Client(outlet, place, now, self._closed, services.turn)
        self._services = services
        self._rooms = rooms
        self._requester = Requester(self.client, services, rooms, upgrade, on_authenticated)
        self._on_closed = on_closed
        self._requests: list[Post | ClientFrame] = []
        self._working = False
        self._strikes = 0
        self._told = 0  # bytes told for this client, of which room and network do not know yet
        self._early = 0
        self._bucket = TokenBucket(price.RATE * services.settings.rates, price.BURST, now)

    @property
    def congested(self) -> bool:
        """Whether requests wait, or the room has much to tell before more should come. A transport
        should stop reading for as long."""
        room = self._requester.room
        return len(self._requests) > 0 or (room is not None and room.crowded)

    @property
    def takes_large(self) -> bool:
        """Whether the client may send the largest frames. A newcomer at a door sends nothing larger
        than what may come before authentication."""
        return self.client.state in _LARGE

    def begin(self) -> None:
        """Send the challenge."""
        challenge = Challenge(VERSION, self._requester.nonce, int(self._services.wall()))
        self.client.send(challenge)

    # --- what the transport reports ---------------------------------------------------------

    def receive(self, data: bytes, fragments: int = 1) -> None:
        """Handle one binary message of the client, which came in `fragments` frames."""
        if self.client.state is ClientState.CLOSED:
            return
        try:
            request = fast_in.decode(data, _FRAME if self.takes_large else _FRAME_BEFORE_AUTH)
        except Malformed as fault:
            self._reject(fault)
            return
        if not self._may_ask(request, len(data), fragments):
            self._strike(request.n)
        elif self._working or self._requests or not self._may_begin(request):
            self._queue(request)
        elif not (isinstance(request, Post) and self._published_soon(request)):
            self._services.runner.start(self._work(request))

    def receive_text(self) -> None:
        """Refuse a text message of the client: the protocol has none."""
        self._services.tally.count("malformed")
        self.client.send(RequestRefused(0, "malformed", REFUSALS["malformed"]))
        self.client.finish(Close.TEXT_FRAME)

    def drained(self) -> None:
        """The outlet sent all it had: a replay may go on."""
        client, room = self.client, self._requester.room
        if client.resumption is None or room is None or client.state not in _RESUMES:
            return
        self._services.runner.start(self._rooms.replays.go_on(room, client))

    def lost(self) -> None:
        """The transport is gone."""
        self.client.lost()

    def evict(self, close: int, code: str) -> None:
        """Close, with a goodbye of a code of `REFUSALS`: the transport found the client too slow,
        too fast, or too late."""
        self._services.tally.count(code)
        self.client.finish(close, bye(code))

    def give_way(self) -> None:
        """Another client needs the place."""
        self.evict(Close.TRY_AGAIN, "busy")

    # --- what a request costs ---------------------------------------------------------------

    def _may_ask(self, request: Post | ClientFrame, size: int, fragments: int) -> bool:
        turn, room = self._services.turn, self._requester.room
        turn.spend(1 + size / BYTES)
        if self.client.state is ClientState.CHALLENGED:
            if not isinstance(request, Post):
                turn.spend(price.steps(request, size, 0))
            self._early += 1
            return self._early <= price.EARLY
        told = size * _hearers(room, request, self.client.key) if room is not None else 0
        cost = price.of_message(size, fragments, told)
        if not isinstance(request, Post):
            members = len(room.history.roster.seats) if room is not None else 0
            turn.spend(price.steps(request, size, members))
            cost += price.of_request(request, members)
        if not self._bucket.take(self._services.clock(), price.bounded(cost)):
            return False
        if room is None or not isinstance(request, Post | Publish | SendDesk):
            return True
        beat = not isinstance(request, SendDesk) and request.blob_class != BlobClass.APPLICATION
        return self._may_tell(room, told, always=beat)

    def _may_tell(self, room: LocalRoom, size: int, *, always: bool) -> bool:
        """Whether the room, and the client's part of the network, may have so much told. They are
        asked once for some messages, because asking costs as much as telling a few members. What
        members say may not keep a facilitator from a heartbeat, or from removing one of them: the
        room takes these `always`."""
        self._told += size
        if self._told < _ASKED_FOR:
            return True
        fits = room.may_tell(self._told) or always
        if not fits or not self._requester.may_tell(self._told):
            self._told -= size  # this message is refused
            return False
        self._told = 0
        return True

    def _strike(self, n: int) -> None:
        """The client asks too much: refuse, and close when it goes on."""
        self._services.tally.count("rate_limited")
        self._strikes += 1
        if self._strikes > price.STRIKES or self.client.state is ClientState.CHALLENGED:
            self.client.finish(Close.REFUSED, bye("rate_limited"))
        else:
            self.client.refuse(n, Refusal("rate_limited"))

    def _reject(self, fault: Malformed, n: int = 0) -> None:
        """Answer bytes that no client can mean with their fault, then close."""
        too_large = fault.code == "too_large"
        code = "too_large" if too_large else "malformed"
        self._services.tally.count(code)
        self.client.send(RequestRefused(n, code, f"{REFUSALS[code]} ({fault.code})"))
        self.client.finish(Close.TOO_LARGE if too_large else Close.REFUSED)

    # --- one after the other ----------------------------------------------------------------

    def _may_begin(self, request: Post | ClientFrame) -> bool:
        """Whether a request need not wait for the answers to publishes."""
        answers = self.client.answers
        if not answers.expecting:
            return True
        return isinstance(request, Post) and answers.expected(request.id) is None

    def _queue(self, request: Post | ClientFrame) -> None:
        self._requests.append(request)
        if not self._working:
            self.client.answers.when_given(self._answers_given)

    def _answers_given(self) -> None:
        # Later, because the last answer is given in the middle of other work.
        self._services.runner.later(self._go_on)

    def _go_on(self) -> None:
        if self._working or not self._requests:
            return
        if self.client.answers.expecting:
            self.client.answers.when_given(self._answers_given)
            return
        self._services.runner.start(self._work(self._requests.pop(0)))

    def _published_soon(self, post: Post) -> bool:
        return self.client.state is ClientState.MEMBER and publish.publish_soon(
            self._requester, post, self._on_published
        )

    def _on_published(self, publication: Publication, outcome: Taken | Exception) -> None:
        """As `PublishDone`. Mostly the blob was told before, which answered the request."""
        id, answers = publication.id, self.client.answers
        n = answers.expected(id)
        if n is None:
            return
        if isinstance(outcome, Taken):
            work = publish.answer(self._requester, id, outcome)
            self._services.runner.start(self._guarded(work, n))
        elif isinstance(outcome, RosterMoved):
            self._services.runner.start(self._guarded(self._publish_again(n, publication), n))
        else:
            answers.pop(id)
            self._answer_fault(outcome, n)

    async def _publish_again(self, n: int, was: Publication) -> None:
        try:
            await self._rooms.catch_up(was.room)
        except Exception:
            self.client.answers.pop(was.id)  # the blob was not taken, so nothing else answers it
            raise
        await self._handle(Post(n, was.id, was.base, was.blob_class, was.ttl, was.blob))

    async def _guarded(self, work: Awaitable[None], n: int) -> None:
        """Do the work of request `n`. Answer the request when the work fails."""
        try:
            await work
        except Exception as error:
            self._answer_fault(error, n)

    async def _work(self, request: Post | ClientFrame) -> None:
        self._working = True
        while True:
            await self._guarded(self._handle(request), request.n)
            if not self._requests:
                break
            request = self._requests.pop(0)
        self._working = False

    async def _handle(self, request: Post | ClientFrame) -> None:
        state = self.client.state
        handler = HANDLERS[state].get(type(request))
        if handler is None:
            if state is ClientState.CLOSED:
                return
            raise Refusal("not_authenticated" if state is ClientState.CHALLENGED else "not_allowed")
        for _ in range(_JUDGED_AGAIN):
            try:
                await handler(self._requester, request)
            except RosterMoved:
                await self._rooms.catch_up(self.client.room_id)
                continue
            return
        raise Refusal("busy")

    def _answer_fault(self, error: Exception, n: int) -> None:
        client = self.client
        if isinstance(error, Refusal):
            self._services.tally.count(error.code)
            client.refuse(n, error)
        elif isinstance(error, Malformed):
            self._reject(error, n)
        else:
            error_log.report(error)
            self._services.tally.count("unavailable")
            # Nothing was acknowledged, and the client will try again.
            client.refuse(n, Refusal("unavailable"))

    # --- the end ----------------------------------------------------------------------------

    def _closed(self, client: Client) -> None:
        self._requests.clear()
        client.answers.when_given(None)
        room = self._requester.room
        if room is not None:
            self._rooms.disconnected(room, client)
        self._on_closed(client)


def _hearers(room: LocalRoom, request: Post | ClientFrame, sender: bytes) -> int:
    """How many clients here are told of a request at once."""
    if isinstance(request, Post | Publish):
        return len(room.live)
    if isinstance(request, SendDesk):
        leading = room.history.leading
        return len(room.live if sender in leading else leading)
    return 0

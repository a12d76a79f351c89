"""The rules of fairness one by one, each with the parts that follow it and nothing around them."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import (
    Bye,
    EndRoom,
    ReadCard,
    ReadChain,
    RequestRefused,
    Reseat,
    Resume,
    Settle,
)
from alcove_server.net.inbox import Everyone, Inbox
from alcove_server.net.shares import Shares
from alcove_server.ports.outlet import Close
from alcove_server.ports.runner import Immediate
from alcove_server.ports.turn import AT_ONCE, BYTES, Turn
from alcove_server.process.hardening import SPARE_DESCRIPTORS, check_descriptors
from alcove_server.process.signals import handle
from alcove_server.rooms import fanout
from alcove_server.rooms.fanout import Fanout, Turns
from alcove_server.rooms.replay_budget import ReplayBudget
from alcove_server.rooms.roster_history import verify_chain
from alcove_server.session import price
from alcove_server.settings import Settings
from alcove_server.store.budget import BLOB_OVERHEAD, RECORD_OVERHEAD
from alcove_server.store.memory.store import MemoryStore

from tests.server.keys import Facilitated
from tests.server.scene import Person, Scene
from tests.server.test_fairness import Turned
from tests.server.test_fanout import Member

# --- turns ------------------------------------------------------------------------------------


class Reader:
    """A connection with so many shares that wait, of which each takes this many steps."""

    def __init__(self, turn: Turn, shares: int, steps: float = 16.0) -> None:
        self._turn, self._steps = turn, steps
        self.left = shares
        self.then: Callable[[], None] = lambda: None

    def read_on(self) -> bool:
        self._turn.spend(self._steps)
        self.left -= 1
        self.then()
        return self.left > 0


class Shared(Everyone):
    weight = 4  # type: ignore[misc]  # another class of network than that of single tests


def test_a_shared_address_has_many_places_in_a_round() -> None:
    loop = Turned()
    inbox = Inbox(Turn(loop.later))
    shared, other = Shared(), Everyone()
    behind = [Reader(inbox.turn, 100) for _ in range(8)]
    alone = Reader(inbox.turn, 100)
    for one in behind:
        inbox.wait(one, shared)
    inbox.wait(alone, other)
    loop.turn()
    taken = [100 - one.left for one in behind]
    assert sum(taken) in range(3 * (100 - alone.left), 4 * (100 - alone.left) + 5)


def test_a_connection_that_begins_to_wait_in_its_groups_turn_is_not_lost() -> None:
    loop = Turned()
    inbox = Inbox(Turn(loop.later))
    part = Everyone()
    first, later = Reader(inbox.turn, 1), Reader(inbox.turn, 1)
    more = Reader(inbox.turn, 3)
    first.then = lambda: inbox.wait(later, part)
    inbox.wait(first, part)
    inbox.wait(more, part)
    while loop.turn():
        pass
    assert (first.left, later.left, more.left) == (0, 0, 0)


def test_large_blobs_count_more_in_a_turn_of_replays() -> None:
    runner = Immediate()
    budget = ReplayBudget(runner)

    async def reads() -> None:
        budget.read(1, 4 * limits.MIB)
        assert budget._left <= 0

    runner.start(reads())
    assert budget._left > 0


async def test_a_chain_is_verified_in_pieces() -> None:
    room = Facilitated()
    for _ in range(40):
        room.take(room.entry((), base=bytes(16), commit=b"c"))
    pauses: list[int] = []

    async def breathe() -> None:
        pauses.append(1)

    await verify_chain(room.chain, room.id, breathe)
    assert len(pauses) >= 4


# --- fan-out ----------------------------------------------------------------------------------


def hall(members: int) -> tuple[Turned, Fanout, list[Member]]:
    loop = Turned()
    room = Fanout(Turns(loop.later))
    people = [Member() for _ in range(members)]
    for one in people:
        room.subscribe(one.feed)
    return loop, room, people


def test_many_answers_of_one_author_count_as_parts() -> None:
    loop, room, authors = hall(50)
    for number in range(1000):
        room.add(b"x", {authors[(number + at) % 50].feed: b"a" for at in range(50)})
    loop.turn()
    assert 0 < sum(bool(author.written) for author in authors) < 10


def test_the_bytes_of_an_author_count() -> None:
    loop, room, authors = hall(50)
    room.add(bytes(fanout.AT_ONCE * BYTES // 10), {})
    room.add(b"x", {author.feed: b"answer" for author in authors})
    loop.turn()
    assert 0 < sum(bool(author.written) for author in authors) < 20


def test_a_room_with_many_small_messages_is_behind_too() -> None:
    loop, room, _ = hall(1)
    for _ in range(fanout.BEHIND):
        room.add(b"x", {})
    assert not room.crowded
    room.add(b"x", {})
    assert room.crowded
    while loop.turn():
        pass
    assert not room.crowded


def test_members_that_have_everything_are_passed_over_in_parts() -> None:
    loop, room, people = hall(20_000)
    room.add(b"x", {})
    for one in people:
        one.feed.flush()
    turns = 0
    while loop.turn():
        turns += 1
    assert turns >= 20_000 * fanout._PASSED / fanout.AT_ONCE


def test_members_of_a_room_that_is_behind_are_not_read() -> None:
    scene = Scene()
    scene.open()
    session = scene.host.link.session
    assert session is not None
    assert not session.congested
    room = scene.relay.relay.rooms.loaded[scene.room.id]
    for _ in range(fanout.BEHIND + 1):
        room._fanout._messages.add(b"x")
    assert session.congested


# --- prices -----------------------------------------------------------------------------------


def test_what_costs_the_relay_more_costs_a_client_more() -> None:
    assert price.of_message(320 * limits.KIB, 1, 0) >= 10
    assert price.of_message(16, 161, 0) >= 10
    assert price.of_message(16, 1, 10 * limits.MIB) >= 40
    of = price.of_request
    assert 4 * of(Resume(1, bytes(16), 0), 2) >= price.BURST
    assert of(ReadCard(1), 2) == of(ReadChain(1, 0), 2) == 10
    frame = Scene()
    frame.open()
    assert of(frame.commit(), 1000) - of(frame.commit(), 50) == 19
    doors = bytes(limits.DOORS * 270)
    named = Reseat(1, b"x", bytes(64), b"", b"", doors)
    assert of(named, 2) == len(doors) / 1024


def test_what_costs_the_relay_more_takes_more_of_a_turn() -> None:
    scene = Scene()
    scene.open()
    commit = scene.commit()
    assert price.steps(commit, 500, 1000) >= price.steps(commit, 500, 0) + 200
    brought = Reseat(1, b"x", bytes(64), b"", b"", b"")
    assert price.steps(brought, limits.ROSTER_CHAIN, 0) >= price.steps(brought, 0, 0) + AT_ONCE - 1
    assert price.steps(Settle(1, bytes(16)), 16, 0) >= 10


class Open(Scene):
    """A room whose relay has rates, and whose turn does not end."""

    def __init__(self) -> None:
        super().__init__(Settings(rates=1.0))
        services = self.relay.relay.services
        services.turn = Turn(lambda act: None)
        self.turn = services.turn
        self.open()

    def spent(self, act: Callable[[], object]) -> float:
        before = self.turn.left
        act()
        return before - self.turn.left


def test_each_message_takes_steps_of_its_turn() -> None:
    scene = Open()
    scene.host.beat()
    small = scene.spent(lambda: scene.host.send(scene.host.blob(b"x")))
    large = scene.spent(lambda: scene.host.send(scene.host.blob(bytes(32 * limits.KIB))))
    assert small >= 1
    assert large >= small + 1
    settle = Settle(scene.host.next_n(), bytes(16))
    assert scene.spent(lambda: scene.host.send(settle)) >= 12


def test_a_stranger_may_ask_a_few_times() -> None:
    scene = Open()
    stranger = Person(scene)
    for _ in range(price.EARLY):
        assert stranger.refused(Settle(stranger.next_n(), bytes(16))) == "not_authenticated"
    stranger.send(Settle(stranger.next_n(), bytes(16)))
    assert stranger.closed == Close.REFUSED


def test_a_client_that_asks_on_and_on_is_closed() -> None:
    scene = Open()
    codes: list[str] = []
    scene.relay.relay.services.tally.take()
    for _ in range(int(price.BURST) + price.STRIKES + 1):
        scene.host.send(Settle(scene.host.next_n(), bytes(16)))
        heard = scene.host.fetch()
        codes += [one.code for one in heard if isinstance(one, RequestRefused | Bye)]
    assert codes.count("rate_limited") == price.STRIKES + 1
    assert scene.host.closed == Close.REFUSED
    assert scene.relay.relay.services.tally.take()["rate_limited"] >= price.STRIKES


# --- what is held -----------------------------------------------------------------------------


def test_a_part_whose_connection_is_gone_holds_less() -> None:
    shares, crowded, quiet = Shares[str](100), Everyone(), Everyone()
    for name, part, size in (("gone", crowded, 80), ("here", crowded, 10), ("alone", quiet, 30)):
        shares.set(name, part, size)
    shares.discard("gone", crowded)
    assert shares.largest() == ("alone", quiet)


def test_what_is_remembered_of_a_publish_is_counted() -> None:
    scene = Scene()
    scene.open()
    scene.host.beat()
    store = scene.relay.store
    assert isinstance(store, MemoryStore)
    before = store._budget.used
    scene.host.say(b"x")
    assert store._budget.used - before == 1 + BLOB_OVERHEAD + RECORD_OVERHEAD


def test_what_is_remembered_of_an_ended_room_is_counted_and_bounded() -> None:
    scene = Scene(Settings(rates=0, rooms=3))
    store = scene.relay.store
    assert isinstance(store, MemoryStore)
    ends: list[int] = []
    for _ in range(5):
        scene.open()
        signed = scene.room.end()
        scene.host.send(EndRoom(scene.host.next_n(), signed.body, signed.signature))
        ends.append(store._budget.used)
    assert 0 < ends[0] < ends[1] < ends[2] == ends[3] == ends[4]


# --- what an operator relies on -----------------------------------------------------------------


def test_an_answer_for_another_host_authenticates_no_client() -> None:
    scene = Scene()
    scene.open()
    again = Person(scene, scene.host.key)
    scene.relay.relay.services.tally.take()
    assert again.turned_away(again.auth_frame("member", host="evil.test")) == "wrong_host"
    assert scene.relay.relay.services.tally.take() == {"wrong_host": 1}


def test_too_few_descriptors_are_named_with_what_to_set() -> None:
    settings = Settings(connections=1000)
    check_descriptors(settings, None)
    check_descriptors(settings, 1000 + SPARE_DESCRIPTORS)
    with pytest.raises(ValueError, match="set --connections to at most 999 or raise"):
        check_descriptors(settings, 999 + SPARE_DESCRIPTORS)


def test_the_signals_that_do_not_stop_it_have_their_meaning() -> None:
    added: dict[int, Callable[[], object]] = {}
    handle(added.__setitem__, lambda: "reload", lambda: "report")
    assert {number: act() for number, act in added.items()} == {
        signal.SIGHUP: "reload",
        signal.SIGUSR1: "report",
    }

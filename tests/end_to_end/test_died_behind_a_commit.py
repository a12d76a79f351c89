"""A facilitator's program dies behind a commit of its own, before it parked the epoch that it made.

The members that came by that commit know no epoch before. When only they are left, the ticket is to
bring the facilitator back all the same. So it parks before the commit what the next epoch is asked
under, too.
"""

import pytest
from alcove import events
from alcove_protocol import frames, limits
from alcove_protocol.frames import BlobClass

from tests.end_to_end.facilitating import all_agree, ask, do, goes_on, newcomer, part
from tests.end_to_end.ticketing import codes, crashes, resumes, ticket_of
from tests.end_to_end.world import Client, World

FIVE = ("Ann", "Ben", "Cem", "Deb", "Eli")
COMERS = 40


@pytest.fixture(autouse=True)
def by_the_epoch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members answer by an epoch that was parked, and not by the leaf: that is the weaker way."""
    monkeypatch.setattr("alcove.engine.standby_answers.return_psk", lambda desk_key, mls_key: None)


class DiesBehindACommit:
    """The relay gets everything up to the next commit of this client, and nothing behind it."""

    def __init__(self) -> None:
        self.dead = False

    def __call__(self, client: Client, data: bytes) -> list[bytes]:
        if self.dead:
            return []
        frame = frames.from_client(data)
        self.dead = isinstance(frame, frames.Publish) and frame.blob_class == BlobClass.COMMIT
        return [data]


def lets_in_and_dies(world: World, host: Client, name: str, invite: str = "") -> Client:
    """A newcomer comes in by the last that this client did."""
    comer = world.knock(invite or host.invite(), name)
    host.to_relay = dies = DiesBehindACommit()
    host.admit(host.of(events.Knocked)[-1])
    world.settle()
    assert dies.dead
    assert comer.of(events.Joined)
    crashes(world, host)
    return comer


def leaves(world: World, *clients: Client) -> None:
    """They close their programs: nobody is left who knows the epochs before."""
    for client in clients:
        crashes(world, client)


def test_only_who_came_by_the_last_commit_is_left() -> None:
    world = World()
    ann = world.open("Ann")
    ticket, invite = ticket_of(world, ann), ann.invite()
    bob = lets_in_and_dies(world, ann, "Bob")
    again = resumes(world, ticket, "Ann", wait=60)
    assert again.of(events.Joined), codes(again)
    goes_on(world, again, bob)
    newcomer(world, invite, "Dora", again)


def test_it_dies_again_on_its_way() -> None:
    """What was fetched goes back to the relay as it is, and so it is good for the same epoch."""
    world = World()
    ann = world.open("Ann")
    ticket = ticket_of(world, ann)
    bob = lets_in_and_dies(world, ann, "Bob")
    second = resumes(world, ticket, "Ann", wait=8)
    crashes(world, second)
    third = resumes(world, ticket, "Ann", wait=60)
    goes_on(world, third, bob)


def test_only_a_member_that_came_back_by_the_last_commit_is_left() -> None:
    """Its own ticket had an epoch from before, and so it knows one more than a newcomer."""
    world = World()
    ann = world.open("Ann")
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    tickets = ticket_of(world, ann), ticket_of(world, bob)
    crashes(world, bob)
    ann.to_relay = dies = DiesBehindACommit()
    back = resumes(world, tickets[1], "Bob")
    assert dies.dead
    assert back.of(events.Joined)
    crashes(world, ann)
    leaves(world, cleo)
    again = resumes(world, tickets[0], "Ann", wait=60)
    goes_on(world, again, back)


def test_the_relay_did_not_take_the_commit() -> None:
    """It was cut off before. The epoch that was parked beside the present one never came about."""
    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")
    ticket = ticket_of(world, ann)
    comer = world.knock(ann.invite(), "Cleo")

    def cut_before(client: Client, data: bytes) -> list[bytes]:
        return [] if isinstance(frames.from_client(data), frames.Publish) else [data]

    ann.to_relay = cut_before
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=60)
    goes_on(world, again, bob)
    again.admit(again.of(events.Knocked)[-1])
    world.advance(5)
    assert comer.of(events.Joined)


def test_another_commit_was_first() -> None:
    """The commit lost its race, and its facilitator dies before it plans another one. So does the
    other one, without a ticket."""
    world = World()
    ann = world.open("Ann")
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    do(world, ann, "appoint", "Bob")
    world.advance(95)
    ticket = ticket_of(world, ann)
    knocker = world.knock(ann.invite(), "Dora")
    lost: list[bytes] = []
    parked: list[bytes] = []

    def slow(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        if isinstance(frame, frames.Park):
            parked.append(data)
        if isinstance(frame, frames.Publish) and frame.blob_class == BlobClass.COMMIT:
            lost.append(data)
            return []
        return [] if lost else [data]

    ann.to_relay = slow
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert lost
    assert parked
    assert bob.engine.require_member().facilitator is not None
    do(world, bob, "slow", 5)
    crashes(world, ann)
    crashes(world, bob)
    again = resumes(world, ticket, "Ann", wait=150)
    goes_on(world, again, cleo)
    assert not knocker.of(events.Joined)


def test_another_facilitator_lets_it_in_that_came_by_that_commit() -> None:
    """Ben was appointed before, lost his program, and knows only the epoch in which Ann let him in
    again: she died behind that commit."""
    world = World()
    ann = world.open("Ann")
    ben, cleo = world.join(ann, "Ben"), world.join(ann, "Cleo")
    do(world, ann, "appoint", "Ben")
    world.advance(95)
    tickets = ticket_of(world, ann), ticket_of(world, ben)
    do(world, ann, "listen_only", True)
    world.advance(5)
    crashes(world, ben)
    ann.to_relay = dies = DiesBehindACommit()
    back = resumes(world, tickets[1], "Ben")
    assert dies.dead
    assert back.of(events.Joined)
    crashes(world, ann)
    world.advance(100)
    again = resumes(world, tickets[0], "Ann", wait=60)
    assert again.of(events.Joined), codes(again)
    assert not cleo.of(events.StandbyAsked)
    do(world, again, "listen_only", False)
    goes_on(world, again, back, cleo)


def test_five_facilitators_let_one_in_in_turn_and_all_die() -> None:
    """The last one's ticket opens the room for the others: it knows their epoch, and the new one's
    member."""
    world = World()
    ann = world.open("Ann")
    hosts = [ann, *(world.join(ann, name) for name in FIVE[1:])]
    for host in hosts[1:]:
        do(world, ann, "appoint", host.name)
        world.advance(3)
    world.advance(95)
    tickets = {host.name: ticket_of(world, host) for host in hosts}
    comers = []
    for number, host in enumerate(hosts[:-1]):
        comer = world.knock(ann.invite(), f"Comer {number}")
        host.admit(host.of(events.Knocked)[-1])
        world.settle()
        assert comer.of(events.Joined)
        comers.append(comer)
    last = hosts[-1]
    for host in hosts[:-1]:
        host.to_relay = _no_park  # they die in the same moment
    comer = lets_in_and_dies(world, last, "Zoe", ann.invite())
    leaves(world, *comers, *hosts[:-1])
    again = resumes(world, tickets[last.name], last.name, wait=150)
    goes_on(world, again, comer)
    first = resumes(world, tickets["Ann"], "Ann", wait=60)
    assert first.of(events.Joined), codes(first)
    goes_on(world, again, first, comer)
    all_agree(again, first, comer)


def _no_park(client: Client, data: bytes) -> list[bytes]:
    return [] if isinstance(frames.from_client(data), frames.Park) else [data]


def test_a_relay_without_space_for_tickets_keeps_nobody_out() -> None:
    """The commit goes all the same. The ticket has nothing new then, until there is space."""
    world = World()
    ann = world.open("Ann")
    ticket_of(world, ann)
    full: list[int] = []

    def refuse(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        if not isinstance(frame, frames.Park) or len(full) > 2:
            return [data]
        full.append(frame.n)
        answer = frames.RequestRefused(frame.n, "busy", "")
        client.engine.received(answer.to_bytes())
        return []

    ann.to_relay = refuse
    bob = world.join(ann, "Bob")
    assert full
    world.advance(20)
    assert len(full) == 3
    ticket = ann.of(events.TicketMade)[-1].ticket
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=60)
    goes_on(world, again, bob)


def test_the_relay_lost_its_memory_with_the_commit_on_its_way() -> None:
    """What was parked is gone with it, so it is parked anew before the commit goes again."""
    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")
    ticket = ticket_of(world, ann)
    comer = world.knock(ann.invite(), "Cleo")
    seen: list[str] = []

    def note(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        commit = isinstance(frame, frames.Publish) and frame.blob_class == BlobClass.COMMIT
        if commit or isinstance(frame, frames.Park):
            seen.append("commit" if commit else "park")
        return [] if commit and world.relay is not None and len(seen) < 3 else [data]

    ann.to_relay = note
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert seen == ["park", "commit"]
    world.kill_relay()
    world.start_relay()
    world.advance(90)
    assert seen[2:4] == ["park", "commit"]
    assert comer.of(events.Joined)
    crashes(world, ann)
    leaves(world, bob)
    again = resumes(world, ticket, "Ann", wait=60)
    goes_on(world, again, comer)


def test_many_that_come_one_by_one_cost_one_ticket_each() -> None:
    """The relay's bound for one connection holds, and what is parked stays new."""
    world = World()
    ann = world.open("Ann", uses=COMERS + 5, members=COMERS + 5)
    ticket = ticket_of(world, ann)
    parked: list[bytes] = []
    refused: list[str] = []

    def note(client: Client, data: bytes) -> list[bytes]:
        if isinstance(frames.from_client(data), frames.Park):
            parked.append(data)
        return [data]

    def answers(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        if isinstance(frame, frames.RequestRefused):
            refused.append(frame.code)
        return [data]

    ann.to_relay, ann.to_client = note, answers
    for number in range(COMERS):
        world.join(ann, f"Comer {number}")
        world.advance(1)
    assert refused == []
    assert len(parked) <= COMERS + COMERS // 5 + 1
    world.advance(6)
    assert part(ann).committer.idle
    count = len(parked)
    world.advance(limits.PARK_AGAIN - 10)
    assert len(parked) == count
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=60)
    assert again.of(events.Joined)


def test_a_commit_that_lets_nobody_in_is_parked_once_behind_it() -> None:
    """All that are left know the epoch before it."""
    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")
    ticket = ticket_of(world, ann)
    world.advance(10)
    order: list[str] = []

    def note(client: Client, data: bytes) -> list[bytes]:
        order.append(frames.from_client(data).KIND)
        return [data]

    ann.to_relay = note
    do(world, ann, "listen_only", True)
    world.advance(1)
    assert [kind for kind in order if kind in ("publish", "park")][:2] == ["publish", "park"]
    assert order.count("park") == 1
    ann.to_relay = DiesBehindACommit()
    ask(ann, "listen_only", False)
    world.settle()
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=60)
    goes_on(world, again, bob)

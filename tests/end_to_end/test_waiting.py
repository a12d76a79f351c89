"""A newcomer who waits is told what they wait for."""

from alcove import events
from alcove_protocol import limits

from tests.end_to_end.world import Client, World, kind_of


def told(client: Client) -> list[str]:
    return [problem.code for problem in client.of(events.Problem)]


def test_a_newcomer_is_told_when_no_facilitator_is_there_and_when_one_is_back() -> None:
    world = World()
    ann = world.open("Ann")
    invite = ann.invite()
    ann.cut()
    world.advance(limits.READ_ONLY_AFTER + 5, step=5, stay_away=(ann,))
    bob = world.knock(invite, "Bob")
    assert bob.of(events.Waiting)
    world.advance(100, step=5, stay_away=(ann,))
    assert told(bob) == ["nobody_there"]
    world.advance(60, step=5)
    assert told(bob) == ["nobody_there", "facilitator_there"]
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert bob.of(events.Joined)


def test_who_waits_for_the_last_use_of_an_invite_is_told_that_it_has_gone() -> None:
    world = World()
    ann = world.open("Ann", uses=1)
    bob, cleo = world.knock(ann.invite(), "Bob"), world.knock(ann.invite(), "Cleo")
    ann.admit(ann.of(events.Knocked)[0])
    world.settle()
    world.advance(120, step=5)
    assert bob.of(events.Joined)
    assert told(bob) == []
    assert told(cleo) == ["door_used"]
    assert cleo.engine.closed is None


def test_the_facilitator_reads_their_own_sentence_about_a_used_invite() -> None:
    world = World()
    ann = world.open("Ann", uses=1)
    for name in ("Bob", "Cleo"):
        world.knock(ann.invite(), name)
    first, second = ann.of(events.Knocked)
    ann.admit(first)
    world.settle()
    result = ann.admit(second)
    world.settle()
    (error,) = result
    assert str(error) == (
        "The invite that this person came by has no uses left. Give them a new one: /invite new."
    )


def test_who_is_let_in_by_the_last_use_is_told_nothing_else() -> None:
    world = World()
    ann = world.open("Ann", uses=1)
    bob = world.knock(ann.invite(), "Bob")
    late: list[bytes] = []

    def keep_the_welcome(client: Client, data: bytes) -> list[bytes]:
        if kind_of(data) == "welcome":
            late.append(data)
            return []
        return [data]

    bob.to_client = keep_the_welcome
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    world.advance(8)
    bob.to_client = lambda client, data: [*late, data]
    world.advance(60)
    assert bob.of(events.Joined)
    assert told(bob) == []

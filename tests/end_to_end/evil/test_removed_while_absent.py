"""A lying relay, and the removal of a member that was let go as absent."""

from dataclasses import replace

import pytest
from alcove import events
from alcove.events import ConnectionState
from alcove_protocol.frames import BlobClass, BlobIs, LobbyItem, Publish

from tests.end_to_end.evil.relay import EvilWorld, Trick
from tests.end_to_end.evil.rogue import relay_key, room_of
from tests.end_to_end.evil.rooms import a_commit, a_request, commit_by, named
from tests.end_to_end.facilitating import ask, away, do, new_link, newcomer
from tests.end_to_end.test_outside import inside, outside
from tests.end_to_end.world import Client

ABSENT = 180


def bob_is_absent() -> tuple[EvilWorld, Client, Client, Client]:
    """Ann and Ben facilitate, and Bob was let go."""
    world = EvilWorld()
    ann = world.open_with(world.client("Ann"), absent=ABSENT)
    ben, bob = world.join(ann, "Ben"), world.join(ann, "Bob")
    do(world, ann, "appoint", "Ben")
    world.advance(65)
    bob.cut()
    world.advance(ABSENT + 80, step=5, stay_away=(bob,))
    assert away(ann) == away(ben) == ("Bob",)
    return world, ann, ben, bob


def test_a_relay_that_withholds_the_entry_is_told_of_and_wins_no_return() -> None:
    """Ann's client gets Ben's commit without its entry, and does not know of the removal."""
    world, ann, ben, bob = bob_is_absent()
    hides = replace_entry(world, ann)
    done = ask(ben, "remove", "Bob")
    world.advance(3, stay_away=(bob,))
    hides.stop()
    assert done == [None]
    assert away(ann) == ("Bob",)
    assert told(ann) == []
    world.advance(40, stay_away=(bob,))  # a heartbeat of each
    assert told(ann) == ["Ben"]
    assert told(ben) == ["Ann"]
    do(world, ben, "lock", True)
    world.advance(3, stay_away=(bob,))
    assert told(ann) == ["Ben", None]  # the next entry does not follow
    do(world, ben, "lock", False)
    ann.engine.commands.rejoin()
    world.advance(20, stay_away=(bob,))
    assert away(ann) == ()
    bob.back()
    world.advance(60)
    assert "Bob" not in ann.members() | ben.members()


def test_who_comes_back_by_a_withheld_entry_is_told_to_all() -> None:
    """The relay kept Bob's request, and takes what Ann's client makes of it."""
    world, ann, ben, bob = bob_is_absent()
    kept = [world.keep_back(one, LobbyItem, a_request) for one in (ann, ben)]
    bob.back()
    world.advance(3)
    hides = replace_entry(world, ann)
    do(world, ben, "remove", "Bob")
    hides.stop()
    made = world.drop(ann, Publish, lambda asked: asked.blob_class == BlobClass.COMMIT)
    world.forge(ann, kept[0].hits[0])
    world.settle()
    world.take(room_of(ann), made.hits[0].blob, BlobClass.COMMIT, publisher=relay_key(ann))
    world.advance(3)
    for client in (ann, ben):
        assert "Bob" in client.members()
        assert client.of(events.Joined)[-1].name == "Bob"
    assert told(ben) == [None, "Ann"]
    made.stop()
    kept[0].stop()
    do(world, ben, "remove", "Bob")
    world.advance(40)
    assert "Bob" not in ann.members() | ben.members()


def test_one_that_missed_their_return_is_told_once_when_they_are_removed() -> None:
    """A relay kept the commit from Cleo by which Bob came back, and Cleo came back by a Welcome."""
    world, ann, _, bob = bob_is_absent()
    cleo = world.join(ann, "Cleo")
    bob.back()
    world.advance(10)
    bob.cut()
    world.advance(ABSENT + 80, step=5, stay_away=(bob,))
    assert cleo.of(events.Absent)
    kept = world.drop(cleo, BlobIs, a_commit)
    bob.back()
    world.advance(10)
    kept.stop()
    comes_in_anew(world, ann, cleo)
    assert "Bob" in cleo.members()
    do(world, ann, "remove", "Bob")
    world.advance(3)
    assert cleo.of(events.Removed) == [events.Removed("Bob")]
    assert removals(cleo) == [("Bob", "Ann")]


def test_a_name_that_came_back_unseen_is_no_members_with_new_keys() -> None:
    world, ann, _, bob = bob_is_absent()
    cleo = world.join(ann, "Cleo")
    bob.back()
    world.advance(10)
    bob.cut()
    world.advance(ABSENT + 80, step=5, stay_away=(bob,))
    kept = world.drop(cleo, BlobIs, a_commit)
    bob.back()
    world.advance(10)
    kept.stop()
    comes_in_anew(world, ann, cleo)
    do(world, ann, "remove", "Bob")
    world.advance(3)
    newcomer(world, new_link(world, ann), "Bob", ann)
    assert cleo.of(events.Joined)[-1] == events.Joined("Bob")
    assert cleo.of(events.NewKeys) == []


def test_a_facilitator_that_missed_how_they_came_back_from_outside_is_told_once() -> None:
    world = EvilWorld()
    ann = world.open_with(world.client("Ann"), absent=ABSENT)
    ben, bob = world.join(ann, "Ben"), world.join(ann, "Bob")
    do(world, ann, "appoint", "Ben")
    world.advance(65)
    outside(world, bob)
    kept = world.drop(ben, BlobIs, a_commit)
    inside(world, bob)
    kept.stop()
    assert "Bob" in ann.members()
    assert away(ben) == ("Bob",)
    comes_in_anew(world, ann, ben)
    assert away(ben) == ()
    do(world, ben, "remove", "Bob")
    world.advance(3)
    assert ben.of(events.Removed) == [events.Removed("Bob", "Ben")]
    assert removals(ben) == removals(ann) == [("Bob", "Ben")]


def comes_in_anew(world: EvilWorld, ann: Client, client: Client) -> None:
    """A client that missed a commit gets a Welcome."""
    commit_by(world, ann)
    for _ in range(300):
        states = [event.state for event in client.of(events.ConnectionChanged)]
        if ConnectionState.REJOINED in states:
            return
        world.advance(1)
    pytest.fail("It did not come back.")


def removals(client: Client) -> list[tuple[str, str]]:
    """Whom facilitators removed, and which of them."""
    client.engine.commands.acts()
    client.collect()
    acts = client.of(events.PastActs)[-1].acts
    return [(one.name, one.by) for one in acts if one.act == "remove"]


def replace_entry(world: EvilWorld, client: Client) -> Trick[BlobIs]:
    return world.alter(client, BlobIs, lambda b: replace(b, entry=None, signature=None), a_commit)


def told(client: Client) -> list[str | None]:
    """Of whom it was said that the list is wrong."""
    return named(client, "roster_mismatch")

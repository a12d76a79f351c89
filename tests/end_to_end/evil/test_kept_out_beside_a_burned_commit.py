"""A facilitator's own program: a commit that all refuse, with an entry about an absent member.

The relay cannot judge the commit, and goes by the entry. So do all clients, as after any removal.
"""

from dataclasses import replace

import pytest
from alcove import events, mls
from alcove.errors import InvalidInput
from alcove.group.keys import SigningKey
from alcove_protocol.frames import BlobClass, Publish, Published, RelayAnswer
from alcove_protocol.roster import NO_DOOR, Change, Op, Role, Seat

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    entry_by,
    flipped,
    leaf_of,
    relay_key,
    rogue_commit,
    roster_of,
)
from tests.end_to_end.evil.rooms import problems
from tests.end_to_end.evil.test_removed_while_absent import ABSENT, removals
from tests.end_to_end.facilitating import Result, ask, away, do, hold, let
from tests.end_to_end.test_removed_while_away import without_requests
from tests.end_to_end.world import Client, closed

Room = tuple[EvilWorld, Client, Client, Client, Client]


def bob_is_absent() -> Room:
    """Ann and Ben facilitate, Bob was let go, and Cleo is a participant."""
    world = EvilWorld()
    ann = world.open_with(world.client("Ann"), absent=ABSENT)
    ben, bob, cleo = (world.join(ann, name) for name in ("Ben", "Bob", "Cleo"))
    do(world, ann, "appoint", "Ben")
    world.advance(65)
    bob.cut()
    world.advance(ABSENT + 80, step=5, stay_away=(bob,))
    assert away(ann) == away(ben) == ("Bob",)
    return world, ann, ben, bob, cleo


def burns(
    world: EvilWorld, by: Client, *changes: Change, blob: bytes | None = None
) -> RelayAnswer | None:
    """What the relay answers to a commit that all refuse, with an entry of these changes. Nobody
    can read it, unless it is this one."""
    blob = blob or flipped(rogue_commit(by, force_path=True))
    entry = entry_by(by.engine.identity.relay, by, blob, *changes)
    base = by.engine.require_member().membership.base.encode()
    answers: list[RelayAnswer | None] = []
    by.engine.link.request(
        lambda n: Publish(
            n,
            world.random(16),
            base,
            int(BlobClass.COMMIT),
            90,
            blob,
            entry.body,
            entry.signature,
        ),
        answers.append,
    )
    world.settle()
    return answers[0]


def removes(bob: Client) -> Change:
    return Change(Op.REMOVE, relay_key(bob))


def adds(bob: Client, host: Client) -> Change:
    """Bob, with the door by which he came."""
    entries = host.engine.require_member().membership.chain
    key = relay_key(bob)
    for entry in entries:
        at = entry.body.find(bytes([Op.ADD]) + key)
        if at >= 0:
            return Change.decode(entry.body[at : at + 43])
    return Change(Op.ADD, key, Seat(NO_DOOR, Role.PARTICIPANT))


@pytest.mark.parametrize("by_the_opener", [True, False])
def test_all_are_told_and_by_whom(by_the_opener: bool) -> None:
    """Whose list tells who is absent, and whose does not, since they came by a Welcome."""
    world, ann, ben, bob, cleo = bob_is_absent()
    rogue, other = (ann, ben) if by_the_opener else (ben, ann)
    assert (roster_of(ann).away is None, roster_of(ben).away is None) == (False, True)
    assert isinstance(burns(world, rogue, removes(bob)), Published)
    world.advance(3, stay_away=(bob,))
    assert other.of(events.Removed) == [events.Removed("Bob", rogue.name)]
    assert [(one.by, one.away) for one in other.of(events.Removed)] == [(rogue.name, True)]
    assert [(one.by, one.away) for one in cleo.of(events.Removed)] == [("", True)]
    assert removals(other) == removals(cleo) == [("Bob", rogue.name)]
    assert away(other) == ()
    said = [one.text for one in cleo.of(events.Problem) if one.code == "commit_unreadable"]
    assert len(said) == 1
    assert "It changes nothing but who can come back." in said[0]
    bob.back()
    world.advance(20)
    assert closed(bob).code == "removed"
    assert other.of(events.Removed) == [events.Removed("Bob", rogue.name)]


def test_a_commit_beyond_its_authors_rights_says_what_has_changed() -> None:
    world, ann, ben, bob, cleo = bob_is_absent()
    blob = rogue_commit(ben, mls.Remove(leaf_of(ann)))
    assert isinstance(burns(world, ben, removes(bob), blob=blob), Published)
    for client in (ann, cleo):
        said = [one.text for one in client.of(events.Problem) if one.code == "commit_refused"]
        assert len(said) == 1
        assert said[0].startswith("Ben tried to ")
        assert said[0].endswith("not allowed. Only who can come back has changed.")
        assert removals(client) == [("Bob", "Ben")]


def test_a_removal_of_one_that_the_list_has_not_as_absent_is_moot_for_them_alone() -> None:
    """However it came to that."""
    world, ann, _, bob, _ = bob_is_absent()
    membership = ann.engine.require_member().membership
    membership.roster = replace(membership.roster, away=frozenset())
    done: Result = []
    ann.engine.commands.remove(["Bob", "Cleo"], done.append)
    world.advance(5, stay_away=(bob,))
    assert done == [None]
    assert "Cleo" not in ann.members()


def test_who_signed_without_being_in_the_group_has_no_name() -> None:
    """Ben lists a key of his own as a facilitator's, and signs with it."""
    world, ann, ben, bob, cleo = bob_is_absent()
    other = SigningKey.generate(world.random)
    seat = Seat(NO_DOOR, Role.FACILITATOR)
    listed = (*_listed(ann), Change(Op.ADD, other.public, seat))
    assert isinstance(burns(world, ben, Change(Op.RESET, bytes(32)), *listed), Published)
    blob = flipped(rogue_commit(ben, force_path=True))
    entry = entry_by(other, ann, blob, removes(bob))
    member = cleo.engine.require_member()
    member.membership.follow(blob, entry, member.membership.base)
    assert [one.by for one in member.membership.take_kept_out()] == [""]


def test_a_removal_that_names_them_too_takes_out_the_others() -> None:
    world, ann, ben, bob, _ = bob_is_absent()
    burns(world, ben, removes(bob))
    with pytest.raises(InvalidInput) as refused:
        ask(ann, "remove", "Bob")
    assert refused.value.code == "unknown_name"  # as after any removal
    done: Result = []
    ann.engine.commands.remove(["Bob", "Cleo"], done.append)
    world.advance(5, stay_away=(bob,))
    assert done == [None]
    assert "Cleo" not in ann.members()


@pytest.mark.parametrize("names", [["Bob"], ["Bob", "Cleo"]])
def test_a_removal_under_way_is_moot_for_them_alone(names: list[str]) -> None:
    """Ann's client had it in flight when the entry came."""
    world, ann, ben, bob, _ = bob_is_absent()
    held = hold(ann, Publish)
    done: Result = []
    ann.engine.commands.remove(names, done.append)
    world.advance(1, stay_away=(bob,))
    assert held
    burns(world, ben, removes(bob))
    let(ann)
    assert ann.link is not None
    for data in held:
        ann.link.receive(data)
    world.advance(10, stay_away=(bob,))
    assert done == [None]
    assert ("Cleo" in ann.members()) is ("Cleo" not in names)
    assert [one for one in ann.of(events.Removed) if one.name == "Bob"] == [
        events.Removed("Bob", "Ben")
    ]
    assert removals(ann)[0] == ("Bob", "Ben")


def test_a_return_under_way_is_not_made() -> None:
    """Ann's client was about to let Bob in. A relay that lies would take it."""
    world, ann, ben, bob, cleo = bob_is_absent()
    held = hold(ann, Publish)
    ben.to_client = without_requests
    bob.back()
    world.advance(3)
    adding = bytes([Op.ADD]) + relay_key(bob)
    first = len(held)
    assert any(adding in data for data in held)
    burns(world, ben, removes(bob))
    world.advance(5)
    assert not any(adding in data for data in held[first:])
    let(ann)
    world.advance(20)
    assert "Bob" not in ann.members() | cleo.members()


def test_one_that_cannot_follow_is_told_too() -> None:
    """Cleo is held, and reads on in the list."""
    world, _, ben, bob, cleo = bob_is_absent()
    cleo.engine.require_member()._following.hold()
    burns(world, ben, removes(bob))
    assert [one.name for one in cleo.of(events.Removed)] == ["Bob"]
    assert removals(cleo) == [("Bob", "Ben")]


def test_a_removal_in_two_entries_is_told() -> None:
    """The first puts Bob on the list, so that the second removes one that has a seat."""
    world, ann, ben, bob, cleo = bob_is_absent()
    key = adds(bob, ann)
    answer = burns(world, ben, Change(Op.RESET, bytes(32)), *_listed(ann), key)
    assert isinstance(answer, Published)
    assert away(ann) == ("Bob",)
    ben.engine.require_member().membership.roster = roster_of(ann)
    ben.engine.require_member().membership.base = ann.engine.require_member().membership.base
    assert isinstance(burns(world, ben, removes(bob)), Published)
    assert [one.by for one in ann.of(events.Removed)] == ["Ben"]
    assert removals(ann) == removals(cleo) == [("Bob", "Ben")]
    assert away(ann) == ()


def test_a_removal_in_one_entry_that_restates_is_told() -> None:
    world, ann, ben, bob, cleo = bob_is_absent()
    changes = (Change(Op.RESET, bytes(32)), *_listed(ann), adds(bob, ann), removes(bob))
    assert isinstance(burns(world, ben, *changes), Published)
    assert removals(ann) == removals(cleo) == [("Bob", "Ben")]
    assert away(ann) == ()


def test_who_is_on_the_list_without_a_leaf_can_be_removed() -> None:
    world, ann, ben, bob, _ = bob_is_absent()
    burns(world, ben, Change(Op.RESET, bytes(32)), *_listed(ann), adds(bob, ann))
    done = ask(ann, "remove", "Bob")
    world.advance(5, stay_away=(bob,))
    assert done == [None]
    assert removals(ann) == [("Bob", "Ann")]
    bob.back()
    world.advance(20)
    assert closed(bob).code == "removed"


def test_who_a_restated_list_leaves_out_comes_back_by_nobodys_rule() -> None:
    """The relay knows of no ABSENT any more, so nobody is told that Bob may come back."""
    world, ann, ben, bob, cleo = bob_is_absent()
    burns(world, ben, Change(Op.RESET, bytes(32)), *_listed(ann), adds(bob, ann))
    do(world, ann, "lock", True)
    world.advance(3, stay_away=(bob,))
    do(world, ann, "lock", False)
    assert relay_key(bob) not in roster_of(ann).seats
    assert away(ann) == ()
    assert cleo.of(events.Removed) == []  # no entry removed them
    done: Result = []
    ann.engine.commands.remove(["Bob", "Cleo"], done.append)
    world.advance(5, stay_away=(bob,))
    assert done == [None]
    assert "Cleo" not in ann.members()


@pytest.mark.parametrize("op", [Op.CHANGE, Op.REJOIN, Op.LEFT, Op.ABSENT])
def test_no_other_operation_is_possible(op: Op) -> None:
    """The relay refuses it, and the way back stays."""
    world, ann, ben, bob, cleo = bob_is_absent()
    key = relay_key(bob)
    roster = roster_of(ben)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "tests.end_to_end.evil.rogue.apply_changes", lambda seats, *_: dict(roster.seats)
        )
        answer = burns(world, ben, Change(op, key))
    assert not isinstance(answer, Published)
    assert away(ann) == ("Bob",)
    assert problems(cleo) == []
    bob.back()
    world.advance(20)
    assert "Bob" in ann.members()


def _listed(host: Client) -> tuple[Change, ...]:
    return tuple(Change(Op.ADD, key, seat) for key, seat in sorted(roster_of(host).seats.items()))

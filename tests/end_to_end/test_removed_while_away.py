"""A member that was let go as absent, and is removed then: it stays out, whoever goes after it."""

import contextlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from alcove import events
from alcove.engine import let_go
from alcove.engine.let_go import LetGo
from alcove.errors import AlcoveError
from alcove.events import CloseReason
from alcove.group.listed_again import entry_again
from alcove.group.outcomes import Merged
from alcove_protocol import frames, limits
from alcove_protocol.roster import Change, Op, extend

from tests.end_to_end.facilitating import Result, ask, away, do, hold, let, new_link, newcomer, part
from tests.end_to_end.ticketing import crashes, resumes, ticket_of
from tests.end_to_end.world import Client, World, closed

ABSENT = 180


def two_facilitators() -> tuple[World, Client, Client, Client, Client]:
    """Ann and Ben facilitate, and Bob was let go. Cleo is a participant."""
    world = World()
    ann = world.open_with(world.client("Ann"), absent=ABSENT)
    ben, bob, cleo = (world.join(ann, name) for name in ("Ben", "Bob", "Cleo"))
    do(world, ann, "appoint", "Ben")
    world.advance(65)
    bob.cut()
    world.advance(ABSENT + 80, step=5, stay_away=(bob,))
    assert away(ann) == away(ben) == ("Bob",)
    return world, ann, ben, bob, cleo


def remove(world: World, by: Client, *apart: Client) -> None:
    done = ask(by, "remove", "Bob")
    world.advance(3, stay_away=apart)
    assert done == [None]


def stays(world: World, ben: Client) -> None:
    """Ben's client goes on."""


def leaves(world: World, ben: Client) -> None:
    ben.engine.commands.leave(lambda: None, CloseReason.LEFT, "", "")


def comes_by_ticket(world: World, ben: Client) -> None:
    ticket = ticket_of(world, ben)
    crashes(world, ben)
    resumes(world, ticket, "Ben")


@pytest.mark.parametrize("then", [stays, leaves, crashes, comes_by_ticket])
def test_no_other_facilitators_client_lets_them_in_again(
    then: Callable[[World, Client], object],
) -> None:
    world, ann, ben, bob, cleo = two_facilitators()
    remove(world, ben, bob)
    assert away(ann) == away(ben) == ()
    then(world, ben)
    world.advance(60, step=5)
    assert "Bob" not in ann.members() | cleo.members()
    assert closed(bob).reason is CloseReason.REMOVED
    assert closed(bob).code == "removed"


def test_everybody_is_told() -> None:
    world, ann, ben, bob, cleo = two_facilitators()
    remove(world, ben, bob)
    assert ann.of(events.Removed) == ben.of(events.Removed) == [events.Removed("Bob", "Ben")]
    assert cleo.of(events.Removed) == [events.Removed("Bob")]
    for client in (ann, ben, cleo):
        client.engine.commands.acts()
        client.collect()
        acts = [(one.act, one.name, one.by) for one in client.of(events.PastActs)[-1].acts]
        assert acts.count(("remove", "Bob", "Ben")) == 1
        # Nobody leaves by it: what all have read is that Bob can come back.
        assert [one.away for one in client.of(events.Removed)] == [True]
        listed = client.of(events.PastActs)[-1].acts
        assert [one.away for one in listed if one.act == "remove"] == [True]


def test_one_that_was_offline_forgets_them_too() -> None:
    world, ann, ben, bob, _ = two_facilitators()
    ann.cut()
    world.advance(3, stay_away=(ann, bob))
    remove(world, ben, ann, bob)
    assert away(ann) == ("Bob",)
    leaves(world, ben)
    world.advance(30, step=5)
    assert away(ann) == ()
    assert "Bob" not in ann.members()
    assert closed(bob).code == "removed"


def without_requests(client: Client, data: bytes) -> list[bytes]:
    return [] if isinstance(frames.from_relay(data), frames.LobbyItem) else [data]


def test_a_request_that_waits_is_not_granted_after_it() -> None:
    """Ann's client was about to let Bob in when Ben's removal came."""
    world, ann, ben, bob, cleo = two_facilitators()
    held = hold(ann, frames.Publish)
    ben.to_client = without_requests
    bob.back()
    world.advance(3)
    adds, first = bytes([Op.ADD]) + bob.engine.identity.relay.public, len(held)
    assert [adds in data for data in held] == [True]
    remove(world, ben)
    assert closed(bob).code == "removed"
    world.advance(5)
    assert not any(adds in data for data in held[first:])
    let(ann)
    let(ben)
    assert ann.link is not None
    ann.link.receive(held[0])  # late
    world.advance(60, step=5)
    assert cleo.of(events.Removed) == [events.Removed("Bob")]
    assert "Bob" not in ann.members() | cleo.members()
    assert ann.engine.require_member().membership.alarm is None


def test_a_return_that_comes_first_is_followed_by_the_removal() -> None:
    """Ben removed Bob when Ann's client was about to let Bob in, and did."""
    world, ann, ben, bob, cleo = two_facilitators()
    held = hold(ben, frames.Publish)
    ben.to_client = without_requests
    done = ask(ben, "remove", "Bob")
    world.advance(1, stay_away=(bob,))
    assert held
    bob.back()
    world.advance(3)
    let(ben)
    assert ben.link is not None
    for data in held:
        ben.link.receive(data)
    world.advance(10)
    assert done == [None]
    for client in (ann, cleo):
        told = [type(event) for event in client.told if getattr(event, "name", "") == "Bob"]
        assert told[-2:] == [events.Joined, events.Removed]
    assert "Bob" not in ann.members() | ben.members() | cleo.members()
    assert closed(bob).code == "removed"
    world.advance(60, step=5)
    assert "Bob" not in ann.members() | ben.members() | cleo.members()


def test_the_name_is_free_after_it() -> None:
    """Who comes by it is told as a newcomer, and not as one with other keys."""
    world, ann, ben, bob, cleo = two_facilitators()
    remove(world, ben, bob)
    other = newcomer(world, new_link(world, ann), "Bob", ann)
    assert other.of(events.Joined)
    assert cleo.of(events.Joined)[-1] == events.Joined("Bob")
    assert cleo.of(events.NewKeys) == []
    assert cleo.of(events.Removed) == [events.Removed("Bob")]
    do(world, ben, "remove", "Bob")
    assert cleo.of(events.Removed) == [events.Removed("Bob")] * 2


def test_a_name_that_somebody_has_by_then_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Merged] = []
    merged = LetGo.merged

    def note(self: LetGo, outcome: Merged) -> None:
        seen.append(outcome)
        merged(self, outcome)

    monkeypatch.setattr(LetGo, "merged", note)
    world, _, ben, bob, _ = two_facilitators()
    remove(world, ben, bob)
    went, key = next(one for one in seen if one.absent), bob.engine.identity.relay.public
    for people, told in ((went.people, ("Bob",)), ((*went.people, *went.gone), ())):
        names = LetGo()
        merged(names, went)
        assert names.removed((key,), people) == told
    names = LetGo()
    merged(names, went)
    names.came(went.gone)
    assert names.removed((key,), went.people) == ()  # the name was another's meanwhile


def test_no_more_names_are_kept_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(let_go, "KEPT", 1)
    world, ann, ben, bob, cleo = two_facilitators()
    cleo.cut()
    world.advance(ABSENT + 20, step=5, stay_away=(bob, cleo))
    assert away(ann) == ("Bob", "Cleo")
    done: Result = []
    ben.engine.commands.remove(["Bob", "Cleo"], done.append)
    world.advance(3, stay_away=(bob, cleo))
    assert done == [None]
    assert ann.of(events.Removed) == [events.Removed("Cleo", "Ben")]
    assert away(ann) == away(ben) == ()


def test_the_list_says_so_and_no_alarm_is_raised() -> None:
    """Dora came after Bob was let go: her list does not say that he was."""
    world, ann, ben, bob, cleo = two_facilitators()
    dora = world.join(ann, "Dora")
    remove(world, ben, bob)
    key = bob.engine.identity.relay.public
    roster = ann.engine.require_member().membership.roster
    assert roster.away == frozenset()
    entries = ann.engine.require_member().membership.chain[-1]
    assert bytes([Op.REMOVE]) + key in entries.body
    for client in (ann, ben, cleo, dora):
        membership = client.engine.require_member().membership
        assert (membership.alarm, membership.told_list) == (None, None)


def test_a_way_back_of_one_outside_is_closed_for_every_client() -> None:
    world = World()
    ann = world.open_with(world.client("Ann"), absent=ABSENT)
    ben, bob = world.join(ann, "Ben"), world.join(ann, "Bob")
    do(world, ann, "appoint", "Ben")
    world.advance(65)
    bob.engine.commands.outside()
    world.advance(8)
    assert away(ben) == away(ann) == ("Bob",)
    remove(world, ben)
    assert away(ann) == away(ben) == ()
    leaves(world, ben)
    world.advance(10)
    knocks = len(ann.of(events.Knocked))
    with contextlib.suppress(AlcoveError):  # it may know already that the way back is closed
        bob.engine.commands.inside(None, lambda error: None)
    world.advance(30)
    assert len(ann.of(events.Knocked)) == knocks
    assert "Bob" not in ann.members()


def test_a_list_that_is_restated_keeps_them_out_too() -> None:
    world, ann, ben, bob, _ = two_facilitators()
    ben.engine.require_member().membership.restate = True  # as after a burned commit
    remove(world, ben, bob)
    roster = ann.engine.require_member().membership.roster
    assert roster.away == frozenset()
    assert away(ann) == ()
    world.advance(30, step=5)
    assert closed(bob).code == "removed"


@pytest.mark.parametrize("known", [True, False, None])
def test_a_removal_that_is_lost_comes_again(known: bool | None) -> None:
    """The log was brought back without it, and perhaps without the ABSENT: the list is the same.
    A client that came later does not know which."""
    world, ann, ben, bob, _ = two_facilitators()
    remove(world, ben, bob)
    membership = ann.engine.require_member().membership
    lost = membership.merged.find(membership.commit_hash)
    assert lost is not None
    key = bob.engine.identity.relay.public
    assert lost.before.away == frozenset({key})
    without = None if known is None else frozenset[bytes]()
    at = lost.before if known else replace(lost.before, away=without)
    entry = entry_again(lost, at, membership.base, ann.engine.identity.relay)
    assert entry is not None
    after, verified = extend(at, entry)
    changes = verified.statement.decoded_changes()
    assert Change(Op.REMOVE, key) in changes
    assert (after.seats, after.away) == (
        lost.after.seats,
        without if known is None else frozenset(),
    )
    assert bool(known) is (changes[0].op is not Op.RESET)  # restated, no log refuses it


def test_a_facilitator_that_missed_it_lets_nobody_in_by_what_it_knew() -> None:
    """A Welcome does not tell what became of those that were let go."""
    world, ann, ben, bob, _ = two_facilitators()
    part(ben).rejoined()  # as after a Welcome
    world.advance(5, stay_away=(bob,))
    assert away(ben) == ()
    assert away(ann) == ("Bob",)
    bob.back()
    world.advance(20)
    assert "Bob" in ann.members() & ben.members()  # Ann's client followed all


def appointed_since() -> tuple[World, Client, Client, Client, Client]:
    """Ann facilitates, Bob was let go, and Ben was appointed behind that."""
    world = World()
    ann = world.open_with(world.client("Ann"), absent=ABSENT)
    ben, bob, cleo = (world.join(ann, name) for name in ("Ben", "Bob", "Cleo"))
    world.advance(65)
    bob.cut()
    world.advance(ABSENT + 80, step=5, stay_away=(bob,))
    do(world, ann, "appoint", "Ben")
    world.advance(10, stay_away=(bob,))
    assert away(ann) == ("Bob",)
    return world, ann, ben, bob, cleo


def test_a_facilitator_that_was_appointed_since_can_remove_them() -> None:
    """Ben read as a participant that Bob can come back."""
    world, ann, ben, bob, cleo = appointed_since()
    assert away(ben) == ("Bob",)
    remove(world, ben, bob)
    assert away(ann) == away(ben) == ()
    assert cleo.of(events.Removed) == [events.Removed("Bob")]
    bob.back()
    world.advance(30)
    # Bob's client was away when Ben was appointed, so it cannot tell that a facilitator signed it.
    assert closed(bob).reason is CloseReason.LOST
    assert "Bob" not in ann.members() | ben.members()


def test_a_facilitator_that_was_appointed_since_lets_them_in_again() -> None:
    world, ann, ben, bob, _ = appointed_since()
    crashes(world, ann)
    world.advance(100, stay_away=(bob,))
    bob.back()
    world.advance(30)
    assert "Bob" in ben.members()


def test_what_a_participant_missed_is_forgotten_before_they_are_appointed() -> None:
    """Cleo came back by a Welcome: a removal may be among what was missed."""
    world, ann, _, bob, cleo = two_facilitators()
    cleo.engine.require_member()._hold()
    world.advance(30, stay_away=(bob,))
    assert not cleo.engine.require_member()._following.held
    do(world, ann, "appoint", "Cleo")
    world.advance(5, stay_away=(bob,))
    assert (away(cleo), away(ann)) == ((), ("Bob",))


def test_a_participant_knows_of_a_removal_before_they_are_appointed() -> None:
    world, ann, ben, bob, cleo = two_facilitators()
    remove(world, ben, bob)
    do(world, ann, "appoint", "Cleo")
    world.advance(5, stay_away=(bob,))
    assert away(cleo) == ()


def test_what_a_participant_saw_of_them_is_over_after_two_hours() -> None:
    world, ann, _, bob, cleo = two_facilitators()
    crashes(world, bob)
    world.advance(limits.AWAY + 60, step=20)
    do(world, ann, "appoint", "Cleo")
    world.advance(5)
    assert away(cleo) == away(ann) == ()


def test_of_two_that_remove_them_the_first_did_it() -> None:
    """What the second one asked for is done, and is no act of theirs."""
    world, ann, ben, bob, _ = two_facilitators()
    held = hold(ann, frames.Publish)
    done = ask(ann, "remove", "Bob")
    world.advance(1, stay_away=(bob,))
    assert held
    remove(world, ben, bob)
    let(ann)
    world.advance(10, stay_away=(bob,))
    assert done == [None]
    assert ann.of(events.Removed) == [events.Removed("Bob", "Ben")]
    ann.engine.commands.acts()
    ann.collect()
    acts = [(one.name, one.by) for one in ann.of(events.PastActs)[-1].acts if one.act == "remove"]
    assert acts == [("Bob", "Ben")]

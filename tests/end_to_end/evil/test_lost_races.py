"""A facilitator judges its own commit as all others do, and plans it anew after every lost race."""

from dataclasses import replace

from alcove import events, mls
from alcove.errors import AlcoveError
from alcove.facilitation.intents import CommitPlan
from alcove_protocol.card import agreement_hash
from alcove_protocol.frames import LobbyItem, from_relay
from alcove_protocol.invite import Invite

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    Making,
    change,
    committer_of,
    context,
    group_of,
    leaf_of,
    room_of,
)
from tests.end_to_end.evil.rooms import authenticators, forget, goes_on, two_facilitators
from tests.end_to_end.world import Client


def invite_of(world: EvilWorld, host: Client) -> str:
    """One more invite, made by this facilitator."""
    made: list[str | None] = []
    host.engine.commands.invite(lambda url, _error: made.append(url))
    world.settle()
    (url,) = made
    assert url is not None
    return url


def code_of(result: list[Exception | None]) -> str:
    (error,) = result
    assert isinstance(error, AlcoveError)
    return error.code


def change_rules(world: EvilWorld, by: Client) -> None:
    new = agreement_hash(room_of(by), 2, b"Be kinder.")
    change(
        world,
        by,
        lambda m: (context(replace(m.state, agreement_version=2, agreement=new)),),
    )


def test_a_newcomer_who_accepted_the_old_rules_is_not_added_and_is_told() -> None:
    world, ann, bob, cleo = two_facilitators()
    finn = world.knock(ann.invite(), "Finn")
    forget(bob, cleo)
    change_rules(world, bob)
    knock = ann.of(events.Knocked)[-1]
    before = group_of(ann).epoch
    result = ann.admit(knock)
    world.settle()
    assert code_of(result) == "agreement"
    assert finn.engine.closed is not None
    assert finn.engine.closed.code == "agreement"
    assert ann.of(events.KnockGone)[-1].id == knock.id
    assert group_of(ann).epoch == before
    assert len(authenticators(ann, bob, cleo)) == 1


def test_the_rules_change_while_the_admission_is_on_its_way() -> None:
    world, ann, bob, cleo = two_facilitators()
    finn = world.knock(ann.invite(), "Finn")
    new = agreement_hash(room_of(ann), 2, b"Be kinder.")
    changed: list[object] = []
    making = Making(
        changed.append,
        lambda m: (context(replace(m.state, agreement_version=2, agreement=new)),),
    )
    committer_of(bob).committer.want(making)
    result = ann.admit(ann.of(events.Knocked)[-1])
    world._step(bob)  # Bob's commit is the first at the relay
    world.settle()
    assert changed == [None]
    assert code_of(result) == "agreement"
    assert finn.engine.closed is not None
    assert finn.engine.closed.code == "agreement"
    assert ann.members() == bob.members() == cleo.members() == {"Ann", "Bob", "Cleo"}
    assert len(authenticators(ann, bob, cleo)) == 1


def only_knocks_at(host: Client, invite: str) -> None:
    """The other knocks reach this facilitator too late."""
    door, to_client = Invite.parse(invite).door, host.to_client

    def down(client: Client, data: bytes) -> list[bytes]:
        frame = from_relay(data)
        other = isinstance(frame, LobbyItem) and frame.door not in (None, door)
        return [] if other else to_client(client, data)

    host.to_client = down


def test_of_two_newcomers_with_one_name_the_second_is_told_to_choose_another() -> None:
    """Two honest facilitators decide at once, each about the knock at their own door."""
    world, ann, bob, cleo = two_facilitators()
    url = invite_of(world, bob)
    for host, invite in ((ann, ann.invite()), (bob, url)):
        only_knocks_at(host, invite)
    at_ann, at_bob = world.knock(ann.invite(), "Finn"), world.knock(url, "Finn")
    results: list[list[Exception | None]] = []
    for host in (ann, bob):
        results.append(host.admit(host.of(events.Knocked)[-1]))
    world.settle()
    outcomes = sorted("" if result == [None] else code_of(result) for result in results)
    assert outcomes == ["", "name_taken"]
    inside = [client for client in (at_ann, at_bob) if client.engine.member is not None]
    outside = [client for client in (at_ann, at_bob) if client.engine.closed is not None]
    assert len(inside) == len(outside) == 1
    assert outside[0].engine.closed is not None
    assert outside[0].engine.closed.code == "name_taken"
    names = sorted(p.name for p in ann.engine.require_member().membership.people())
    assert names == ["Ann", "Bob", "Cleo", "Finn"]
    goes_on(world, ann, bob, cleo, *inside)


def test_a_commit_that_the_others_would_burn_is_not_sent() -> None:
    world, ann, bob, cleo = two_facilitators()
    before = group_of(ann).epoch
    result: list[Exception | None] = []
    remove_bob = Making(result.append, lambda m: (mls.Remove(leaf_of(bob)),))
    committer_of(ann).committer.want(remove_bob)
    world.settle()
    assert code_of(result) == "facilitator_not_member"
    assert group_of(ann).epoch == before
    goes_on(world, ann, bob, cleo)


def test_a_plan_is_made_anew_for_each_epoch() -> None:
    world, ann, bob, cleo = two_facilitators()
    planned: list[int] = []

    class Counting(Making):
        def plan(self, membership: object) -> CommitPlan:
            planned.append(group_of(ann).epoch)
            return CommitPlan(force_path=True)

    theirs: list[object] = []
    mine: list[object] = []
    before = group_of(ann).epoch
    committer_of(bob).committer.want(Making(theirs.append))
    committer_of(ann).committer.want(Counting(mine.append))
    world._step(bob)
    world.settle()
    assert theirs == mine == [None]
    assert planned == [before, before + 1]
    goes_on(world, ann, bob, cleo)

"""Facilitators who die, leave or are away, and what the others do without them."""

from collections.abc import Callable

import pytest
from alcove import events
from alcove_protocol import frames
from alcove_protocol.frames import BlobClass, LobbyRequest, Publish

from tests.end_to_end.facilitating import (
    ask,
    do,
    facilitators,
    goes_on,
    kill,
    let,
    lose_vaults,
    new_link,
    newcomer,
)
from tests.end_to_end.world import Client, room_of_three


def test_a_facilitator_who_leaves_takes_the_lobby_key_along() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    do(world, ann, "appoint", "Cleo")
    before = cleo.engine.require_member().membership.lobby_key
    ann.engine.commands.leave(lambda: None)
    world.advance(3)
    assert facilitators(cleo) == {"Bob", "Cleo"}
    assert cleo.engine.require_member().membership.lobby_key != before
    dora = newcomer(world, ann.invite(), "Dora", cleo)
    world.advance(31)
    goes_on(world, bob, cleo, dora)


def test_the_second_in_line_lets_the_first_go_when_nobody_before_does() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    do(world, ann, "appoint", "Cleo")
    world.advance(31)
    bob.cut()
    ann.engine.commands.leave(lambda: None)
    world.advance(70, stay_away=(bob,))
    assert facilitators(cleo) == {"Bob", "Cleo"}
    newcomer(world, ann.invite(), "Dora", cleo)
    world.advance(40)
    goes_on(world, bob, cleo)


def test_after_90_seconds_without_a_vault_the_first_in_line_begins_anew() -> None:
    """The appointer dies, and its vault is lost with the relay's store."""
    world, ann, bob, cleo = room_of_three()
    lose_vaults(bob)
    do(world, ann, "appoint", "Bob")
    before = cleo.engine.require_member().membership.lobby_key
    ann.cut()
    world.advance(20, stay_away=(ann,))
    world.knock(ann.invite(), "Dora")
    assert not bob.of(events.Knocked)  # he serves no lobby yet
    world.advance(100, stay_away=(ann,))
    assert cleo.engine.require_member().membership.lobby_key != before
    assert bob.of(events.VaultChanged)[-1] == events.VaultChanged("Bob", True)
    newcomer(world, new_link(world, bob), "Eve", bob)
    let(bob)
    world.advance(60)
    goes_on(world, ann, bob, cleo)
    newcomer(world, new_link(world, ann), "Finn", bob)


def test_invites_that_nobody_here_can_serve_are_dropped_once_over_a_slow_line() -> None:
    """Bob's commit is under way for five seconds, and his client looks twice a second."""
    world, ann, bob, _cleo = room_of_three()
    held: list[bytes] = []

    def hold_commit(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        commit = isinstance(frame, frames.Publish) and frame.blob_class == frames.BlobClass.COMMIT
        held.extend([data] if commit else [])
        return [] if commit else [data]

    lose_vaults(bob)
    do(world, ann, "appoint", "Bob")
    bob.to_relay = hold_commit
    ann.cut()
    while not held:
        world.advance(1, stay_away=(ann,))
    world.advance(5, stay_away=(ann,))
    assert bob.link is not None
    bob.link.receive(held[0])
    bob.to_relay = lambda client, data: [data]
    world.advance(30, stay_away=(ann,))
    told = [one for one in bob.of(events.Problem) if one.code == "invites_dropped"]
    assert len(told) == 1
    assert "or the relay kept the keys back" in told[0].text  # this client cannot know which


def test_vaults_are_put_anew_after_the_relay_lost_its_memory() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.kill_relay()
    world.start_relay()
    world.advance(120)
    newcomer(world, new_link(world, ann), "Dora", bob)
    do(world, bob, "demote", "Ann")
    newcomer(world, new_link(world, bob), "Eve", bob)
    goes_on(world, ann, bob, cleo)


def test_a_facilitator_who_was_let_in_again_gets_the_vault_of_the_new_epoch() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(31)
    bob.engine.require_member()._hold()
    world.advance(20)
    states = [event.state for event in bob.of(events.ConnectionChanged)]
    assert events.ConnectionState.REJOINED in states
    newcomer(world, new_link(world, ann), "Dora", bob)
    world.advance(31)
    goes_on(world, ann, bob, cleo)


@pytest.mark.parametrize("how", ["away", "held"])
@pytest.mark.parametrize("what", ["appoint", "demote"])
def test_a_change_of_part_reaches_a_member_who_did_not_follow(what: str, how: str) -> None:
    world, ann, bob, cleo = room_of_three()
    if what == "demote":
        do(world, ann, "appoint", "Bob")
        world.advance(31)
    if how == "away":
        bob.cut()
    else:
        bob.engine.require_member()._hold()
    result = ask(ann, what, "Bob")
    world.advance(40, stay_away=(bob,) if how == "away" else ())
    assert result == [None]
    world.advance(30)
    assert (facilitators(bob) == {"Ann", "Bob"}) is (what == "appoint")
    goes_on(world, ann, bob, cleo)
    if what == "appoint":
        newcomer(world, new_link(world, ann), "Dora", bob)


STEPS: dict[str, Callable[[frames.Frame], bool]] = {
    "wish": lambda frame: isinstance(frame, LobbyRequest) and frame.to is None,
    "vault": lambda frame: isinstance(frame, LobbyRequest) and frame.to is not None,
    "commit": lambda frame: isinstance(frame, Publish) and frame.blob_class == BlobClass.COMMIT,
    "door": lambda frame: isinstance(frame, frames.PutDoor),
}
ACTS = {
    "appoint Dora": ("vault", "commit"),
    "demote Cleo": ("vault", "commit", "door"),
    "hand_over Dora": ("vault", "commit"),
    "step_down": ("wish",),
    "invite": ("vault", "commit", "door"),
    "remove Dora": ("vault", "commit", "door"),
}
"""The frames that an act sends, in their kinds."""


@pytest.mark.parametrize("reaches", [True, False])
@pytest.mark.parametrize(("act", "step"), [(act, step) for act in ACTS for step in ACTS[act]])
def test_a_facilitator_who_dies_at_a_step_of_an_act(act: str, step: str, reaches: bool) -> None:
    """Dead before a frame of the act leaves, or right after it. The others hold the room."""
    world, ann, bob, cleo = room_of_three()
    dora = world.join(ann, "Dora")
    do(world, ann, "appoint", "Bob")
    do(world, ann, "appoint", "Cleo")
    world.advance(31)
    dead: list[bool] = []

    def dies(client: Client, data: bytes) -> list[bytes]:
        if dead:
            return []
        if STEPS[step](frames.from_client(data)):
            dead.append(True)
            return [data] if reaches else []
        return [data]

    ann.to_relay = dies
    if act == "invite":
        ann.engine.commands.invite(lambda url, error: None)
    else:
        ask(ann, *act.split())
    world.settle()
    assert dead
    kill(world, ann)
    world.advance(200)
    here = [client for client in (bob, cleo, dora) if client.engine.closed is None]
    goes_on(world, *here)
    by = next(client for client in here if client.name in facilitators(client))
    finn = newcomer(world, new_link(world, by), "Finn", by)
    world.advance(31)
    goes_on(world, *here, finn)

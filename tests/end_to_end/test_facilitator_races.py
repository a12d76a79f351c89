"""Two facilitators at a time, and lobby keys that one of them may have kept."""

from functools import partial

import pytest
from alcove_protocol import frames

from tests.end_to_end.facilitating import (
    Act,
    ask,
    both,
    codes,
    do,
    facilitators,
    goes_on,
    hold,
    let,
    new_link,
    newcomer,
    part,
)
from tests.end_to_end.world import room_of_three


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((0, "demote", "Bob"), (1, "demote", "Ann")),
        ((0, "demote", "Cleo"), (1, "demote", "Cleo")),
        ((0, "demote", "Cleo"), (1, "demote", "Ann")),
        ((0, "appoint", "Dora"), (1, "appoint", "Dora")),
        ((0, "appoint", "Dora"), (1, "demote", "Ann")),
        ((0, "appoint", "Dora"), (1, "appoint", "Eve")),
        ((0, "appoint", "Dora"), (1, "remove", "Dora")),
        ((0, "demote", "Cleo"), (1, "hand_over", "Dora")),
        ((0, "demote", "Bob"), (1, "hand_over", "Dora")),
        ((0, "demote", "Bob"), (1, "step_down", "")),
        ((0, "hand_over", "Dora"), (1, "hand_over", "Eve")),
        ((0, "step_down", ""), (1, "step_down", "")),
        ((0, "remove", "Dora"), (1, "demote", "Ann")),
        ((0, "step_down", ""), (1, "remove", "Dora")),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_two_facilitators_at_a_time(one: Act, other: Act, first: int, at_once: bool) -> None:
    """In both orders and at once: one state everywhere, one answer each, and the room goes on."""
    world, ann, bob, cleo = room_of_three()
    dora, eve = world.join(ann, "Dora"), world.join(ann, "Eve")
    do(world, ann, "appoint", "Bob")
    do(world, ann, "appoint", "Cleo")
    world.advance(31)
    people = (ann, bob, cleo)
    acts = [
        partial(ask, people[who], what, *([name] if name else []))
        for who, what, name in ((one, other) if first == 0 else (other, one))
    ]
    results = both(world, acts, at_once=at_once)
    world.advance(130)
    for result in results:
        assert len(result) == 1
    allowed = {
        "demoted",
        "not_facilitator",
        "unknown_name",
        "no_facilitator",
        "already_facilitator",
        "is_facilitator",
    }
    assert {code for result in results for code in codes(result)} <= allowed | {None}
    here = [client for client in (*people, dora, eve) if client.engine.closed is None]
    goes_on(world, *here)
    by = next(client for client in here if client.name in facilitators(client))
    finn = newcomer(
        world, ann.invite() if "Dora" in ann.members() else new_link(world, by), "Finn", by
    )
    goes_on(world, *here, finn)


def test_a_lobby_key_that_a_former_facilitator_read_is_not_used() -> None:
    """Ann demotes Bob, and Cleo has Ann's next lobby key for it. Bob's demotion of Cleo is first.
    Then Ann's act goes on with another key, because Cleo may have kept that one."""
    world, ann, bob, cleo = room_of_three()
    dora = world.join(ann, "Dora")
    for name in ("Bob", "Cleo"):
        do(world, ann, "appoint", name)
    world.advance(31)
    held = hold(ann, frames.Publish)
    result = ask(ann, "demote", "Bob")
    world.settle()
    assert held
    known = set(part(cleo).lobby_keys._held)
    do(world, bob, "demote", "Cleo")
    let(ann)
    for data in held:
        assert ann.link is not None
        ann.link.receive(data)
    world.advance(15)
    assert result == [None]
    assert facilitators(dora) == {"Ann"}
    assert dora.engine.require_member().membership.lobby_key not in known
    newcomer(world, new_link(world, ann), "Eve", ann)
    goes_on(world, ann, bob, cleo, dora)


@pytest.mark.parametrize("meanwhile", ["invite", "new log"])
def test_the_next_lobby_key_is_kept_from_whom_its_commit_demotes(meanwhile: str) -> None:
    """Ann's commit waits, and other reasons come to put vaults for all."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(31)
    keys, held = part(bob).lobby_keys, hold(ann, frames.Publish)
    result = ask(ann, "demote", "Bob")
    world.settle()
    if meanwhile == "invite":
        ann.engine.commands.invite(lambda url, error: None)
        world.settle()
    else:
        world.kill_relay()
        world.start_relay()
        world.advance(120)
    known = set(keys._held)
    let(ann)
    ann.cut()
    world.advance(30)
    assert held
    assert result == [None]
    assert facilitators(cleo) == {"Ann"}
    assert cleo.engine.require_member().membership.lobby_key not in known
    goes_on(world, ann, bob, cleo)


def test_a_next_lobby_key_that_one_has_is_not_the_next_without_them() -> None:
    """Ann is about to demote Bob, and Cleo has the key for it. Then Ann demotes Cleo too."""
    world, ann, bob, cleo = room_of_three()
    for name in ("Bob", "Cleo"):
        do(world, ann, "appoint", name)
    vaults = part(ann).vaults
    others = {
        one: client.engine.identity.signature.public for one, client in (("B", bob), ("C", cleo))
    }
    vaults.keep_from(others["B"])
    first = vaults.coming_key()
    vaults.offer(vaults.others(others["B"]), lambda: None)
    world.settle()
    assert part(cleo).lobby_keys.get(first) is not None
    assert part(bob).lobby_keys.get(first) is None
    vaults.keep_from(others["C"])
    assert vaults.coming_key() != first

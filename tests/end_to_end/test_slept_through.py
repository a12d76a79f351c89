"""What a person reads whose device slept while a facilitator acted: by act, in two ways.

    followed    the device comes back, and its client reads in the log what happened
    let in      its client missed the commits for good, and was let in again: it knows the room as
                it is now, and not what happened or by whom

The sentences are those of the command. Each is true by what the client knows then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest
from alcove import events
from alcove.cli import words
from alcove.cli.room_runner import sentence_of

from tests.end_to_end.world import Client, World, room_of_three

Act = Callable[[World, Client, Client], object]
"""By Ann, who facilitates, about Bob."""

HELD: Final = (
    "Ann has paused the room for a moment. You have done nothing wrong. You can read on, and leave "
    "whenever you want. You are told when it goes on."
)
OPEN: Final = "The room is open again."
LOCKED: Final = "The door is locked: nobody new comes in."
SLOW: Final = (
    "The room goes slowly for now: after a minute of writing, each waits 60 seconds. What you type "
    "meanwhile stays yours."
)
PAUSED: Final = (
    "A facilitator has paused you: you can read, and not write for now. It is not announced to the "
    "others. You can leave whenever you want, and you are told when you can write again."
)
GONE: Final = "The group changed while you were out of it. Bob is gone."
REMOVED: Final = "You are no longer in this room. A facilitator decided this, for this meeting."
ENDED: Final = "The room has ended: a facilitator closed it for everybody."
OUTSIDE: Final = "Bob has stepped outside."


def _nothing(*_: object) -> None:
    """What becomes of it is looked at later."""


def held(world: World, ann: Client, bob: Client) -> None:
    ann.engine.commands.hold(_nothing, since=said_by(bob))


def held_and_resumed(world: World, ann: Client, bob: Client) -> None:
    held(world, ann, bob)
    world.settle()
    ann.engine.commands.resume(_nothing)


def slowed_and_not(world: World, ann: Client, bob: Client) -> None:
    ann.engine.commands.slow(60, _nothing)
    world.settle()
    ann.engine.commands.slow(0, _nothing)


def outside_and_back(world: World, ann: Client, bob: Client) -> None:
    bob.engine.commands.outside()
    world.advance(3, stay_away=tuple(client for client in world.clients if not client.online))
    bob.engine.commands.inside(None, _nothing)


def said_by(bob: Client) -> str:
    return bob.of(events.Sent)[0].id


@dataclass(frozen=True)
class Slept:
    """An act, and what a third person reads in each of the two ways. `folds`: whether Bob's message
    is folded then."""

    act: Act
    followed: tuple[str, ...]
    let_in: tuple[str, ...]
    folds: tuple[bool, bool] = (False, False)


ACTS: Final[dict[str, Slept]] = {
    "hold": Slept(held, (HELD,), (HELD,), folds=(True, True)),
    "hold, and resumed": Slept(held_and_resumed, (HELD, OPEN), (LOCKED,), folds=(True, False)),
    "fold of a message": Slept(
        lambda world, ann, bob: ann.engine.commands.fold(said_by(bob)),
        (),
        (),  # what it had missed it tells as a gap: the fold was a message
        folds=(True, False),
    ),
    "fold of a member": Slept(
        lambda world, ann, bob: ann.engine.commands.fold_member("Bob", True, _nothing),
        (),
        (),
        folds=(True, True),
    ),
    "removal": Slept(
        lambda world, ann, bob: ann.engine.commands.remove(("Bob",), _nothing),
        ("Someone has left.",),
        (GONE,),
    ),
    "removal with a fold": Slept(
        lambda world, ann, bob: ann.engine.commands.remove(("Bob",), _nothing, fold=True),
        ("Someone has left.",),
        (GONE,),
        folds=(True, True),
    ),
    "one's own removal": Slept(
        lambda world, ann, bob: ann.engine.commands.remove(("Cleo",), _nothing),
        (REMOVED,),
        (REMOVED,),
    ),
    "pause of another": Slept(
        lambda world, ann, bob: ann.engine.commands.pause("Bob", _nothing), (), ()
    ),
    "one's own pause": Slept(
        lambda world, ann, bob: ann.engine.commands.pause("Cleo", _nothing), (PAUSED,), (PAUSED,)
    ),
    "slow mode": Slept(
        lambda world, ann, bob: ann.engine.commands.slow(60, _nothing), (SLOW,), (SLOW,)
    ),
    "slow mode, and no more": Slept(
        slowed_and_not,
        (SLOW, "The room does not go slowly any more: nobody has to wait between texts."),
        (),
    ),
    "a step outside": Slept(
        lambda world, ann, bob: bob.engine.commands.outside(), (OUTSIDE,), (GONE,)
    ),
    "a step outside, and back": Slept(outside_and_back, (OUTSIDE, "Bob joined."), ()),
    "lock": Slept(
        lambda world, ann, bob: ann.engine.commands.lock(True, _nothing), (LOCKED,), (LOCKED,)
    ),
    "end": Slept(lambda world, ann, bob: ann.engine.commands.end(_nothing), (ENDED,), (ENDED,)),
}

TOLD: Final = (
    events.RulesChanged
    | events.Paused
    | events.Removed
    | events.Outside
    | events.Joined
    | events.Problem
)
"""Beside these: the way back, what is missing, and what becomes of messages."""


def read_by(client: Client) -> tuple[str, ...]:
    """The sentences about the room that this person reads."""
    sentences = []
    for event in client.told:
        if isinstance(event, events.Closed):
            sentences.append(sentence_of(event))
        elif isinstance(event, TOLD):
            sentences.append(words.of_event(event) or "")
    held_back = "Your client missed a change of the group"
    return tuple(sentence for sentence in sentences if not sentence.startswith(held_back))


def folded(client: Client) -> bool:
    return any(event.ids for event in client.of(events.Folded))


def a_room() -> tuple[World, Client, Client, Client]:
    world, ann, bob, cleo = room_of_three()
    bob.say("hello")
    world.settle()
    world.advance(31)
    cleo.told.clear()
    return world, ann, bob, cleo


@pytest.mark.parametrize("what", ACTS)
def test_a_device_that_slept_and_follows(what: str) -> None:
    world, ann, bob, cleo = a_room()
    cleo.cut()
    ACTS[what].act(world, ann, bob)
    world.advance(60, stay_away=(cleo,))
    world.advance(100)
    assert read_by(cleo) == ACTS[what].followed
    assert folded(cleo) == ACTS[what].folds[0]
    assert not cleo.of(events.Gap)


@pytest.mark.parametrize("what", ACTS)
def test_a_device_that_missed_it_and_was_let_in_again(what: str) -> None:
    world, ann, bob, cleo = a_room()
    honest, cleo.to_client = cleo.to_client, lambda client, data: []
    ACTS[what].act(world, ann, bob)
    world.advance(3)
    cleo.to_client = honest
    if cleo.engine.closed is None:
        cleo.engine.require_member()._hold()
    world.advance(100)
    assert read_by(cleo) == ACTS[what].let_in
    assert folded(cleo) == ACTS[what].folds[1]
    assert cleo.engine.closed is not None or cleo.of(events.Gap)

"""A member writes a key into their own leaf to which nothing may be sealed, and stops nobody."""

from dataclasses import replace

import pytest
from alcove import mls
from alcove.group.extensions import LEAF_EXTENSION, leaf_extension

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import group_of, leaf_of
from tests.end_to_end.evil.rogue_updates import ask, four, rogue_leaf, rogue_update, waiting
from tests.end_to_end.evil.rooms import authenticators, commit_by, forget, problems
from tests.end_to_end.facilitating import Result, codes, facilitators
from tests.end_to_end.world import Client

SMALL_ORDER = bytes(32)
NOT_CANONICAL = bytes([0xEE, *([0xFF] * 31)])


def with_desk_key(client: Client, key: bytes) -> mls.LeafNode:
    """This member's next leaf, with another desk key."""
    own = group_of(client).member(leaf_of(client))
    assert own is not None
    leaf = replace(leaf_extension(own), desk_key=key)
    others = tuple(item for item in own.extensions if item.type != LEAF_EXTENSION)
    return rogue_leaf(client, extensions=(*others, mls.Extension(LEAF_EXTENSION, leaf.encode())))


def appoint(world: EvilWorld, host: Client, name: str) -> list[str | None]:
    result: Result = []
    host.engine.commands.appoint(name, result.append)
    world.settle()
    return codes(result)


@pytest.mark.parametrize("key", [SMALL_ORDER, NOT_CANONICAL])
def test_a_member_who_takes_no_vault_is_not_appointed(key: bytes) -> None:
    world, ann, mal, bob, cleo = four()
    ask(world, mal, rogue_update(mal, with_desk_key(mal, key)))
    assert waiting(ann) == 1
    commit_by(world, ann)
    forget(ann, bob, cleo)
    assert appoint(world, ann, "Mal") == ["cannot_facilitate"]
    assert appoint(world, ann, "Bob") == [None]
    world.advance(60)
    assert facilitators(cleo) == {"Ann", "Bob"}
    assert len(authenticators(ann, bob, cleo)) == 1


def test_a_facilitator_with_such_a_key_stops_no_other_ones_clock() -> None:
    """The Update waits while Mal is appointed, so the same commit brings the key and the part."""
    world, ann, mal, bob, cleo = four()
    ask(world, mal, rogue_update(mal, with_desk_key(mal, SMALL_ORDER)))
    assert waiting(ann) == 1
    assert appoint(world, ann, "Mal") == [None]
    forget(ann, bob, cleo)
    world.advance(60)  # Ann shares what she knows with every facilitator
    assert appoint(world, ann, "Bob") == [None]
    world.advance(120)
    assert facilitators(cleo) == {"Ann", "Mal", "Bob"}
    for client in (ann, bob, cleo):
        assert problems(client) == []
    cleo.say("we go on")
    world.settle()
    assert ann.texts() == bob.texts() == ["we go on"]

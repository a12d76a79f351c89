"""Nothing of a room stays in the process once it is over and its owner has let go of it."""

from __future__ import annotations

import ast
import gc
from collections.abc import Callable
from pathlib import Path

import pytest
from alcove.group.extensions import LeafExtension

from tests.end_to_end.evil.rooms import three
from tests.end_to_end.world import Client, World

ROOT = Path(__file__).resolve().parents[2]
CONSTANTS = {
    "_reserved_looks": "words that no name has",
    "_kdf_label": "labels of the specification and of this program",
    "ciphersuite": "the suites",
    "direct_path": "arithmetic of trees",
    "name_table": "what Unicode says of characters",
}
"""Functions that may keep what they computed, for the life of the process, and what that is."""


def _ended(world: World, ann: Client, bob: Client, cleo: Client) -> None:
    ann.engine.commands.end(lambda _error: None)
    world.settle()
    world.advance(5)


def _left_and_removed(world: World, ann: Client, bob: Client, cleo: Client) -> None:
    ann.remove("Bob")
    world.settle()
    cleo.engine.commands.leave(lambda: None)
    world.settle()
    _ended(world, ann, bob, cleo)


def _let_go(world: World, ann: Client, bob: Client, cleo: Client) -> None:
    """The program drops its rooms without a word."""


@pytest.mark.second("Cleo")
@pytest.mark.parametrize("way", [_ended, _left_and_removed, _let_go])
def test_no_members_leaf_outlives_the_room(
    way: Callable[[World, Client, Client, Client], None],
) -> None:
    world, ann, bob, cleo = three()
    relay_keys = {client.engine.identity.relay.public for client in (ann, bob, cleo)}

    def left() -> list[LeafExtension]:
        gc.collect()
        found = [thing for thing in gc.get_objects() if isinstance(thing, LeafExtension)]
        return [extension for extension in found if extension.relay_key in relay_keys]

    assert left()
    way(world, ann, bob, cleo)
    del world, ann, bob, cleo
    assert not left()


def _keeps(decorator: str) -> bool:
    return "cache" in decorator and decorator != "cached_property"


def _cached(path: Path) -> set[str]:
    """The functions of a module that keep their results. What a `cached_property` keeps goes with
    its object."""
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        and any(_keeps(ast.unparse(decorator)) for decorator in node.decorator_list)
    }


def test_only_constants_are_kept_for_the_life_of_the_process() -> None:
    folders = (ROOT / "client_sdk" / "alcove", ROOT / "protocol" / "alcove_protocol")
    files = [path for folder in folders for path in folder.rglob("*.py")]
    assert len(files) > 100
    assert set().union(*(_cached(path) for path in files)) == set(CONSTANTS)

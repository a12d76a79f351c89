"""The scene that most tests of the relay begin with."""

from typing import cast

import pytest
from alcove_server.store.interface import Publication, PublishDone, RosterMoved, Store

from tests.server.keys import Door
from tests.server.scene import Scene


class Awaited:
    """A store whose roster has always just moved: each blob is judged again and waited for."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def publish_soon(self, publication: Publication, done: PublishDone) -> None:
        done(publication, RosterMoved())

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


@pytest.fixture(params=["at once", "awaited"])
def scene(request: pytest.FixtureRequest) -> Scene:
    """A relay with one open room, whose facilitator is live."""
    scene = Scene()
    if request.param == "awaited":
        scene.relay.store = scene.relay.relay.services.store = cast(
            Store, Awaited(scene.relay.store)
        )
    scene.open()
    return scene


@pytest.fixture
def door(scene: Scene) -> Door:
    """An invite to it."""
    return scene.put_door()

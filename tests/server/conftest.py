"""The scene that most tests of the relay begin with."""

import pytest

from tests.server.keys import Door
from tests.server.scene import Scene


@pytest.fixture
def scene() -> Scene:
    """A relay with one open room, whose facilitator is live."""
    scene = Scene()
    scene.open()
    return scene


@pytest.fixture
def door(scene: Scene) -> Door:
    """An invite to it."""
    return scene.put_door()

"""Who else holds the room of a test."""

import pytest

from tests.end_to_end.evil import rooms


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that begins with `three` runs in a room of one facilitator, and in one of two: of Ann
    and the one that the mark `second` names. A mark without a name: Ann alone."""
    mark = metafunc.definition.get_closest_marker("second")
    if mark is not None and mark.args and rooms.begins_with_three(metafunc.function):
        names = ["", *mark.args]
        ids = [pytest.HIDDEN_PARAM, *(f"{name} too" for name in mark.args)]
        metafunc.parametrize("second", names, ids=ids, indirect=True)


@pytest.fixture(autouse=True)
def second(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom `three` appoints."""
    monkeypatch.setattr(rooms, "SECOND", getattr(request, "param", ""))

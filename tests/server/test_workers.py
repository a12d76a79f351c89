"""What several workers share out, and how often one is started again."""

from __future__ import annotations

import pytest
from alcove_server.net.admission import Rates
from alcove_server.process.parts import part_of
from alcove_server.process.workers import FIRST, MOST, STEADY, Pauses
from alcove_server.settings import Settings
from pydantic import ValidationError

REDIS = "redis://127.0.0.1"


def test_each_worker_has_its_part_of_the_limits() -> None:
    settings = Settings(
        store=REDIS,
        workers=4,
        connections=100,
        connections_per_prefix=3,
        management="[::1]:8401",
    )
    parts = [part_of(settings, number) for number in range(1, 5)]
    assert {part.connections for part in parts} == {25}
    assert {part.connections_per_prefix for part in parts} == {1}  # and never none
    assert [part.management for part in parts] == [f"[::1]:{8401 + at}" for at in range(4)]
    again = Settings(**parts[2].model_dump(mode="json", exclude_unset=True))  # as one is given it
    assert again == parts[2]


def test_one_worker_has_all() -> None:
    assert part_of(Settings(), 1) == Settings()


def test_rates_are_divided_and_allow_one_at_least() -> None:
    whole, part = Rates(), Rates().divided(40)
    assert part.told == (whole.told[0] / 40, whole.told[1] / 40)
    assert part.rooms == (whole.rooms[0] / 40, 1)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"workers": 2}, "several workers need rooms that they share: a store on Redis"),
        ({"workers": 0, "store": REDIS}, "greater than or equal to 1"),
        ({"workers": 2, "store": REDIS, "management": "a:65535"}, "one port for each worker"),
        ({"workers": 2, "store": REDIS, "management": "a:0"}, "the first of the workers' ports"),
    ],
)
def test_settings_that_workers_cannot_have_are_refused(
    given: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Settings.model_validate(given)


def test_a_worker_that_ends_again_and_again_is_started_ever_more_seldom() -> None:
    pauses = Pauses()
    waited = [pauses.after(0.1) for _ in range(12)]
    assert waited[:3] == [0, FIRST, 2 * FIRST]
    assert waited == sorted(waited)
    assert waited[-1] == MOST
    assert pauses.after(STEADY) == 0  # the end of one that ran well is no sign of anything

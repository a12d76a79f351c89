"""The closed union of events, over which a `match` can be exhaustive."""

from typing import get_args

from alcove import events


def test_the_union_holds_every_event() -> None:
    classes = {value for value in vars(events).values() if isinstance(value, type)}
    every = {kind for kind in classes if issubclass(kind, events.Event)} - {events.Event}
    assert set(get_args(events.AnyEvent)) == every

"""The closed union of events, over which a `match` can be exhaustive."""

from typing import get_args

from alcove import events


def test_the_union_holds_every_event() -> None:
    classes = {value for value in vars(events).values() if isinstance(value, type)}
    every = {kind for kind in classes if issubclass(kind, events.Event)} - {events.Event}
    assert set(get_args(events.AnyEvent)) == every


def test_the_secrets_in_events_are_not_in_their_repr() -> None:
    secret = "canary-in-an-event"
    told: tuple[events.AnyEvent, ...] = (
        events.Opened(secret),
        events.InviteChanged(secret),
        events.Message("00", "Ann", secret, 600, secret),
    )
    for event in told:
        assert secret not in repr(event)
        assert secret not in f"{event}"
    assert "Ann" in repr(told[-1])

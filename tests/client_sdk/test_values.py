"""Errors and events as values: what they print, and that errors can be copied and pickled."""

import copy
import pickle

import alcove
import pytest
from alcove import events

ERRORS = [
    kind("a_code", "A sentence.")
    for kind in (
        alcove.AlcoveError,
        alcove.ConnectionFailed,
        alcove.InvalidInput,
        alcove.NotNow,
        alcove.NotTrusted,
        alcove.Refused,
        alcove.RoomClosed,
    )
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_and_copying(error: alcove.AlcoveError) -> None:
    assert str(error) == "A sentence."
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert (again.code, again.text, str(again)) == ("a_code", "A sentence.", "A sentence.")


def test_a_relays_request_to_wait_survives_too() -> None:
    error = alcove.ConnectionFailed("busy", "The relay is full.")
    error.retry_after = 5.0
    assert pickle.loads(pickle.dumps(error)).retry_after == 5.0


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

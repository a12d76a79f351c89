"""Errors as values: they print their sentence, and they can be copied and pickled."""

import copy
import pickle

import alcove
import pytest

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

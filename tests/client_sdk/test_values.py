"""Errors and events as values: what they print, and that errors can be copied and pickled."""

import copy
import pickle

import alcove
import pytest
from alcove import events
from alcove.cli.commands import SendCommand
from alcove.cli.room_view import ShownMessage
from alcove.cli.rooms import Route
from alcove.messages.outbox import Outgoing
from alcove.messages.payload import Payload, Text

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
        events.SafetyWords((secret,)),
        events.Message("00", "Ann", secret, 600, secret),
    )
    for event in told:
        assert secret not in repr(event)
        assert secret not in f"{event}"
    assert "Ann" in repr(told[-1])


def test_what_a_person_says_is_in_no_repr_on_its_way_either() -> None:
    said = "canary-on-its-way"
    text = Text(said, said)
    body = text.encode()
    on_its_way = (
        text,
        Payload(bytes(16), 1, 0, bytes(32), bytes(16), bytes(32), 600, Text.KIND, body),
        Outgoing(bytes(16), 1, Text.KIND, body, 600, bytes(16)),
        SendCommand(text=said),
        ShownMessage("Ann", mine=False, warning=said, text=said),
    )
    for value in on_its_way:
        assert said not in repr(value), type(value)


def test_the_password_of_a_proxy_is_in_no_repr() -> None:
    proxy = "socks5h://ann:canary@proxy.example:1080"
    for way in (alcove.TransportOptions(proxy=proxy), Route(proxy, None)):
        assert way.proxy == proxy
        assert "canary" not in repr(way)

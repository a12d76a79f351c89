"""docs/cli.schema.json says exactly what is written: no more, no less."""

import dataclasses
import json
from typing import get_args

import pytest
from alcove import events
from alcove.cli import act_words
from alcove.cli.json_events import to_line, to_object
from jsonschema import Draft202012Validator

from tests.client_sdk.cli.fake_room import EVERYTHING, HOSTILE, OPENED
from tests.client_sdk.cli.process import SCHEMA, validator

BARE = (
    events.Waiting(""),
    events.Sent("aa"),
    events.Queued("aa"),
    events.Failed("aa", "", ""),
    events.Problem("busy", "Later."),
    events.Problem("busy", "Later.", ""),
    events.Closed(events.CloseReason.LEFT),
    *(events.ConnectionChanged(state) for state in events.ConnectionState),
    *(events.RoomChanged(state) for state in events.RoomState),
    *(events.Closed(reason) for reason in events.CloseReason),
)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("event", EVERYTHING + BARE, ids=lambda event: type(event).__name__)
def test_every_event_follows_the_schema(event: events.AnyEvent) -> None:
    line = to_line(event)
    assert line.count(b"\n") == 1
    assert json.loads(line) == to_object(event)
    validator("event").validate(json.loads(line))


def test_every_event_of_the_sdk_is_covered() -> None:
    kinds = {kind for kind in vars(events).values() if isinstance(kind, type)}
    kinds = {kind for kind in kinds if issubclass(kind, events.Event)} - {events.Event}
    assert {type(event) for event in EVERYTHING} == kinds
    written = {to_object(event)["event"] for event in EVERYTHING}
    assert len(written) == len(kinds)
    named = {key.removeprefix("event_") for key in SCHEMA["$defs"] if key.startswith("event_")}
    assert written == named


def test_every_word_of_a_state_is_in_the_schema() -> None:
    kinds = {
        "connection": ("state", events.ConnectionState),
        "room": ("state", events.RoomState),
        "closed": ("reason", events.CloseReason),
    }
    for kind, (key, states) in kinds.items():
        assert SCHEMA["$defs"][f"event_{kind}"]["properties"][key]["enum"] == [
            str(state) for state in states
        ]


def test_every_act_of_a_facilitator_is_in_the_schema_and_has_words() -> None:
    acts = get_args(events.FacilitatorAct)
    items = SCHEMA["$defs"]["event_acts"]["properties"]["acts"]["items"]
    assert items["properties"]["act"]["enum"] == list(acts)
    assert list(act_words.ACTS) == list(acts)


def test_no_field_of_an_event_is_left_out() -> None:
    """A field that the SDK gains must be written, or be left out on purpose here."""
    renamed = {"sender": "from", "text": "message", "facilitator": "role"}
    for event in EVERYTHING:
        written = to_object(event)
        for field in dataclasses.fields(event):
            value = getattr(event, field.name)
            if value not in (None, "", False, ()):
                assert {field.name, renamed.get(field.name)} & written.keys(), (event, field.name)


def test_a_terminal_that_shows_the_lines_is_not_moved_by_them() -> None:
    lines = b"".join(to_line(event) for event in (*OPENED, events.Message("a", "b", HOSTILE, 1)))
    shown = lines.decode()
    assert not set(shown) & ({chr(code) for code in (*range(32), *range(127, 160))} - {"\n"})
    assert len(shown.splitlines()) == 5

"""The commands of a program: read whole, or refused."""

import contextlib
import json

import pytest
from alcove.cli.commands import (
    COMMANDS,
    AcceptCommand,
    AgreementChangeCommand,
    Command,
    SendCommand,
)
from alcove.cli.json_commands import LINE_MAX, BadCommand, parse
from hypothesis import given
from hypothesis import strategies as st

from tests.client_sdk.cli.process import SCHEMA, validator

KEYS = {
    **dict.fromkeys(("appoint", "demote", "hand_over", "pause", "unpause"), "name"),
    **dict.fromkeys(("listen_only", "lock", "hold"), "on"),
    "fold": "id",
    "slow": "seconds",
    "remove": "name",
    **dict.fromkeys(("admit", "refuse", "retract", "door_take"), "id"),
    "door_say": "text",
    "send": "text",
    "revoke": "door",
    "agreement_change": "file",
}


@pytest.mark.parametrize("do", sorted(COMMANDS))
def test_every_command_follows_the_schema(do: str) -> None:
    value = {"on": True, "seconds": 60}.get(KEYS.get(do, ""), "value")
    line = {"do": do, "ref": "r"} | ({KEYS[do]: value} if do in KEYS else {})
    validator("command").validate(line)
    command = parse(json.dumps(line).encode())
    assert type(command) is COMMANDS[do]
    assert command.ref == "r"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ({"do": "accept", "version": 3}, AcceptCommand(version=3)),
        (
            {"do": "agreement_change", "file": "rules.toml", "correction": True},
            AgreementChangeCommand(file="rules.toml", correction=True),
        ),
    ],
)
def test_keys_that_may_be_left_out(line: dict[str, object], wanted: Command) -> None:
    validator("command").validate(line)
    assert parse(json.dumps(line).encode()) == wanted


def test_the_schema_knows_no_other_commands() -> None:
    named = {key.removeprefix("command_") for key in SCHEMA["$defs"] if key.startswith("command_")}
    assert named == set(COMMANDS)


@pytest.mark.parametrize(
    ("line", "ref"),
    [
        ("", None),
        ("null", None),
        ("[]", None),
        ('"leave"', None),
        ("{}", None),
        ('{"do": "leave"} {"do": "leave"}', None),
        ('{"do": "dance", "ref": "7"}', "7"),
        ('{"do": ["leave"], "ref": "7"}', "7"),
        ('{"do": null, "ref": "7"}', "7"),
        ('{"do": "leave", "ref": 7}', None),
        ('{"do": "leave", "ref": null}', None),
        ('{"do": "leave", "ref": "\\udc00"}', None),
        (json.dumps({"do": "leave", "ref": "x" * 201}), None),
        ('{"do": "leave", "now": true, "ref": "7"}', "7"),
        ('{"do": "leave", "do": "end", "ref": "7"}', None),
        ('{"do": "send", "ref": "7"}', "7"),
        ('{"do": "send", "text": 5, "ref": "7"}', "7"),
        ('{"do": "send", "text": null, "ref": "7"}', "7"),
        ('{"do": "send", "text": "\\ud800", "ref": "7"}', "7"),
        ('{"do": "admit", "id": ["aa"], "ref": "7"}', "7"),
        ('{"do": "accept", "version": true, "ref": "7"}', "7"),
        ('{"do": "lock", "ref": "7"}', "7"),
        ('{"do": "lock", "on": "no", "ref": "7"}', "7"),
        ('{"do": "listen_only", "on": 1, "ref": "7"}', "7"),
        ('{"do": "hold", "ref": "7"}', "7"),
        ('{"do": "hold", "on": true, "since": null, "ref": "7"}', "7"),
        ('{"do": "fold", "ref": "7"}', "7"),
        ('{"do": "slow", "seconds": "60", "ref": "7"}', "7"),
        ('{"do": "slow", "seconds": true, "ref": "7"}', "7"),
        ('{"do": "remove", "ref": "7"}', "7"),
        ('{"do": "remove", "names": ["a", 1], "ref": "7"}', "7"),
        ('{"do": "remove", "names": ["\\ud800"], "ref": "7"}', "7"),
        ('{"do": "remove", "names": "a", "ref": "7"}', "7"),
        ('{"do": "remove", "name": "a", "link": "open", "ref": "7"}', "7"),
        ('{"do": "remove", "name": "a", "link": "question", "ref": "7"}', "7"),
        ('{"do": "remove", "name": "a", "question": "Who?", "ref": "7"}', "7"),
        ('{"do": "fold", "id": "aa", "name": "Robin", "ref": "7"}', "7"),
        ('{"do": "accept", "version": null, "ref": "7"}', "7"),
        ('{"do": "agreement_change", "correction": true, "ref": "7"}', "7"),
        ('{"do": "agreement_change", "file": "a", "correction": 1, "ref": "7"}', "7"),
        ('{"do": "send", "text": NaN}', None),
        ("[" * 60_000, None),
        ("9" * 60_000, None),
    ],
)
def test_bad_lines_are_refused(line: str, ref: str | None) -> None:
    with pytest.raises(BadCommand) as caught:
        parse(line.encode())
    assert caught.value.ref == ref
    assert caught.value.text.endswith(".")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(line: bytes) -> None:
    with pytest.raises(BadCommand):
        parse(b"\x00" + line)


values = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2)
lines = st.dictionaries(
    st.sampled_from(["do", "ref", "id", "text", "name", "else"]),
    st.sampled_from(sorted(COMMANDS)) | values,
)


@given(lines)
def test_the_parser_and_the_schema_agree(line: dict[str, object]) -> None:
    accepted: Command | None = None
    with contextlib.suppress(BadCommand):
        accepted = parse(json.dumps(line).encode())
    if accepted is not None:
        validator("command").validate(line)
    else:
        assert not validator("command").is_valid(line) or "\\ud" in json.dumps(line)


def test_the_longest_text_fits_into_a_line_however_it_is_escaped() -> None:
    text = "\x01" * 8192
    line = json.dumps({"do": "send", "text": text, "ref": "\u0001" * 200}).encode()
    assert len(line) <= LINE_MAX
    assert parse(line) == SendCommand(text=text, ref="\u0001" * 200)

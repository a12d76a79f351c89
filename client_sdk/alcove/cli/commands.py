"""What a program may tell a room, one JSON object a line: `{"do": "send", "text": "…"}`.

A line is understood whole or not at all: an unknown key is a mistake that must not pass silently,
since who wrote it meant something by it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final, NoReturn

LINE_MAX: Final = 64 * 1024
"""Bytes of one line. The longest text, with every character escaped, fits."""
REF_MAX: Final = 200
"""Characters of a `ref`: it is held until its answer has been given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Base of all commands. `ref` comes back in the answer."""

    ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit(Command):
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Command):
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Send(Command):
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retract(Command):
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove(Command):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SendAnyway(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave(Command):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class End(Command):
    pass


COMMANDS: Final[Mapping[str, type[Command]]] = MappingProxyType(
    {
        "admit": Admit,
        "refuse": Refuse,
        "send": Send,
        "retract": Retract,
        "remove": Remove,
        "accept": Accept,
        "send_anyway": SendAnyway,
        "leave": Leave,
        "end": End,
    }
)


class BadCommand(Exception):
    """The line is no command. `ref` is its ref, where one could be read."""

    def __init__(self, text: str, ref: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.ref = ref


def parse(line: bytes) -> Command:
    """The command that `line` is. Raises `BadCommand`."""
    try:
        value = json.loads(
            line.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise BadCommand("The line is not one JSON object in UTF-8.") from None
    if not isinstance(value, dict):
        raise BadCommand("The line is not a JSON object.")
    ref = value.get("ref")
    if ref is not None and not _is_ref(ref):
        raise BadCommand(f"`ref` must be text of at most {REF_MAX} characters.")
    return _build(value, ref)


def _build(value: dict[str, Any], ref: str | None) -> Command:
    do = value.pop("do", None)
    kind = COMMANDS.get(do) if isinstance(do, str) else None
    if kind is None:
        raise BadCommand(f"`do` must be one of {', '.join(COMMANDS)}.", ref)
    known = {field.name for field in fields(kind)}
    if not value.keys() <= known:
        raise BadCommand(f"`{do}` was given a key that it does not have.", ref)
    for key in known - {"ref"}:
        if not isinstance(value.get(key), str):
            raise BadCommand(f"`{do}` needs `{key}`, as text.", ref)
        if not _is_unicode(value[key]):
            raise BadCommand(f"`{key}` holds half a surrogate pair, which is no character.", ref)
    if "ref" in value and value["ref"] is None:
        raise BadCommand("`ref` must be text, or be left out.")
    command: Command = kind(**value)
    return command


def _is_ref(value: object) -> bool:
    return isinstance(value, str) and len(value) <= REF_MAX and _is_unicode(value)


def _is_unicode(text: str) -> bool:
    """JSON can escape a lone surrogate, which has no UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")

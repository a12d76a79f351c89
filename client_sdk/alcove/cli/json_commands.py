"""The commands of a program, one JSON object a line: `{"do": "send", "text": "…"}`.

A line is read whole or refused. An unknown key is refused too, because the program that wrote it
meant something by it.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import Any, Final, NoReturn

from alcove.cli.commands import COMMANDS, AnyCommand

LINE_MAX: Final = 64 * 1024
"""Bytes of one line. The longest text fits, with every character escaped."""
REF_MAX: Final = 200
"""Characters of a `ref`. A ref is held until its answer is given."""
_VALUES: Final[Mapping[Any, tuple[type, str]]] = MappingProxyType(
    {
        bool: (bool, "true or false"),
        int: (int, "a whole number"),
        int | None: (int, "a whole number"),
        tuple[str, ...] | None: (list, "a list of texts"),
        str | None: (str, "text"),
    }
)
"""What a field that is no text takes, by its type."""


class BadCommand(Exception):
    """The line is no command. `ref` is the ref of the line, if one could be read."""

    def __init__(self, text: str, ref: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.ref = ref


def parse(line: bytes) -> AnyCommand:
    """Return the command of `line`. Raises `BadCommand`."""
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


def _build(value: dict[str, Any], ref: str | None) -> AnyCommand:
    do = value.pop("do", None)
    kind = COMMANDS.get(do) if isinstance(do, str) else None
    if kind is None:
        raise BadCommand(f"`do` must be one of {', '.join(COMMANDS)}.", ref)
    known = {field.name: field for field in fields(kind)}
    if not value.keys() <= known.keys():
        raise BadCommand(f"`{do}` was given a key that it does not have.", ref)
    for key in known.keys() - {"ref"}:
        given, optional = value.get(key), known[key].default is not MISSING
        if key not in value and optional:
            continue
        wanted, words = _VALUES.get(known[key].type, (str, "text"))
        texts = given if isinstance(given, list) else [given]
        if type(given) is not wanted or (wanted is list and not _all_texts(texts)):
            needs = "takes" if optional else "needs"
            raise BadCommand(f"`{do}` {needs} `{key}`, as {words}.", ref)
        if any(isinstance(one, str) and not _is_unicode(one) for one in texts):
            raise BadCommand(f"`{key}` holds half a surrogate pair, which is no character.", ref)
    if kind.one_of and sum(key in value for key in kind.one_of) != 1:
        raise BadCommand(f"`{do}` needs one of {' and '.join(kind.one_of)}.", ref)
    if "ref" in value and value["ref"] is None:
        raise BadCommand("`ref` must be text, or be left out.")
    given = {key: tuple(one) if isinstance(one, list) else one for key, one in value.items()}
    command: AnyCommand = kind(**given)
    if fault := command.fault():
        raise BadCommand(fault, ref)
    return command


def _all_texts(values: list[object]) -> bool:
    return all(type(value) is str for value in values)


def _is_ref(value: object) -> bool:
    return isinstance(value, str) and len(value) <= REF_MAX and _is_unicode(value)


def _is_unicode(text: str) -> bool:
    """Return whether `text` has UTF-8. JSON can escape a lone surrogate, which has none."""
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

"""What somebody wrote, and what opens something, is in no representation: a log may show one."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import Field, fields, is_dataclass, make_dataclass

import alcove
import alcove_protocol
import pytest

PRIVATE = frozenset(
    {
        "answer",
        "invite",
        "plaintext",
        "proxy",
        "psk",
        "question",
        "secret",
        "seed",
        "standby",
        "text",
        "texts",
        "ticket",
        "token",
        "url",
        "warning",
        "word",
        "words",
    }
)
"""Names of fields that hold what must not print."""

SHOWN = {
    "alcove.events.AgreementShown.text": "ground rules are for everybody with the link",
    "alcove.events.Closed.text": "a sentence of this program",
    "alcove.events.Failed.text": "a sentence of this program",
    "alcove.events.Problem.text": "a sentence of this program",
    "alcove_protocol.card.AgreementText.text": "as AgreementShown",
    "alcove_protocol.frames.answers.RequestRefused.text": "a sentence of the relay",
    "alcove_protocol.frames.notices.Bye.text": "a sentence of the relay",
}
"""Fields of such a name that may print, and why."""


def values() -> Iterator[type]:
    """Each class."""
    for package in (alcove, alcove_protocol):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if module.name.endswith("__main__"):
                continue
            for one in vars(importlib.import_module(module.name)).values():
                if isinstance(one, type) and one.__module__ == module.name:
                    yield one


def prints(of: type, one: Field[object]) -> bool:
    """Whether bytes or text of this field would be in the representation of its class."""
    plain = any(kind in str(one.type) for kind in ("bytes", "str"))
    generated = hasattr(vars(of).get("__repr__"), "__wrapped__")  # dataclasses guard theirs so
    return one.repr and generated and plain and one.name in PRIVATE


def printed() -> set[str]:
    return {
        f"{of.__module__}.{of.__qualname__}.{one.name}"
        for of in values()
        if is_dataclass(of)
        for one in fields(of)
        if prints(of, one)
    }


def test_no_representation_shows_what_is_private() -> None:
    assert printed() == set(SHOWN)


@pytest.mark.parametrize("name", ["text", "psk"])
def test_the_walk_would_find_one(name: str) -> None:
    made = make_dataclass("Made", [(name, bytes), ("other", bytes)])
    assert [one.name for one in fields(made) if prints(made, one)] == [name]

"""What `import alcove` offers, and what it costs."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Final

import alcove
import pytest

ROOT: Final = Path(__file__).resolve().parents[2]


def test_all_is_what_is_exported() -> None:
    public = {name for name in dir(alcove) if not name.startswith("_")}
    modules = {name for name in public if isinstance(getattr(alcove, name), type(alcove))}
    assert sorted(public - modules) == sorted(alcove.__all__)
    assert alcove.__all__ == sorted(alcove.__all__)


def test_every_event_is_exported() -> None:
    from alcove import events

    def below(kind: type[object]) -> set[str]:
        found = {kind.__name__}
        for sub in kind.__subclasses__():
            found |= below(sub)
        return found

    assert below(events.Event) <= set(alcove.__all__)


def modules_after(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after a statement."""
    code = f"import sys; {statement}; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return set(result.stdout.decode().split())


def test_importing_loads_events_and_errors_and_nothing_else() -> None:
    """The engine, MLS and sockets come with the first room. A count, not a time, is the verdict."""
    loaded = modules_after("import alcove")
    ours = {name for name in loaded if name.split(".")[0].startswith("alcove")}
    assert ours == {
        "alcove",
        "alcove.door_events",
        "alcove.errors",
        "alcove.events",
        "alcove.past_acts",
        "alcove.members",
        "alcove.states",
        "alcove_protocol",
        "alcove_protocol.errors",
    }
    assert not loaded & {"asyncio", "ssl", "nacl", "msgpack", "logging"}
    assert len(loaded - modules_after("pass")) < 80  # 426 before


def test_a_room_loads_no_terminal_no_other_suites_and_no_relay() -> None:
    loaded = modules_after("from alcove import run, join, open_room, Room, TransportOptions")
    assert "alcove.engine.engine" in loaded
    heavy = {"websockets", "textual", "click", "cryptography", "alcove_server", "alcove.cli"}
    assert not heavy & loaded


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = alcove.nothing


def test_no_public_class_name_stands_twice() -> None:
    """One meaning a word: a reader who meets a name need not ask which of two it is."""
    places: dict[str, list[str]] = {}
    for package in ("protocol/alcove_protocol", "server/alcove_server", "client_sdk/alcove"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    assert len(places) > 300
    assert {name: where for name, where in places.items() if len(where) > 1} == {}

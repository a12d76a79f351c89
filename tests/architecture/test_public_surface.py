"""What `import alcove` offers, and what it costs."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Final

import alcove

ROOT: Final = Path(__file__).resolve().parents[2]


def test_all_is_what_is_exported() -> None:
    public = {name for name in vars(alcove) if not name.startswith("_")}
    modules = {name for name in public if isinstance(vars(alcove)[name], type(alcove))}
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


def test_importing_loads_no_sockets_and_no_terminal() -> None:
    heavy = {"websockets", "textual", "click", "cryptography", "msgpack"}
    code = f"import sys, alcove; print(sorted({heavy!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout.decode().strip() == "['msgpack']"


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

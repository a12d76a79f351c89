"""What `import alcove` offers, and what it costs."""

import subprocess
import sys

import alcove


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
    heavy = {"websockets", "textual", "click", "confusable_homoglyphs", "cryptography", "msgpack"}
    code = f"import sys, alcove; print(sorted({heavy!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout.decode().strip() == "['msgpack']"

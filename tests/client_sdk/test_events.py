"""The closed union of events, over which a `match` can be exhaustive."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import alcove
from alcove import events

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
from typing import assert_never

import alcove


def words(event: alcove.AnyEvent) -> str:
    match event:
        case {known}:
            return "known"
        case _:
            assert_never(event)
"""


def test_the_union_holds_every_event() -> None:
    classes = {value for value in vars(events).values() if isinstance(value, type)}
    every = {kind for kind in classes if issubclass(kind, events.Event)} - {events.Event}
    assert set(get_args(events.AnyEvent)) == every
    assert alcove.AnyEvent is events.AnyEvent


def test_a_type_checker_knows_when_a_match_is_whole(tmp_path: Path) -> None:
    """A program of a user, strictly checked: whole it passes, without one event it does not."""
    every = [f"alcove.{kind.__name__}()" for kind in get_args(events.AnyEvent)]
    (tmp_path / "whole.py").write_text(PROGRAM.format(known=" | ".join(every)))
    (tmp_path / "lacking.py").write_text(PROGRAM.format(known=" | ".join(every[1:])))
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"),
            *("--config-file=", "--explicit-package-bases", f"--cache-dir={tmp_path / 'cache'}"),
            *("whole.py", "lacking.py"),
        ],
        cwd=tmp_path,
        env={"MYPYPATH": f"{ROOT / 'client_sdk'}:{ROOT / 'protocol'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in checked.stdout.splitlines() if ": error:" in line]
    assert len(errors) == 1, checked.stdout + checked.stderr
    assert errors[0].startswith("lacking.py:12: error:")
    assert '"Opened"' in errors[0]

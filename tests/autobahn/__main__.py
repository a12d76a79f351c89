"""The command: `python -m tests.autobahn [--wstest PATH] [--folder F]`, about 20 seconds.

Autobahn|Testsuite's own cases, run by kosoku (`uv sync --all-packages --group autobahn`) or by the
original `wstest`, which needs Python 2.7 (`pip install autobahntestsuite`). Groups 12 and 13 are
left out: they try compression, which the relay never negotiates. Ends with status 1 when a case
fails that the `websockets` library does not document as failing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import uvloop
from alcove_protocol import limits

from tests.autobahn.echo import echoing

LARGEST: Final = 16 * limits.MIB
"""The suite's largest messages. The relay's own limit is lower, and other tests hold it."""
LEFT_OUT: Final = ("12.*", "13.*")
DOCUMENTED: Final = frozenset({"7.1.5"})
"""A close frame in the middle of a fragmented message is a protocol error (1002) to the library.
The suite wants the client's code back. https://github.com/python-websockets/websockets, in
compliance/README.rst."""
GOOD: Final = ("OK", "NON-STRICT", "INFORMATIONAL")

Verdicts = Mapping[str, Mapping[str, str]]


def failures(verdicts: Verdicts) -> list[str]:
    """The cases that failed, and may not."""
    return [
        case
        for case, found in verdicts.items()
        if case not in DOCUMENTED
        and (found["behavior"] not in GOOD or found["behaviorClose"] not in GOOD)
    ]


def _kosoku(port: int, folder: Path) -> list[str]:
    left_out = [flag for pattern in LEFT_OUT for flag in ("--exclude", pattern)]
    program = Path(sys.executable).with_name("kosoku")
    return [str(program), *left_out, "--outdir", str(folder), f"127.0.0.1:{port}"]


def _wstest(program: str, port: int, folder: Path) -> list[str]:
    server = {"agent": "alcove", "url": f"ws://127.0.0.1:{port}", "options": {"version": 18}}
    asked = {
        "outdir": str(folder),
        "servers": [server],
        "cases": ["*"],
        "exclude-cases": LEFT_OUT,
        "exclude-agent-cases": {},
    }
    spec = folder / "spec.json"
    spec.write_text(json.dumps(asked))
    return [program, "-m", "fuzzingclient", "-s", str(spec)]


async def run(wstest: str | None, folder: Path) -> Verdicts:
    """Every verdict by its case. Raises `OSError` when the runner cannot be started."""
    async with echoing(LARGEST, text=True) as port:
        command = _wstest(wstest, port, folder) if wstest else _kosoku(port, folder)
        runner = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        await runner.wait()
    (verdicts,) = json.loads((folder / "index.json").read_text()).values()
    found: Verdicts = verdicts
    return found


def main() -> int:
    """Run, and print every verdict that is not simply good."""
    parser = argparse.ArgumentParser(prog="python -m tests.autobahn", allow_abbrev=False)
    parser.add_argument("--wstest", metavar="PATH", help="the original, instead of kosoku")
    parser.add_argument("--folder", type=Path, help="where the reports go; else they are dropped")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autobahn-") as dropped:
        folder: Path = asked.folder or Path(dropped)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            verdicts = uvloop.run(run(asked.wstest, folder))
        except OSError as error:
            print(f"{error}\nuv sync --all-packages --group autobahn", file=sys.stderr)
            return 2
    for case, found in verdicts.items():
        if found["behavior"] != "OK" or found["behaviorClose"] != "OK":
            known = " (documented by websockets)" if case in DOCUMENTED else ""
            print(f"{case:8} {found['behavior']}, close {found['behaviorClose']}{known}")
    failed = failures(verdicts)
    print(f"{len(verdicts)} cases, {len(failed)} failed that may not")
    return 1 if failed or not verdicts else 0


if __name__ == "__main__":
    sys.exit(main())

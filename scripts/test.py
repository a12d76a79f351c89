"""Run every suite in its own process under a time cap, and print what each took.

A suite that runs longer than its cap fails: time is a promise too. Coverage of all suites is shown
together at the end. `make test` and CI call this; `python scripts/test.py NAME…` runs a few.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Suite:
    name: str
    paths: tuple[str, ...]
    cap: int
    """Seconds."""
    covered: bool = True
    """Whether coverage is measured: it makes what is bounded in time three times as slow."""
    compiled: bool = False
    """Whether it runs against the compiled relay."""


SUITES = (
    Suite("architecture", ("tests/architecture",), 60),
    Suite("deploy", ("tests/deploy",), 60),
    Suite("protocol", ("tests/protocol",), 120),
    Suite("mls", ("tests/client_sdk/mls",), 300),
    Suite("interop", ("tests/client_sdk/mls/interop",), 240, covered=False),
    Suite("fuzz", ("tests/fuzz",), 180, covered=False),
    Suite("soak", ("tests/soak",), 180, covered=False),
    Suite("server", ("tests/server",), 240),
    Suite("sdk", ("tests/client_sdk",), 240),
    Suite("end to end", ("tests/end_to_end",), 300),
    Suite("compiled", ("tests/server", "tests/end_to_end"), 300, covered=False, compiled=True),
)


def run(suite: Suite, number: int) -> tuple[bool, float]:
    """Whether the suite passed, and how many seconds it took."""
    ignored = [
        f"--ignore={path}"
        for other in SUITES
        for path in other.paths
        if other is not suite and any(path.startswith(own + "/") for own in suite.paths)
    ]
    measured = ["-m", "coverage", "run"] if suite.covered else []
    command = [sys.executable, *measured, "-m", "pytest", "-q", *ignored, *suite.paths]
    environment = os.environ | {"COVERAGE_FILE": str(ROOT / f".coverage.{number}")}
    if suite.compiled:
        command += ["-m", "not interpreted"]
        environment |= {"PYTHONPATH": str(ROOT / ".compiled"), "ALCOVE_COMPILED": "1"}
    started = time.monotonic()
    print(f"\n=== {suite.name} (at most {suite.cap} s)", flush=True)
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        passed = process.wait(suite.cap) == 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
        print(f"{suite.name} was still running after {suite.cap} s", flush=True)
        passed = False
    return passed, time.monotonic() - started


def find_vectors() -> bool:
    """Whether the MLS working group's test vectors are there, downloaded if they must be."""
    given = os.environ.get("ALCOVE_MLS_VECTORS")
    places = [Path(given)] if given else [ROOT.parent / "shared" / "mls-vectors", ROOT / ".vectors"]
    if any((place / "welcome.json").is_file() for place in places):
        return True
    fetch = [sys.executable, str(ROOT / "scripts" / "fetch_mls_vectors.py")]
    return not given and subprocess.run(fetch, check=False).returncode == 0


def compiled() -> bool:
    """Whether the compiled relay is there, built if it must be; else its script says why not."""
    build = [sys.executable, str(ROOT / "scripts" / "compile_relay.py")]
    return subprocess.run(build, check=False).returncode == 0


def main() -> int:
    wanted = set(sys.argv[1:])
    if (not wanted or "mls" in wanted) and not find_vectors():
        print(
            "The official MLS test vectors are missing: set ALCOVE_MLS_VECTORS to a folder with "
            "them, or let scripts/fetch_mls_vectors.py download them."
        )
        return 1
    suites = [suite for suite in SUITES if not wanted or suite.name in wanted]
    if any(suite.compiled for suite in suites) and not compiled():
        # It is the same source; a machine without a compiler runs it as it stands.
        suites = [suite for suite in suites if not suite.compiled]
    results = [(suite, *run(suite, number)) for number, suite in enumerate(suites)]
    for command in ("combine --quiet", "report"):
        subprocess.run([sys.executable, "-m", "coverage", *command.split()], cwd=ROOT, check=False)
    print()
    for suite, passed, seconds in results:
        print(f"{'passed' if passed else 'FAILED'}  {seconds:6.1f} s  {suite.name}")
    failed = sum(not passed for _, passed, _ in results)
    print(f"\nsuites: {len(results) - failed} passed, {failed} failed")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())

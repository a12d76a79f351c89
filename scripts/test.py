"""Run the suites side by side, each in its own process under a time cap.

    make test                            every suite
    python scripts/test.py NAME…         some of them
    python scripts/test.py --jobs 1 …    fewer or more at once than processors and one

The longest suites start first. A suite that runs longer than its cap fails: time is a promise too.
A cap counts from the start of its own suite and is about three times what the suite takes on two
quiet processors, so that it holds on a busy machine and still bounds a hang. The output of a suite
is printed when it ends: in full when it failed. Ctrl-C ends all suites.

Suites share nothing that one of them writes. Each has a temporary folder of its own, below the one
of the run, with pytest's `tmp_path`, Hypothesis's storage and the coverage data in it. Ports are
chosen by the kernel. The compiled relay is built once, while other suites run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PROGRESS_EVERY: Final = 20.0
"""Seconds between two lines that say how far the running suites are."""
GRACE: Final = 5.0
"""Seconds that an interrupted suite has to end its own children."""
BUILD: Final = "build"


@dataclass(frozen=True)
class Suite:
    """Some tests that run in one process."""

    name: str
    paths: tuple[str, ...]
    cap: int
    """Seconds."""
    covered: bool = True
    """Whether coverage is measured: it makes what is bounded in time three times as slow."""
    compiled: bool = False
    """Whether it runs against the compiled relay."""
    twin: str = ""
    """The suite that runs the same tests against the compiled relay. Where it runs, only those that
    need the interpreted one are left: many other suites play whole rooms over that."""


COMPILED_REDIS: Final = tuple(
    f"tests/redis_store/test_{name}.py" for name in ("contract", "gate", "fence", "replication")
)
"""What the store promises, and the rule of what is told. The other tests of Redis set its times."""
SUITES: Final = (
    Suite("compiled rooms", ("tests/end_to_end",), 900, covered=False, compiled=True),
    Suite("cli", ("tests/client_sdk/cli",), 900, covered=False),
    Suite("compiled", ("tests/server",), 600, covered=False, compiled=True),
    Suite("sdk", ("tests/client_sdk",), 600),
    Suite("server", ("tests/server",), 600, covered=False),
    Suite("end to end", ("tests/end_to_end",), 600, covered=False, twin="compiled rooms"),
    Suite("packages", ("tests/packages",), 500, covered=False),
    Suite("mls", ("tests/client_sdk/mls",), 400),
    Suite("interop", ("tests/client_sdk/mls/interop",), 400, covered=False),
    Suite("simulator", ("tests/simulator",), 400, covered=False),
    Suite("attacks", ("tests/attacks", "tests/mutation"), 400, covered=False),
    Suite("evening", ("tests/evening",), 400, covered=False),
    Suite("redis", ("tests/redis_store",), 400, covered=False),
    Suite("soak", ("tests/soak",), 300, covered=False),
    Suite("compiled redis", COMPILED_REDIS, 300, covered=False, compiled=True),
    Suite("second client", ("tests/second_client",), 300, covered=False),
    Suite("fuzz", ("tests/fuzz",), 300, covered=False),
    Suite("redis faults", ("tests/redis_faults",), 300, covered=False),
    Suite("protocol", ("tests/protocol",), 200),
    Suite("model", ("tests/model",), 200, covered=False),
    Suite("cluster", ("tests/redis_cluster",), 200, covered=False),
    Suite("examples", ("tests/examples",), 200, covered=False),
    Suite("vectors", ("tests/vectors",), 100),
    Suite("architecture", ("tests/architecture", "tests/test_growth.py"), 100),
    Suite("deploy", ("tests/deploy",), 100, covered=False),
)
"""The longest first, by their caps."""


@dataclass(frozen=True)
class Result:
    """How a suite or the build ended."""

    name: str
    status: str
    """`passed`, `FAILED` or `skipped`."""
    seconds: float
    why: str = ""


def command_of(suite: Suite, folder: Path, *, whole: bool = True) -> list[str]:
    """pytest on the paths of a suite, without the paths that are a suite of their own. Unless it is
    `whole`, only the tests that need the interpreted relay."""
    ignored = [
        f"--ignore={path}"
        for other in SUITES
        for path in other.paths
        if other is not suite and any(path.startswith(own + "/") for own in suite.paths)
    ]
    measured = ["-m", "coverage", "run"] if suite.covered else []
    chosen = ["-m", "not interpreted"] if suite.compiled else [] if whole else ["-m", "interpreted"]
    own = [f"--basetemp={folder / 'tmp'}", "-p", "no:cacheprovider"]
    return [sys.executable, *measured, "-m", "pytest", "-q", *own, *chosen, *ignored, *suite.paths]


def environment_of(suite: Suite, folder: Path) -> dict[str, str]:
    """What a suite writes goes into its own folder."""
    own = {
        "COVERAGE_FILE": str(folder / ".coverage"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
    }
    if suite.compiled:
        own |= {"PYTHONPATH": str(ROOT / ".compiled"), "ALCOVE_COMPILED": "1"}
    return os.environ | own


class Job:
    """A process of its own process group, whose output goes to a file."""

    def __init__(
        self,
        name: str,
        command: list[str],
        environment: dict[str, str],
        cap: int,
        cannot: int | None = None,
    ) -> None:
        """`cannot` is the exit status that says that this machine lacks what the job needs."""
        self.name = name
        self._names = {0: "passed"} | ({} if cannot is None else {cannot: "skipped"})
        self._command = command
        self._environment = environment
        self._cap = cap
        self._started = 0.0
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  # closed when the job is forgotten

    async def run(self) -> Result:
        """Run it to its end or its cap. A cancelled call ends it first."""
        self._started = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = await asyncio.wait_for(process.wait(), self._cap)
        except TimeoutError:
            await _end(process)
            return self._result("FAILED", f"it was still running after {self._cap} s")
        except asyncio.CancelledError:
            await _end(process)
            raise
        _signal(process, signal.SIGKILL)  # processes that its tests forgot
        return self._result(self._names.get(status, "FAILED"))

    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._started

    def output(self) -> str:
        """What it has written so far."""
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode(errors="replace")

    def percent(self) -> str:
        """How many of its tests have run, as pytest says it at the end of each line of dots."""
        found = re.findall(r"\[ *(\d+%)\]$", self.output(), re.MULTILINE)
        return found[-1] if found else "0%"

    def _result(self, status: str, why: str = "") -> Result:
        return Result(self.name, status, self.seconds(), why)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Interrupt, so that tests end the processes that they started, then kill what is left."""
    try:
        _signal(process, signal.SIGINT)
        await asyncio.wait_for(process.wait(), GRACE)
    except TimeoutError:
        pass
    finally:  # also when a second interrupt does not let the first one end
        _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """To the whole group of a process, if there is one left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _shown(output: str, status: str) -> str:
    """Everything of a suite that failed. A suite that passed is shown without its lines of dots."""
    if status != "passed":
        return output
    return re.sub(r"^[.sxX]* *\[ *\d+%\]\n", "", output, flags=re.MULTILINE)


class Run:
    """All suites of one call. `folder` is empty and is removed by the caller."""

    def __init__(self, suites: Sequence[Suite], jobs: int, folder: Path) -> None:
        self._waiting = list(suites)
        self._jobs = jobs
        self._folder = folder
        self._running: dict[str, Job] = {}
        self._results: list[Result] = []
        self._build_ended = asyncio.Event()
        self._compiled: set[str] = set()  # suites that run against the compiled relay
        self._started = time.monotonic()

    async def all(self) -> list[Result]:
        """Run them. Return the results in the order in which they ended."""
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(self._tell())
            async with asyncio.TaskGroup() as workers:
                if any(suite.compiled for suite in self._waiting):
                    workers.create_task(self._work(build=True))
                else:
                    self._build_ended.set()
                    workers.create_task(self._work())
                for _ in range(self._jobs - 1):
                    workers.create_task(self._work())
            telling.cancel()
        return self._results

    async def _work(self, build: bool = False) -> None:
        """Run one suite after the other, the longest first, until none is left."""
        if build:
            await self._build()
        while self._waiting:
            ready = [one for one in self._waiting if self._may_start(one)]
            if not ready:
                await self._build_ended.wait()
                continue
            self._waiting.remove(ready[0])
            await self._suite(ready[0])

    def _may_start(self, suite: Suite) -> bool:
        return self._build_ended.is_set() or not (suite.compiled or suite.twin)

    async def _build(self) -> None:
        """Build the compiled relay, unless it is there. A machine without a compiler runs the same
        source as it stands, so its absence is no failure."""
        command = [sys.executable, str(ROOT / "scripts" / "compile_relay.py")]
        result = await self._run(Job(BUILD, command, dict(os.environ), 400, cannot=2))
        if result.status != "passed":
            self._waiting = [suite for suite in self._waiting if not suite.compiled]
        else:
            self._compiled = {suite.name for suite in self._waiting if suite.compiled}
        self._build_ended.set()

    async def _suite(self, suite: Suite) -> None:
        folder = self._folder / suite.name.replace(" ", "-")
        folder.mkdir()
        command = command_of(suite, folder, whole=suite.twin not in self._compiled)
        environment = environment_of(suite, folder)
        await self._run(Job(suite.name, command, environment, suite.cap))

    async def _run(self, job: Job) -> Result:
        """Run it, print what it has to say, and keep its result."""
        self._running[job.name] = job
        try:
            result = await job.run()
        finally:
            del self._running[job.name]
        self._results.append(result)
        why = f" ({result.why})" if result.why else ""
        print(f"\n=== {job.name}: {result.status} in {result.seconds:.0f} s{why}", flush=True)
        print(_shown(job.output(), result.status).strip(), flush=True)
        return result

    async def _tell(self) -> None:
        """Say again and again how far the running suites are."""
        while True:
            await asyncio.sleep(PROGRESS_EVERY)
            parts = [
                f"{job.name} {job.seconds():.0f} s" + ("" if name == BUILD else f" {job.percent()}")
                for name, job in self._running.items()
            ]
            print(f"[{time.monotonic() - self._started:4.0f} s] {', '.join(parts)}", flush=True)


def find_vectors() -> bool:
    """Whether the MLS working group's test vectors are there, downloaded if they must be."""
    given = os.environ.get("ALCOVE_MLS_VECTORS")
    places = [Path(given)] if given else [ROOT.parent / "shared" / "mls-vectors", ROOT / ".vectors"]
    if any((place / "welcome.json").is_file() for place in places):
        return True
    fetch = [sys.executable, str(ROOT / "scripts" / "fetch_mls_vectors.py")]
    return not given and subprocess.run(fetch, check=False).returncode == 0


def report_coverage(folder: Path) -> None:
    """Coverage of all suites that measure it, together. Those of the relay and of whole rooms do
    not, so it says little about the relay."""
    measured = sorted(str(path) for path in folder.glob("*/.coverage"))
    if not measured:
        return
    coverage = [sys.executable, "-m", "coverage"]
    environment = os.environ | {"COVERAGE_FILE": str(folder / ".coverage")}
    names = ", ".join(Path(path).parent.name for path in measured)
    print(f"\n=== coverage by {names}", flush=True)
    for command in (["combine", "--quiet", *measured], ["report"]):
        subprocess.run([*coverage, *command], cwd=ROOT, env=environment, check=False)


async def run(suites: Sequence[Suite], jobs: int, folder: Path) -> list[Result]:
    """Run all suites. SIGINT and SIGTERM end those that run and raise `CancelledError`."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, task.cancel)
    return await Run(suites, jobs, folder).all()


def chosen() -> tuple[list[Suite], int]:
    """The suites to run, and how many at once."""
    names = [suite.name for suite in SUITES]
    parser = argparse.ArgumentParser(description="Run the suites side by side.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    # One more than processors: tests of terminals and networks wait for a part of their time.
    parser.add_argument("--jobs", type=int, default=(cores or 1) + 1, help="suites at once")
    given = parser.parse_args()
    if unknown := set(given.names) - set(names):
        parser.error(
            f"there is no suite {', '.join(sorted(unknown))}; there are {', '.join(names)}"
        )
    wanted = given.names or names
    return [suite for suite in SUITES if suite.name in wanted], max(1, given.jobs)


def main() -> int:
    """The exit status: 0 when every suite passed."""
    suites, jobs = chosen()
    if any(suite.name == "mls" for suite in suites) and not find_vectors():
        print(
            "The official MLS test vectors are missing: set ALCOVE_MLS_VECTORS to a folder with "
            "them, or let scripts/fetch_mls_vectors.py download them."
        )
        return 1
    print(f"{len(suites)} suites, {jobs} at once", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="alcove-tests-") as folder:
        try:
            results = asyncio.run(run(suites, jobs, Path(folder)))
        except asyncio.CancelledError:
            print("interrupted; every suite was ended", flush=True)
            return 130
        if len(suites) == len(SUITES):
            report_coverage(Path(folder))
    print()
    for result in results:
        print(f"{result.status}  {result.seconds:6.1f} s  {result.name}")
    passed = sum(result.status == "passed" for result in results if result.name != BUILD)
    failed = sum(result.status == "FAILED" for result in results)
    print(f"\nsuites: {passed} passed, {failed} failed, {time.monotonic() - started:.0f} s in all")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

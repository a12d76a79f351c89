"""Run mutants side by side, each worker on its own copy of the tree."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.mutation.mutant import ROOT, SOURCES, DoesNotFit, Mutant, mutate
from tests.mutation.worker import BROKEN, KILLED, SURVIVED

_COPIED = (*SOURCES, "tests", "docs", "examples", "pyproject.toml")
_LEFT_OUT = shutil.ignore_patterns("node_modules", "*.so", ".hypothesis", "__pycache__")


@dataclass(frozen=True, slots=True)
class Result:
    mutant: Mutant
    verdict: str
    detail: str

    @property
    def right(self) -> bool:
        """Killed by its test, or equivalent for the reason given and not noticed."""
        return self.verdict == (SURVIVED if self.mutant.equivalent else KILLED)

    def __str__(self) -> str:
        first = f"{self.verdict:9} {self.mutant.name}"
        return first if self.right else f"{first}\n          {self.mutant.test}  {self.detail}"


class Worker:
    """A process that judges one mutant at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in _COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, root / name, ignore=_LEFT_OUT)
            else:
                shutil.copy(ROOT / name, root / name)
        environment = os.environ | {"ALCOVE_SEED": "0", "PYTHONHASHSEED": "0"}
        self._process = subprocess.Popen(
            [sys.executable, str(root / "tests" / "mutation" / "worker.py")],
            cwd=root,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def judge(self, files: dict[str, str], tests: Sequence[str]) -> tuple[str, str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([files, list(tests)]), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            return BROKEN, "the worker ended"
        verdict, detail = json.loads(answer)
        return verdict, detail

    def close(self) -> None:
        self._process.communicate()


@contextmanager
def workers(count: int) -> Iterator[SimpleQueue[Worker]]:
    idle: SimpleQueue[Worker] = SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="alcove-mutation-") as folder:
        all_of_them = [Worker(_made(Path(folder, str(number)))) for number in range(count)]
        for worker in all_of_them:
            idle.put(worker)
        try:
            yield idle
        finally:
            for worker in all_of_them:
                worker.close()


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def sample(mutants: Sequence[Mutant], seed: str, count: int) -> list[Mutant]:
    """`count` of them, the same for the same seed."""
    return random.Random(seed).sample(list(mutants), min(count, len(mutants)))


def unharmed(idle: "SimpleQueue[Worker]", mutants: Sequence[Mutant], side_by_side: int) -> None:
    """Every named test passes while nothing is mutated, or its failures would say nothing."""
    tests = sorted({mutant.test for mutant in mutants})
    parts = [part for n in range(side_by_side) if (part := tests[n::side_by_side])]

    def one(part: list[str]) -> tuple[str, str]:
        worker = idle.get()
        try:
            return worker.judge({}, part)
        finally:
            idle.put(worker)

    with ThreadPoolExecutor(side_by_side) as pool:
        for verdict, detail in pool.map(one, parts):
            if verdict != SURVIVED:
                raise AssertionError(f"a named test fails on the source as it stands: {detail}")


def run(
    mutants: Sequence[Mutant],
    side_by_side: int = 2,
    tell: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Judge every mutant. Raises `AssertionError` when a named test fails on the unmutated tree."""
    results: list[Result] = []
    # CPython 3.11 parses one text at a time: in two threads at once `ast.parse` can raise a
    # SystemError.
    parsing = threading.Lock()
    with workers(side_by_side) as idle:
        unharmed(idle, mutants, side_by_side)

        def one(mutant: Mutant) -> Result:
            try:
                with parsing:
                    files = dict(mutate(mutant))
            except DoesNotFit as error:
                return Result(mutant, BROKEN, str(error))
            worker = idle.get()
            try:
                return Result(mutant, *worker.judge(files, [mutant.test]))
            finally:
                idle.put(worker)

        with ThreadPoolExecutor(side_by_side) as pool:
            for result in pool.map(one, mutants):
                tell(result)
                results.append(result)
    return results

"""One worker: its own copy of the tree, and a fork for each mutant.

    runner ──a mutant──► worker ──fork──► child: edited files, pytest, the named test
           ◄──verdict──         ◄──exit code, what failed──

The worker has imported pytest and the libraries, and nothing of this project: a fork is then ready
in milliseconds, and the child imports the mutated sources. The copy is the worker's alone, so the
edits of two mutants never meet, and the working tree is never touched.
"""

import contextlib
import importlib
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

PATIENCE = 240
"""Seconds for one test. A mutant that hangs is no verdict: it is reported as broken."""

LIBRARIES = (
    "hypothesis",
    "pytest_asyncio",
    "pytest_timeout",
    "pytest_cov",
    "nacl.bindings",
    "nacl.signing",
    "cryptography.hazmat.primitives.asymmetric.x25519",
)

KILLED, SURVIVED, BROKEN = "killed", "survived", "broken"

# A test that fails for one of these has met a slip of the mutant, not a rule that is gone.
_SLIPS = ("NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError", "SyntaxError")


class Witness:
    """A pytest plugin that notes the names of the errors that tests fail with."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def pytest_exception_interact(self, call: pytest.CallInfo[object]) -> None:
        if call.excinfo is not None:
            self.errors.append(call.excinfo.type.__name__)


@contextlib.contextmanager
def edited(root: Path, files: Mapping[str, str]) -> Iterator[None]:
    """The files with other contents, for the length of a block."""
    before = {path: (root / path).read_text() for path in files}
    try:
        _write(root, files)
        yield
    finally:
        _write(root, before)


def _write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.write_text(text)
        # Compiled files are told apart by second and size, which an edit may leave as they were.
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()


def judge(tests: list[str], result: Path, mutated: bool) -> None:
    """In the child: run the tests, and write down what came of it."""
    os.setsid()
    sys.dont_write_bytecode = mutated
    said = os.open(result.with_suffix(".txt"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    witness = Witness()
    # The plugins were imported before pytest could rewrite their assertions, which nobody reads.
    arguments = ["-q", "-x", "-p", "no:cacheprovider"]
    arguments += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    code = int(pytest.main([*arguments, *tests], plugins=[witness]))
    result.write_text(json.dumps([code, witness.errors]))
    os._exit(0)


def verdict(result: Path) -> tuple[str, str]:
    """What the child's notes mean: (verdict, detail)."""
    if not result.is_file():
        return BROKEN, f"no result within {PATIENCE} s"
    code, errors = json.loads(result.read_text())
    result.unlink()
    if code == pytest.ExitCode.OK:
        return SURVIVED, ""
    if code != pytest.ExitCode.TESTS_FAILED:
        said = result.with_suffix(".txt").read_text().strip()[-2000:]
        return BROKEN, f"pytest could not run the test (exit code {code}) {errors}\n{said}"
    slips = [error for error in errors if error in _SLIPS]
    return (BROKEN, f"the mutant is not whole: {slips[0]}") if slips else (KILLED, "")


def run(root: Path, files: Mapping[str, str], tests: list[str]) -> tuple[str, str]:
    """Fork, run the tests on the edited copy, and say what came of it."""
    result = root / f"result-{os.getpid()}"
    with edited(root, files):
        child = os.fork()
        if not child:
            try:
                judge(tests, result, bool(files))
            except BaseException as error:
                result.write_text(json.dumps([-1, [repr(error)]]))
            os._exit(70)
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(child, signal.SIGKILL))
        signal.alarm(PATIENCE)
        os.waitpid(child, 0)
        signal.alarm(0)
    return verdict(result)


def main() -> None:
    root = Path.cwd()
    for source in ("client_sdk", "protocol", "server", "."):
        sys.path.insert(0, str(root / source))
    for library in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    mine = [name for name in sys.modules if name.split(".")[0] in ("alcove", "alcove_protocol")]
    assert not mine, "the worker must not have imported what its children mutate"
    for line in sys.stdin:
        files, tests = json.loads(line)
        print(json.dumps(run(root, files, tests)), flush=True)


if __name__ == "__main__":
    main()

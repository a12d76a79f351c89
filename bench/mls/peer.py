"""ts-mls in Node, asked line by line. Without Node, or npm, there is a reason instead."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

_HOME: Final = Path(__file__).parent / "node"
_INSTALL: Final = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
_INSTALL_SECONDS: Final = 180


class Unavailable(Exception):
    """Why there is no peer, for the table."""


def _install() -> None:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Unavailable(f"{program} is not installed")
    locked = _HOME / "node_modules" / ".package-lock.json"
    if locked.exists() and locked.stat().st_mtime >= (_HOME / "package-lock.json").stat().st_mtime:
        return
    try:
        subprocess.run(
            _INSTALL, cwd=_HOME, check=True, capture_output=True, timeout=_INSTALL_SECONDS
        )
    except (subprocess.SubprocessError, OSError):
        raise Unavailable("npm could not install ts-mls") from None


class Peer:
    """A Node process that does one operation after the other."""

    def __init__(self) -> None:
        """Raises `Unavailable`."""
        _install()
        self._process = subprocess.Popen(
            ["node", "driver.mjs"],
            cwd=_HOME,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, operation: str, **arguments: int) -> tuple[float, int]:
        """(milliseconds, bytes made). Raises `Unavailable` when it fails."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"operation": operation, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        answer: dict[str, Any] = json.loads(line) if line else {"error": "it ended"}
        if "error" in answer:
            raise Unavailable(f"ts-mls failed at {operation}: {answer['error']}")
        return float(answer["ms"]), int(answer["bytes"])

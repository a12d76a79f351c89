"""The distributions, built once, and fresh environments that have nothing but them."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
WITHIN: Final = 240.0
"""Seconds for one command. Only a defect, or a network that hangs, takes so long."""
FOLDERS: Final = ("protocol", "server", "client_sdk")


def uv(*arguments: str, cwd: Path = ROOT) -> None:
    """Run uv: the one that runs the tests, one on the PATH, or the project's own."""
    own = ROOT / ".tools" / "bin" / "uv"
    program = os.environ.get("UV") or shutil.which("uv") or str(own)
    ended = subprocess.run(
        [program, *arguments], cwd=cwd, capture_output=True, text=True, timeout=WITHIN, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def build(source: Path, into: Path) -> Path:
    """Wheels and sdists of the three distributions."""
    uv("build", "--all-packages", "--quiet", "--out-dir", str(into), cwd=source)
    return into


@dataclass(frozen=True)
class Environment:
    """A virtual environment. Its programs see no other Python path."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    def install(self, *requirements: str) -> None:
        """Install with uv, as pip would."""
        uv("pip", "install", "--quiet", "--python", self.python, *requirements)

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment to its end, away from the source tree."""
        return subprocess.run(
            [str(self.folder / "bin" / command[0]), *command[1:]],
            cwd=cwd or self.folder,
            env={"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )


def environment(folder: Path) -> Environment:
    """A fresh one, of this Python."""
    uv("venv", "--quiet", "--python", sys.executable, str(folder))
    return Environment(folder)


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("dist"))

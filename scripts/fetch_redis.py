"""Bring Redis into `.tools/redis/`, so that the tests have real servers. Print the program's path.

    python scripts/fetch_redis.py

A `redis-server` of version 7.0 or later that the machine has is used as it is. Otherwise Debian's
packages are downloaded and unpacked, without root, without installing anything and without
starting a service. apt checks the signatures of what it downloads. Its state lies in a folder of
its own, so that the machine's package lists stay as they are.

Exit status: 0 when there is a server, 2 when this machine cannot have one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
HOME: Final = ROOT / ".tools" / "redis"
PACKAGES: Final = ("redis-server", "redis-tools", "libjemalloc2", "liblzf1", "libatomic1")
"""The server, and the libraries that a small Debian system lacks. The server's program lies in
`redis-tools` or `redis-server`, by the release."""
OLDEST: Final = (7, 0)
TELL: Final = (
    "The tests of the Redis store need Redis 7.0 or later, and this machine has none that can be "
    "unpacked: install it (`apt install redis-server`, `dnf install redis`, `brew install redis`) "
    "and run again."
)


class Unavailable(Exception):
    """This machine cannot have Redis by this script. The message says what to do."""


def environment() -> dict[str, str]:
    """The environment in which an unpacked server finds its libraries."""
    folders = sorted({str(path.parent) for path in HOME.glob("usr/lib/*/*.so*")})
    found = [*folders, *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    return dict(os.environ) | ({"LD_LIBRARY_PATH": os.pathsep.join(found)} if folders else {})


def version_of(program: str) -> tuple[int, int] | None:
    """The version of a server, or None when it does not run."""
    command = [program, "--version"]
    try:
        said = subprocess.run(
            command, capture_output=True, text=True, timeout=20, check=True, env=environment()
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"v=(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else None


def usable(program: str | None) -> bool:
    """Whether this program is a server that is new enough."""
    version = version_of(program) if program else None
    return version is not None and version >= OLDEST


def server() -> str:
    """The path of a server. Raises `Unavailable`."""
    for program in (str(HOME / "usr" / "bin" / "redis-server"), shutil.which("redis-server")):
        if program is not None and usable(program):
            return program
    unpack()
    program = str(HOME / "usr" / "bin" / "redis-server")
    if not usable(program):
        raise Unavailable(TELL)
    return program


def unpack() -> None:
    """Download and unpack the packages. The folder appears whole or not at all, so that a broken
    download and two runs at once leave nothing half done."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise Unavailable(TELL)
    HOME.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="redis-", dir=HOME.parent) as name:
        folder = Path(name)
        packages = _download(folder)
        whole = folder / "whole"
        for package in packages:
            _run(["dpkg-deb", "--extract", str(package), str(whole)], folder)
        if HOME.exists():
            shutil.rmtree(HOME, ignore_errors=True)
        try:
            whole.rename(HOME)
        except OSError:
            if not HOME.is_dir():  # another run was first
                raise


def _download(folder: Path) -> list[Path]:
    """The packages, verified by apt."""
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    own = [
        *("-o", f"Dir::State={folder}", "-o", f"Dir::State::lists={folder / 'lists'}"),
        *("-o", f"Dir::Cache={folder / 'cache'}", "-o", "APT::Sandbox::User=root"),
        *("-o", "Debug::NoLocking=1", "-o", "Acquire::Retries=3"),
    ]
    _run(["apt-get", "-qq", *own, "update"], folder)
    _run(["apt-get", "-qq", *own, "download", *PACKAGES], folder)
    return sorted(folder.glob("*.deb"))


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise Unavailable(f"{TELL}\n({command[0]}: {str(said).strip()[-300:]})") from error


def main() -> int:
    try:
        print(server())
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Bring Redis into `.tools/redis/`, so that the tests have real servers. Print the program's path.

    python scripts/fetch_redis.py
    python scripts/fetch_redis.py --valkey

A `redis-server` of version 7.0 or later that the machine has is used as it is. Otherwise Debian's
packages are downloaded and unpacked, without root, without installing anything and without
starting a service. apt checks the signatures of what it downloads. Its state lies in a folder of
its own, so that the machine's package lists stay as they are.

With `--valkey` it is Valkey, in `.tools/valkey/`, on an older Debian from its backports. The tests
run on any server that `$ALCOVE_REDIS_SERVER` names, as `make valkey` does.

Exit status: 0 when there is a server, 2 when this machine cannot have one.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
NAMED: Final = "ALCOVE_REDIS_SERVER"
HOME: Final = ROOT / ".tools" / "redis"
VALKEY: Final = ROOT / ".tools" / "valkey"
LIBRARIES: Final = ("libjemalloc2", "liblzf1", "libatomic1")
"""What a small Debian system lacks."""
PACKAGES: Final = ("redis-server", "redis-tools", *LIBRARIES)
"""The server's program lies in `redis-tools` or `redis-server`, by the release."""
VALKEY_PACKAGES: Final = ("valkey-server", "valkey-tools", *LIBRARIES)
SOURCES: Final = Path("/etc/apt/sources.list.d")
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
    homes = (HOME, VALKEY)
    folders = sorted({str(path.parent) for home in homes for path in home.glob("usr/lib/*/*.so*")})
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
    if named := os.environ.get(NAMED):
        if not usable(named):
            raise Unavailable(f"{NAMED} is {named}, which is no server of 7.0 or later.")
        return named
    for program in (str(HOME / "usr" / "bin" / "redis-server"), shutil.which("redis-server")):
        if program is not None and usable(program):
            return program
    unpack(HOME, PACKAGES)
    program = str(HOME / "usr" / "bin" / "redis-server")
    if not usable(program):
        raise Unavailable(TELL)
    return program


def valkey() -> str:
    """The path of a Valkey server. Raises `Unavailable`."""
    program = str(VALKEY / "usr" / "bin" / "valkey-server")
    if not usable(program):
        unpack(VALKEY, VALKEY_PACKAGES)
    if not usable(program):
        raise Unavailable(TELL)
    return program


def unpack(home: Path, packages: Sequence[str]) -> None:
    """Download and unpack packages. The folder appears whole or not at all, so that a broken
    download and two runs at once leave nothing half done."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise Unavailable(TELL)
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="redis-", dir=home.parent) as name:
        folder = Path(name)
        whole = folder / "whole"
        for package in _download(folder, packages):
            _run(["dpkg-deb", "--extract", str(package), str(whole)], folder)
        if home.exists():
            shutil.rmtree(home, ignore_errors=True)
        try:
            whole.rename(home)
        except OSError:
            if not home.is_dir():  # another run was first
                raise


def _sources(folder: Path) -> Path:
    """A folder with the machine's sources of packages, and the backports of its release."""
    sources = folder / "sources"
    sources.mkdir()
    for path in SOURCES.iterdir() if SOURCES.is_dir() else ():
        shutil.copy(path, sources)
    release = platform.freedesktop_os_release().get("VERSION_CODENAME", "stable")
    signed = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    line = f"deb {signed} http://deb.debian.org/debian {release}-backports main\n"
    (sources / "backports.list").write_text(line)
    return sources


def _download(folder: Path, packages: Sequence[str]) -> list[Path]:
    """The packages, verified by apt."""
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    own = [
        *("-o", f"Dir::State={folder}", "-o", f"Dir::State::lists={folder / 'lists'}"),
        *("-o", f"Dir::Cache={folder / 'cache'}", "-o", "APT::Sandbox::User=root"),
        *("-o", "Debug::NoLocking=1", "-o", "Acquire::Retries=3"),
    ]
    if "valkey-server" in packages:
        own += ["-o", f"Dir::Etc::sourceparts={_sources(folder)}"]
    _run(["apt-get", "-qq", *own, "update"], folder)
    _run(["apt-get", "-qq", *own, "download", *packages], folder)
    return sorted(folder.glob("*.deb"))


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise Unavailable(f"{TELL}\n({command[0]}: {str(said).strip()[-300:]})") from error


def main() -> int:
    try:
        print(valkey() if sys.argv[1:] == ["--valkey"] else server())
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Build the relay with its hot path compiled: a wheel in `dist/`, and the same unpacked.

    python scripts/compile_relay.py      # or: make compiled
    PYTHONPATH=.compiled .venv/bin/alcove-server …

mypyc turns typed Python into C. There is one source and one behaviour, no second
implementation. Only what runs for each message is compiled: `HOT`. What needs no speed stays as it
is, and so does everything in a working copy, or an edit would change nothing until the next build.

Needs a C compiler and Python's headers. Nothing is built when nothing changed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "server" / "alcove_server"
UNPACKED = ROOT / ".compiled"
WHEELS = ROOT / "dist"

HOT = (
    "session/session",
    "session/price",
    "client/client",
    "client/feed",
    "client/answers",
    "client/resumption",
    "rooms/chain_space",
    "rooms/fanout",
    "rooms/registry",
    "rooms/replay",
    "rooms/room",
    "rooms/roster_history",
    "rooms/rules",
    "requests/publish",
    "requests/requester",
    "requests/resume",
    "wire/fast_in",
    "wire/fast_out",
    "wire/says",
    "ports/services",
    "ports/token_bucket",
    "ports/turn",
    "ports/outlet",
    "net/single_frame",
    "relay",
    "store/leases",
    "store/budget",
    "store/interface",
    "store/values",
    "store/memory/store",
    "store/memory/log",
    "store/memory/room",
    "store/redis/calls",
    "store/redis/gate",
    "store/redis/health",
    "store/redis/lent",
    "store/redis/line",
    "store/redis/lines",
    "store/redis/records",
    "store/redis/refusals",
    "store/redis/store",
    "store/redis/told",
    "store/redis/watching",
    "store/redis/wire",
)
"""What a message passes through from its frame to the members' transports, and the memory store.
Compiled code calls compiled code directly, so a module among these that is left out costs more than
its own share. The event loop's side (`net.websocket`, `runner`) would gain 0.3 µs a message, and
stays open to subclasses."""

SETUP = """
from mypyc.build import mypycify
from setuptools import setup

setup(
    name={name!r},
    version={version!r},
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    packages={packages!r},
    package_data={{"": ["py.typed"], "alcove_server.store.redis": ["scripts/*.lua"]}},
    install_requires={needs!r},
    python_requires=">=3.11",
    entry_points={{"console_scripts": {scripts!r}}},
    ext_modules=mypycify({modules!r}, opt_level="3", debug_level="0", group_name="alcove_server"),
)
"""


class CannotCompile(Exception):
    """The compilers failed. The message is one sentence."""


class NoCompiler(CannotCompile):
    """This machine cannot compile anything."""


def check_tools() -> None:
    """Raises `NoCompiler`."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        raise NoCompiler(f"there is no C compiler ({compiler})")
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        raise NoCompiler("Python's headers are missing (Debian: python3-dev)")


def stamp() -> str:
    """What the build depends on, as a hash."""
    digest = hashlib.sha256(Path(__file__).read_bytes() + sys.version.encode())
    sources = sorted([*SOURCE.rglob("*.py"), *SOURCE.rglob("*.lua")])
    for path in (*sources, ROOT / "uv.lock"):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def build(folder: Path) -> Path:
    """Build in an empty folder. Return the wheel. Raises `CannotCompile`."""
    shutil.copytree(SOURCE, folder / "alcove_server", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, folder)
    project = tomllib.loads((ROOT / "server" / "pyproject.toml").read_text())["project"]
    packages = [path.parent for path in (folder / "alcove_server").rglob("__init__.py")]
    setup = SETUP.format(
        name=project["name"],
        version=project["version"],
        packages=sorted(".".join(path.relative_to(folder).parts) for path in packages),
        needs=project["dependencies"],
        scripts=[f"{name}={target}" for name, target in project["scripts"].items()],
        modules=["--strict", *(f"alcove_server/{name}.py" for name in HOT)],
    )
    (folder / "setup.py").write_text(setup)
    command = [sys.executable, "setup.py", "-q", "bdist_wheel", "--dist-dir", str(WHEELS)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-4000:], file=sys.stderr)
        raise CannotCompile("mypyc or the C compiler failed; what they said stands above")
    return max(WHEELS.glob("alcove_server-*.whl"), key=lambda path: path.stat().st_mtime)


def main() -> int:
    """The exit status: 2 without a compiler, 1 when a compiler failed."""
    try:
        check_tools()
        built_of = stamp()  # now: what changes while this runs is not in the build
        if (UNPACKED / "stamp").is_file() and (UNPACKED / "stamp").read_text() == built_of:
            return 0
        print("compiling the relay's hot path, which takes about a minute", file=sys.stderr)
        shutil.rmtree(UNPACKED, ignore_errors=True)
        work = UNPACKED / "build"
        work.mkdir(parents=True)
        wheel = build(work)
    except CannotCompile as error:
        print(f"The relay is not compiled: {error}.", file=sys.stderr)
        return 2 if isinstance(error, NoCompiler) else 1
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(UNPACKED)
    shutil.rmtree(work)
    (UNPACKED / "stamp").write_text(built_of)
    print(f"{wheel.relative_to(ROOT)}, and unpacked in {UNPACKED.name}/", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())

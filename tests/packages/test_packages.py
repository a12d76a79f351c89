"""What is published: it installs alone, talks, says its version, and is the same bytes twice."""

import re
import shutil
import subprocess
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import alcove
import pytest

from tests.packages.conftest import FOLDERS, ROOT, Environment, build, environment

TALK = Path(__file__).with_name("conversation.py")
INTERNALS = ("websockets", "uvicorn", "textual")
"""What the project reads internals of: bounded above, and tried at both ends."""


@contextmanager
def relay_of(where: Environment) -> Iterator[str]:
    """The address of a relay that an environment runs."""
    process = subprocess.Popen(
        [str(where.folder / "bin" / "alcove-server"), "--port", "0"],
        cwd=where.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"ready at (\S+)", line):
                yield found[1]
                return
        raise AssertionError("the relay did not start")
    finally:
        process.terminate()
        process.communicate()


def talk(relays: Environment, clients: Environment) -> None:
    with relay_of(relays) as address:
        ended = clients.run("python", "-I", str(TALK), address)
    assert ended.stdout == f"hello from a wheel {alcove.__version__}\n", ended.stderr


def test_two_builds_have_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copyfile(ROOT / name, again / name)
    for folder in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(
            ROOT / folder, again / folder, ignore=ignored, copy_function=shutil.copyfile
        )
    build(again, tmp_path / "dist")
    first, second = (
        {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.glob("alcove*")}
        for folder in (dist, tmp_path / "dist")
    )
    assert len(first) == 2 * len(FOLDERS)
    assert first == second


def test_the_archives_hold_the_licence_and_the_package_and_nothing_else(dist: Path) -> None:
    for path in dist.glob("*.whl"):
        names = zipfile.ZipFile(path).namelist()
        package = path.name.split("-")[0]
        assert f"{package}/py.typed" in names
        for name in ("LICENSE", "NOTICE"):
            assert any(one.endswith(f".dist-info/licenses/{name}") for one in names)
        assert {one.split("/")[0] for one in names} == {package, f"{package}-0.1.0.dist-info"}
    for path in dist.glob("*.tar.gz"):
        with tarfile.open(path) as archive:
            names = archive.getnames()
        top, package = path.name.removesuffix(".tar.gz"), path.name.split("-")[0]
        for name in ("LICENSE", "NOTICE", "README.md", "pyproject.toml", f"{package}/py.typed"):
            assert f"{top}/{name}" in names
        assert not [one for one in names if "test_" in one or "__pycache__" in one]


@pytest.mark.parametrize("kind", [".whl", ".tar.gz"])
def test_installed_alone_they_hold_a_conversation(dist: Path, tmp_path: Path, kind: str) -> None:
    """Between two environments: one has the relay, the other the SDK."""
    relays, clients = environment(tmp_path / "relays"), environment(tmp_path / "clients")
    built = {name.name.split("-")[0]: str(name) for name in dist.glob(f"*{kind}")}
    relays.install(built["alcove_protocol"], built["alcove_server"])
    clients.install(built["alcove_protocol"], built["alcove"])
    assert relays.run("python", "-c", "import alcove").returncode == 1
    talk(relays, clients)
    version = relays.run("alcove-server", "--version")
    assert (version.returncode, version.stdout) == (0, f"alcove-server {alcove.__version__}\n")
    assert relays.run("python", "-m", "alcove_server", "--version").stdout == version.stdout
    for command in (("alcove",), ("python", "-m", "alcove")):
        version = clients.run(*command, "--version")
        assert (version.returncode, version.stdout) == (0, f"alcove {alcove.__version__}\n")
    # The command lacks its parts here, and a person is told what brings them.
    lacking = clients.run("alcove", "open", "--relay", "http://127.0.0.1:1")
    assert (lacking.returncode, lacking.stdout) == (1, "")
    assert lacking.stderr.count("\n") == 1
    assert lacking.stderr.endswith("pip install 'alcove[cli]'\n")
    kit = clients.run("python", "-c", "import alcove.testing")
    assert kit.stderr.strip().endswith("pip install 'alcove[testing]'")
    proxied = clients.run(
        "python",
        "-c",
        "import asyncio, alcove\n"
        "room = alcove.open_room('http://127.0.0.1:1', title='T', agreement='A', name='Ann', "
        "transport=alcove.TransportOptions(proxy='socks5://127.0.0.1:1'))\n"
        "asyncio.run(room.__aenter__())",
    )
    assert proxied.stderr.strip().endswith("pip install 'alcove[proxy]'")


@pytest.mark.timeout(400)  # it installs, and runs some 80 tests
def test_the_oldest_versions_that_are_allowed_do(dist: Path, tmp_path: Path) -> None:
    """The lower end of every bound, where internals are read too: the newest are in uv.lock."""
    old = environment(tmp_path / "old")
    client = next(dist.glob("alcove-*.whl"))
    others = [str(path) for path in dist.glob("*.whl") if path != client]
    ours = [f"alcove[cli,suites] @ {client.as_uri()}", *others]
    # Named once more, as what is needed directly: of those alone uv takes the oldest.
    old.install("--resolution", "lowest-direct", *ours, *needed())
    talk(old, old)
    assert old.run("python", "-c", "import alcove.testing").returncode == 0
    version = old.run("alcove", "--version")
    assert (version.returncode, version.stdout) == (0, f"alcove {alcove.__version__}\n")
    assert old.run("python", "-m", "alcove", "--version").stdout == version.stdout
    old.install("pytest", "pytest-asyncio", "pytest-timeout", "hypothesis", "pyte", "jsonschema")
    tests = ("tests/server/test_rfc6455.py", "tests/server/test_single_frame.py")
    command = ("tests/client_sdk/cli/test_screen.py", "tests/client_sdk/cli/test_arguments.py")
    ended = old.run(
        *("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, *command), cwd=ROOT
    )
    assert ended.returncode == 0, ended.stdout[-5000:]


def needed() -> list[str]:
    """All that the three distributions need of others, as they say it."""
    found = []
    for folder in FOLDERS:
        about = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
        extras = about.get("optional-dependencies", {}).values()
        found += [*about["dependencies"], *(one for extra in extras for one in extra)]
    return [one for one in found if not one.startswith("alcove")]


def test_the_lock_is_at_the_upper_end_of_each_bound() -> None:
    """So every other suite tries the newest versions that are allowed."""
    locked = {
        package["name"]: package["version"]
        for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    }
    bounds = {}
    for one in needed():
        if found := re.match(r"([\w-]+)\S*,<(\d+)$", one):
            bounds[found[1]] = int(found[2])
    assert set(bounds) == set(INTERNALS)
    assert {name: int(locked[name].split(".")[0]) + 1 for name in bounds} == bounds

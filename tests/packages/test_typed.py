"""The public SDK as the type checkers of its users see it: installed, in their strict modes.

Pyright's version and hash are in pyright/package-lock.json, and npm installs it once.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Final

import alcove
import pytest
from alcove.testing import World

from tests.client_sdk.mls.interop.driver import NotInstalled, install
from tests.packages.conftest import ROOT, WITHIN, Environment, environment
from tests.second_client.driver import node

HERE: Final = Path(__file__).parent
PYRIGHT: Final = HERE / "pyright"
EMBEDDER: Final = HERE / "embedder.py"
GUIDE: Final = ROOT / "docs" / "sdk" / "guide.md"


def pyright(project: Path, python: str) -> list[dict[str, Any]]:
    """What pyright says of a folder, with what this Python has installed."""
    try:
        install(PYRIGHT)
    except NotInstalled as error:
        pytest.fail(str(error), pytrace=False)
    program = str(PYRIGHT / "node_modules" / "pyright" / "index.js")
    ended = subprocess.run(
        [node(), program, "--outputjson", "--pythonpath", python, "--project", str(project)],
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    said = json.loads(ended.stdout)
    assert said["summary"]["filesAnalyzed"] == len(list(project.glob("*.py")))
    found: list[dict[str, Any]] = said["generalDiagnostics"]
    return found


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """What `pip install 'alcove[testing]'` brings."""
    where = environment(tmp_path_factory.mktemp("installed") / "env")
    where.install(*(str(path) for path in dist.glob("*.whl")))
    return where


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What a user of the SDK has written: all examples, the code of the guide, and each name."""
    for path in (*sorted((ROOT / "examples").glob("*.py")), EMBEDDER):
        shutil.copy(path, tmp_path)
    for number, piece in enumerate(pieces()):
        (tmp_path / f"guide_{number}.py").write_text(piece)
    options = {"typeCheckingMode": "strict", "pythonVersion": "3.11"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(options))
    return tmp_path


def pieces() -> list[str]:
    """The code of the guide. A piece without an import is given its rooms."""
    imports = "import asyncio\nimport logging\n\nimport alcove\nimport alcove.testing\n\n"
    head = "async def piece(relay: str, room: alcove.Room, robin: alcove.Room) -> None:\n"
    whole = []
    for piece in re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.M | re.S):
        alone = piece.startswith("import")
        whole.append(piece if alone else imports + head + textwrap.indent(piece, "    "))
    return whole


def test_pyright_strict_finds_nothing(project: Path, installed: Environment) -> None:
    found = pyright(project, installed.python)
    # A function of a piece is defined there for its reader, and not called.
    unused = {"reportUnusedFunction", "reportUnusedImport", "reportUnusedVariable"}
    told = [
        f"{Path(one['file']).name}:{one['range']['start']['line'] + 1}: {one['message']}"
        for one in found
        if not ("guide_" in one["file"] and one.get("rule") in unused)
    ]
    assert told == []


def test_pyright_sees_a_wrong_use(project: Path, installed: Environment) -> None:
    """So the silence above is a verdict: the installed types are read, and hold."""
    for path in project.glob("*.py"):
        path.unlink()
    wrong = (
        "import alcove\n\n\n"
        "async def main(room: alcove.Room, event: alcove.AnyEvent) -> None:\n"
        "    room.post(1)\n"
        "    room.on(alcove.Message, lambda event: print(event.invite))\n"
        "    match event:\n"
        "        case alcove.Message():\n"
        "            pass\n"
    )
    (project / "wrong.py").write_text(wrong)
    found = pyright(project, installed.python)
    rules = {"reportArgumentType", "reportAttributeAccessIssue", "reportMatchNotExhaustive"}
    assert rules <= {one.get("rule") for one in found}


def test_mypy_strict_finds_nothing(project: Path, installed: Environment) -> None:
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-incremental"),
            *("--python-executable", installed.python, "."),
        ],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_public_name_and_method_has_its_line() -> None:
    tree = ast.parse(EMBEDDER.read_text())
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert set(alcove.__all__) - used == set()
    for kind in (alcove.Room, World):
        public = {name for name in dir(kind) if not name.startswith("_")}
        assert public - used - {"room"} == set()

"""The pages of docs/sdk build without a warning, and the reference has every public name."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import alcove
import pytest
from alcove.testing import World

ROOT: Final = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from copies: a site is written beside its configuration."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    shutil.copytree(ROOT / "docs" / "sdk", folder / "docs" / "sdk")
    for name in ("client_sdk", "protocol", "server"):
        (folder / name).symlink_to(ROOT / name)
    built = subprocess.run(
        [str(Path(sys.executable).with_name("zensical")), "build", "--strict"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert "No issues found" in built.stdout + built.stderr
    return folder / "site"


def test_the_reference_has_every_public_name_and_method(site: Path) -> None:
    ids = set(
        re.findall(r'id="(alcove(?:_protocol)?\.[\w.]+)"', (site / "reference.html").read_text())
    )
    named = {id.rsplit(".", 1)[-1] for id in ids if id.count(".") >= 2}
    assert set(alcove.__all__) - named == set()
    for kind, path in ((alcove.Room, "alcove.room.Room"), (World, "alcove.testing.world.World")):
        public = {name for name in dir(kind) if not name.startswith("_")}
        assert {name for name in public if f"{path}.{name}" not in ids} == set()


def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    for page in site.glob("*.html"):
        loaded = re.findall(
            r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)', page.read_text()
        )
        assert [one for one in loaded if not one.startswith("https://alcove.invalid/")] == []

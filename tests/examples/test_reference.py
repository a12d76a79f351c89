"""The pages of docs/sdk build without a warning, and the reference has every public name."""

import dataclasses
import enum
import html
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import alcove
import pytest
from alcove.messages.payload import WARNING
from alcove.testing import World
from alcove_protocol import limits

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


def test_the_reference_has_nothing_private(site: Path) -> None:
    """A reader takes each name that is shown for one that stays."""
    ids = set(re.findall(r'id="(alcove[\w.]+)"', (site / "reference.html").read_text()))
    assert "alcove.room.Room.__aenter__" in ids  # what it raises is said there
    assert {id for id in ids if re.search(r"\._(?!_)|\.__init__$", id)} == set()
    assert {id for id in ids if id.startswith("alcove_protocol.card.AgreementText.")} == set()


def test_the_reference_has_every_field_of_an_event_and_every_word_of_a_state(site: Path) -> None:
    """A reader finds what an event holds without the source."""
    page = re.sub(r"<[^>]+>", "", (site / "reference.html").read_text())
    shown = html.unescape(page)
    values = [getattr(alcove, name) for name in alcove.__all__]
    kinds = [kind for kind in values if isinstance(kind, type)]
    fields = [kind for kind in kinds if dataclasses.is_dataclass(kind)]
    assert len(fields) > 30
    for kind in fields:
        if names := [field.name for field in dataclasses.fields(kind)]:
            signature = re.search(rf"\b{kind.__name__}\(([^()]*(?:\([^()]*\)[^()]*)*)\)", shown)
            assert signature is not None, kind
            assert [one for one in names if f"{one}:" not in signature[1]] == [], kind
    states = [kind for kind in kinds if issubclass(kind, enum.Enum)]
    assert len(states) == 3
    for state in states:
        assert [word for word in state if f"{word.name} = '{word.value}'" not in shown] == []


def test_the_limits_that_the_reference_names_are_those_that_hold(site: Path) -> None:
    said = html.unescape(re.sub(r"<[^>]+>", "", (site / "reference.html").read_text()))
    said = " ".join(said.split())
    hours, days, kib = 3600, 86_400, 1024
    for sentence in (
        f"at most {limits.AGREEMENT // kib} KiB, or one for each language",
        f"language of the room, at most {limits.AGREEMENT_LANGUAGES}, with",
        f"five lines and {limits.SUMMARY // kib} KiB",
        f"The language has at most {limits.LANGUAGE_TAG} bytes, the summary",
        f"{limits.SUMMARY // kib} KiB and five lines, the text {limits.AGREEMENT // kib} KiB.",
        f"has at most {limits.NAME_CHARACTERS} characters, and the title {limits.TITLE} bytes",
        f"a line of at most {limits.LANGUAGES} bytes",
        f"helplines (at most {limits.HELPLINES // kib} KiB)",
        f"{limits.TTL_MIN} to {limits.TTL_MAX:,}, or {limits.TTL_DEFAULT:,} unless given",
        f"uses (at most {limits.USES_MAX:,}, or {limits.USES_DEFAULT})",
        f"(at most {limits.DOOR_TTL_MAX // days} days, or {limits.DOOR_TTL_DEFAULT // hours} hours",
        f"members: 2 to {limits.MEMBERS_MAX:,}, or {limits.MEMBERS_DEFAULT}.",
        f"facilitators are there, at most {limits.FACILITATORS}, and",
        f"there are at most {limits.MEMBERS_POST_QUANTUM}.",
        f"text has at most {limits.TEXT:,} bytes in UTF-8",
        f"The warning, at most {WARNING} bytes",
    ):
        assert sentence in said, sentence


def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    for page in site.glob("*.html"):
        loaded = re.findall(
            r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)', page.read_text()
        )
        assert [one for one in loaded if not one.startswith("https://alcove.invalid/")] == []

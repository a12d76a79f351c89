"""The documents agree with the code: settings with their defaults, and links to files."""

import re
from pathlib import Path
from typing import Final

import pytest
from alcove_server.settings import Settings

ROOT: Final = Path(__file__).resolve().parents[2]
HIDDEN: Final = {"node_modules"}
LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED: Final = re.compile(r"^```.*?^```$", re.M | re.S)


def documents() -> list[Path]:
    """Every Markdown file of the repository outside hidden folders."""
    found = sorted(ROOT.glob("*.md"))
    for folder in (entry for entry in ROOT.iterdir() if entry.is_dir()):
        if not folder.name.startswith("."):
            found += sorted(folder.rglob("*.md"))
    return [path for path in found if not HIDDEN & set(path.parts)]


def heading_ids(text: str) -> set[str]:
    """The anchors that a reader's browser makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(path: Path) -> list[str]:
    """Links of a document to files or headings that are not there."""
    dead = []
    for link in LINK.findall(FENCED.sub("", path.read_text())):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in heading_ids(target.read_text())
        ):
            dead.append(link)
    return dead


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_link_is_dead(path: Path) -> None:
    assert dead_links(path) == []


def test_a_dead_link_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A title\n[a](page.md#a-title) [b](gone.md) [c](#no-title)\n")
    assert dead_links(page) == ["gone.md", "#no-title"]


def settings_table() -> list[str]:
    """A row for each setting of the relay, as docs/operating.md has to have it."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = ",".join(field.default) if isinstance(field.default, tuple) else field.default
        shown = f"`{default}`" if default != "" else ""
        flag, variable = f"--{name.replace('_', '-')}", f"ALCOVE_{name.upper()}"
        rows.append(f"| `{flag}` | `{variable}` | {shown} | {field.description} |")
    return rows


def test_every_setting_is_in_the_operator_s_guide() -> None:
    guide = (ROOT / "docs" / "operating.md").read_text()
    rows = [line for line in guide.splitlines() if line.startswith("| `--")]
    assert rows == settings_table(), "docs/operating.md has to have:\n" + "\n".join(
        settings_table()
    )

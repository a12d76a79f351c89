"""The tables, for a person, and the same as JSON."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from pathlib import Path

from bench.mls import joining
from bench.mls.primitives import X_WING
from bench.mls.run import OPERATIONS, Result, Row

GOALS = {"build": 1.5, "join": 1.6, "update": 1.5, "process": 3.0, "encrypt": 3.0, "decrypt": 3.0}
"""Times the floor, for suite 3."""
_WHAT = {
    "build": "build a group of N in one commit",
    "join": "join from the Welcome",
    "update": "self-update, create",
    "process": "commit, process",
    "encrypt": "encrypt 512 B",
    "decrypt": "decrypt 512 B",
}
_NAMES = {0x0003: "suite 3", 0x0001: "suite 1", X_WING: f"X-Wing ({X_WING:#06x}, experimental)"}


def _node() -> str:
    if shutil.which("node") is None:
        return ""
    done = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def machine() -> dict[str, str]:
    """What the figures depend on."""
    return {
        "cores": str(os.cpu_count()),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "pynacl": importlib.metadata.version("PyNaCl"),
        "cryptography": importlib.metadata.version("cryptography"),
        "node": _node(),
    }


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    digits = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"


def _line(row: Row) -> str:
    goal = GOALS[row.operation]
    verdict = "" if row.suite != 0x0003 else f"≤ {goal} " + "✗✓"[row.to_floor <= goal]
    cells = (
        _WHAT[row.operation],
        str(row.members),
        _number(row.floor),
        _number(row.alcove),
        f"{row.to_floor:.2f}",
        verdict,
        _number(row.ts_mls),
        "–" if row.to_ts_mls is None else f"{row.to_ts_mls:.3f}",
    )
    return f"| {' | '.join(cells)} |"


def tables(result: Result) -> str:
    """Markdown: for each suite the times in ms, then all sizes in bytes."""
    parts = []
    for suite, name in _NAMES.items():
        rows = [row for row in result.rows if row.suite == suite]
        rows.sort(key=lambda row: (OPERATIONS.index(row.operation), row.members))
        if not rows:
            continue
        head = "| operation | N | floor | Alcove | ÷ floor | goal | ts-mls | ÷ ts-mls |"
        parts.append(f"{name}, ms\n\n{head}\n|---|---|---|---|---|---|---|---|")
        parts.append("\n".join(map(_line, rows)) + "\n")
    if result.no_peer:
        parts.append(f"No figures of ts-mls: {result.no_peer}.\n")
    if result.joined:
        parts.append(joining.table(result.joined))
    parts.append("sizes in bytes: Alcove (ts-mls)\n")
    parts.append("| suite | N | KeyPackage | Welcome | commit | message of 512 B |")
    parts.append("|---|---|---|---|---|---|")
    for item in result.sizes:
        cells = []
        for name in ("key_package", "welcome", "commit", "message"):
            other = item.ts_mls.get(name)
            cells.append(f"{item.alcove[name]}" + ("" if other is None else f" ({other})"))
        parts.append(f"| {item.suite:#06x} | {item.members} | {' | '.join(cells)} |")
    return "\n".join(parts) + "\n"


def save(result: Result, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine(), **result.as_json()}, indent=1) + "\n")

"""The table of ratios against the goals, the JSON and the plot."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bench.fanout.experiments import REFERENCE, SIZES, Attack, Point, Row

RESULTS: Final = Path(__file__).resolve().parents[1] / "results"

CPU_GOALS: Final = (
    # to which server, in rooms of how many, at most how many times its cost
    *((REFERENCE, members, 1.25) for members in SIZES),
    ("nats", 10, 0.6),
    ("nats", 100, 0.35),
    ("nats", 1000, 0.2),
    *(("mosquitto", members, 1.0) for members in SIZES),
    *(("starlette", members, 0.35) for members in SIZES),
)
P99_GOAL: Final = 1.2
KB_GOAL: Final = 6.0
GROWTH_GOAL: Final = 1.25
"""What counts as growing: more than the noise between two runs of the same."""
ATTACK_GOAL: Final = 200.0


@dataclass(frozen=True)
class Line:
    """One goal and what was found."""

    what: str
    found: float
    most: float

    def __str__(self) -> str:
        verdict = "ok" if self.found <= self.most else "MISSED"
        return f"  {self.what:58} {self.found:8.2f}  goal ≤ {self.most:<6g} {verdict}"


def _ratios(rows: list[Row]) -> Iterable[Line]:
    by = {(row.server, row.members): row for row in rows}
    for other, members, most in CPU_GOALS:
        ours, theirs = by.get(("alcove", members)), by.get((other, members))
        if ours and theirs:
            found = ours.cpu_us_per_delivery / theirs.cpu_us_per_delivery
            yield Line(f"CPU, rooms of {members}, times {other}", found, most)
    for members in SIZES:
        ours, theirs = by.get(("alcove", members)), by.get(("c-limit", members))
        if ours and theirs:
            yield Line(
                f"p99, rooms of {members}, times c-limit", ours.p99_ms / theirs.p99_ms, P99_GOAL
            )


def _growth(points: list[Point], what: str) -> Iterable[Line]:
    """How much the cost grows, beyond what the limit's does: the kernel's share grows too."""
    ours = [point for point in points if point.server == "alcove"]
    limits = [point for point in points if point.server == REFERENCE]
    if len(ours) > 1:
        found = _grown(ours) / (_grown(limits) if len(limits) > 1 else 1.0)
        yield Line(
            f"CPU growth, {ours[0].value} to {ours[-1].value} {what}, over the limit's",
            found,
            GROWTH_GOAL,
        )


def _grown(points: list[Point]) -> float:
    return points[-1].cpu_us_per_delivery / points[0].cpu_us_per_delivery


def lines(
    rows: list[Row], rooms: list[Point], idle: list[Point], attack: Attack | None
) -> list[Line]:
    """Every goal for which there are figures."""
    found = list(_ratios(rows))
    memory = next((r.kb_per_connection for r in rows if r.server == "alcove"), None)
    if memory is not None:
        found.append(Line("KB for each idle connection", memory, KB_GOAL))
    found += [*_growth(rooms, "rooms"), *_growth(idle, "idle connections")]
    if attack is not None:
        found.append(Line("p99 ms under ten times the load", attack.p99_ms_attacked, ATTACK_GOAL))
    return found


def table(rows: list[Row]) -> str:
    """All servers: CPU for each delivery, p99 at equal load, memory."""
    by = {(row.server, row.members): row for row in rows}
    names = list(dict.fromkeys(row.server for row in rows))
    heads = [f"r{members} µs" for members in SIZES] + [f"r{members} p99 ms" for members in SIZES]
    text = [f"{'server':20}" + "".join(f"{head:>13}" for head in heads) + f"{'KB/idle':>10}"]
    for name in names:
        found = [by.get((name, members)) for members in SIZES]
        cells = [f"{row.cpu_us_per_delivery:13.2f}" if row else " " * 13 for row in found]
        cells += [f"{row.p99_ms:13.2f}" if row else " " * 13 for row in found]
        memory = next((row.kb_per_connection for row in found if row), None)
        text.append(f"{name:20}" + "".join(cells) + (f"{memory:10.1f}" if memory else ""))
    return "\n".join(text)


def write(rows: list[Row], more: dict[str, Any]) -> None:
    """`fanout.json` has the rows, `fanout-sweeps.json` the rest."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    found = [asdict(row) for row in rows]
    (RESULTS / "fanout.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / "fanout-sweeps.json").write_text(json.dumps(more, indent=1) + "\n")


def plot(rows: list[Row]) -> bool:
    """Draw `fanout.png`: CPU for each delivery. Return whether matplotlib is there."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for name in dict.fromkeys(row.server for row in rows):
        own = [row for row in rows if row.server == name]
        axes.plot(
            [row.members for row in own],
            [row.cpu_us_per_delivery for row in own],
            marker="o",
            linewidth=2.5 if name == "alcove" else 1.2,
            label=name,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("members of a room")
    axes.set_ylabel("server CPU for each delivery, µs")
    axes.grid(visible=True, which="both", alpha=0.25)
    axes.legend()
    figure.tight_layout()
    figure.savefig(RESULTS / "fanout.png", dpi=130)
    return True

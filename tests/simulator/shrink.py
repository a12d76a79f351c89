"""A shorter schedule that fails in the same way: steps are dropped as long as the failure stays."""

import re
from collections.abc import Callable
from dataclasses import replace

from tests.simulator.schedule import Schedule, Step

PLAYS = 400
"""The most worlds that one schedule is worth."""

Play = Callable[[Schedule], list[str]]


def signature(failure: str) -> str:
    """What kind of failure this is: without times, names, ids and texts."""
    failure = re.sub(r"^\[[0-9.]+ s\] ", "", failure)
    failure = re.sub(r"(Ann|Bob|Cleo|Dora|Emil|Finn)( [A-Z])?( says \d+)?\b", "…", failure)
    return re.sub(r"[0-9a-f]{8,}|\d+", "#", failure)


class Shrinking:
    """One schedule on its way. `play` runs a world."""

    def __init__(self, schedule: Schedule, failure: str, play: Play) -> None:
        self.schedule = schedule
        self._kind = signature(failure)
        self._play = play
        self._plays = 0

    def run(self) -> Schedule:
        """The shortest one found: halves first, then single steps, then simpler steps."""
        size = len(self.schedule.steps)
        while size:
            self._drop(size)
            size //= 2
        self._drop(1)
        self._simplify()
        return self.schedule

    def _drop(self, size: int) -> None:
        at = 0
        while at < len(self.schedule.steps):
            steps = self.schedule.steps
            gone, after = steps[at : at + size], steps[at + size :]
            if not self._try((*steps[:at], *_later(after, gone))) and not self._try(
                (*steps[:at], *after)
            ):
                at += size

    def _simplify(self) -> None:
        self._keep(replace(self.schedule, latency=0.0))
        self._keep(replace(self.schedule, uses=50))
        self._keep(replace(self.schedule, limited=False))
        for at, step in enumerate(self.schedule.steps):
            for pause in (0.0, 1.0):
                steps = list(self.schedule.steps)
                steps[at] = replace(step, after=pause)
                if pause < step.after and self._try(tuple(steps)):
                    break

    def _try(self, steps: tuple[Step, ...]) -> bool:
        return self._keep(replace(self.schedule, steps=steps))

    def _keep(self, shorter: Schedule) -> bool:
        """Go on with this one, if it fails in the same way."""
        self._plays += 1
        if self._plays > PLAYS or shorter == self.schedule:
            return False
        if not any(signature(failure) == self._kind for failure in self._play(shorter)):
            return False
        self.schedule = shorter
        return True


def _later(after: tuple[Step, ...], gone: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps that follow, each at the time that it had."""
    if not after:
        return after
    pause = sum(step.after for step in gone)
    return (replace(after[0], after=after[0].after + pause), *after[1:])


def pasted(schedule: Schedule) -> str:
    """The schedule as Python, for a regression test."""
    head = ", ".join(
        f"{name}={getattr(schedule, name)!r}"
        for name in ("seed", "kind", "ttl", "latency", "uses", "facilitators")
    )
    steps = "".join(
        f"        Step({step.after:g}, {step.act!r}, {step.who}, {step.arg}),\n"
        for step in schedule.steps
    )
    limited = "    limited=True,\n" if schedule.limited else ""
    return f"Schedule(\n    {head},\n    steps=(\n{steps}    ),\n{limited})"

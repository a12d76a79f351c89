"""One world from its start to its end.

failures = play(schedule)          # empty when all was as it should be
"""

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from unittest.mock import patch

import alcove.shell
from alcove.desk.life import SignsOfLife
from alcove.desk.line import DeskLine

from tests.simulator import virtual
from tests.simulator.schedule import Schedule
from tests.simulator.world import World

TICK: Final = 1.0
"""Seconds between two looks of a client at its clock. The SDK looks twice a second, and its engine
asks for one: a world is a quarter faster so."""


class _Errors(logging.Handler):
    """Keeps what the relay writes into its log of errors."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def _line(*, on: bool) -> Iterator[None]:
    """Let clients send frames of the private line, or none. Without them nobody is away."""
    if on:
        yield
        return
    with (
        patch.object(DeskLine, "tick", lambda self: None),
        patch.object(SignsOfLife, "resumed", lambda self: None),
    ):
        yield


def play(schedule: Schedule, say: Callable[[str], None] = lambda line: None) -> list[str]:
    """Run a world. Return what was wrong in it."""
    handler, log = _Errors(), logging.getLogger("alcove_server")
    log.addHandler(handler)
    log.propagate = False
    try:
        with patch.object(alcove.shell, "TICK", TICK), _line(on=schedule.line):
            failures = virtual.run(_run(schedule, say))
    except Exception as error:
        # One world that breaks leaves the others their turn.
        say(traceback.format_exc())
        failures = [f"the world broke off: {error!r}"]
    finally:
        log.propagate = True
        log.removeHandler(handler)
    # The store's own failures are planned ones.
    wrong = [line for line in handler.lines if not line.startswith("OSError")]
    return [*failures, *(f"the relay's log: {line}" for line in wrong)]


async def _run(schedule: Schedule, say: Callable[[str], None]) -> list[str]:
    world = World(schedule, say)
    return await world.run()

"""Schedules that showed a defect once, shrunk. Each has to pass now."""

from typing import Final

from tests.simulator.schedule import Schedule

FOUND: Final[dict[str, Schedule]] = {}

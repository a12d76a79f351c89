"""Each part of the acknowledgement rule, taken away: a named test notices.

`test_without_the_fence_one_number_would_be_two_blobs` is the mutant of the fence.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable

import pytest
from alcove_server.store.redis.gate import Gate
from alcove_server.store.redis.wire import Wire, encode

from tests.redis_store import test_gate as tests

Patch = Callable[[pytest.MonkeyPatch], None]


def no_wait(patch: pytest.MonkeyPatch) -> None:
    """Everything is told at once."""
    made = Gate.__init__
    patch.setattr(Gate, "__init__", lambda self, _, ask: made(self, 0, ask))


def one_replica_less(patch: pytest.MonkeyPatch) -> None:
    confirmed = Gate.confirmed
    patch.setattr(Gate, "confirmed", lambda self, replicas: confirmed(self, replicas + 1))


def wait_covers_all(patch: pytest.MonkeyPatch) -> None:
    """What came while `WAIT` blocked is told with the rest."""
    confirmed = Gate.confirmed

    def confirm(self: Gate, replicas: int) -> bool:
        self.marked()
        return confirmed(self, replicas)

    patch.setattr(Gate, "confirmed", confirm)


def wait_first(patch: pytest.MonkeyPatch) -> None:
    flush = Wire._flush

    def flush_first(self: Wire) -> None:
        before, self._batch = self._batch, []
        self._mark()
        self._batch, self._unmarked = self._batch + before, False
        flush(self)

    patch.setattr(Wire, "_flush", flush_first)


def wait_elsewhere(patch: pytest.MonkeyPatch) -> None:
    """Marker and `WAIT` go over a connection of their own."""
    patch.setattr(Wire, "_mark", lambda self: None)


def marked_by(*marker: bytes) -> Patch:
    """Another marker, or none."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        made = Wire.__init__

        def make(self: Wire, *given: object) -> None:
            made(self, *given)  # type: ignore[arg-type]  # the same arguments
            command = encode(*marker) if marker else b""
            self._mark_commands = (command, self._mark_commands[1])

        patch.setattr(Wire, "__init__", make)

    return apply


Named = Callable[[], Awaitable[None] | None]

MUTANTS: dict[str, tuple[Patch, Named]] = {
    "no WAIT": (no_wait, tests.test_nothing_is_told_before_all_replicas_confirm),
    "R - 1": (one_replica_less, tests.test_nothing_is_told_before_all_replicas_confirm),
    "WAIT covers all": (
        wait_covers_all,
        tests.test_what_comes_behind_the_marker_needs_the_next_wait,
    ),
    "WAIT first": (wait_first, tests.test_a_batch_is_commands_then_a_write_then_wait),
    "another connection": (wait_elsewhere, tests.test_a_batch_is_commands_then_a_write_then_wait),
    "no marker": (marked_by(), tests.test_a_batch_is_commands_then_a_write_then_wait),
    "PING": (marked_by(b"PING"), tests.test_a_batch_is_commands_then_a_write_then_wait),
}


@pytest.mark.parametrize("name", MUTANTS)
async def test_a_mutant_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutate, test = MUTANTS[name]
    await run(test)
    mutate(monkeypatch)
    with pytest.raises(AssertionError):
        await run(test)


async def run(test: Named) -> None:
    running = test()
    if inspect.isawaitable(running):
        await asyncio.wait_for(running, 10)

"""What the core is given: everything that it does not make itself."""

from __future__ import annotations

from asyncio import Lock
from collections.abc import Callable
from typing import Final

from alcove_server.ports.runner import Runner
from alcove_server.ports.tally import Tally
from alcove_server.ports.turn import Turn
from alcove_server.settings import Settings
from alcove_server.store.interface import Store

AWAY_SECONDS: Final = 10
"""The most seconds for which a client is sent away while the store can promise nothing."""


class Services:
    """`clock` gives seconds for deadlines, `wall` Unix time for the challenge, and `random` bytes
    for nonces and generations. `runner` says how coroutines run, and `turn` how much of them in
    one turn of the loop. `tally` counts refusals."""

    __slots__ = ("_line", "clock", "random", "runner", "settings", "store", "tally", "turn", "wall")

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        runner: Runner,
        settings: Settings,
        wall: Callable[[], float],
    ) -> None:
        self.store = store
        self.clock = clock
        self.random = random
        self.runner = runner
        self.settings = settings
        self.tally = Tally()
        self.wall = wall
        self.turn = Turn(runner.later)
        self._line = Lock()

    async def pause(self, steps: float) -> None:
        """Count the next steps of long work, once this turn has steps left. While it has none, all
        such work waits in one line, of which each turn takes the first. So however many clients
        cause long work together, a turn does what it may and one piece more."""
        if self.turn.left <= 0 or self._line.locked():
            async with self._line:
                if self.turn.left <= 0:
                    await self.runner.breathe()
        self.turn.spend(steps)

    def away_delay(self) -> int:
        """Seconds after which a client that cannot be served is to come back: spread out, so that
        not all come at once."""
        return 1 + self.random(1)[0] % AWAY_SECONDS

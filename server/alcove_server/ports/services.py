"""What the core is given: everything that it does not make itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from alcove_server.ports.line import FairLine
from alcove_server.ports.place import NetworkPart
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
        self._line = FairLine()

    async def pause(self, steps: float, part: NetworkPart | None = None) -> None:
        """Count the next steps of long work, once this turn has steps left. `part` is the part of
        the network for which it is done, None the relay itself. While no steps are left, all such
        work waits in one line, of which each turn takes the next piece. So however many clients
        cause long work together, a turn does what it may and one piece more, and none of them waits
        for all that one part of the network causes."""
        if self.turn.left <= 0 or len(self._line):
            await self._line.enter(part, steps)
            try:
                if self.turn.left <= 0:
                    await self.runner.breathe()
            finally:
                self._line.leave()
        self.turn.spend(steps)

    def away_delay(self) -> int:
        """Seconds after which a client that cannot be served is to come back: spread out, so that
        not all come at once."""
        return 1 + self.random(1)[0] % AWAY_SECONDS

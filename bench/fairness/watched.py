"""The relay with a watch in its loop: `python -m bench.fairness.watched FILE [flags of the relay]`.

Each SIGUSR1, and the end of the relay, writes what was seen since the last one to FILE, as JSON:
the most CPU milliseconds of the loop's thread between two ticks, and the number of ticks.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Final

from alcove_server.__main__ import main
from alcove_server.process.serving import Service

TICK: Final = 0.002

_run = Service.run


class Watch:
    """Ticks in the running loop, and takes note."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._loop = asyncio.get_running_loop()
        self._used = time.thread_time()
        self._worst = 0.0
        self._ticks = 0
        self._loop.add_signal_handler(signal.SIGUSR1, self.tell)
        self._tick()

    def _tick(self) -> None:
        used = time.thread_time()
        self._worst = max(self._worst, used - self._used)
        self._used, self._ticks = used, self._ticks + 1
        self._loop.call_later(TICK, self._tick)

    def tell(self) -> None:
        """Write what was seen since the last time."""
        told = {"worst_ms": round(self._worst * 1e3, 2), "ticks": self._ticks}
        self._worst, self._ticks = 0.0, 0
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps(told))
        part.rename(self._file)


async def _watched(self: Service) -> None:
    watch = Watch(FILE)
    await _run(self)
    watch.tell()


if __name__ == "__main__":
    FILE = Path(sys.argv.pop(1))
    # The one seam: nothing of the relay knows of the watch.
    Service.run = _watched  # type: ignore[method-assign]
    main()

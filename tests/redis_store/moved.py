"""A Redis server whose wall clock a test moves, by a library that is preloaded (shim.c)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
import redis

from tests.redis_store.groups import Standalone

COMPILER: Final = shutil.which("cc")
needs_compiler: Final = pytest.mark.skipif(
    COMPILER is None,
    reason="no C compiler for the library that moves Redis' clock; others move the store's clock",
)


def make_shim(folder: Path) -> Path:
    """Compile the library into this folder. Return its path."""
    library, source = folder / "shim.so", Path(__file__).parent / "shim.c"
    assert COMPILER is not None
    subprocess.run(
        [COMPILER, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True
    )
    return library


class Moved(Standalone):
    """A server with a clock of the test's."""

    def __init__(self, folder: Path, shim: Path) -> None:
        super().__init__(folder)
        self._offset = folder / "offset"
        self.server.environment = {"LD_PRELOAD": str(shim), "ALCOVE_CLOCK": str(self._offset)}

    def move(self, seconds: int) -> None:
        """Set the clock so far ahead of the machine's, or behind."""
        before = self._offset.with_suffix(".new")
        before.write_text(str(seconds))
        before.rename(self._offset)

    def time(self) -> float:
        with redis.Redis(port=self.server.port) as asked:
            seconds, micros = asked.time()
            return float(seconds) + float(micros) / 1e6

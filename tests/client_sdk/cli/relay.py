"""A relay as a process that can be killed and started again on the same port."""

import asyncio
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from tests.client_sdk.cli.process import ROOT, WITHIN

_RUN: Final = "import sys; from alcove_server.__main__ import main; sys.exit(main())"


class RelayProcess:
    """`alcove-server`, by `async with`. `run` is what Python runs, if it is not the command itself,
    and `fds` are what it inherits."""

    def __init__(
        self,
        *arguments: str,
        log: Path | None = None,
        run: Sequence[str] = (),
        fds: Sequence[int] = (),
    ) -> None:
        self._arguments = arguments
        self._run = run
        self._fds = tuple(fds)
        self._log = log
        # Bound but never listening, this keeps the port for the relay, also while the relay is
        # dead: another suite that runs beside could be given it otherwise.
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port: int = self._held.getsockname()[1]
        self._process: asyncio.subprocess.Process | None = None
        self._said = b""

    @property
    def url(self) -> str:
        scheme = "https" if "--tls-certificate" in self._arguments else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    @staticmethod
    def command(*arguments: str, run: Sequence[str] = ()) -> list[str]:
        """The command line of a relay."""
        return [sys.executable, *(run or ("-c", _RUN)), *arguments]

    async def start(self) -> None:
        """Returns once it takes connections."""
        self._process = await asyncio.create_subprocess_exec(
            *self.command("--port", str(self.port), *self._arguments, run=self._run),
            cwd=ROOT,
            pass_fds=self._fds,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert self._process.stdout is not None
        self._said = b""
        async with asyncio.timeout(WITHIN):
            while b"ready" not in self._said:
                line = await self._process.stdout.readline()
                assert line, f"the relay did not start: {self._said!r}"
                self._said += line

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def ended(self) -> int:
        """Wait until it ended by itself. Return its exit status."""
        assert self._process is not None
        return await self._process.wait()

    async def kill(self) -> None:
        """As a power cut would."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        rest, _ = await self._process.communicate()
        self._said += rest
        if self._log is not None:
            self._log.write_bytes(self._said)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        self._held.close()

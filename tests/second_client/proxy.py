"""A relay that lies: it stands between a client and the true relay, and changes what comes back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from alcove_protocol import limits
from alcove_protocol.frames import Frame, Knock, from_client, from_relay
from alcove_protocol.invite import Invite
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.client_sdk.cli.relay import RelayProcess

SUBPROTOCOL = Subprotocol("alcove.v1")


class LyingRelay:
    """What it changes, and what it saw."""

    def __init__(self, relay: RelayProcess) -> None:
        self._relay = relay
        self._client: ServerConnection | None = None
        self.port = 0
        self.change: Callable[[Frame], Frame] = lambda frame: frame
        """What becomes of each frame of the relay."""
        self.knock: asyncio.Future[Knock] = asyncio.get_running_loop().create_future()

    def invite(self, invite: str) -> str:
        """The same invite, of this relay."""
        return replace(Invite.parse(invite), origin=f"http://127.0.0.1:{self.port}").url()

    async def say(self, frame: bytes) -> None:
        """A frame of its own to the client."""
        assert self._client is not None
        await self._client.send(frame)

    async def handle(self, client: ServerConnection) -> None:
        self._client = client
        url = f"ws://127.0.0.1:{self.port}/v1/connect"  # as the client says it: the relay compares
        async with (
            connect(
                url,
                port=self._relay.port,
                host="127.0.0.1",
                subprotocols=[SUBPROTOCOL],
                compression=None,
                max_size=limits.FRAME,
            ) as upstream,
            asyncio.TaskGroup() as both,
        ):
            both.create_task(self._to_relay(client, upstream))
            both.create_task(self._to_client(client, upstream))

    async def _to_relay(self, client: ServerConnection, upstream: ClientConnection) -> None:
        try:
            async for data in client:
                assert isinstance(data, bytes)
                frame = from_client(data)
                if isinstance(frame, Knock):
                    self.knock.set_result(frame)
                await upstream.send(data)
        except ConnectionClosed:
            pass
        await upstream.close()

    async def _to_client(self, client: ServerConnection, upstream: ClientConnection) -> None:
        try:
            async for data in upstream:
                assert isinstance(data, bytes)
                await client.send(self.change(from_relay(data)).to_bytes())
        except ConnectionClosed:
            pass
        await client.close()


class FrontedRelay(RelayProcess):
    """A relay that takes the address of a lying relay for one of its own, as it does behind a
    proxy. Otherwise it would refuse the Host header that the client says."""

    def __init__(self) -> None:
        self.front = socket.socket()
        self.front.bind(("127.0.0.1", 0))
        port = self.front.getsockname()[1]
        super().__init__("--origin", f"http://127.0.0.1:{port}")

    async def __aexit__(self, *exc: object) -> None:
        await super().__aexit__(*exc)
        self.front.close()


@asynccontextmanager
async def lying(relay: FrontedRelay) -> AsyncIterator[LyingRelay]:
    """A lying relay before the true one."""
    between = LyingRelay(relay)
    async with serve(
        between.handle, sock=relay.front, subprotocols=[SUBPROTOCOL], compression=None
    ) as server:
        between.port = next(iter(server.sockets)).getsockname()[1]
        yield between

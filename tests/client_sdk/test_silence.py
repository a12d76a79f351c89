"""A network that takes what is sent and brings nothing back, over real sockets."""

import os
import signal
from typing import Any

import alcove
import pytest
from alcove.engine import silence
from alcove.events import ConnectionState
from alcove.relay import link, transport

from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.waiting import until

MARA: dict[str, Any] = {"title": "T", "agreement": "Listen.", "name": "Mara"}


async def test_a_frozen_network_is_told_then_given_up_and_come_back_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A relay that stands still is one: the kernel takes the bytes, and nobody answers."""
    monkeypatch.setattr(transport, "PING_EVERY", 0.1)
    monkeypatch.setattr(silence, "SILENT_AFTER", 1.0)
    states = list[ConnectionState]()
    async with RelayProcess() as relay, alcove.open_room(relay.url, **MARA) as room:

        async def state(wanted: ConnectionState) -> None:
            while not states or states[-1] is not wanted:
                states.append((await until(room, alcove.ConnectionChanged)).state)

        await state(ConnectionState.CONNECTED)
        os.kill(relay.pid, signal.SIGSTOP)
        await state(ConnectionState.SILENT)
        os.kill(relay.pid, signal.SIGCONT)
        await state(ConnectionState.CONNECTED)
        monkeypatch.setattr(transport, "PONG_TIMEOUT", 4.0)
        monkeypatch.setattr(link, "PONG_TIMEOUT", 4.0)
        os.kill(relay.pid, signal.SIGSTOP)
        await state(ConnectionState.SILENT)
        await state(ConnectionState.RECONNECTING)
        os.kill(relay.pid, signal.SIGCONT)
        await state(ConnectionState.RESUMED)

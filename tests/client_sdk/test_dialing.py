"""How a connection is asked for: no redirects, time for a line through Tor, and the cause named."""

import asyncio
import socket
from typing import Any

import alcove
import pytest
from alcove.relay import dialing, transport
from websockets.exceptions import ProxyError

MARA: dict[str, Any] = {"title": "T", "agreement": "Listen.", "name": "Mara"}


async def code_of(relay: str, options: alcove.TransportOptions | None = None) -> tuple[str, str]:
    """How the attempt to open a room there fails."""
    room = alcove.open_room(relay, **MARA, transport=options or alcove.TransportOptions())
    with pytest.raises(alcove.ConnectionFailed) as failed:
        async with room:
            pass
    return failed.value.code, failed.value.text


async def test_a_redirect_is_not_followed() -> None:
    asked: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    other = await asyncio.start_server(elsewhere, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]

    async def redirects(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        answer = f"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:{port}/x\r\ncontent-length: 0"
        writer.write(answer.encode() + b"\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(redirects, "127.0.0.1", 0)
    async with other, server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        code, _ = await code_of(address)
    assert code == "redirected"
    assert asked == []


class Dialled:
    """Stands for `Dial`: notes the patience of each attempt, and fails in turn."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.patience: list[float] = []

    async def __call__(self, url: str, *, open_timeout: float, **options: object) -> object:
        self.patience.append(open_timeout)
        raise self.failures.pop(0)


def dialled(monkeypatch: pytest.MonkeyPatch, *failures: Exception) -> Dialled:
    dial = Dialled(*failures)
    monkeypatch.setattr(dialing, "Dial", dial)
    monkeypatch.setattr(transport, "delay_after", lambda failures: 0.0)
    return dial


TOR = alcove.TransportOptions(proxy="socks5://127.0.0.1:9050")


async def test_a_line_through_a_proxy_has_a_minute_and_three_tries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dial = dialled(monkeypatch, TimeoutError(), ProxyError("no way yet"), TimeoutError())
    assert (await code_of("http://relay.example", TOR))[0] == "unreachable"
    assert dial.patience == [60.0] * 3


async def test_a_direct_line_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    dial = dialled(monkeypatch, TimeoutError())
    assert (await code_of("http://relay.example"))[0] == "unreachable"
    assert dial.patience == [10.0]


async def test_patience_that_is_given_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dial = dialled(monkeypatch, ValueError())
    options = alcove.TransportOptions(timeout=3.0)
    assert (await code_of("http://relay.example", options))[0] == "unreachable"
    assert dial.patience == [3.0]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror("no such name"), "No address was found"),
        (ConnectionRefusedError(), "Nothing listens"),
        (TimeoutError(), "did not answer in time"),
        (OSError(), "cannot be reached"),
    ],
)
async def test_the_sentence_names_the_cause(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled(monkeypatch, error)
    code, text = await code_of("http://relay.example")
    assert code == "unreachable"
    assert words in text

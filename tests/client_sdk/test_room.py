"""The SDK's rooms over a real relay process and real sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import alcove
import pytest
from alcove.relay.link import Link
from alcove.relay.transport import Transport, TransportOptions
from alcove_protocol import frames

from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.waiting import until

AGREEMENT = "What is said here stays here."


@pytest.fixture
async def relay() -> AsyncIterator[RelayProcess]:
    async with RelayProcess() as process:
        yield process


def opening(relay: RelayProcess, transport: alcove.TransportOptions | None = None) -> alcove.Room:
    return alcove.open_room(
        relay.url, title="Evening circle", agreement=AGREEMENT, name="Ann", transport=transport
    )


@contextlib.asynccontextmanager
async def two(relay: RelayProcess) -> AsyncIterator[tuple[alcove.Room, alcove.Room]]:
    async with opening(relay) as ann:
        invite = (await until(ann, alcove.Opened)).invite
        async with alcove.join(invite, name="Bob", accept=True) as bob:
            await ann.admit((await until(ann, alcove.Knocked)).id)
            await until(bob, alcove.Joined)
            yield ann, bob


async def test_a_conversation(relay: RelayProcess) -> None:
    async with two(relay) as (ann, bob):
        sent = await ann.send("hello")
        assert isinstance(sent, alcove.Sent)
        heard = await until(bob, alcove.Message)
        assert (heard.id, heard.sender, heard.text) == (sent.id, "Ann", "hello")
        assert [member.name for member in bob.members] == ["Ann", "Bob"]
        assert bob.title == "Evening circle"
        await ann.end()
        assert (await until(bob, alcove.Closed)).reason is alcove.CloseReason.ENDED


async def test_there_is_nothing_to_decide_while_all_is_well(relay: RelayProcess) -> None:
    async with two(relay) as (ann, bob):
        for room in (ann, bob):
            with pytest.raises(alcove.NotNow) as caught:
                room.send_anyway()
            assert caught.value.code == "nothing_to_decide"
        await ann.end()
    with pytest.raises(alcove.RoomClosed):
        ann.send_anyway()


async def test_leaving_the_block_leaves_the_room(relay: RelayProcess) -> None:
    async with opening(relay) as ann:
        invite = (await until(ann, alcove.Opened)).invite
        async with alcove.join(invite, name="Bob", accept=True) as bob:
            await ann.admit((await until(ann, alcove.Knocked)).id)
            await until(bob, alcove.Joined)
        assert (await until(ann, alcove.Left)).name == "Bob"
        assert bob.members == ()
        with pytest.raises(alcove.RoomClosed) as caught:
            bob.post("too late")
        assert caught.value.code == "left"


async def test_two_messages_sent_at_once_are_both_sent(relay: RelayProcess) -> None:
    async with two(relay) as (ann, bob):
        results = await asyncio.gather(bob.send("first"), bob.send("second"), bob.send("third"))
        assert [type(result) for result in results] == [alcove.Sent] * 3
        heard = [(await until(ann, alcove.Message)).text for _ in results]
        assert heard == ["first", "second", "third"]


async def test_a_removed_member_can_do_nothing_more_and_is_told_why(relay: RelayProcess) -> None:
    async with two(relay) as (ann, bob):
        await ann.remove("Bob")
        assert (await until(bob, alcove.Closed)).reason is alcove.CloseReason.REMOVED
        for call in (bob.send("too late"), bob.accept(), bob.remove("Ann"), bob.invite()):
            with pytest.raises(alcove.RoomClosed) as caught:
                await call
            assert caught.value.code == "removed"
        for command in (bob.post, bob.retract):
            with pytest.raises(alcove.RoomClosed):
                command("00" * 16)
        assert isinstance(await ann.send("still here"), alcove.Sent)


async def test_the_ground_rules_can_be_read_of_the_room(relay: RelayProcess) -> None:
    async with opening(relay) as ann:
        assert ann.agreement == AGREEMENT
        bob = alcove.join((await until(ann, alcove.Opened)).invite, name="Bob")
        assert bob.agreement == ""
        async with bob:
            await until(bob, alcove.AgreementShown)
            assert bob.agreement == AGREEMENT


async def test_handlers_are_called_and_their_errors_are_not_swallowed(relay: RelayProcess) -> None:
    heard: list[str] = []

    async def remember(message: alcove.Message) -> None:
        heard.append(message.text)

    def fail(message: alcove.Message) -> None:
        raise ValueError("a bug of the program")

    with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012  # leaving the block raises
        async with two(relay) as (ann, bob):
            bob.on(alcove.Message, remember)
            bob.on(alcove.Message, fail)
            await ann.send("hello")
            assert (await until(bob, alcove.Problem)).code == "handler_failed"
    assert heard == ["hello"]
    assert [str(error) for error in caught.value.exceptions] == ["a bug of the program"]


async def test_the_relay_dies_and_comes_back(relay: RelayProcess) -> None:
    async with two(relay) as (ann, bob):
        await relay.kill()
        for room in (ann, bob):
            changed = await until(room, alcove.ConnectionChanged)
            assert changed.state is alcove.ConnectionState.RECONNECTING
        queued = await bob.send("while it is away")
        assert isinstance(queued, alcove.Queued)
        await relay.start()
        assert (await until(bob, alcove.Sent)).id == queued.id
        assert (await until(ann, alcove.Message)).text == "while it is away"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"ttl": 1}, "bad_ttl"),
        ({"uses": 0}, "bad_uses"),
        ({"members": 1}, "bad_members"),
        ({"title": ""}, "bad_title"),
        ({"agreement": "x" * 20_000}, "bad_agreement"),
        ({"name": " "}, "name_empty"),
        ({"name": "x" * 33}, "name_too_long"),
        ({"name": "Ann\u202e"}, "name_deceptive"),
        ({"name": "An\u200bn"}, "name_deceptive"),
        ({"relay": "ftp://relay"}, "bad_relay"),
        ({"relay": "nonsense"}, "bad_relay"),
    ],
)
def test_wrong_arguments_are_refused_at_once(arguments: dict[str, object], code: str) -> None:
    right: dict[str, object] = {
        "relay": "http://127.0.0.1:1",
        "title": "T",
        "agreement": AGREEMENT,
        "name": "Ann",
    }
    with pytest.raises(alcove.InvalidInput) as caught:
        # The types are right, but a dictionary of many cannot tell each its own.
        alcove.open_room(**(right | arguments))  # type: ignore[arg-type]  # values of many types
    assert caught.value.code == code
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("invite", ["", "https://relay.example/join", "https://relay.example/#AQ"])
def test_a_wrong_invite_is_refused_at_once(invite: str) -> None:
    with pytest.raises(alcove.InvalidInput) as caught:
        alcove.join(invite, name="Bob")
    assert caught.value.code == "bad_invite"


async def test_a_relay_that_is_down(relay: RelayProcess) -> None:
    await relay.kill()
    room = opening(relay)
    with pytest.raises(alcove.ConnectionFailed) as caught:
        async with room:
            pass
    assert caught.value.code == "unreachable"
    assert [type(event) async for event in room] == [alcove.Closed]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (b"200 OK", "not_a_relay"),
        (b"404 Not Found", "not_a_relay"),
        (b"421 Misdirected Request", "wrong_host"),
        (b"400 Bad Request", "version"),
        (b"503 Service Unavailable", "busy"),
    ],
)
async def test_a_server_that_is_no_relay(status: bytes, code: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        room = alcove.open_room(
            f"http://127.0.0.1:{port}", title="T", agreement=AGREEMENT, name="Ann"
        )
        with pytest.raises(alcove.ConnectionFailed) as caught:
            async with room:
                pass
        assert caught.value.code == code


class Unconnected:
    """An engine, as far as a transport sees one, that gives up after two failed connections."""

    entered = True

    def __init__(self) -> None:
        self.come_back_after = 0.0
        self.tries = 2
        self.link = Link(self, lambda: 0.0)

    @property
    def wants_connection(self) -> bool:
        return self.tries > 0

    def connected(self, host: str) -> None:
        raise AssertionError("no connection is ever open")

    def received(self, data: bytes) -> None:
        raise AssertionError("no connection is ever open")

    def disconnected(self) -> None:
        raise AssertionError("no connection was ever open")

    def on_greeted(self, challenge: frames.Challenge) -> None:
        raise AssertionError("no frame ever comes")

    def on_authenticated(self, answer: frames.Authenticated) -> None:
        raise AssertionError("no frame ever comes")

    def on_not_authenticated(self, code: str, generation: bytes | None) -> None:
        raise AssertionError("no frame ever comes")

    def on_notice(self, notice: frames.RelayNotice) -> None:
        raise AssertionError("no frame ever comes")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (b"Retry-After: 5\r\n", 5),
        (b"Retry-After: 86400\r\n", 30),
        (b"Retry-After: Fri, 31 Dec 2027 23:59:59 GMT\r\n", 0),
        (b"Retry-After: -1\r\n", 0),
        (b"Retry-After: 5\r\nRetry-After: 6\r\n", 0),
        (b"", 0),
    ],
)
async def test_a_full_relay_is_left_alone_for_as_long_as_it_asks(
    headers: bytes, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, slept = Unconnected(), list[float]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n" + headers)
        writer.write(b"\r\n")
        writer.close()

    async def sleep(wait: float) -> None:
        slept.append(wait)
        engine.tries -= 1

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        origin = f"http://127.0.0.1:{port}"
        transport = Transport(engine, origin, TransportOptions(), lambda: None)
        monkeypatch.setattr("alcove.relay.transport.asyncio.sleep", sleep)
        await transport.run()
    assert len(slept) == 2
    assert all(seconds < wait <= seconds + 2 for wait in slept)


async def test_messages_that_are_too_long_only_raise_an_error(relay: RelayProcess) -> None:
    async with two(relay) as (ann, bob):
        for text, code in (
            ("x" * 8193, "text_too_long"),
            ("  ", "text_empty"),
            ("\ud800", "bad_text"),
        ):
            with pytest.raises(alcove.InvalidInput) as caught:
                await ann.send(text)
            assert caught.value.code == code
        with pytest.raises(alcove.InvalidInput, match="warning has at most 100 bytes") as caught:
            await ann.send("x", warning="é" * 51)
        assert caught.value.code == "warning_too_long"
        await ann.send("x" * 8192, warning="é" * 50)
        assert len((await until(bob, alcove.Message)).text) == 8192


async def test_a_participant_cannot_use_a_facilitators_commands(relay: RelayProcess) -> None:
    async with two(relay) as (ann, bob):
        for call in (bob.admit("00"), bob.refuse("00"), bob.remove("Ann"), bob.invite(), bob.end()):
            with pytest.raises(alcove.NotNow) as caught:
                await call
            assert caught.value.code == "not_facilitator"
        with pytest.raises(alcove.NotNow):
            await ann.admit("00" * 16)
        with pytest.raises(alcove.InvalidInput):
            await ann.remove("Nobody")
        with pytest.raises(alcove.NotNow):
            await ann.remove("Ann")


async def test_a_handler_of_problems_that_fails_is_not_called_for_its_own_failure(
    relay: RelayProcess,
) -> None:
    calls: list[str] = []

    def fail(event: alcove.Event) -> None:
        calls.append(type(event).__name__)
        raise ValueError("a bug of the program")

    with pytest.raises(ExceptionGroup):  # noqa: PT012  # leaving the block raises
        async with two(relay) as (ann, bob):
            bob.on(alcove.Event, fail)
            await ann.send("hello")
            await until(bob, alcove.Problem)
            await ann.send("again")
            await until(bob, alcove.Problem)
    assert calls.count("Message") == 2
    assert len(calls) < 20


@pytest.mark.parametrize(
    "proxy", ["http://127.0.0.1:1", "socks5://127.0.0.1:port", "socks5://", "nonsense"]
)
async def test_a_wrong_proxy_is_refused(relay: RelayProcess, proxy: str) -> None:
    room = opening(relay, transport=alcove.TransportOptions(proxy=proxy))
    with pytest.raises(alcove.InvalidInput) as caught:
        async with room:
            pass
    assert caught.value.code == "bad_proxy"


async def test_a_clock_that_fails_ends_the_room_and_is_raised(
    relay: RelayProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It died in silence: nothing expired any more, and a facilitator's heartbeats stopped."""

    def fail() -> None:
        raise ValueError("a defect of this program")

    with pytest.raises(ExceptionGroup) as caught:  # noqa: PT012  # leaving the block raises
        async with two(relay) as (_, bob):
            monkeypatch.setattr(bob._engine, "tick", fail)
            closed = await until(bob, alcove.Closed)
            assert (closed.reason, closed.code) == (alcove.CloseReason.ERROR, "internal")
    assert [str(error) for error in caught.value.exceptions] == ["a defect of this program"]

"""The relay is blind: what people say is in nothing that it receives, stores, logs or holds.

A conversation is full of canaries: title, agreement, pseudonyms, texts, a content warning, the
invite's secret. They are looked for in every spelling that a program could hold them in. Each scan
is shown to be able to find one first: a control that does reach the relay.
"""

import base64
import logging
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import alcove
import pytest
from alcove import events
from alcove.messages.payload import check_text
from alcove_protocol import frames
from alcove_protocol.invite import Invite

from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.waiting import until
from tests.end_to_end.world import Client, World

CONTROL = b"control-canary-5d2f0c"
TITLE = "canary-title-77fa"
AGREEMENT = "canary-agreement-8e21"
NAMES = ("canary-ann-19c0", "canary-bob-aa3e")
TEXT = "canary-text-f00d"
WARNING = "canary-warning-31b7"
WORDS = (TITLE, AGREEMENT, *NAMES, TEXT, WARNING)


def spellings(secret: bytes) -> set[bytes]:
    """The ways in which a program may hold a value."""
    stripped = base64.urlsafe_b64encode(secret).rstrip(b"=")
    found = {secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"="), stripped}
    try:
        found.add(secret.decode().encode("utf-16-le"))
        found.add(secret.decode().encode("utf-32-le"))
    except UnicodeDecodeError:
        pass
    return found


def canaries(invite: str) -> dict[str, set[bytes]]:
    parsed = Invite.parse(invite)
    secrets = {word: word.encode() for word in WORDS}
    secrets |= {
        "invite secret": parsed.secret,
        "card key": parsed.card_key(),
        "lobby psk": parsed.lobby_psk(),
        "door seed": parsed.door_seed(),
        "fragment": invite.partition("#")[2].encode(),
    }
    return {name: spellings(secret) for name, secret in secrets.items()}


def found_in(haystacks: Iterable[bytes], needles: dict[str, set[bytes]]) -> set[str]:
    """The names of the canaries that these bytes hold."""
    pattern = re.compile(b"|".join(re.escape(s) for group in needles.values() for s in group))
    hits = {match.group() for data in haystacks for match in pattern.finditer(data)}
    return {name for name, group in needles.items() if group & hits}


# --- in one process: what the relay receives, stores and logs ------------------------------------


def everything_below(root: object) -> Iterator[bytes]:
    """All bytes and text reachable from an object."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, type | type(os)):
            continue
        seen.add(id(item))
        if isinstance(item, bytes | bytearray):
            yield bytes(item)
        elif isinstance(item, str):
            yield item.encode("utf-8", "replace")
        elif isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set | frozenset):
            waiting += item
        else:
            waiting += list(getattr(item, "__dict__", {}).values())
            for kind in type(item).__mro__:
                for slot in getattr(kind, "__slots__", ()):
                    if hasattr(item, slot):
                        waiting.append(getattr(item, slot))
            items = getattr(item, "values", None)
            if callable(items) and hasattr(item, "keys"):
                waiting += [*item.keys(), *items()]
            elif type(item).__name__ in ("deque", "OrderedDict"):
                waiting += list(item)  # type: ignore[call-overload]  # its type name said so


def talk(world: World, received: list[bytes]) -> str:
    """Hold a conversation with every kind of secret in it. Return the invite."""

    def record(client: Client, data: bytes) -> list[bytes]:
        received.append(data)
        return [data]

    ann = world.client(NAMES[0])
    ann.to_relay = record
    world.open_with(ann, title=TITLE, agreement=AGREEMENT)
    bob = world.client(NAMES[1])
    bob.to_relay = record
    world.knock_with(bob, ann.invite())
    ann.admit(ann.of(events.Knocked)[0])
    world.settle()
    bob.say(TEXT)
    member = ann.engine.require_member()
    member.conversation.compose(check_text(TEXT, WARNING))
    member.pump()
    world.settle()
    assert ann.texts() == [TEXT]
    assert bob.texts() == [TEXT]
    return ann.invite()


@pytest.mark.interpreted  # walks through the store's objects
def test_nothing_that_the_relay_receives_stores_or_logs(caplog: pytest.LogCaptureFixture) -> None:
    world, received = World(), list[bytes]()
    with caplog.at_level(logging.DEBUG):
        invite = talk(world, received)
        control = frames.Knock(1, bytes(16), CONTROL).to_bytes()
    assert world.relay is not None
    stored = list(everything_below(world.relay.store))
    logged = [record.getMessage().encode() for record in caplog.records]
    needles = canaries(invite)
    assert found_in([*received, *stored, *logged], needles) == set()
    # The controls: the frames hold a sent text, and the scan finds a stored blob in the store.
    assert found_in([control], {"control": spellings(CONTROL)}) == {"control"}
    published = [frames.from_client(data) for data in received]
    blobs = [frame.blob for frame in published if isinstance(frame, frames.Publish)]
    assert blobs
    assert found_in(stored, {"blob": {blobs[-1]}}) == {"blob"}
    assert found_in(received, {"room": {Invite.parse(invite).room}}) == {"room"}


# --- in its own process: what it logs and what its memory holds ----------------------------------


def memory_of(pid: int) -> Iterator[bytes]:
    """Every readable and writable page of a process."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, permissions = line.split()[:2]
            if not permissions.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            memory.seek(start)
            try:
                yield memory.read(end - start)
            except OSError:
                continue  # a page that the kernel keeps to itself


async def test_nothing_in_the_memory_of_the_relay_s_process(tmp_path: Path) -> None:
    log = tmp_path / "relay.log"
    async with RelayProcess("--log-level", "debug", log=log) as relay:
        room = alcove.open_room(relay.url, title=TITLE, agreement=AGREEMENT, name=NAMES[0])
        async with room as ann:
            opened = await until(ann, alcove.Opened)
            async with alcove.join(opened.invite, name=NAMES[1], accept=True) as bob:
                await ann.admit((await until(ann, alcove.Knocked)).id)
                await until(bob, alcove.Joined)
                await bob.send(TEXT, warning=WARNING)
                assert (await until(ann, alcove.Message)).text == TEXT
                needles = canaries(opened.invite)
                assert found_in(memory_of(relay.pid), needles) == set()
                # The control: an unsealed request reaches the relay, which keeps it for the
                # facilitators. The same scan finds it.
                request = frames.LobbyRequest(2**40, os.urandom(16), CONTROL)
                bob._engine.link.outgoing.append(request.to_bytes())
                await bob.send("after the control")
                control = {"control": spellings(CONTROL)}
                assert found_in(memory_of(relay.pid), control) == {"control"}
                assert found_in(memory_of(relay.pid), needles) == set()
    written = log.read_bytes()
    assert b"ready" in written
    assert found_in([written], needles) == set()
    rooms = {"room": spellings(Invite.parse(opened.invite).room)}
    assert found_in([written], {"control": spellings(CONTROL)} | rooms) == set()

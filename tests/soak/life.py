"""A room's whole life over real sockets: opened, joined, talked in, left, resumed, ended."""

from __future__ import annotations

import asyncio
import os
from typing import cast

from alcove_protocol import limits
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    Done,
    EndRoom,
    Knock,
    LeaveRoom,
    LobbyItem,
    LobbyKind,
    Publish,
    Published,
    Withdraw,
)
from alcove_protocol.roster import Change, Op
from alcove_server.ports.outlet import Close
from alcove_server.process.serving import Service
from nacl.signing import SigningKey

from tests.server.keys import Door, Facilitated
from tests.server.sockets import Client, Running

MEMBERS = 3
MESSAGES = 4


class Elsewhere(Running):
    """A relay in another process."""

    def __init__(self, address: str) -> None:
        super().__init__(cast(Service, None), address)

    def forget(self, *clients: Client) -> None:
        """They are closed, and need not be hung up."""
        for client in clients:
            self._sockets.remove(client.socket)


async def talk(people: list[Client], number: int) -> None:
    """Each member says something, and all hear it in the one order."""
    for turn in range(number):
        speaker = people[turn % len(people)]
        content = os.urandom(400)
        await speaker.send(speaker.blob(content))
        said = (await speaker.until(Published)).position
        for other in people:
            if other is not speaker:
                heard = await other.until(BlobIs)
                assert (heard.position, heard.blob) == (said, content)


async def join(relay: Running, room: Facilitated, host: Client, door: Door) -> Client:
    """A newcomer knocks and is let in."""
    newcomer = await relay.client()
    await newcomer.knock(room, door)
    await host.until(LobbyItem)
    await host.admit(room, newcomer, door)
    return newcomer


async def think_again(relay: Elsewhere, room: Facilitated, host: Client, door: Door) -> None:
    """One newcomer knocks and takes it back. Another connects and says nothing."""
    newcomer, silent = await relay.client(), await relay.client()
    await newcomer.authenticate(room, "door", door)
    await newcomer.ask(Knock(newcomer.next_n(), os.urandom(16), b"a sealed knock"), Done)
    await newcomer.ask(Withdraw(newcomer.next_n()), Done)
    for expected in (LobbyKind.KNOCK, LobbyKind.GONE):
        assert (await host.until(LobbyItem)).kind == expected
    silent.socket.transport.abort()
    await newcomer.socket.close()
    relay.forget(newcomer, silent)


async def come_back(relay: Elsewhere, room: Facilitated, person: Client) -> Client:
    """A connection dies, and its member resumes on another."""
    person.socket.transport.abort()
    await person.socket.wait_closed()
    relay.forget(person)
    again = await relay.client(person.key)
    again.base = person.base
    await again.authenticate(room)
    head = (await again.resume(person.base)).head
    while (await again.until(BlobIs)).position != head:
        pass
    return again


async def leave(room: Facilitated, host: Client, person: Client) -> None:
    """A member goes, and the facilitator commits it."""
    said = room.leave(person.key)
    await person.send(LeaveRoom(person.next_n(), said.body, said.signature))
    assert await person.closed() == Close.DONE
    item = await host.until(LobbyItem)
    while item.kind != LobbyKind.LEAVE:
        item = await host.until(LobbyItem)
    content = os.urandom(40)
    left = [Change(Op.LEFT, person.public)]
    entry = room.entry(left, base=host.base, commit=content, leaves=[said])
    commit = Publish(
        host.next_n(),
        os.urandom(16),
        host.base,
        BlobClass.COMMIT,
        limits.TTL_DEFAULT,
        content,
        entry.body,
        entry.signature,
    )
    await host.send(commit)
    host.base = (await host.until(Published)).position
    room.take(entry)


async def follow(host: Client, people: list[Client]) -> None:
    """All members take the last commit."""
    for one in people:
        if one is not host:
            while (await one.until(BlobIs)).position != host.base:
                pass
            one.base = host.base


async def end(room: Facilitated, host: Client, people: list[Client]) -> None:
    """The facilitator ends the room, and all members are told."""
    said = room.end(host.key)
    await host.send(EndRoom(host.next_n(), said.body, said.signature))
    for one in people:
        assert await one.closed() == Close.ENDED


async def life(relay: Elsewhere) -> None:
    """All of it."""
    host = await relay.client(SigningKey.generate())
    room, door = await host.open(), Door()
    await host.put_door(room, door)
    people = [host]
    for _ in range(MEMBERS):
        newcomer = await join(relay, room, host, door)
        await follow(host, people)
        people.append(newcomer)
    await talk(people, MESSAGES)
    await think_again(relay, room, host, door)
    people[1] = await come_back(relay, room, people[1])
    await talk(people, MESSAGES)
    leaver = people.pop()
    await leave(room, host, leaver)
    await follow(host, people)
    await talk(people, MESSAGES)
    await end(room, host, people)
    relay.forget(leaver, *people)


async def lives(relay: Elsewhere, count: int, at_once: int = 4) -> None:
    """So many, a few at a time."""
    left = iter(range(count))

    async def one_after_the_other() -> None:
        for _ in left:
            await life(relay)

    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))

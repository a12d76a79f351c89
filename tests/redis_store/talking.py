"""Members of one room, with the real SDK, that talk all the time and write down what they see.

    I1, I2  what was sent is heard by each other member, once
    I3      in one order
    I4      members have one epoch, one list of members and one authenticator
    I6      nothing is missed without a `Gap`; and where nothing is lost, there is none

`Conversation.faults` says what is wrong with what was seen.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Final

import alcove
from alcove_protocol.invite import Invite

from tests.client_sdk.waiting import until as event
from tests.redis_store.server import until

TROUBLE: Final = (alcove.Gap, alcove.Problem, alcove.Failed, alcove.Closed)


@dataclass
class Member:
    """One client. `log` are the ids of messages in the order in which this client saw them."""

    name: str
    room: alcove.Room
    log: list[str] = field(default_factory=list)
    posted: list[str] = field(default_factory=list)
    sent: dict[str, float] = field(default_factory=dict)
    shown: list[alcove.Event] = field(default_factory=list)
    """Everything that tells a person of trouble."""
    knocks: list[str] = field(default_factory=list)
    away: list[float] = field(default_factory=list)
    """Seconds of each absence from the relay."""
    _since: float | None = None

    async def follow(self) -> None:
        """Until the room is closed."""
        async for one in self.room:
            if isinstance(one, alcove.Message | alcove.Sent):
                self.log.append(one.id)
                if isinstance(one, alcove.Sent):
                    self.sent[one.id] = time.monotonic()
            elif isinstance(one, alcove.ConnectionChanged):
                self._connection(one.state)
            elif isinstance(one, alcove.Knocked):
                self.knocks.append(one.id)
            elif isinstance(one, TROUBLE) or (
                isinstance(one, alcove.RoomChanged) and one.state is not alcove.RoomState.OPEN
            ):
                self.shown.append(one)

    def _connection(self, state: alcove.ConnectionState) -> None:
        now = time.monotonic()
        if state is alcove.ConnectionState.RECONNECTING:
            self._since = self._since if self._since is not None else now
        elif self._since is not None:
            self.away.append(now - self._since)
            self._since = None

    @property
    def authenticator(self) -> bytes:
        """Of the epoch in which this member is."""
        return self.room._engine.require_member().membership.group.epoch_authenticator

    @property
    def epoch(self) -> int:
        return self.room._engine.require_member().membership.group.epoch


class Conversation:
    """A facilitator and members. `urls` are where they connect, one after the other."""

    def __init__(self, urls: Sequence[str], stack: AsyncExitStack, every: float) -> None:
        """Each member says something each `every` seconds while `talk` runs."""
        self._urls = urls
        self._stack = stack
        self._every = every
        self._talks = False
        self._following: list[asyncio.Task[None]] = []
        self._invite: Invite | None = None
        self.members: list[Member] = []

    async def open(self) -> None:
        room = alcove.open_room(
            self._urls[0], title="Evening circle", agreement="Said here, kept here.", name="Ann"
        )
        room = await self._stack.enter_async_context(room)
        self._invite = Invite.parse((await event(room, alcove.Opened)).invite)
        await event(room, alcove.Joined)
        self._add("Ann", room)

    def _add(self, name: str, room: alcove.Room) -> Member:
        made = Member(name, room)
        self.members.append(made)
        self._following.append(asyncio.create_task(made.follow()))
        return made

    @property
    def facilitator(self) -> Member:
        return self.members[0]

    async def knock(self, name: str, url: str) -> alcove.Room:
        """A newcomer waits at the door."""
        assert self._invite is not None
        invite = replace(self._invite, origin=url).url()
        room = alcove.join(invite, name=name, accept=True)
        room = await self._stack.enter_async_context(room)
        await event(room, alcove.Waiting)
        return room

    async def admit(self, name: str) -> Member:
        """A newcomer comes by way of the next relay and is let in, sooner or later."""
        room = await self.knock(name, self._urls[len(self.members) % len(self._urls)])

        async def admitted() -> bool:
            for id in self.facilitator.knocks:
                # It is in the room already, or nothing answered: it may still happen.
                with suppress(alcove.AlcoveError):
                    await self.facilitator.room.admit(id)
            return any(one.name == name for one in self.facilitator.room.members)

        await until(admitted)
        await event(room, alcove.Joined)
        return self._add(name, room)

    async def remove(self, member: Member) -> None:
        """The facilitator puts a member out, sooner or later."""

        async def out() -> bool:
            try:
                await self.facilitator.room.remove(member.name)
            except alcove.NotNow:
                pass
            except alcove.InvalidInput:
                return True  # it happened
            return False

        await until(out)
        self.members.remove(member)

    @asynccontextmanager
    async def talk(self) -> AsyncIterator[None]:
        """All members talk until the block ends. Then wait until everything is heard."""
        self._talks = True
        talking = asyncio.create_task(self._talk())
        try:
            yield
        finally:
            self.stop()
            await talking
        await until(self.heard_all)

    def stop(self) -> None:
        """Say nothing more."""
        self._talks = False

    async def _talk(self) -> None:
        while self._talks:
            for member in tuple(self.members):
                # Too many messages wait, or this member was just removed.
                with suppress(alcove.NotNow, alcove.RoomClosed):
                    member.posted.append(member.room.post(f"{member.name} {len(member.posted)}"))
            await asyncio.sleep(self._every)

    async def until_sent(self, count: int, at: Sequence[Member] = ()) -> None:
        """Wait until each member, or each of these, had so many more messages acknowledged."""
        least = {one.name: len(one.sent) + count for one in at or self.members}

        async def enough() -> bool:
            return all(len(one.sent) >= least.get(one.name, 0) for one in self.members)

        await until(enough)

    async def heard_all(self) -> bool:
        """Whether each message of today's members has its answer, and all heard the last ones."""
        if any(set(member.posted) - set(member.sent) for member in self.members):
            return False
        last = {member.posted[-1] for member in self.members if member.posted}
        return all(last <= set(member.log) for member in self.members)

    async def at_rest(self) -> None:
        """Wait until all members are in one epoch."""

        async def one_epoch() -> bool:
            return len({member.epoch for member in self.members}) == 1

        await until(one_epoch)

    async def close(self) -> None:
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)

    # --- what was seen ----------------------------------------------------------------------

    def faults(self, full: Sequence[Member]) -> list[str]:
        """What is wrong. `full` were there all the time. No trouble may be shown to a person."""
        found: list[str] = []
        order = {id: at for at, id in enumerate(full[0].log)}
        acknowledged = {id for member in full for id in member.sent}
        for member in self.members:
            doubled = [id for id, times in Counter(member.log).items() if times > 1]
            if doubled:
                found.append(f"I2 {member.name}: {len(doubled)} messages twice")
            places = [order[id] for id in member.log if id in order]
            if places != sorted(places):
                found.append(f"I3 {member.name}: another order")
            missing = acknowledged - set(member.log)
            if member in full and missing:
                found.append(f"I1 {member.name}: {len(missing)} acknowledged and not told")
            found += [f"{member.name}: {one}" for one in member.shown]
        if len({member.authenticator for member in self.members}) != 1:
            found.append("I4: members have several authenticators")
        rosters = {tuple(sorted(m.name for m in one.room.members)) for one in self.members}
        if len(rosters) != 1:
            found.append(f"I4: members know several lists of members: {rosters}")
        return found


@asynccontextmanager
async def conversation(
    urls: Sequence[str], names: Sequence[str], every: float = 0.1
) -> AsyncIterator[Conversation]:
    """A room of Ann and these, until the block ends."""
    async with AsyncExitStack() as stack:
        made = Conversation(urls, stack, every)
        stack.push_async_callback(made.close)
        await made.open()
        for name in names:
            await made.admit(name)
        yield made

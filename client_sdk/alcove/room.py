"""A room, for asyncio programs.

    async with alcove.open_room("https://relay.example", title=…, agreement=…, name=…) as room:
        async for event in room:
            match event:
                case alcove.Knocked(id=id):
                    await room.admit(id)

`async with` enters the room and leaves it: at its end the client has left and every key is wiped.
The engine decides everything, and `shell.py` joins it to an event loop. Every command ends: within
30 s, or 5 s for `leave`.

A room belongs to the thread and the event loop that entered it. A command from another thread
raises `RuntimeError`. A cancelled command is not undone: what it asked for may still happen.
"""

import asyncio
from dataclasses import dataclass

from alcove import events
from alcove.events import Closed, ConnectionState, Knocked, RoomState
from alcove.room_acts import RoomActs
from alcove.shell import COMMAND_PATIENCE, SendResult


@dataclass(frozen=True, slots=True)
class Member:
    """A member as people see them."""

    name: str
    facilitator: bool
    you: bool
    heard: bool = True
    """False for a member let in before this client's eyes, of whom nothing came since: their
    Welcome may be lost, and they may not be able to read. A silent one counts as heard after 10
    minutes, when their client renews its keys."""
    paused: bool = False
    """Whether a facilitator paused them, so that they can only read."""


class Room(RoomActs):
    """One room. Enter it with `async with`, once. Read its events with `async for` in one place,
    with handlers (`on`), or one at a time (`wait_for`)."""

    # --- properties ----------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """The room's title. Empty until the card has arrived."""
        return self._title

    @property
    def state(self) -> RoomState:
        """Who is heard: whether members can post, and whether the relay can be believed."""
        return self._state

    @property
    def connection(self) -> ConnectionState:
        """Whether the relay is connected. It is `RECONNECTING` before the first connection too."""
        return self._connection

    @property
    def is_facilitator(self) -> bool:
        """Whether this client may admit, refuse, remove, invite and end."""
        member = self._engine.member
        return member is not None and member.facilitator is not None

    @property
    def members(self) -> tuple[Member, ...]:
        """All members, from the group's own tree. Empty until this client is in the room."""
        member = self._engine.member
        if member is None or self._engine.closed is not None:
            return ()
        own = self._engine.identity.signature.public
        paused = member.membership.state.paused_keys()
        return tuple(
            Member(
                person.name,
                person.facilitator,
                person.key == own,
                person.key not in member.membership.unheard,
                person.key in paused,
            )
            for person in member.membership.people()
        )

    @property
    def closed(self) -> Closed | None:
        """The last event, once the room is over for this client."""
        return self._engine.closed

    @property
    def waiting(self) -> tuple[Knocked, ...]:
        """Newcomers to admit or refuse, the first one first. Empty for a participant."""
        return tuple(self._waiting.values())

    # --- what every member may do --------------------------------------------------------------

    def post(self, text: str, *, warning: str | None = None, ref: str | None = None) -> str:
        """Send a message and return its id at once. `Sent`, `Queued` or `Failed` follows.

        Raises `InvalidInput` (`text_empty`, `text_too_long`, `bad_text`), `NotNow` (`paused`,
        `listen_only`, `queue_full`, `not_in_room`), `RoomClosed`.
        """
        id = self._commands.say(text, warning=warning, ref=ref)
        self._after()
        return id

    async def send(self, text: str, *, warning: str | None = None) -> SendResult:
        """Send a message and wait for what becomes of it: with the relay, waiting here, or failed.

        A relay that has not answered after 30 seconds makes it `Queued`. Raises what `post` raises,
        and `RoomClosed` when the room closes before the answer. Cancelled, it sends all the same.
        """
        waiting: asyncio.Future[SendResult] = asyncio.get_running_loop().create_future()
        id = self._commands.say(text, warning=warning)
        self._sends[id] = waiting
        self._after()
        try:
            in_time, _ = await asyncio.wait([waiting], timeout=COMMAND_PATIENCE)
            return await waiting if in_time else events.Queued(id)
        finally:
            waiting.cancel()
            self._sends.pop(id, None)

    def retract(self, id: str, *, ref: str | None = None) -> None:
        """Take back your own message. `Retracted` follows.

        Raises `InvalidInput` (`unknown_message`) for a message that is not yours or has expired,
        `RoomClosed`.
        """
        self._commands.retract(id, ref=ref)
        self._after()

    def send_anyway(self) -> None:
        """Send although the room is split or not heard, to those whom the relay shows it.

        While it is, nothing is sent, and messages wait. This is the person's own decision. It holds
        until the next sign that something is wrong; `leave` is the other way. Raises `NotNow`
        (`nothing_to_decide`), `RoomClosed`.
        """
        self._commands.send_anyway()
        self._after()

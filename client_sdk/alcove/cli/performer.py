"""Commands, performed on a room.

Sending is immediate, so texts keep their order. What takes an answer from the relay runs beside it:
an `admit` that takes long keeps nobody from speaking.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from alcove.cli.commands import (
    Accept,
    Admit,
    Command,
    End,
    Leave,
    Refuse,
    Remove,
    Retract,
    Send,
    SendAnyway,
)
from alcove.cli.rooms import RoomLike
from alcove.cli.session import debug
from alcove.errors import AlcoveError
from alcove.events import Event, Problem

_HELD: Final = 100
"""Commands that may wait for the room to be entered, and commands that may run at once."""


class Performer:
    """Performs commands; `tell` gets a `Problem` for each that fails, with the command's ref.

    `posted` is called with the id of each message that was accepted for sending, and `decided` with
    the id of each knock that was answered.
    """

    def __init__(
        self,
        room: RoomLike,
        tell: Callable[[Event], Awaitable[None]],
        leave: Callable[[], None],
        entered: asyncio.Event,
        posted: Callable[[str], None] = lambda id: None,
        decided: Callable[[str], None] = lambda id: None,
    ) -> None:
        self._room = room
        self._tell = tell
        self._leave = leave
        self._entered = entered
        self._posted = posted
        self._decided = decided
        self._slots = asyncio.Semaphore(_HELD)
        self._commands: asyncio.Queue[Command] = asyncio.Queue(_HELD)
        self._running: set[asyncio.Task[None]] = {asyncio.create_task(self._run())}

    async def perform(self, command: Command) -> None:
        """Take `command`: it begins when those before it have begun and the room is entered."""
        if isinstance(command, Leave):
            self._leave()  # at any time, past everything that waits
        else:
            await self._commands.put(command)

    def also(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` beside all else; what it raises is told as a command's failure is."""

        async def act(command: Command) -> None:
            await work()

        task = asyncio.create_task(self._guard(Command(), act))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def stop(self) -> None:
        """Give up what still runs."""
        for task in self._running:
            task.cancel()

    async def _run(self) -> None:
        await self._entered.wait()
        while True:
            command = await self._commands.get()
            if isinstance(command, Send | Retract | SendAnyway):
                await self._guard(command, self._speak)
                continue
            await self._slots.acquire()
            task = asyncio.create_task(self._beside(command))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _beside(self, command: Command) -> None:
        try:
            await self._guard(command, self._act)
        finally:
            self._slots.release()

    async def _guard(self, command: Command, perform: Callable[[Command], Awaitable[None]]) -> None:
        try:
            await perform(command)
        except AlcoveError as error:
            await self._tell(Problem(error.code, error.text, command.ref))
        except Exception as error:
            debug(error)
            text = f"The command failed in an unforeseen way ({type(error).__name__})."
            await self._tell(Problem("internal", text, command.ref))

    async def _speak(self, command: Command) -> None:
        match command:
            case Send(text=text, ref=ref):
                self._posted(self._room.post(text, ref=ref))
            case Retract(id=id, ref=ref):
                self._room.retract(id, ref=ref)
            case SendAnyway():
                self._room.send_anyway()

    async def _act(self, command: Command) -> None:
        match command:
            case Admit(id=id):
                await self._room.admit(id)
                self._decided(id)
            case Refuse(id=id):
                await self._room.refuse(id)
                self._decided(id)
            case Remove(name=name):
                await self._room.remove(name)
            case Accept():
                await self._room.accept()
            case End():
                await self._room.end()

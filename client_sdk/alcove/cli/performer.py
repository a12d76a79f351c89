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
)
from alcove.cli.rooms import RoomLike
from alcove.cli.session import debug
from alcove.errors import AlcoveError
from alcove.events import Event, Problem

_HELD: Final = 100
"""Commands that may wait for the room to be entered, and commands that may run at once."""


class Performer:
    """Performs commands; `tell` gets a `Problem` for each that fails, with the command's ref.

    `sent` is called with the id and the text of each message that was accepted for sending.
    """

    def __init__(
        self,
        room: RoomLike,
        tell: Callable[[Event], Awaitable[None]],
        leave: Callable[[], None],
        entered: asyncio.Event,
        sent: Callable[[str, str], None] = lambda id, text: None,
    ) -> None:
        self._room = room
        self._tell = tell
        self._leave = leave
        self._entered = entered
        self._sent = sent
        self._slots = asyncio.Semaphore(_HELD)
        self._commands: asyncio.Queue[Command] = asyncio.Queue(_HELD)
        self._running: set[asyncio.Task[None]] = {asyncio.create_task(self._run())}

    async def perform(self, command: Command) -> None:
        """Take `command`: it begins when those before it have begun and the room is entered."""
        if isinstance(command, Leave):
            self._leave()  # at any time, past everything that waits
        else:
            await self._commands.put(command)

    def stop(self) -> None:
        """Give up what still runs."""
        for task in self._running:
            task.cancel()

    async def _run(self) -> None:
        await self._entered.wait()
        while True:
            command = await self._commands.get()
            if isinstance(command, Send | Retract):
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
                self._sent(self._room.post(text, ref=ref), text)
            case Retract(id=id, ref=ref):
                self._room.retract(id, ref=ref)

    async def _act(self, command: Command) -> None:
        match command:
            case Admit(id=id):
                await self._room.admit(id)
            case Refuse(id=id):
                await self._room.refuse(id)
            case Remove(name=name):
                await self._room.remove(name)
            case Accept():
                await self._room.accept()
            case End():
                await self._room.end()

"""Perform commands on a room.

Commands begin in their order, and sending is immediate, so texts keep theirs. A command that needs
an answer from the relay then runs beside the others: a slow `admit` does not delay a text.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias, assert_never

from alcove.cli.agreement_file import read_agreement
from alcove.cli.commands import (
    AcceptCommand,
    ActsCommand,
    AdmitAllCommand,
    AdmitCommand,
    AgreementChangeCommand,
    AnyCommand,
    AppointCommand,
    DemoteCommand,
    DoorSayCommand,
    DoorTakeCommand,
    EndCommand,
    FoldCommand,
    HandOverCommand,
    HoldCommand,
    InsideCommand,
    InviteNewCommand,
    InvitesCommand,
    LeaveCommand,
    ListenOnlyCommand,
    LockCommand,
    MembersCommand,
    OutsideCommand,
    PauseCommand,
    RefuseCommand,
    RejoinCommand,
    RemoveCommand,
    RetractCommand,
    RevokeCommand,
    SendAnywayCommand,
    SendCommand,
    SlowCommand,
    StandbyCommand,
    StepDownCommand,
    TicketCommand,
    UnpauseCommand,
    WordsCommand,
)
from alcove.cli.own_commands import OwnCommands
from alcove.cli.own_texts import beginning
from alcove.cli.room_runner import own_fault
from alcove.cli.rooms import RoomLike
from alcove.errors import AlcoveError, NoAnswerYet, NotNow, RoomClosed
from alcove.events import AnyEvent, Problem

Told: TypeAlias = (
    DoorSayCommand
    | RefuseCommand
    | OutsideCommand
    | InsideCommand
    | AcceptCommand
    | AgreementChangeCommand
)
"""Commands that are told as done, because no event tells it to the person that gave them."""
_HELD: Final = 100
"""Commands that may wait until the room is entered, and commands that may run at once."""
_STILL_OUTSIDE: Final = (
    "You are still outside. Your client asks again by itself, and you are told when you are in."
)
_INVITE_LATE: Final = (
    "The relay has not taken it yet. It may still happen, and /invites lists it once it is made; "
    "/invite new makes another."
)
"""The link of one that is made so late is not shown."""
_LOOK_AGAIN: Final = 0.2
"""Seconds between two looks whether the room takes texts again."""


class Performer:
    """Perform commands. `tell` gets a `Problem` with the command's ref for each one that fails.

    With `patient` a text waits while the room takes no more of them, and so does what comes behind
    it. A program is told instead, and a person may have pasted a whole page.

    `posted` is called with the id and the text of each message that is accepted for sending, and
    `decided` with the id of each knock that is answered. `done` is awaited with what was said at
    the door, and with each other command of `Told`, once the room took it. `own` follows what
    becomes of each command.
    """

    def __init__(
        self,
        room: RoomLike,
        tell: Callable[[AnyEvent], Awaitable[None]],
        leave: Callable[[], None],
        entered: asyncio.Event,
        posted: Callable[[str, str], None] = lambda id, text: None,
        decided: Callable[[str], None] = lambda id: None,
        done: Callable[[Told], Awaitable[None]] | None = None,
        *,
        own: OwnCommands | None = None,
        patient: bool = False,
    ) -> None:
        self._room = room
        self._tell = tell
        self._leave = leave
        self._entered = entered
        self._posted = posted
        self._decided = decided
        self._done = done
        self._patient = patient
        self._own = own
        self._slots = asyncio.Semaphore(_HELD)
        self._commands: asyncio.Queue[tuple[AnyCommand, str]] = asyncio.Queue(_HELD)
        self._running: set[asyncio.Task[None]] = {asyncio.create_task(self._run())}

    async def perform(self, command: AnyCommand, said: str = "") -> None:
        """Take `command`, for which a person typed `said`. It begins after those before it, once
        the room is entered."""
        if isinstance(command, LeaveCommand):
            self._leave()  # at any time, before all commands that wait
        else:
            await self._commands.put((command, said))

    def also(self, work: Callable[[], Awaitable[None]], said: str = "") -> None:
        """Do `work` beside the commands, for which a person typed `said`. It asks for an invite,
        and its errors are told as those of a command."""
        self._start(self._followed(InviteNewCommand(), said, work))

    def stop(self) -> None:
        """Cancel everything that still runs."""
        for task in self._running:
            task.cancel()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self) -> None:
        await self._entered.wait()
        while True:
            command, said = await self._commands.get()
            if isinstance(command, SendCommand | RetractCommand | SendAnywayCommand):
                await self._followed(command, said)
                continue
            await self._slots.acquire()
            self._start(self._beside(command, said))
            # It begins before the next one: a text behind a removal is not for who is removed.
            await asyncio.sleep(0)

    async def _beside(self, command: AnyCommand, said: str) -> None:
        try:
            await self._followed(command, said)
        finally:
            self._slots.release()

    async def _followed(
        self, command: AnyCommand, said: str, work: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Do the command, or the `work` that it stands for, and note what becomes of it."""
        number = None if self._own is None else self._own.begun(command, said)
        late = _STILL_OUTSIDE if isinstance(command, InsideCommand) and not command.name else ""
        late = _INVITE_LATE if isinstance(command, InviteNewCommand) else late
        # Of an end without an answer nobody knows whether it is done.
        named = bool(said) and not isinstance(command, EndCommand)
        undone = f'Not done: "{beginning(said)}". ' if named else ""
        try:
            work = work or partial(self._act, command)
            done = await self._guard(work, command.ref, lambda: undone * self._waited(number))
        except NoAnswerYet as error:
            what = f'Not done yet: "{beginning(said)}". ' if said else ""
            await self._tell(Problem(error.code, what + (late or error.text), command.ref))
            # Beside the rest: it may take for ever, and no other command waits for it.
            self._start(self._came_true(error, number, command.ref, undone))
        else:
            self._over(number, done=done)

    async def _came_true(
        self, waits: NoAnswerYet, number: int | None, ref: str | None, what: str
    ) -> None:
        """Tell what becomes of what waited so long. `what` stands before why it cannot be done."""
        done = False
        try:
            await waits.outcome()
            done = True
        except RoomClosed:
            pass  # the end of the room is told by itself
        except AlcoveError as error:
            await self._tell(Problem(error.code, what + error.text, ref))
        self._over(number, done=done)

    def _over(self, number: int | None, *, done: bool) -> None:
        if self._own is not None and number is not None:
            self._own.over(number, failed=not done)

    def _waited(self, number: int | None) -> bool:
        """Whether the person was told that a command waits, perhaps beside others."""
        return self._own is not None and number is not None and self._own.was_told(number)

    async def _guard(
        self, work: Callable[[], Awaitable[None]], ref: str | None, what: Callable[[], str]
    ) -> bool:
        """Do it, and tell what went wrong, behind `what`. Return whether it is done. Raises
        `NoAnswerYet`."""
        try:
            await work()
        except NoAnswerYet:
            raise
        except AlcoveError as error:
            await self._tell(Problem(error.code, what() + error.text, ref))
        except Exception as error:
            await self._tell(Problem("internal", own_fault(error), ref))
        else:
            return True
        return False

    async def post(self, text: str, ref: str | None = None) -> str:
        """Say `text` and return its id. Raises what the room raises."""
        while True:
            try:
                return self._room.post(text, ref=ref)
            except NotNow as error:
                if not self._patient or error.code != "queue_full":
                    raise
            await asyncio.sleep(_LOOK_AGAIN)

    async def _tell_done(self, command: Told) -> None:
        if self._done is not None:
            await self._done(command)

    async def _accept(self, version: int | None, answer: str, word: str) -> None:
        """Accept the rules. Where there is no door to knock at, as by a standby's link, a word for
        today serves nothing, and must not keep the person out."""
        try:
            await self._room.accept(version, answer=answer, word=word)
        except NotNow as error:
            if not word or error.code != "no_door":
                raise
            await self._room.accept(version, answer=answer, word="")

    async def _act(self, command: AnyCommand) -> None:
        match command:
            case SendCommand(text=text, ref=ref):
                self._posted(await self.post(text, ref), text)
            case RetractCommand(id=id, ref=ref):
                self._room.retract(id, ref=ref)
            case SendAnywayCommand():
                self._room.send_anyway()
            case RejoinCommand():
                self._room.rejoin()
            case TicketCommand():
                await self._room.ticket()
            case AdmitCommand(id=id, to_listen=to_listen):
                await self._room.admit(id, to_listen=to_listen)
                self._decided(id)
            case AdmitAllCommand(to_listen=to_listen):
                # A member that stepped outside does not ask to be let in: it comes back by itself.
                if not (ids := [it.id for it in self._room.waiting if not it.outside]):
                    raise NotNow("nobody_waits", "Nobody waits at the moment.")
                await self._room.admit(*ids, to_listen=to_listen)
            case RefuseCommand(id=id, reason=reason):
                await self._room.refuse(id, reason)
                await self._tell_done(command)
                self._decided(id)
            case RemoveCommand(fold=fold, question=asked):
                await self._room.remove(*command.all_names, fold=fold, question=asked)
            case OutsideCommand():
                await self._room.outside()
                await self._tell_done(command)
            case InsideCommand(name=name):
                await self._room.inside(name)
                await self._tell_done(command)
            case DoorTakeCommand(id=id):
                await self._room.door_take(id)
            case DoorSayCommand(text=text, id=id):
                await self._room.door_say(text, id)
                await self._tell_done(command)
            case AppointCommand(name=name):
                await self._room.appoint(name)
            case DemoteCommand(name=name):
                await self._room.demote(name)
            case PauseCommand(name=name):
                await self._room.pause(name)
            case UnpauseCommand(name=name):
                await self._room.unpause(name)
            case ListenOnlyCommand(on=on):
                await self._room.listen_only(on)
            case LockCommand(on=on):
                await self._room.lock(on)
            case HoldCommand(on=on, since=since):
                await self._room.hold(on, since=since)
            case SlowCommand(seconds=seconds):
                await self._room.slow(seconds)
            case FoldCommand(id=id, name=None):
                self._room.fold(id or "")
            case FoldCommand(name=name, on=on):
                await self._room.fold_member(name or "", on)
            case StandbyCommand(on=on):
                await self._room.standby(on)
            case StepDownCommand():
                await self._room.step_down()
            case HandOverCommand(name=name):
                await self._room.hand_over(name)
            case WordsCommand(ref=ref):
                self._room.safety_words(ref=ref)
            case ActsCommand(ref=ref):
                self._room.acts(ref=ref)
            case MembersCommand(ref=ref):
                self._room.list_members(ref=ref)
            case InviteNewCommand(count=count, uses=uses, hours=hours, question=asked, ref=ref):
                await self._room.new_invites(count, uses=uses, hours=hours, question=asked, ref=ref)
            case InvitesCommand(ref=ref):
                self._room.invites(ref=ref)
            case RevokeCommand(door=door):
                await self._room.revoke(door)
            case AcceptCommand(version=version, answer=answer, word=word):
                await self._accept(version, answer, word)
                await self._tell_done(command)
            case AgreementChangeCommand(file=file, correction=correction):
                agreement = await asyncio.to_thread(read_agreement, Path(file))
                await self._room.change_agreement(agreement, correction=correction)
                await self._tell_done(command)
            case EndCommand():
                await self._room.end()
            case LeaveCommand():
                self._leave()
            case _:
                assert_never(command)

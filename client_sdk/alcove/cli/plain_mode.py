"""The mode of plain lines, for screen readers and for pipes.

Lines of this program begin with a word in brackets. Neither a name nor a text can imitate it: a
name holds no bracket, and the further lines of a text are indented.
"""

import asyncio
import textwrap
from functools import partial
from typing import Final, assert_never

from alcove.cli import escape, slash_commands, words
from alcove.cli.lines import Lines, TooLong
from alcove.cli.output import Output
from alcove.cli.performer import Performer
from alcove.cli.room_runner import RoomRunner, sentence_of
from alcove.cli.room_view import RoomView
from alcove.cli.rooms import RoomLike
from alcove.errors import AlcoveError
from alcove.events import (
    Accepted,
    AgreementShown,
    AnyEvent,
    Closed,
    ConnectionChanged,
    Expired,
    Failed,
    Gap,
    InviteChanged,
    Joined,
    Knocked,
    KnockGone,
    Left,
    Message,
    Opened,
    PastActs,
    Problem,
    Queued,
    Removed,
    Retracted,
    RoleChanged,
    RoomChanged,
    SafetyWords,
    Sent,
    Unknown,
    VaultChanged,
    Waiting,
)
from alcove.messages.agreements import in_language

_FLUSH_WITHIN: Final = 3.0


class PlainMode:
    """One room in plain lines."""

    def __init__(self, room: RoomLike, accepted: bool) -> None:
        self._room = room
        self._accepted = accepted
        self._view = RoomView()
        self._problem: str | None = None  # told last, so the end need not repeat it
        self._runner = RoomRunner(room, self._show)
        self._output = Output(1, self._runner.leave)
        self._performer = Performer(
            room,
            self._runner.tell,
            self._runner.leave,
            self._runner.entered,
            posted=self._view.posted,
            decided=self._view.decided,
        )

    async def run(self, lines: Lines) -> Closed:
        """Run the room until it is over."""
        reading = asyncio.create_task(self._read(lines))
        try:
            return await self._runner.run()
        finally:
            reading.cancel()
            self._performer.stop()
            await self._output.close(_FLUSH_WITHIN)

    async def _read(self, lines: Lines) -> None:
        async for line in lines:
            try:
                await self._do(line)
            except (slash_commands.Misread, AlcoveError) as error:
                await self._say(str(error))

    async def _do(self, line: bytes | TooLong) -> None:
        if isinstance(line, TooLong):
            raise slash_commands.Misread("That line is too long; nothing of it was sent.")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            raise slash_commands.Misread(
                "That line is not UTF-8; nothing of it was sent."
            ) from None
        match slash_commands.read(text, self._view, self._room.members):
            case None:
                return
            case slash_commands.Help():
                await self._say("What you can type:")
                await self._block(words.help_for(self._room.is_facilitator))
            case slash_commands.Who():
                await self._say("Here:")
                waiting = list(self._view.waiting.values())
                await self._block("\n".join(words.who(self._room.members, waiting)))
            case slash_commands.ShowInvite(new):
                self._performer.also(partial(self._show_invite, new))
            case slash_commands.ShowRules(language):
                await self._rules(self._view.rules, language)
            case slash_commands.Reveal():
                await self._reveal()
            case command:
                await self._performer.perform(command)

    async def _show(self, event: AnyEvent) -> None:
        author = self._author_of(event)
        self._view.apply(event)
        match event:
            case Opened(invite) | InviteChanged(invite):
                await self._invite(invite)
            case AgreementShown() if self._view.joined:
                if event.summary:
                    await self._block(event.summary)
                await self._say(words.rules_changed(event))
            case AgreementShown():
                await self._rules(event)
                if not self._accepted:
                    await self._say("Type /accept if you agree, or /leave.")
            case Message(_, sender, text, _, warning):
                name = words.author(sender, self._room.members)
                if warning:
                    text = f"[content warning] {escape.line(warning)}. Type /show to read it."
                await self._block(f"{name}: {text}", indent_first=False)
            case Retracted():
                await self._say(f"{author} took a message back.")
            case Queued():
                await self._say("That message waits until it can be sent.")
            case Closed():
                if sentence_of(event) != self._problem:
                    await self._say(sentence_of(event))
            case (
                Waiting()
                | Knocked()
                | Joined()
                | Accepted()
                | Left()
                | Removed()
                | RoleChanged()
                | VaultChanged()
                | SafetyWords()
                | PastActs()
                | Failed()
                | ConnectionChanged()
                | RoomChanged()
                | Gap()
                | Problem()
                | Unknown()
            ):
                sentence = words.of_event(event)
                if sentence is not None:
                    await self._say(sentence + self._hint(event))
                self._problem = sentence if isinstance(event, Problem) else None
            case Sent() | Expired() | KnockGone():
                pass  # a line that is printed cannot change any more
            case _:
                assert_never(event)

    def _hint(self, event: AnyEvent) -> str:
        """Return the commands that answer `event`. The full screen shows keys instead."""
        return " Type /admit or /refuse." if isinstance(event, Knocked) else ""

    def _author_of(self, event: AnyEvent) -> str:
        """Return the author of the message that `event` takes back, before `event` is applied."""
        entry = self._view.messages.get(event.id) if isinstance(event, Retracted) else None
        if entry is None:
            return "Somebody"
        return "You" if entry.mine else escape.name(entry.sender)

    async def _rules(self, rules: AgreementShown | None, language: str = "") -> None:
        if rules is None:
            raise slash_commands.Misread("No agreement was shown here yet.")
        title = f"{escape.line(rules.title)}: " if rules.title else ""
        await self._say(f"{title}the agreement, version {rules.version}")
        texts = self._room.agreement_texts if language else ()
        await self._block(words.rules_text(rules, in_language(texts, language) if texts else None))

    async def _reveal(self) -> None:
        found = self._view.reveal()
        if found is None:
            raise slash_commands.Misread("Nothing hides behind a content warning.")
        _, entry = found
        name = words.author(entry.sender, self._room.members)
        await self._block(f"{name}: {entry.text}", indent_first=False)

    async def _show_invite(self, new: bool) -> None:
        known = None if new else self._view.invite
        self._view.invite = known or await self._room.invite()
        await self._invite(self._view.invite)

    async def _invite(self, invite: str) -> None:
        await self._say(words.SHARE)
        await self._output.line(escape.line(invite).encode() + b"\n")

    async def _say(self, sentence: str) -> None:
        await self._block(f"[room] {escape.line(sentence)}", indent_first=False)

    async def _block(self, text: str, *, indent_first: bool = True) -> None:
        """Write text whose further lines are indented, so that they imitate no other line."""
        indented = textwrap.indent(escape.text(text), "    ", lambda line: True)
        if not indent_first:
            indented = indented[4:]
        await self._output.line(indented.encode("utf-8", "replace") + b"\n")


async def run(room: RoomLike, lines: Lines, *, accepted: bool) -> Closed:
    """Run `room` until it is over."""
    return await PlainMode(room, accepted).run(lines)

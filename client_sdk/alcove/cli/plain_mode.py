"""For a person without a full screen: readable lines, for screen readers and for pipes.

Lines of this program begin with a word in brackets, which neither a name nor a text can imitate: a
name holds no bracket, and a text's further lines are indented.
"""

import asyncio
import textwrap
from functools import partial
from typing import Final

from alcove.cli import escape, slash_commands, words
from alcove.cli.conversation import Conversation
from alcove.cli.lines import Lines, TooLong
from alcove.cli.output import Output
from alcove.cli.performer import Performer
from alcove.cli.rooms import RoomLike
from alcove.cli.session import Session, sentence_of
from alcove.errors import AlcoveError
from alcove.events import (
    AgreementShown,
    Closed,
    Event,
    InviteChanged,
    Knocked,
    Message,
    Opened,
    Queued,
    Retracted,
)

_FLUSH_WITHIN: Final = 3.0


class PlainMode:
    """One room in lines."""

    def __init__(self, room: RoomLike, accepted: bool) -> None:
        self._room = room
        self._accepted = accepted
        self._conversation = Conversation()
        self._session = Session(room, self._show)
        self._output = Output(1, self._session.leave)
        self._performer = Performer(
            room,
            self._session.tell,
            self._session.leave,
            self._session.entered,
            posted=self._conversation.posted,
            decided=self._conversation.decided,
        )

    async def run(self, lines: Lines) -> Closed:
        """Live in the room until it is over."""
        reading = asyncio.create_task(self._read(lines))
        try:
            return await self._session.run()
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
        match slash_commands.read(text, self._conversation, self._room.members):
            case None:
                return
            case slash_commands.Help():
                await self._say("What you can type:")
                await self._block(words.help_for(self._room.is_facilitator))
            case slash_commands.Who():
                await self._say("Here:")
                waiting = list(self._conversation.waiting.values())
                await self._block("\n".join(words.who(self._room.members, waiting)))
            case slash_commands.ShowInvite(new):
                self._performer.also(partial(self._show_invite, new))
            case slash_commands.ShowRules():
                await self._rules(self._conversation.rules)
            case slash_commands.Reveal():
                await self._reveal()
            case command:
                await self._performer.perform(command)

    async def _show(self, event: Event) -> None:
        author = self._author_of(event)
        self._conversation.apply(event)
        match event:
            case Opened(invite) | InviteChanged(invite):
                await self._invite(invite)
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
                await self._say(sentence_of(event))
            case _:
                sentence = words.of_event(event)
                if sentence is not None:
                    await self._say(sentence + self._hint(event))

    def _hint(self, event: Event) -> str:
        """What can be done about it, where the screen would show keys."""
        return " Type /admit or /refuse." if isinstance(event, Knocked) else ""

    def _author_of(self, event: Event) -> str:
        """Of the message that `event` takes away: known only until it is applied."""
        entry = self._conversation.messages.get(event.id) if isinstance(event, Retracted) else None
        if entry is None:
            return "Somebody"
        return "You" if entry.mine else escape.name(entry.sender)

    async def _rules(self, rules: AgreementShown | None) -> None:
        if rules is None:
            raise slash_commands.Misread("No agreement was shown here yet.")
        title = f"{escape.line(rules.title)}: " if rules.title else ""
        await self._say(f"{title}the agreement, version {rules.version}")
        await self._block(rules.text)

    async def _reveal(self) -> None:
        found = self._conversation.reveal()
        if found is None:
            raise slash_commands.Misread("Nothing hides behind a content warning.")
        _, entry = found
        name = words.author(entry.sender, self._room.members)
        await self._block(f"{name}: {entry.text}", indent_first=False)

    async def _show_invite(self, new: bool) -> None:
        known = None if new else self._conversation.invite
        self._conversation.invite = known or await self._room.invite()
        await self._invite(self._conversation.invite)

    async def _invite(self, invite: str) -> None:
        await self._say(words.SHARE)
        await self._output.line(escape.line(invite).encode() + b"\n")

    async def _say(self, sentence: str) -> None:
        await self._block(f"[room] {escape.line(sentence)}", indent_first=False)

    async def _block(self, text: str, *, indent_first: bool = True) -> None:
        """Text on lines that cannot be taken for others': all but the first are indented."""
        indented = textwrap.indent(escape.text(text), "    ", lambda line: True)
        if not indent_first:
            indented = indented[4:]
        await self._output.line(indented.encode("utf-8", "replace") + b"\n")


async def run(room: RoomLike, lines: Lines, *, accepted: bool) -> Closed:
    """Live in `room` until it is over."""
    return await PlainMode(room, accepted).run(lines)

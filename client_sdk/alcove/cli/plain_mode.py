"""The mode of plain lines, for screen readers and for pipes.

Lines of this program begin with a word in brackets. Neither a name nor a text can imitate it: a
name holds no bracket, and the further lines of a text are indented. Lines are broken here, before
the terminal would break them (wrapping.py).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Final

from alcove.cli import (
    door_words,
    escape,
    help_words,
    invite_words,
    moderation_words,
    own_texts,
    plain_screen,
    qr,
    slash_commands,
    standby_words,
    state_words,
    ticket_words,
    words,
    wrapping,
)
from alcove.cli.commands import SendCommand
from alcove.cli.kept_text import KeptText
from alcove.cli.leaving import LastQuestion
from alcove.cli.line_editor import Key, LineEditor, TypedLine
from alcove.cli.lines import Lines, TooLong
from alcove.cli.naming import Misread
from alcove.cli.output import Output
from alcove.cli.own_commands import OwnCommands
from alcove.cli.own_texts import OwnTexts
from alcove.cli.performer import Performer, Told
from alcove.cli.plain_screen import PlainScreen
from alcove.cli.room_runner import RoomRunner, own_fault, sentence_of
from alcove.cli.room_view import RoomView
from alcove.cli.rooms import RoomLike
from alcove.errors import AlcoveError
from alcove.events import (
    AgreementShown,
    AnyEvent,
    Closed,
    ConnectionChanged,
    ConnectionState,
    Expired,
    Failed,
    Folded,
    InviteChanged,
    InvitesListed,
    Joined,
    Knocked,
    KnockGone,
    MemberList,
    Message,
    Opened,
    PastActs,
    PresenceChanged,
    Problem,
    Queued,
    Retracted,
    RoomChanged,
    Sent,
    StandbyLink,
    TicketMade,
    VaultChanged,
)
from alcove.relay.steady_clock import steady_clock

_FLUSH_WITHIN: Final = 3.0
_LOOK_AGAIN: Final = 0.5
"""Seconds between two looks whether a text of this person waits."""


class PlainMode:
    """One room in plain lines."""

    def __init__(self, room: RoomLike, accepted: bool, *, standby: bool = False) -> None:
        """With `standby` the person came by a standby's link, which has no word for today."""
        self._room = room
        self._standby = standby
        self._accepted = accepted
        self._view = RoomView()
        self._last = LastQuestion()
        self._kept = KeptText()
        self._problem: str | None = None  # told last, so the end need not repeat it
        self._runner = RoomRunner(room, self._show)
        self._own = OwnTexts(steady_clock)
        self._commands = OwnCommands(steady_clock)
        self._folded: OrderedDict[str, list[str]] = OrderedDict()
        self._editor = LineEditor() if plain_screen.may_edit() else None
        self._screen = PlainScreen(Output(1, self._runner.leave), self._editor)
        self._performer = Performer(
            room,
            self._runner.tell,
            self._runner.leave,
            self._runner.entered,
            posted=self._posted,
            decided=self._view.decided,
            done=self._did,
            own=self._commands,
            patient=True,
        )

    async def run(self, lines: Lines) -> Closed:
        """Run the room until it is over."""
        await self._screen.start()
        reads = self._read_lines if self._editor is None else self._read_keys
        reading = asyncio.create_task(reads(lines))
        looking = asyncio.create_task(self._tell_of_own())
        try:
            return await self._runner.run()
        finally:
            reading.cancel()
            looking.cancel()
            self._performer.stop()
            await self._screen.close(_FLUSH_WITHIN)

    # --- what is typed ------------------------------------------------------------------------

    async def _read_keys(self, lines: Lines) -> None:
        editor = self._editor
        assert editor is not None
        async for data in lines.keys():
            for done in editor.feed(data):
                match done:
                    case TypedLine(text):
                        if stays := await self._kept.enter(text, self._try):
                            editor.restore(f"{stays.rstrip()} ")  # not one word with more
                    case Key.CONTROL_D:
                        await self._say("To leave the room, type /leave or press Ctrl+C.")
                    case Key.FULL:
                        await self._say("This line is full; that was not added to it.")
            if not editor.text:
                self._kept.emptied()
            await self._screen.draw()

    async def _read_lines(self, lines: Lines) -> None:
        async for line in lines:
            if isinstance(line, TooLong):
                await self._say("That line is too long; nothing of it was sent.")
                continue
            try:
                await self._try(line.decode("utf-8"))
            except UnicodeDecodeError:
                await self._say("That line is not UTF-8; nothing of it was sent.")
        await self._say(
            "Your input has ended, so nothing more can be typed here. You are still in the room "
            "and can read. To leave, press Ctrl+C."
        )

    async def _try(self, text: str) -> bool:
        """Do what the line asks for. Return whether it is done with."""
        self._last.typed()
        try:
            if self._editor is not None:
                self._kept.check(text)
            wanted = slash_commands.read(text, self._view, self._room.members, self._room.away)
            await self._do(wanted, text)
        except (Misread, AlcoveError) as error:
            done = not slash_commands.is_text(text)
            stays = "" if done or self._editor is None else f" {words.stays(str(error))}"
            await self._say(f"{error}{stays}")
            return done
        except Exception as error:
            await self._say(own_fault(error))
            return False
        return True

    async def _do(self, wanted: slash_commands.UserAction | None, text: str) -> None:
        members, waiting = self._room.members, self._view.waiting.values()
        hint = words.end_hint(self._view)
        self._last.check(wanted, members, waiting, self._room.away, end_hint=hint)
        match wanted:
            case None:
                return
            case slash_commands.Help():
                await self._say("What you can type:")
                if self._view.joined:
                    shown = help_words.help_of_lines if self._editor else help_words.help_for
                    await self._below(shown(self._room.is_facilitator))
                else:
                    keys = help_words.PLAIN_KEYS if self._editor else ()
                    word = not self._standby
                    await self._below(help_words.help_at_door(self._view, keys, word=word))
            case slash_commands.Who():
                heading, *rest = words.who_is_here(self._room.members, self._view, self._room.away)
                await self._many(heading, rest)
            case slash_commands.ShowInvite(new):
                self._performer.also(partial(self._show_invite, new), text)
            case slash_commands.ShowCode():
                self._performer.also(self._show_code, text)
            case slash_commands.ShowRules(language):
                await self._rules(self._view.rules, language)
            case slash_commands.Reveal():
                await self._reveal()
            case slash_commands.ChooseWord() if self._standby:
                raise Misread(door_words.NO_WORD)
            case slash_commands.ChooseWord(word):
                self._view.word = word
                await self._say(door_words.WORD_KEPT)
            case SendCommand(text=said) if self._editor is not None:
                if not self._runner.entered.is_set():
                    raise Misread("You are not connected yet; try again in a moment.")
                self._posted(await self._performer.post(said), said)
                await self._block(f"[you] {said}")
            case command:
                self._commands.check(command)
                await self._performer.perform(command, text)

    def _posted(self, id: str, text: str) -> None:
        self._view.posted(id)
        self._own.posted(id, text)

    async def _tell_of_own(self) -> None:
        """Tell which texts and commands of this person wait, and what has become of them."""
        while True:
            await asyncio.sleep(_LOOK_AGAIN)
            for sentence in (*self._own.news(), *self._commands.news()):
                await self._say(sentence)

    # --- what happened ------------------------------------------------------------------------

    async def _show(self, event: AnyEvent) -> None:
        taken = self._view.messages.get(event.id) if isinstance(event, Retracted) else None
        told = not isinstance(event, PresenceChanged | VaultChanged) or self._view.is_told(event)
        moves = isinstance(event, ConnectionChanged) and self._view.moves(event)
        again = isinstance(event, RoomChanged) and self._view.is_no_news(event)
        was_silent = self._view.connection is ConnectionState.SILENT
        outside = self._view.outside
        waiting, knocks = dict(self._view.waiting), self._view.knocks
        if isinstance(event, Joined) and event.you and self._view.at_door:
            self._kept.came_in("" if self._editor is None else self._editor.text)
        self._view.apply(event)
        self._commands.happened(event)
        match event:
            case PresenceChanged() | VaultChanged() if not told:
                pass
            case ConnectionChanged() if moves:
                pass  # `Outside` or `Joined` tells it
            case RoomChanged() if again:
                pass  # the sentence before it tells more, and a room is open to begin with
            case Opened(invite):
                await self._invite(invite)
            case InviteChanged():
                await self._invite(event.invite, invite_words.share(event))
            case StandbyLink(invite):
                if invite:
                    await self._say(standby_words.KEEP)
                    await self._screen.link(escape.line(invite))
            case TicketMade(ticket):
                await self._say(ticket_words.keep(asked=self._commands.ticket_is_asked))
                await self._screen.link(escape.line(ticket))
            case AgreementShown() if self._view.joined:
                if event.summary:
                    await self._below(event.summary)
                await self._say(words.rules_changed(event, going_out=self._view.going_out))
            case AgreementShown():
                await self._rules(event)
                if event.question:
                    await self._say(invite_words.question(event.question))
                elif not self._accepted:
                    await self._say("Type /accept if you agree, or /leave.")
                if (event.question or not self._accepted) and not self._standby:
                    await self._say(door_words.CHOOSE_WORD)
            case Message(id, sender, text, _, warning):
                name = words.author(sender, self._room.members)
                if event.folded:
                    text = moderation_words.FOLDED_WARNED if warning else moderation_words.FOLDED
                elif warning:
                    text = f"[content warning] {escape.line(warning)}. Type /show to read it."
                await self._text(id, f"{name}: {text}")
            case ConnectionChanged(ConnectionState.CONNECTED) if was_silent:
                await self._say(words.ANSWERS_AGAIN)
            case Retracted(id):
                self._own.dropped(id)
                self._folded.pop(id, None)
                await self._say(words.taken_back(taken))
            case Failed(id):
                await self._say(own_texts.not_sent(words.of_event(event), self._own.dropped(id)))
            case Sent(id):
                self._own.sent(id)
            case Folded():
                members, facilitates = self._room.members, self._room.is_facilitator
                for sentence in moderation_words.folded(
                    event,
                    facilitates=facilitates,
                    me=words.me(members),
                    here=[one.name for one in members],
                ):
                    await self._say(sentence)
            case Closed():
                if sentence_of(event) != self._problem:
                    await self._say(sentence_of(event))
            case Expired(id):
                self._folded.pop(id, None)  # a line that is printed cannot change any more
            case Queued():
                pass  # `OwnTexts` tells what waits
            case KnockGone(id):
                await self._say(
                    door_words.gone(waiting.get(id), self._room.members, self._room.away)
                )
            case _:
                sentence = words.of_event(
                    event,
                    facilitates=self._room.is_facilitator,
                    members=self._room.members,
                    waiting=knocks,
                    locked=self._view.locked,
                    unsettled=self._view.unsettled,
                    outside=outside,
                    own=self._commands.asked_for(event),
                    opened=state_words.opened(self._view, facilitates=self._room.is_facilitator),
                    only_reads=self._view.only_reads(facilitates=self._room.is_facilitator),
                )
                if isinstance(event, InvitesListed | PastActs | MemberList):
                    heading, *rest = sentence.split("\n")
                    await self._many(heading, rest)
                else:
                    await self._say(sentence + self._hint(event))
                self._problem = sentence if isinstance(event, Problem) else None

    def _hint(self, event: AnyEvent) -> str:
        """Return the commands that answer `event`. The full screen shows keys instead."""
        if not isinstance(event, Knocked) or event.outside:
            return ""
        one = len(self._view.asking) < 2
        return " Type /admit or /refuse." if one else " Type /admit NAME or /refuse NAME."

    async def _rules(self, rules: AgreementShown | None, language: str = "") -> None:
        known = words.rules_here(rules, self._room, language)
        if known is None:
            raise Misread(words.NO_RULES)
        await self._say(known[0])
        await self._below(known[1])

    async def _reveal(self) -> None:
        found = self._view.reveal()
        if found is not None:
            id, entry = found
            name = words.author(entry.sender, self._room.members)
            await self._text(id, f"{name}: {entry.text}")
        elif self._folded:
            id, rest = self._folded.popitem()
            await self._some(id, rest)
        else:
            above = self._view.has_folded_lines
            raise Misread(
                moderation_words.STANDS_ABOVE if above else moderation_words.NOTHING_HIDDEN
            )

    async def _show_invite(self, new: bool) -> None:
        known = None if new else self._view.invite
        self._view.invite = known or await self._room.invite()
        await self._invite(self._view.invite)

    async def _show_code(self) -> None:
        self._view.invite = self._view.invite or await self._room.invite()
        try:
            lines = qr.code(self._view.invite, columns=plain_screen.width())
        except qr.NoCode as error:
            await self._say(str(error))
        else:
            await self._say("The invite, as a code:")
            await self._screen.code(lines)

    async def _invite(self, invite: str, above: str = invite_words.SHARE) -> None:
        await self._say(above)
        await self._screen.link(escape.line(invite))
        await self._say(invite_words.LOCKED if self._view.locked else None)

    async def _did(self, command: Told) -> None:
        self._view.did(command)
        await self._say(
            door_words.done(
                command,
                self._view.waiting,
                joined=self._view.in_room,
                connected=self._view.reaches_relay,
            )
        )

    async def _many(self, heading: str, lines: Sequence[str]) -> None:
        """Write a sentence, and indented lines below it."""
        await self._say(heading)
        if lines:
            await self._below("\n".join(lines))

    async def _say(self, sentence: str | None) -> None:
        if sentence is not None:
            await self._block(f"[room] {escape.line(sentence)}")

    async def _block(self, text: str) -> None:
        """Write text whose further lines are indented, so that they imitate no other line."""
        await self._screen.lines(wrapping.wrap(text, plain_screen.width(), hanging=True))

    async def _below(self, text: str) -> None:
        """Write text that is indented as a whole."""
        await self._screen.lines(wrapping.wrap(text, plain_screen.width(), hanging=False))

    async def _text(self, id: str, text: str) -> None:
        """Write a message. A long one is folded, so that it moves nothing else off the screen."""
        await self._some(id, wrapping.wrap(text, plain_screen.width(), hanging=True))

    async def _some(self, id: str, lines: list[str]) -> None:
        """Write as many lines as are shown at once, and keep the rest while the message lives."""
        rest = lines[wrapping.FOLD_OVER :]
        await self._screen.lines(lines[: wrapping.FOLD_OVER])
        if rest:
            self._folded[id] = rest
            more = f"{len(rest)} more lines" if len(rest) > 1 else "one more line"
            await self._say(f"This message has {more}. /show shows more of it.")


async def run(room: RoomLike, lines: Lines, *, accepted: bool, standby: bool = False) -> Closed:
    """Run `room` until it is over."""
    return await PlainMode(room, accepted, standby=standby).run(lines)

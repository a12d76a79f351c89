"""The full screen: events go into the log, typed lines go to the room."""

import asyncio
import sys
import time
from functools import partial
from typing import Final

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Static

from alcove import events
from alcove.cli import (
    door_words,
    escape,
    help_words,
    invite_words,
    slash_commands,
    standby_words,
    state_words,
    ticket_words,
    words,
)
from alcove.cli.commands import (
    AcceptCommand,
    AdmitCommand,
    DoorSayCommand,
    RefuseCommand,
    RetractCommand,
    SendCommand,
)
from alcove.cli.kept_text import KeptText
from alcove.cli.leaving import LastQuestion
from alcove.cli.naming import Misread
from alcove.cli.own_commands import OwnCommands
from alcove.cli.performer import Performer, Told
from alcove.cli.room_runner import RoomRunner, catch_signals, debugging, own_fault, sentence_of
from alcove.cli.room_view import RoomView
from alcove.cli.rooms import RoomLike
from alcove.cli.ui import bar, controls, texts
from alcove.cli.ui.controls import Controls
from alcove.cli.ui.driver import PatientDriver
from alcove.cli.ui.invites import InviteSheets
from alcove.cli.ui.log import ConversationLog
from alcove.cli.ui.people import People, WaitingList
from alcove.cli.ui.say_input import SayInput
from alcove.cli.ui.screen_messages import ScreenMessages
from alcove.cli.ui.sheets import (
    UNDONE,
    AgreementScreen,
    CodeScreen,
    EndScreen,
    InviteScreen,
    KeptScreen,
)
from alcove.cli.ui.state_line import StateLine
from alcove.cli.watchdog import GRACE, watchdog
from alcove.errors import AlcoveError
from alcove.events import Closed, CloseReason
from alcove.relay.steady_clock import steady_clock

_QUICK_LEAVE: Final = 2.0
"""Seconds that a quick exit spends on telling the relay. The screen is gone by then."""
_TWICE: Final = 1.0
"""Seconds between two presses of Escape that count as one quick exit."""
_LOOK_AGAIN: Final = 0.5
"""Seconds between two looks whether a command of this person waits."""
_WIPE: Final = "\x1b[H\x1b[2J\x1b[3J"
"""Clear screen and scrollback, as `clear` does: the command line above may say enough."""


class RoomApp(App[None]):
    """One room on one screen."""

    CSS_PATH = "style.tcss"
    TITLE = "Alcove"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (bar.WIDE, "-wide"), (100, "-roomy")]  # noqa: RUF012
    BINDINGS = [  # noqa: RUF012  (Textual declares both so)
        Binding("ctrl+x", "quick_exit", "Quick exit", priority=True),
        Binding("escape", "escape", show=False, priority=True),
        Binding("f2", "copy_invite", "Copy invite"),
        *(Binding(key, f"control('{key}')", show=False) for key in controls.KEYS),
        Binding("pageup", "scroll_log(-1)", show=False),
        Binding("pagedown", "scroll_log(1)", show=False),
        Binding("ctrl+q", "how_to_leave", show=False, priority=True),
    ]

    def __init__(self, room: RoomLike, *, accepted: bool) -> None:
        super().__init__(driver_class=PatientDriver)
        self._room = room
        self._accepted = accepted
        self._view = RoomView(folds=True)
        self._runner = RoomRunner(room, self._show)
        self._performer: Performer | None = None
        self._life: asyncio.Task[Closed] | None = None
        # Held, because a query looks only at the sheet that is on top.
        self._title = Static(id="title", markup=False)
        self._state = StateLine(self._view, steady_clock)
        self._keys = Static(id="keys", markup=False)
        self._controls = Controls()
        self._hint = ""  # in the place of the keys, while the list of newcomers has the focus
        self._entries = ConversationLog()
        self._messages = ScreenMessages(room, self._view, self._entries)
        self._invites = InviteSheets(self, room, self._view, self._entries)
        self._people = People(self._type_on)
        self._kept = KeptText()
        self._input = SayInput(
            self._typed,
            lambda line: slash_commands.completed(
                line, self._view, self._room.members, self._room.away
            ),
            self._begins,
            self._kept.emptied,
        )
        self._last = LastQuestion()
        self._own = OwnCommands(steady_clock)
        self._undone: dict[str, str] = {}  # what was not done just now, in words
        self._escaped_at = 0.0
        self._quick = False

    def compose(self) -> ComposeResult:
        with Horizontal(id="bar"):
            yield self._title
            yield self._state
        yield self._controls
        with Horizontal(id="main"):
            yield self._entries
            yield self._people
        yield self._input
        yield self._keys

    def on_mount(self) -> None:
        runner = self._runner
        self._performer = Performer(
            self._room,
            runner.tell,
            runner.leave,
            runner.entered,
            decided=self._knock_decided,
            done=self._did,
            own=self._own,
        )
        self.set_interval(_LOOK_AGAIN, self._look_again)
        self._life = asyncio.create_task(runner.run())
        self._input.focus()
        self._refresh()

    async def last_event(self) -> Closed:
        """Return the last event, once the screen is gone. Leaves the room if it goes on."""
        if self._quick:
            sys.stdout.write(_WIPE)
            sys.stdout.flush()
        if self._performer is not None:
            self._performer.stop()
        if self._life is None:
            return Closed(CloseReason.ERROR, "internal", "The screen could not be drawn.")
        if not self._life.done():
            self._runner.leave(_QUICK_LEAVE)
        closed = await self._life
        if self.return_code:
            text = "The screen failed; the room was left. Try --plain."
            return Closed(CloseReason.ERROR, "internal", text)
        return closed

    # --- what happened ----------------------------------------------------------------------

    async def _show(self, event: events.AnyEvent) -> None:
        if not self.is_running:
            return
        log = self._entries
        self._own.happened(event)
        match event:
            case events.Failed(code="closed" | "unconfirmed" as code):
                self._undone[code] = UNDONE[code]
            case events.Problem("not_retracted", text):
                self._undone[text] = text
            case Closed():
                pass
            case _:
                self._undone.clear()  # what the end leaves undone is told right before it
        if isinstance(event, events.Joined | events.Outside) and event.you:
            # Others read what is typed from now on. A help of before would say whom.
            log.anchor()
        match event:
            case (
                events.Message()
                | events.Sent()
                | events.Queued()
                | events.Failed()
                | events.Retracted()
                | events.Folded()
                | events.Expired()
            ):
                self._messages.show(event)
            case events.Opened(invite):
                self._invites.show(invite)
            case events.InviteChanged(invite, door):
                self._invites.show(invite, invite_words.share(event), copies=not door)
            case events.StandbyLink(invite):
                if invite:
                    self._keep(invite, standby_words.KEEP)
            case events.AgreementShown() if self._view.joined:
                # No sheet: the next letter of a message would answer it.
                self._say(
                    "\n".join(
                        filter(
                            None,
                            (
                                event.summary,
                                words.rules_changed(event, going_out=self._view.going_out),
                            ),
                        )
                    )
                )
            case events.AgreementShown():
                self._ask(event)
            case Closed():
                self._close(event)
            case events.KnockGone(id):
                self._say(
                    door_words.gone(self._view.waiting.get(id), self._room.members, self._room.away)
                )
                log.end_talk(id, self._view.waiting.keys() - {id})
            case events.DoorSaid(id):
                log.at_door(id, door_words.said(event))
            case events.DoorTaken(id=""):
                log.at_door("", self._sentence(event))
            case events.TicketMade(ticket):
                self._keep(ticket, ticket_words.keep(asked=self._own.ticket_is_asked))
            case _:
                if isinstance(event, events.ConnectionChanged):
                    self._state.changed(event)
                if not self._view.is_no_news(event):
                    self._say(self._sentence(event))
        if isinstance(event, events.Joined) and event.you:
            log.end_talk("")
            if self._view.at_door:
                self._kept.came_in(self._input.draft)
        self._view.apply(event)
        self._refresh()

    def _keep(self, link: str, about: str) -> None:
        # A sheet would take the keys of one that is typing.
        self._invites.keep(link, about, alone=not self._input.value)

    def _look_again(self) -> None:
        for sentence in self._own.news():
            self._say(sentence)
        # A sign of life grows old without an event.
        if self._people.is_old(self._room.members if self._runner.entered.is_set() else ()):
            self._refresh()

    def _sentence(self, event: words.ToldEvent) -> str:
        room, knocks = self._room, self._view.knocks
        return words.of_event(
            event,
            facilitates=room.is_facilitator,
            members=room.members,
            waiting=knocks,
            locked=self._view.locked,
            unsettled=self._view.unsettled,
            outside=self._view.outside,
            own=self._own.asked_for(event),
            opened=state_words.opened(self._view, facilitates=room.is_facilitator),
            only_reads=self._view.only_reads(facilitates=room.is_facilitator),
        )

    @property
    def _facilitates(self) -> bool:
        return self._runner.entered.is_set() and self._room.is_facilitator

    def _ask(self, rules: events.AgreementShown) -> None:
        if rules.question:  # no sheet: the answer is typed
            self._say(words.rules_text(rules))
            self._say(invite_words.question(rules.question))
            self._say(door_words.CHOOSE_WORD)
            return
        if self._accepted:
            seen = f"You accept the ground rules, version {rules.version}; /rules shows them."
            self._say(rules.text if rules.unseen else seen)
            return

        async def answer(word: str | None) -> None:
            assert self._performer is not None
            if word is None:
                self._runner.leave()
            else:
                await self._performer.perform(AcceptCommand(version=rules.version, word=word))

        self.push_screen(AgreementScreen(rules), answer)

    def _close(self, closed: Closed) -> None:
        self._entries.remove_children()
        if closed.reason is CloseReason.LEFT or not self._runner.entered.is_set():
            self.exit()
            return
        catch_signals(self.exit, self.exit)
        self.push_screen(
            EndScreen(
                sentence_of(closed),
                joined=self._view.joined,
                typing=bool(self._input.value),
                undone=tuple(self._undone.values()),
            )
        )

    def _say(self, sentence: str | None) -> None:
        if sentence is not None:
            self._entries.system(sentence)

    def _refresh(self) -> None:
        state = self._view
        entered = self._runner.entered.is_set()
        self._controls.show(facilitates=self._facilitates, held=state.held)
        self._input.placeholder = bar.empty_input(state, facilitates=self._facilitates)
        self._refresh_keys()
        title = escape.line(self._room.title) if entered else ""
        self._title.update(title or "Alcove")
        members = self._room.members if entered else ()
        state.hears_facilitator = state_words.hears_facilitator(members)
        self._state.show()
        if self._people.show(members, list(state.waiting.values())):
            self._input.focus()  # no newcomer is left to decide about, so typing goes on

    def _refresh_keys(self) -> None:
        self._keys.update(self._hint or bar.keys(facilitates=self._facilitates))

    # --- what is typed ----------------------------------------------------------------------

    async def _typed(self, line: str) -> bool:
        """Do what `line` asks for. Return whether nothing of it stays in the line."""
        stays = await self._kept.enter(line, self._try)
        if stays:
            # What is typed behind it next is not one word with it.
            stays = f"{stays.rstrip()} "
            self._input.value, self._input.cursor_position = stays, len(stays)
        return not stays

    async def _try(self, line: str) -> bool:
        """Return whether the line is done with. A text that was not sent is not."""
        self._entries.anchor()  # a person who types something looks at the end again
        entered = self._runner.entered.is_set()
        members, away = (self._room.members, self._room.away) if entered else ((), ())
        try:
            self._last.typed()
            self._kept.check(line)
            wanted = slash_commands.read(line, self._view, members, away)
            if not entered and wanted is not None:
                raise Misread("Not connected yet. Ctrl+X gives it up.")
            waiting, hint = self._view.waiting.values(), words.end_hint(self._view)
            self._last.check(wanted, members, waiting, away, end_hint=hint)
            await self._do(wanted, line)
        except (Misread, AlcoveError) as error:
            done = not slash_commands.is_text(line)
            self._say(str(error) if done else f"{error} {words.stays(str(error))}")
            return done
        except Exception as error:
            self._say(own_fault(error))
            return False
        return True

    async def _do(self, wanted: slash_commands.UserAction | None, line: str) -> None:
        match wanted:
            case None:
                return
            case SendCommand(text=text):
                self._messages.post(text)
            case slash_commands.Help():
                if self._view.joined:
                    help = help_words.help_of_the_screen(self._room.is_facilitator)
                else:
                    help = help_words.help_at_door(self._view, help_words.KEYS)
                log = self._entries
                log.read_from(log.system(f"What you can type:\n{help}"))
            case slash_commands.Who():
                self._say(
                    "\n".join(words.who_is_here(self._room.members, self._view, self._room.away))
                )
            case slash_commands.ShowInvite(new):
                assert self._performer is not None
                # Beside, so that keys still work while the relay thinks, above all the quick exit.
                self._performer.also(partial(self._invites.find, new), line)
            case slash_commands.ShowCode():
                assert self._performer is not None
                self._performer.also(self._invites.show_code, line)
            case slash_commands.ShowRules(language):
                self._say(texts.rules(self._view, self._room, language))
            case slash_commands.Reveal():
                self._messages.reveal()
            case slash_commands.ChooseWord(word):
                self._view.word = word
                self._say(door_words.WORD_KEPT)
            case command:
                assert self._performer is not None
                self._own.check(command)
                log = self._entries
                await self._performer.perform(command, line)
                if isinstance(command, RetractCommand):
                    log.note(command.id, "taking it back")

    @on(WaitingList.Decided)
    async def _decided(self, event: WaitingList.Decided) -> None:
        assert self._performer is not None
        command = (
            RefuseCommand(id=event.id)
            if event.act == "refuse"
            else AdmitCommand(id=event.id, to_listen=event.act == "listen")
        )
        self._input.focus()  # letters decide in the list, and one key must not decide twice
        knock = self._view.waiting.get(event.id)
        word = "/refuse" if event.act == "refuse" else "/admit"
        await self._performer.perform(command, f"{word} {knock.name if knock else ''}")

    def _type_on(self, text: str) -> None:
        self.screen.set_focus(self._input)  # at once: the next key belongs to the text
        self._input.insert_text_at_cursor(text)

    @on(WaitingList.Hinted)
    def _hinted(self, event: WaitingList.Hinted) -> None:
        self._hint = event.text
        self._refresh_keys()

    async def _did(self, command: Told) -> None:
        self._view.did(command)
        said = door_words.done(
            command,
            self._view.waiting,
            joined=self._view.in_room,
            connected=self._view.reaches_relay,
        )
        if said is not None and isinstance(command, DoorSayCommand):
            self._entries.at_door(command.id or "", said)
        else:
            self._say(said)

    def _knock_decided(self, id: str) -> None:
        self._view.decided(id)
        self._entries.end_talk(id, self._view.waiting)
        self._refresh()

    # --- keys -------------------------------------------------------------------------------

    def action_quick_exit(self) -> None:
        """Clear the screen at once, because another person may be looking; then leave the room."""
        self._quick = True
        watchdog.bound(0, _QUICK_LEAVE + GRACE)  # a screen that stalls must not keep it
        self.exit()

    def action_escape(self) -> None:
        now = time.monotonic()
        if now - self._escaped_at < _TWICE:
            self.action_quick_exit()
        self._escaped_at = now
        if isinstance(self.screen, InviteScreen | CodeScreen | KeptScreen):
            self.screen.close()
        elif isinstance(self.screen, EndScreen):
            self.exit()
        self._input.focus()

    def _begins(self, key: str) -> str | None:
        return controls.line_of(key, held=self._view.held) if self._facilitates else None

    def action_control(self, key: str) -> None:
        line = self._begins(key)  # where the line had the focus, it has begun the command itself
        if line is not None and not isinstance(self.screen, ModalScreen):
            self._input.focus()
            self._input.begin(line)

    def action_scroll_log(self, direction: int) -> None:
        log = self._entries
        log.scroll_relative(y=direction * max(1, log.size.height - 2), animate=False)

    def action_how_to_leave(self) -> None:
        self._say("Type /leave to leave, or press Ctrl+X to be gone at once.")

    def action_help_quit(self) -> None:
        self.action_how_to_leave()

    def action_copy_invite(self) -> None:
        if isinstance(self.screen, ModalScreen):
            return
        self._invites.copy(facilitates=self._facilitates)

    def _fatal_error(self) -> None:
        # Textual would print a traceback with the values of variables, which are people's words.
        if debugging():
            super()._fatal_error()
        else:
            self._close_messages_no_wait()

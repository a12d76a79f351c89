"""Play the evening of docs/an-evening-in-the-terminal.md, and write what its terminals show.

    python -m tests.client_sdk.cli.record_evening

Real programs and a real relay, in terminals of both sizes and in both modes. In the page a comment
`<!-- MODE WHO MOMENT -->` stands before each block that is written anew. The prose is by hand.
"""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from tests.client_sdk.cli.process import REAL, ROOT
from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.cli.terminal import ENTER, F2, F3, QUICK_EXIT, TAB, Terminal

PAGE: Final = ROOT / "docs" / "an-evening-in-the-terminal.md"
_BLOCK: Final = re.compile(r"<!-- (\S+) (\w+) ([^>]+) -->\n```text\n.*?```", re.S)
_MODES: Final = ("full-80", "full-40", "plain-80", "plain-40")
_FOOT: Final = 400
"""Lines of a terminal in which nothing of a plain evening scrolls away."""
_PANEL: Final = 52
"""Columns of the conversation on a wide screen. The list of people is beside it."""
_FRAME: Final = re.compile("[│╭╮╰╯▁▂▃▄▅▆▇]")
_ASKED: Final = "once more."
_LONG: Final = (
    "I wanted to tell you about the last week because it was long and I have not slept, and every "
    "morning I thought about calling and then I did not call, and it went on like this until "
    "Thursday when I finally sat down and wrote this."
)


class Person:
    """One program at one terminal."""

    def __init__(
        self, name: str, screen: Terminal, columns: int, *, plain: bool, settles: float
    ) -> None:
        self.name = name
        self._settles = settles
        self.plain = plain
        self._screen = screen
        self._columns = columns

    @property
    def lines(self) -> list[str]:
        return self._screen.shown.split("\n")

    def times(self, text: str) -> int:
        """How often the text is there, however it is wrapped."""
        parts = [line[:_PANEL] for line in self.lines], self.lines
        return max(" ".join(_FRAME.sub(" ", " ".join(part)).split()).count(text) for part in parts)

    def sees(self, text: str) -> bool:
        return self.times(text) > 0

    async def see(self, text: str) -> None:
        await self._screen._until(lambda: self.sees(text), f"see {text} at {self.name}")
        await asyncio.sleep(self._settles)

    def key(self, keys: str) -> None:
        self._screen.type(keys)

    async def type(self, line: str) -> None:
        """Type a line and, once it is in the input, Enter: both at once would be pasted."""
        word = line.split()[-1]
        before = self.times(word)
        self.key(line)
        # A line with this word may scroll away meanwhile, so the input is looked at too.
        await self._screen._until(
            lambda: self.times(word) > before or word in self._input(), f"see {word} typed"
        )
        self.key(ENTER)

    def _input(self) -> str:
        """What stands in the last box of the screen, or in the last line of plain mode."""
        shown = self._screen.shown.rstrip()
        return shown.rpartition("\n" if self.plain else "╭")[2].partition("╰")[0]

    async def decide(self, line: str, then: str) -> None:
        """Type a command that may be asked once more, and see what follows."""
        before = self.times(_ASKED)
        await self.type(line)
        await self._screen._until(
            lambda: self.sees(then) or self.times(_ASKED) > before, f"see {then} or a question"
        )
        if not self.sees(then):
            await self.type(line)
        await self.see(then)

    def link(self) -> str:
        """The invite, which begins at the left edge."""
        rows = self.lines
        first = max(n for n, row in enumerate(rows) if row.startswith("http") and "join#" in row)
        link = rows[first]
        while len(rows[first]) == self._columns:
            first += 1
            link += rows[first]
        return link


class Evening:
    """The screens of one evening."""

    def __init__(
        self, mode: str, relay: RelayProcess, stack: AsyncExitStack, settles: float
    ) -> None:
        self._settles = settles
        self.plain = mode.startswith("plain")
        self.columns = int(mode.partition("-")[2])
        self.rows = _FOOT if self.plain else {80: 24, 40: 20}[self.columns]
        self.mode = mode
        self.relay = relay
        self._stack = stack
        self.invite = ""
        self.shots: dict[tuple[str, str, str], list[str]] = {}

    async def person(self, name: str, *arguments: str) -> Person:
        modes = ("--plain",) if self.plain else ()
        screen = await self._stack.enter_async_context(
            Terminal(
                *arguments,
                "--name",
                name,
                *modes,
                run=REAL,
                columns=self.columns,
                rows=self.rows,
                environment={"ALCOVE_INVITE": self.invite} if self.invite else {},
            )
        )
        return Person(name, screen, self.columns, plain=self.plain, settles=self._settles)

    def shoot(self, person: Person, moment: str) -> None:
        lines = [_masked(line, self.invite) for line in person.lines]
        while lines and (not lines[-1].strip() or lines[-1].startswith(">")):
            lines.pop()
        while lines and not lines[0].strip():
            lines.pop(0)
        self.shots[self.mode, person.name.lower(), moment] = lines


def _masked(line: str, invite: str) -> str:
    """Put dots in the place of the secret part."""
    secret = invite.partition("#")[2]
    for word in re.findall(r"#[\w-]+|[\w-]{6,}", line):
        kept = "#" if word.startswith("#") else ""
        if secret and word.removeprefix("#") in secret:
            line = line.replace(word, kept + "." * (len(word) - len(kept)))
    return line


async def _open(evening: Evening) -> Person:
    mara = await evening.person(
        "Mara",
        *("open", "--relay", evening.relay.url, "--title", "Thursday circle"),
        *("--agreement-file", str(ROOT / "examples" / "agreement.txt")),
    )
    await mara.see("You are in.")
    if evening.plain:
        evening.invite = mara.link()
    else:
        mara.key(F2)
        await mara.see("handed to your")
        evening.invite = mara.link()
        mara.key("x")
        await mara.see("Conversation")
    evening.shoot(mara, "opened")
    return mara


async def _join(evening: Evening, name: str) -> Person:
    person = await evening.person(name, "join")
    await person.see("accept")
    evening.shoot(person, "agreement")
    if evening.plain:
        await person.type("/accept")
    else:
        person.key("a")
        await person.see("Enter accepts")
        person.key(ENTER)
    await person.see("You asked to be let in")
    return person


async def _second_facilitator(evening: Evening, mara: Person) -> Person:
    ash = await _join(evening, "Ash")
    await mara.see("Ash (code")
    await ash.type("hello?")
    await mara.see("Ash: hello?")
    await mara.type("/door ash Welcome, one moment.")
    await ash.see("one moment.")
    evening.shoot(ash, "door")
    if evening.plain:
        await mara.type("/admit ash")
    else:
        mara.key(TAB)
        await mara.see("A let in")
        evening.shoot(mara, "tab")
        mara.key("a")
        await mara.see("Let Ash in?")
        evening.shoot(mara, "letter")
        mara.key(ENTER)
    await ash.see("You are in;")
    await mara.type("/appoint ash")
    await ash.see("You can let people in now.")
    return ash


async def _three_more(evening: Evening, ash: Person) -> tuple[Person, Person, Person]:
    robin = await _join(evening, "Robin")
    sam = await _join(evening, "Sam")
    kim = await _join(evening, "Kim")
    await ash.see("Kim (code")
    evening.shoot(ash, "three")
    await ash.type("/admit all")
    for one in (robin, sam, kim):
        await one.see("You are in;")
    await robin.type("It has been a hard week.")
    await sam.see("a hard week.")
    await sam.type(_LONG)
    await kim.see("wrote this.")
    await kim.type("You are all lying.")
    return robin, sam, kim


async def _hard_minute(evening: Evening, everybody: tuple[Person, ...]) -> None:
    mara, ash, robin, sam, kim = everybody
    await mara.see("You are all lying.")
    if not evening.plain:
        mara.key(F3)
        await mara.see("/hold")
        evening.shoot(mara, "f3")
        await mara.type(" kim")
    else:
        await mara.type("/hold kim")
    for one in (robin, sam):
        await one.see("paused the room")
    await kim.see("You have done nothing wrong")  # what they read of their own text is the last
    await ash.see("The room is paused")
    evening.shoot(kim, "held")
    await robin.type("what was that")
    await robin.see("It stays in your line")
    evening.shoot(robin, "held")
    await ash.decide("/remove kim", "You took Kim out of the room.")
    await kim.see("You are no longer")
    await robin.see("Someone has left.")
    evening.shoot(ash, "removed")
    evening.shoot(kim, "removed")
    if evening.plain:
        await mara.type("/resume")
    else:
        mara.key(F3)
        await mara.see("/resume")
        mara.key(ENTER)
    await robin.see("The room is open again.")
    robin.key(ENTER)  # what stayed in the line
    await sam.see("what was that")
    await mara.type("/lock off")
    await ash.see("The door is open again")
    await mara.decide("/handover ash", "You are a participant now")
    await ash.see("Mara is a participant now")
    evening.shoot(ash, "handover")


async def _lost_network(evening: Evening, everybody: tuple[Person, ...]) -> None:
    """The relay stops: the network takes what is sent, and nothing comes back."""
    _, ash, robin, sam, _ = everybody
    os.kill(evening.relay.pid, signal.SIGSTOP)
    await robin.type("Are you there?")
    await robin.see("not answered for" if evening.plain else "no answer for")
    if evening.plain:
        await robin.see("so it waits")
    evening.shoot(robin, "silent")
    await robin.see("You are not connected")
    evening.shoot(robin, "lost")
    await ash.see("You are not connected")
    await ash.type("/members")
    await ash.see("When you last were")
    os.kill(evening.relay.pid, signal.SIGCONT)
    await robin.see("connected again")
    await sam.see("Are you there?")
    evening.shoot(robin, "back")


async def _end(evening: Evening, everybody: tuple[Person, ...]) -> None:
    mara, ash, robin, sam, _ = everybody
    await sam.type("/leave")
    await ash.see("Sam left.")
    if not evening.plain:
        robin.key(QUICK_EXIT)
        await ash.see("Robin left.")
    await ash.decide("/end", "The room has ended")
    await mara.see("The room has ended")
    evening.shoot(mara, "ended")
    evening.shoot(ash, "evening")
    evening.shoot(robin, "evening")


@asynccontextmanager
async def _played(mode: str, settles: float) -> AsyncIterator[Evening]:
    async with RelayProcess() as relay, AsyncExitStack() as stack:
        yield Evening(mode, relay, stack, settles)


async def evening(mode: str, settles: float = 0.0) -> dict[tuple[str, str, str], list[str]]:
    """Play one evening. Return the screens by mode, person and moment. `settles` is for a page: the
    seconds that a screen has, once it shows what is waited for, to draw what belongs to it."""
    async with _played(mode, settles) as played:
        mara = await _open(played)
        ash = await _second_facilitator(played, mara)
        everybody = (mara, ash, *await _three_more(played, ash))
        await _hard_minute(played, everybody)
        await _lost_network(played, everybody)
        await _end(played, everybody)
    return played.shots


def written(page: str, shots: dict[tuple[str, str, str], list[str]]) -> str:
    """Return the page with these screens. A block whose screen is not among them stays."""

    def block(found: re.Match[str]) -> str:
        lines = shots.get((found[1], found[2], found[3]))
        if lines is None:
            return found[0]
        head = found[0].partition("\n")[0]
        return "\n".join([head, "```text", *lines, "```"])

    return _BLOCK.sub(block, page)


def main() -> None:
    for mode in sys.argv[1:] or _MODES:
        shots = asyncio.run(evening(mode, settles=0.6))
        PAGE.write_text(written(PAGE.read_text(), shots))
        print(mode, "is written:", ", ".join(sorted(f"{who} {what}" for _, who, what in shots)))


if __name__ == "__main__":
    main()

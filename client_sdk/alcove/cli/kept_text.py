"""A text that could not be sent stays in the line. A command can be typed behind it.

Otherwise a person whose text waits could not leave, because /leave would be more of the text.
"""

from collections.abc import Awaitable, Callable

from alcove.cli import slash_commands, words
from alcove.cli.naming import Misread


class KeptText:
    """The text that stays."""

    def __init__(self) -> None:
        self._text = ""
        self._for_the_door = False
        self._doubted = ""

    def came_in(self, line: str) -> None:
        """The person was at the door, where only facilitators read, and is in the room now. This
        stands in the line."""
        self._for_the_door = bool(line.strip())

    def emptied(self) -> None:
        """Nothing stands in the line any more: what comes next is begun in the room."""
        self._for_the_door = False

    def check(self, line: str) -> None:
        """Hold a text back once that was perhaps not for the whole room: begun at the door, or a
        command with a letter before it. Raises `Misread`."""
        doubted, self._doubted = self._doubted, ""
        if self._for_the_door and slash_commands.is_text(line):
            self._for_the_door = False
            raise Misread(words.BEGUN_AT_DOOR)
        if slash_commands.hides_command(line) and line.strip() != doubted:
            self._doubted = line.strip()
            raise Misread(words.HIDES_COMMAND)

    async def enter(self, line: str, do: Callable[[str], Awaitable[bool]]) -> str:
        """Let `do` do what `line` asks for. Return the text that stays in the line. `do` returns
        whether nothing of what it was given stays."""
        wanted, kept = self._split(line)
        self._text = kept if await do(wanted) else wanted
        return self._text

    def _split(self, line: str) -> tuple[str, str]:
        """Return what `line` asks for, and the text that stays when that is done."""
        kept, self._text = self._text, ""
        rest = line[len(kept) :].strip()
        if kept and line.startswith(kept) and slash_commands.is_command(rest):
            return rest, kept
        return line, ""

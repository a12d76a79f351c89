"""A text that could not be sent stays in the line. A command can be typed behind it.

Otherwise a person whose text waits could not leave, because /leave would be more of the text.
"""

from collections.abc import Awaitable, Callable

from alcove.cli import slash_commands


class KeptText:
    """The text that stays."""

    def __init__(self) -> None:
        self._text = ""

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

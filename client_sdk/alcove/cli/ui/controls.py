"""What a facilitator needs in a hard minute: three controls, above everything else.

A key only begins the line that does it, so a stray key decides nothing. Enter does, or the same key
takes it back.
"""

from typing import Final

from textual.widgets import Static

KEYS: Final = ("f3", "f4", "f5")


def line_of(key: str, *, held: bool) -> str | None:
    """Return the beginning of the line that a key stands for. None for any other key."""
    return {"f3": "/resume" if held else "/hold", "f4": "/door ", "f5": "/remove "}.get(key)


class Controls(Static):
    """The line of controls. Participants have none of them, and do not see it."""

    def __init__(self) -> None:
        super().__init__(id="controls", markup=False)

    def show(self, *, facilitates: bool, held: bool) -> None:
        """Show it to a facilitator, as the room stands."""
        self.display = facilitates
        self.update(f"F3 {'resume' if held else 'hold'} · F4 talk to · F5 remove")

"""A part of the screen that is longer than its place, and says so."""

from collections.abc import Callable

from textual.containers import VerticalScroll


class Scrolling(VerticalScroll):
    """Calls `tell` when it was scrolled, and when its text or its place changed."""

    def __init__(self, tell: Callable[[], None], *, id: str) -> None:
        super().__init__(id=id)
        self._tell = tell

    @property
    def has_more_below(self) -> bool:
        """Whether something is below what is seen."""
        return self.scroll_offset.y < self.max_scroll_y

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._tell()

    def watch_virtual_size(self) -> None:
        self.call_after_refresh(self._tell)

    def on_resize(self) -> None:
        self.call_after_refresh(self._tell)

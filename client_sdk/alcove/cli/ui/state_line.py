"""The right end of the top line: how the connection and the room are, as time goes on."""

from collections.abc import Callable

from textual.widgets import Static

from alcove.cli.room_view import RoomView
from alcove.cli.ui import bar
from alcove.events import ConnectionChanged, ConnectionState


class StateLine(Static):
    """Counts the seconds for which the relay does not answer."""

    def __init__(self, view: RoomView, clock: Callable[[], float]) -> None:
        super().__init__(id="state", markup=False)
        self._view = view
        self._clock = clock
        self._asked_at = 0.0

    def on_mount(self) -> None:
        self.set_interval(1.0, self._count)

    def changed(self, event: ConnectionChanged) -> None:
        """The connection is another than before."""
        self._asked_at = self._clock() - event.unanswered

    def show(self) -> None:
        """Draw it anew."""
        unanswered = int(self._clock() - self._asked_at)
        self.update(bar.state_in_short(self._view, self.app.size.width, unanswered))

    def _count(self) -> None:
        if self._view.connection is ConnectionState.SILENT:
            self.show()

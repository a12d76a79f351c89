"""The invite on the full screen: in the conversation, alone on a sheet, and as a code."""

from typing import Any

from textual.app import App
from textual.screen import ModalScreen

from alcove.cli import invite_words, qr
from alcove.cli.room_view import RoomView
from alcove.cli.rooms import RoomLike
from alcove.cli.ui.log import ConversationLog
from alcove.cli.ui.sheets import CodeScreen, InviteScreen, KeptScreen


class InviteSheets:
    """Show this facilitator's invite. `view` holds the one that is open."""

    def __init__(self, app: App[Any], room: RoomLike, view: RoomView, log: ConversationLog) -> None:
        self._app = app
        self._room = room
        self._view = view
        self._log = log

    def show(self, invite: str, above: str = invite_words.SHARE, *, copies: bool = True) -> None:
        """Show `invite` in the conversation."""
        self._log.system(above)
        self._log.system(invite, "invite")
        if copies:
            self._log.system("F2 shows it alone, to copy it.")
        if self._view.locked:
            self._log.system(invite_words.LOCKED)

    def keep(self, link: str, about: str, *, alone: bool) -> None:
        """Show a ticket or a standby's link in the conversation; and `alone` on a sheet too."""
        self._log.system(about)
        self._log.system(link, "invite")
        if alone and not isinstance(self._app.screen, ModalScreen):
            self._app.push_screen(KeptScreen(link, f"{about.removesuffix(':')}."))

    async def find(self, new: bool) -> None:
        """Show the invite, or with `new` one more. Raises what the room raises."""
        known = None if new else self._view.invite
        self._view.invite = known or await self._room.invite()
        self.show(self._view.invite)

    async def show_code(self) -> None:
        """Show the invite as a code, if the window is large enough. Raises what the room raises."""
        self._view.invite = self._view.invite or await self._room.invite()
        size = self._app.size
        try:
            lines = qr.code(self._view.invite, columns=size.width, rows=size.height - 1)
        except qr.NoCode as error:
            self._log.system(str(error))
        else:
            self._app.push_screen(CodeScreen(lines))

    def copy(self, *, facilitates: bool) -> None:
        """Hand the invite to the clipboard, and show it alone."""
        if self._view.invite is None:
            self._log.system(invite_words.NONE if facilitates else invite_words.NOT_YOURS)
            return
        self._app.copy_to_clipboard(self._view.invite)
        self._app.push_screen(InviteScreen(self._view.invite))

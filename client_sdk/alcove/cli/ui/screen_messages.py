"""The messages on the full screen: each as it is shown, and what became of it."""

from typing import assert_never

from alcove import events
from alcove.cli import moderation_words, words
from alcove.cli.naming import Misread
from alcove.cli.room_view import RoomView
from alcove.cli.rooms import RoomLike
from alcove.cli.ui import texts
from alcove.cli.ui.log import ConversationLog

MessageEvent = (
    events.Message
    | events.Sent
    | events.Queued
    | events.Failed
    | events.Retracted
    | events.Folded
    | events.Expired
)


class ScreenMessages:
    """Shows messages in `log`. `view` holds them, and is given each event after this."""

    def __init__(self, room: RoomLike, view: RoomView, log: ConversationLog) -> None:
        self._room = room
        self._view = view
        self._log = log

    def show(self, event: MessageEvent) -> None:
        """Show what happened to a message."""
        log = self._log
        match event:
            case events.Message(id, sender):
                facilitates = any(
                    member.name == sender and member.facilitator for member in self._room.members
                )
                log.message(id, "facilitator" if facilitates else "", sender, texts.shown(event))
            case events.Sent(id):
                log.note(id, "")
            case events.Queued(id):
                log.note(id, "waits until it can be sent")
            case events.Failed(id, "unconfirmed", text):
                log.note(id, f"not confirmed: {text}")
            case events.Failed(id, _, text):
                log.note(id, f"not sent: {text}")
            case events.Retracted(id):
                entry = self._view.messages.get(id)
                log.forget(id)
                if entry is not None and entry.mine:
                    log.system(words.taken_back(entry))
            case events.Folded():
                self._fold(event)
            case events.Expired(id):
                log.forget(id)
            case _:
                assert_never(event)

    def _fold(self, event: events.Folded) -> None:
        for id in event.ids:
            entry = self._view.messages.get(id)
            warned = entry is not None and entry.warning and entry.text is not None
            sentence = moderation_words.FOLDED_WARNED if warned else moderation_words.FOLDED
            text = self._log.fold(id, sentence)
            if text is not None:
                self._view.hide(id, text)
        members, facilitates = self._room.members, self._room.is_facilitator
        for sentence in moderation_words.fold_told(
            event, facilitates=facilitates, me=words.me(members), here=[one.name for one in members]
        ):
            self._log.system(sentence)

    def post(self, text: str) -> None:
        """Say `text`. Raises what the room raises."""
        id = self._room.post(text)
        self._log.message(id, "you", words.me(self._room.members), text)
        self._log.note(id, "sending")
        self._view.posted(id)

    def reveal(self) -> None:
        """Show the latest text that is hidden or folded. Raises `Misread`."""
        found = self._view.reveal()
        if found is None:
            raise Misread(moderation_words.NOTHING_HIDDEN)
        id, entry = found
        self._log.show_again(id, entry.text or "")

"""What the full screen shows of a message and of the agreement."""

from alcove import events
from alcove.cli import escape, moderation_words, words, wrapping
from alcove.cli.room_view import RoomView
from alcove.cli.rooms import RoomLike


def shown(message: events.Message) -> str:
    """Return what is shown at first: not what is folded, long or behind a warning."""
    if message.folded:
        return moderation_words.FOLDED_WARNED if message.warning else moderation_words.FOLDED
    if message.warning:
        return f"Content warning: {escape.line(message.warning)}. Type /show to read it."
    if (start := wrapping.beginning(message.text)) is not None:
        return f"{start}\n… This message is long. Type /show to read all of it."
    return message.text


def rules(view: RoomView, room: RoomLike, language: str) -> str:
    """Return the ground rules, in the language of this tag or the reader's own."""
    rules = words.rules_here(view.rules, room, language)
    return words.NO_RULES if rules is None else rules[1]

"""What a facilitator may ask of a room in a hard minute, decided. See `Commands`."""

from collections.abc import Sequence

from alcove import events
from alcove.engine.standing import Standing
from alcove.errors import AlcoveError, InvalidInput
from alcove.facilitation.intents import Done
from alcove.messages.payload import Fold


class HardMinute:
    """The commands about members, and about the room as a whole."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    def remove(
        self,
        names: str | Sequence[str],
        done: Done,
        *,
        fold: bool = False,
        question: str | None = None,
    ) -> None:
        """Put one member or several out, by one change of the group. With `fold` all that they
        wrote is folded. Their links close; with `question` they stay, and ask it. `Removed` and
        `Folded` follow.

        Raises `InvalidInput` (`unknown_name`, `bad_question`, `bad_count`), `NotNow`
        (`not_oneself`, `is_facilitator`), `RoomClosed`.
        """
        several = (names,) if isinstance(names, str) else tuple(names)
        removals = self._standing.require_facilitator().removals
        keys = removals.keys(several) if fold else ()

        def removed(error: AlcoveError | None) -> None:
            if error is None:
                self._fold_each(keys)
            done(error)

        kept_out = self._note_kept_out
        removals.remove(several, removed, kept_out=kept_out, fold=fold, question=question)

    def _note_kept_out(self, name: str) -> None:
        member = self._standing.require_member()
        member.act_log.kept_out(name, member.membership.own.name)

    def _fold_each(self, keys: tuple[bytes, ...]) -> None:
        """Fold, one by one, what this removal's commit did not: of those that were away, or that
        another facilitator took out first."""
        member = self._standing.require_member()
        conversation = member.conversation
        gone = [key for key in keys if member.membership.find_key(key) is None]
        messages = [one for key in gone for one in conversation.folding.unfolded(key)]
        for message in messages:
            if conversation.outbox.full:
                text = "Not all that they wrote is folded yet: too much waits to be sent."
                self._standing.emit(events.Problem("fold_partly", text))
                break
            conversation.tell_first(Fold(message))
        if messages:
            member.pump()

    def pause(self, name: str, done: Done) -> None:
        """Let a participant listen only. `Paused` follows. Raises `InvalidInput` (`unknown_name`),
        `NotNow` (`is_facilitator`), `RoomClosed`."""
        self._standing.require_facilitator().moderation.pause(name, done, on=True)

    def unpause(self, name: str, done: Done) -> None:
        """Let them write again. `Unpaused` follows. Raises as `pause`."""
        self._standing.require_facilitator().moderation.pause(name, done, on=False)

    def listen_only(self, on: bool, done: Done) -> None:
        """Let only facilitators write, or participants too. `RulesChanged` follows. Raises
        `NotNow`, `RoomClosed`."""
        self._standing.require_facilitator().moderation.rule("listen_only", done, on=on)

    def lock(self, on: bool, done: Done) -> None:
        """Close the door to newcomers, or open it again. `RulesChanged` follows. Raises `NotNow`,
        `RoomClosed`."""
        self._standing.require_facilitator().moderation.rule("locked", done, on=on)

    def hold(self, done: Done, *, since: str | None = None) -> None:
        """Pause the room: only facilitators write, the door is locked, and all from
        the message `since` on is folded, or else all that this client has not seen yet.
        `RulesChanged` and `Folded` follow.

        Raises `InvalidInput` (`unknown_message`), `NotNow`, `RoomClosed`.
        """
        moderation = self._standing.require_facilitator().moderation
        folding = self._standing.require_member().conversation.folding
        start = folding.next_place if since is None else folding.place(message_id(since))
        if start is None:
            raise _no_such_message()
        moderation.hold(start, done, named=since is not None)

    def resume(self, done: Done) -> None:
        """End a hold. The door stays locked. `RulesChanged` follows."""
        self._standing.require_facilitator().moderation.resume(done)

    def slow(self, seconds: int, done: Done) -> None:
        """After a minute of writing a participant waits for so long. Raises `InvalidInput`."""
        self._standing.require_facilitator().moderation.slow(seconds, done)

    def fold(self, id: str) -> None:
        """Fold one message. `Folded` follows.

        Raises `InvalidInput` (`unknown_message`), `NotNow` (`queue_full`), `RoomClosed`.
        """
        self._standing.require_facilitator()
        member = self._standing.require_member()
        target = message_id(id)
        if member.conversation.folding.place(target) is None:
            raise _no_such_message()
        member.conversation.tell_first(Fold(target))
        member.pump()

    def fold_member(self, name: str, on: bool, done: Done) -> None:
        """Fold all that a participant wrote and writes, or no more. `Folded` follows. Raises
        `InvalidInput` (`unknown_name`), `NotNow` (`is_facilitator`), `RoomClosed`."""
        self._standing.require_facilitator().moderation.fold(name, done, on=on)


def _no_such_message() -> InvalidInput:
    text = "There is no message with this id here; it may have expired."
    return InvalidInput("unknown_message", text)


def message_id(id: str) -> bytes:
    """Empty, which no message's id is, for one that is not hex."""
    try:
        return bytes.fromhex(id)
    except ValueError:
        return b""

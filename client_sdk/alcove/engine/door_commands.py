"""What a person may ask at the door: who comes in, invites, the talk, a step outside."""

from collections.abc import Sequence
from math import ceil

from alcove_protocol.invite import Invite

from alcove import events
from alcove.engine.hard_minute import HardMinute
from alcove.engine.outside import SteppingOutside
from alcove.engine.standing import Standing
from alcove.errors import AlcoveError, InvalidInput, NotNow
from alcove.facilitation.facilitator import InviteDone
from alcove.facilitation.intents import Done
from alcove.facilitation.invites import HOUR, AskedInvite, InvitesDone
from alcove.joining.door_words import REASONS
from alcove.joining.newcomer import Newcomer


class DoorCommands(HardMinute):
    """A part of `Commands`."""

    def __init__(self, standing: Standing, outside: SteppingOutside) -> None:
        super().__init__(standing)
        self._outside = outside

    def admit(self, id: str, done: Done, *, to_listen: bool = False) -> None:
        """Let a newcomer in; with `to_listen` paused, by the commit that adds them. Raises
        `InvalidInput`, `NotNow` (`unknown_knock`), `RoomClosed`."""
        self.admit_all([id], done, to_listen=to_listen)

    def admit_all(self, ids: Sequence[str], done: Done, *, to_listen: bool = False) -> None:
        """Let several newcomers in, by one commit where that is possible. `done` gets the first
        error, when all are in or are known to stay outside. Raises as `admit`."""
        lobby = self._standing.require_facilitator().lobby
        lobby.admit([_knock_id(id) for id in ids], done, to_listen=to_listen)

    def refuse(self, id: str, reason: str = "refused") -> None:
        """Refuse a newcomer and tell them. `reason` is one of `joining.door_words.REASONS`. Raises
        `InvalidInput` (`unknown_reason`), `NotNow` (`unknown_knock`, `letting_in`), `RoomClosed`.
        """
        if reason not in REASONS:
            raise InvalidInput("unknown_reason", f"The reasons are {', '.join(REASONS)}.")
        self._standing.require_facilitator().lobby.refuse(_knock_id(id), reason)

    def door_take(self, id: str) -> None:
        """Talk with a newcomer that waits; the others keep out. `DoorTaken` follows. Raises
        `InvalidInput`, `NotNow` (`unknown_knock`, `door_taken`), `RoomClosed`."""
        self._standing.require_facilitator().talk.take(_knock_id(id))

    def door_say(self, text: str, id: str | None, done: Done) -> None:
        """Say a short text at the door: a facilitator to one newcomer, or to all that wait; and a
        newcomer that waits to the facilitators.

        Raises `InvalidInput` (`text_empty`, `text_too_long`), `NotNow` (`unknown_knock`,
        `door_taken`, `nobody_waits`, `not_waiting`, `talk_full`), `RoomClosed`.
        """
        self._standing.require_open()
        newcomer = self._standing.newcomer
        if self._standing.member is None and isinstance(newcomer, Newcomer):
            newcomer.voice.say(text, newcomer.talk_key, done)
            return
        to = _knock_id(id) if id is not None else None
        self._standing.require_facilitator().talk.say(text, to, done)

    def outside(self) -> None:
        """Step outside: out of the room's keys, and to the door. `Outside` follows. Raises `NotNow`
        (`is_facilitator`, `not_outside`, `not_in_room`), `RoomClosed`."""
        self._outside.ask()

    def inside(self, name: str | None, done: Done) -> None:
        """Come back from outside; or, for a facilitator, let the member of this name in again.
        `Joined` follows. Raises `NotNow` (`not_outside`, `unknown_knock`), `RoomClosed`."""
        self._standing.require_open()
        newcomer = self._standing.newcomer
        if self._standing.member is None and isinstance(newcomer, Newcomer):
            if not newcomer.outside:
                raise NotNow("not_outside", "You have not been in the room; a facilitator decides.")
            newcomer.come_back(done)
            return
        self._standing.require_facilitator().lobby.inside(name or "", done)

    def new_invites(
        self, count: int, asked: AskedInvite, done: InvitesDone, *, ref: str | None = None
    ) -> None:
        """Make so many invites by one commit. `InviteChanged` follows for each.

        Raises `InvalidInput` (`bad_count`, `bad_uses`, `bad_hours`, `bad_question`), `NotNow`,
        `RoomClosed`.
        """
        facilitator = self._standing.require_facilitator()
        terms = asked.terms(count, facilitator.terms)

        def made(invites: tuple[Invite, ...], error: AlcoveError | None) -> None:
            hours = ceil(terms.ttl / HOUR)
            for one in invites:
                door, url = one.door.hex(), one.url()
                told = events.InviteChanged(url, door, terms.uses, hours, terms.question, ref)
                self._standing.emit(told)
            done(invites, error)

        facilitator.invites.make(count, terms, made)

    def invites(self, *, ref: str | None = None) -> None:
        """`InvitesListed` follows. Raises `NotNow`, `RoomClosed`."""
        self._standing.require_facilitator().invites.list(ref)

    def revoke(self, door: str, done: Done) -> None:
        """Close an invite. `InviteRevoked` follows. Raises `NotNow` (`unknown_invite`),
        `RoomClosed`."""
        self._standing.require_facilitator().invites.close(_door_id(door), done)

    def invite(self, done: InviteDone) -> None:
        """Make one more invite, on the terms of the first. Raises `NotNow`, `RoomClosed`."""
        self._standing.require_facilitator().invite(done)


def _knock_id(id: str) -> bytes:
    try:
        return bytes.fromhex(id)
    except ValueError:
        raise InvalidInput("unknown_knock", "No newcomer waits under this id.") from None


def _door_id(id: str) -> bytes:
    """Empty, which no door's id is, for one that is not hex."""
    try:
        return bytes.fromhex(id)
    except ValueError:
        return b""

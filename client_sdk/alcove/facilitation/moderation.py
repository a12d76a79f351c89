"""What a facilitator does in a hard minute: pause one, let all listen, lock the door, hold, fold.

Each is one commit, which goes before all that is not urgent, in the order in which a person asked.
"""

from alcove_protocol import limits
from alcove_protocol.position import Position

from alcove.errors import InvalidInput
from alcove.facilitation.committer import Committer
from alcove.facilitation.intents import Done
from alcove.facilitation.roles import named
from alcove.facilitation.room_intents import (
    FoldMember,
    HoldRoom,
    ResumeRoom,
    RoomRule,
    SetPause,
    SetRule,
    SetSlow,
    not_folded,
    not_paused,
)
from alcove.group.membership import Membership


class Moderation:
    """One facilitator's acts about the members of the room."""

    def __init__(self, membership: Membership, committer: Committer) -> None:
        self._membership = membership
        self._committer = committer

    def pause(self, name: str, done: Done, *, on: bool) -> None:
        """Raises `InvalidInput` (`unknown_name`), `NotNow` (`is_facilitator`)."""
        person = named(self._membership, name, facilitator=False)
        if person.facilitator:
            raise not_paused()
        self._committer.want(SetPause(done, person.key, on))

    def rule(self, rule: RoomRule, done: Done, *, on: bool) -> None:
        """Set a rule for all, or lift it."""
        self._committer.want(SetRule(done, rule, on))

    def hold(self, start: Position, done: Done, *, named: bool) -> None:
        """Pause the room, and fold all from `start` on. `named` says that a person
        chose the place."""
        self._committer.want(HoldRoom(done, start, named))

    def slow(self, seconds: int, done: Done) -> None:
        """Set how long a participant waits after a turn. Raises `InvalidInput` (`bad_seconds`)."""
        if not 0 <= seconds <= limits.SLOW_MAX:
            text = f"Give the pause in seconds, from 0 to {limits.SLOW_MAX}: /slow SECONDS."
            raise InvalidInput("bad_seconds", text)
        self._committer.want(SetSlow(done, seconds))

    def resume(self, done: Done) -> None:
        """End a hold."""
        self._committer.want(ResumeRoom(done))

    def fold(self, name: str, done: Done, *, on: bool) -> None:
        """Fold all that a participant writes, or no more. Raises `InvalidInput` (`unknown_name`),
        `NotNow` (`is_facilitator`)."""
        person = named(self._membership, name, facilitator=False)
        if on and person.facilitator:
            raise not_folded()
        self._committer.want(FoldMember(done, person.key, on))

"""The question before a lone facilitator leaves: for everybody else the room is lost with them."""

from collections.abc import Sequence

from alcove.cli.rooms import MemberLike
from alcove.cli.words import LONE_LEAVE


class LeaveQuestion:
    """Asks once. The answer is the same command again, with nothing typed between the two."""

    def __init__(self) -> None:
        self._asked = False

    def before(self, members: Sequence[MemberLike]) -> str | None:
        """Return what to ask before this person leaves. None when they may go."""
        asked, self._asked = self._asked, False
        me = next((member for member in members if member.you), None)
        facilitators = [member for member in members if member.facilitator]
        if asked or me is None or not me.facilitator or len(facilitators) > 1 or len(members) < 2:
            return None
        self._asked = True
        return LONE_LEAVE

    def forget(self) -> None:
        """Something else was typed: the question has to be asked again."""
        self._asked = False

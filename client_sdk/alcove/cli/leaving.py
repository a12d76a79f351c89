"""The question before a lone facilitator leaves: for everybody else the room is lost with them."""

from collections.abc import Sequence

from alcove.cli.commands import LeaveCommand
from alcove.cli.rooms import MemberLike
from alcove.cli.slash_commands import Misread, UserAction
from alcove.cli.words import LONE_LEAVE


class LeaveQuestion:
    """Asks once. The answer is the same command again, with nothing typed between the two."""

    def __init__(self) -> None:
        self._asked = False

    def check(self, wanted: UserAction | None, members: Sequence[MemberLike]) -> None:
        """Take what was typed. Raises `Misread`, with the question, when it has to be asked."""
        asked, self._asked = self._asked, False
        if asked or not isinstance(wanted, LeaveCommand):
            return
        me = next((member for member in members if member.you), None)
        facilitators = [member for member in members if member.facilitator]
        if me is None or not me.facilitator or len(facilitators) > 1 or len(members) < 2:
            return
        self._asked = True
        raise Misread(LONE_LEAVE)

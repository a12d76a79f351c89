"""Questions before what cannot be undone: a lone facilitator leaves, or a member is removed.

Each is asked once. The answer is the same line again, with nothing typed between the two, so that
the person types the name of the one that has to go.
"""

from collections.abc import Collection, Sequence

from alcove import events
from alcove.cli import moderation_words
from alcove.cli.commands import LeaveCommand, RemoveCommand
from alcove.cli.rooms import MemberLike
from alcove.cli.slash_commands import Misread, UserAction
from alcove.cli.words import LONE_LEAVE


class LastQuestion:
    """Asks once, and remembers what about."""

    def __init__(self) -> None:
        self._asked: UserAction | None = None

    def check(
        self,
        wanted: UserAction | None,
        members: Sequence[MemberLike],
        waiting: Collection[events.Knocked] = (),
    ) -> None:
        """Take what was typed. Raises `Misread`, with the question, when it has to be asked."""
        asked, self._asked = self._asked, None
        question = "" if asked == wanted else _question(wanted, members, waiting)
        if question:
            self._asked = wanted
            raise Misread(question)


def _question(
    wanted: UserAction | None,
    members: Sequence[MemberLike],
    waiting: Collection[events.Knocked],
) -> str:
    me = next((member for member in members if member.you), None)
    if me is None or not me.facilitator:
        return ""
    if isinstance(wanted, RemoveCommand):
        return moderation_words.remove_question(
            wanted.all_names[0], waiting, folds=wanted.fold, asks=wanted.question or ""
        )
    facilitators = [member for member in members if member.facilitator]
    if not isinstance(wanted, LeaveCommand) or len(facilitators) > 1 or len(members) < 2:
        return ""
    return LONE_LEAVE

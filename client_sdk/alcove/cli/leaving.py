"""Questions before what cannot be undone: a removal, the end, or a facilitator that goes.

Each is asked once. The answer is the same line again, with nothing typed between the two, so that
the person types the name of the one that has to go.
"""

from collections.abc import Collection, Sequence

from alcove import events
from alcove.cli import moderation_words, role_words
from alcove.cli.commands import (
    EndCommand,
    HandOverCommand,
    LeaveCommand,
    RemoveCommand,
    StepDownCommand,
)
from alcove.cli.naming import Misread
from alcove.cli.rooms import MemberLike
from alcove.cli.slash_commands import UserAction
from alcove.cli.state_words import AWAY_LEAVE
from alcove.cli.words import END_ROOM, LONE_LEAVE


class LastQuestion:
    """Asks once, and remembers what about."""

    def __init__(self) -> None:
        self._asked: UserAction | None = None
        self._answers: UserAction | None = None

    def typed(self) -> None:
        """A line was typed, perhaps one that nothing can be made of: it may be the answer, and no
        later one is."""
        self._answers, self._asked = self._asked, None

    def check(
        self,
        wanted: UserAction | None,
        members: Sequence[MemberLike],
        waiting: Collection[events.Knocked] = (),
        away: Collection[str] = (),
    ) -> None:
        """Take what was typed. Raises `Misread`, with the question, when it has to be asked."""
        self._asked = self._asked or self._answers
        asked, self._asked, self._answers = self._asked, None, None
        question = "" if asked == wanted else _question(wanted, members, waiting, away)
        if question:
            self._asked = wanted
            raise Misread(question)


def _question(
    wanted: UserAction | None,
    members: Sequence[MemberLike],
    waiting: Collection[events.Knocked],
    away: Collection[str],
) -> str:
    me = next((member for member in members if member.you), None)
    if me is None or not me.facilitator:
        return ""
    alone = sum(member.facilitator for member in members) == 1
    match wanted:
        case RemoveCommand() if me.name not in wanted.all_names:  # the room refuses that
            here = {member.name for member in members}
            return moderation_words.remove_question(
                wanted.all_names,
                waiting,
                folds=wanted.fold,
                asks=wanted.question or "",
                away=[one for one in wanted.all_names if one in away and one not in here],
            )
        case EndCommand():
            return END_ROOM
        case HandOverCommand() if wanted.name != me.name:
            return role_words.hand_over_question(wanted.name)
        case StepDownCommand() if not alone:  # the room refuses the last one
            return role_words.STEP_DOWN
        case LeaveCommand() if alone and len(members) > 1:
            return LONE_LEAVE
        case LeaveCommand() if all(one.presence == "away" for one in members if _other(one)):
            return AWAY_LEAVE if len(members) > 1 else ""
        case _:
            return ""


def _other(one: MemberLike) -> bool:
    return one.facilitator and not one.you

"""Questions before what cannot be undone: a removal, the end, or a facilitator that goes.

Each is asked once. The answer is the same line again, soon and with nothing typed between the two,
so that the person types the name of the one that has to go. Later they have forgotten the question,
and it is asked again.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Final

from alcove import events
from alcove.cli import moderation_words, role_words
from alcove.cli.commands import (
    EndCommand,
    HandOverCommand,
    LeaveCommand,
    RemoveCommand,
    SendCommand,
    StepDownCommand,
)
from alcove.cli.naming import Misread
from alcove.cli.rooms import MemberLike
from alcove.cli.slash_commands import UserAction
from alcove.cli.state_words import AWAY_LEAVE
from alcove.cli.words import ANSWERS_NOTHING, END_ROOM, LONE_LEAVE
from alcove.relay.steady_clock import steady_clock

_REMEMBERED: Final = 120.0
"""Seconds in which the same line is an answer."""
_NEAR: Final = 600.0
"""Seconds in which a bare yes is perhaps meant for a question that has gone."""
_YES_OR_NO: Final = frozenset(
    ("yes", "y", "no", "n", "ok", "okay", "ja", "j", "nein", "oui", "non")
)


class LastQuestion:
    """Asks once, and remembers what about."""

    def __init__(self, clock: Callable[[], float] = steady_clock) -> None:
        self._clock = clock
        self._asked: UserAction | None = None
        self._asked_at = 0.0
        self._answers: UserAction | None = None
        self._near = float("-inf")

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
        *,
        end_hint: str = "",
    ) -> None:
        """Take what was typed. Raises `Misread`, with the question, when it has to be asked."""
        self._asked = self._asked or self._answers
        asked, self._asked, self._answers = self._asked, None, None
        if isinstance(wanted, SendCommand) and self._is_for_question(wanted.text):
            self._near, self._asked = float("-inf"), asked  # the same text again is meant so
            raise Misread(ANSWERS_NOTHING)
        answers = asked == wanted and self._clock() - self._asked_at <= _REMEMBERED
        question = "" if answers else _question(wanted, members, waiting, away, end_hint=end_hint)
        if question:
            self._asked, self._asked_at = wanted, self._clock()
            self._near = self._asked_at
            raise Misread(question)
        if answers:
            self._near = float("-inf")

    def _is_for_question(self, text: str) -> bool:
        """Whether a person may take this for the answer to a question. The whole room would read
        it."""
        bare = text.strip(" .!").casefold()
        return bare in _YES_OR_NO and self._clock() - self._near <= _NEAR


def _question(
    wanted: UserAction | None,
    members: Sequence[MemberLike],
    waiting: Collection[events.Knocked],
    away: Collection[str],
    *,
    end_hint: str,
) -> str:
    me = next((member for member in members if member.you), None)
    if me is None or not me.facilitator:
        return ""
    facilitators = [member for member in members if member.facilitator]
    alone = len(facilitators) == 1
    kept = {member.name for member in facilitators}
    match wanted:
        case RemoveCommand() if not kept & set(wanted.all_names):  # the room refuses those
            here = {member.name for member in members}
            return moderation_words.remove_question(
                wanted.all_names,
                waiting,
                folds=wanted.fold,
                asks=wanted.question or "",
                away=[one for one in wanted.all_names if one in away and one not in here],
            )
        case EndCommand():
            return END_ROOM + end_hint
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

"""The part of each member in words, and whether they can let people in."""

from collections.abc import Sequence
from typing import Final

from alcove import events
from alcove.cli import escape, standby_words
from alcove.cli.rooms import MemberLike

STEP_DOWN: Final = (
    "Step down? Then you are a participant: you read on, write when participants may, and decide "
    "nothing any more. Only a facilitator can make you one again. To do it, type /stepdown once "
    "more."
)


def hand_over_question(name: str) -> str:
    """The last question before a facilitator gives the room to another member."""
    name = escape.name(name)
    return (
        f"Hand over to {name}? {name} facilitates from then on, and you are a participant: you "
        "read on, write when participants may, and decide nothing any more. Only a facilitator can "
        "make you one again. To do it, type the same line once more."
    )


def of_role(event: events.RoleChanged, members: Sequence[MemberLike], *, own: bool = False) -> str:
    """That a member is a facilitator now, or one no more. `members` are those after it. `own` says
    that the reader asked for it by a command."""
    name, by = escape.name(event.name), escape.name(event.by)
    me = next((one.name for one in members if one.you), None)
    if event.facilitator and event.name == event.by and event.name == me:
        return standby_words.YOU_GO_ON
    if event.facilitator and event.name == event.by:
        return standby_words.goes_on(event.name)
    if event.facilitator and event.name == me:
        return f"{by} made you a facilitator. /help lists what you can do now."
    if event.facilitator:
        return f"{'You' if event.by == me else by} made {name} a facilitator."
    if event.name == me:
        return "You are a participant now: you read on, and write when participants may."
    if own and event.by == me:
        return f"You made {name} a participant." + _alone(members)
    # After a handover it is another facilitator's client that makes the change, and decides
    # nothing, so no name stands here.
    return f"{name} is a participant now." + _alone(members)


def _alone(members: Sequence[MemberLike]) -> str:
    """To the only facilitator: that there is no second one."""
    facilitators = [one for one in members if one.facilitator]
    if len(facilitators) != 1 or not facilitators[0].you:
        return ""
    return " You are the only facilitator now; /appoint NAME makes a second one."


def of_vault(event: events.VaultChanged, members: Sequence[MemberLike]) -> str:
    """Whether a facilitator holds what lets people in. Of another one only the relay tells it."""
    name = escape.name(event.name)
    you = any(one.you and one.name == event.name for one in members)
    if event.claimed:
        return f"The relay says that {name} can let people in now too."
    if event.complete:
        return "You can let people in now." if you else f"{name} can let people in now."
    whom = "You" if you else name
    return (
        f"{whom} cannot let people in for now: what the facilitators share has not come yet. "
        "Their clients send it again, and you need to do nothing."
    )

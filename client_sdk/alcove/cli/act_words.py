"""Sentences about what facilitators did, for those who look it up."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from alcove import events
from alcove.cli import escape

ACTS: Final[Mapping[events.FacilitatorAct, str]] = MappingProxyType(
    {
        "admit": "let {name} in",
        "rejoin": "let {name} back in",
        "left": "let {name} go, as they wished",
        "remove": "took {name} out of the room",
        "absent": "let {name} go, whose connection was lost",
        "appoint": "made {name} a facilitator",
        "demote": "made {name} a participant, perhaps by wish",
        "pause": "paused {name}",
        "unpause": "let {name} write when participants may",
        "hold": "paused the room for everybody",
        "resume": "opened the room again",
        "fold": "folded what {name} wrote",
        "fold_message": "folded a message of {name}",
        "unfold": "stopped folding what {name} writes",
        "slow": "changed how slowly the room goes",
        "listen_only": "let only facilitators write",
        "listen_only_off": "ended that only facilitators write",
        "lock": "locked the door",
        "unlock": "opened the door again",
        "invite": "made an invite",
        "revoke": "closed an invite",
        "lobby_key": "changed the key of the door",
        "ttl": "changed how long messages stay",
        "agreement": "changed the ground rules",
        "standby": "made a standby's link",
        "standby_off": "closed the standby's link",
    }
)


_TO_YOU: Final[Mapping[events.FacilitatorAct, str]] = MappingProxyType(
    {
        "left": "let you go, as you wished",
        "absent": "let you go, as your connection was lost",
        "fold_message": "folded a message of yours",
        "unfold": "stopped folding what you write",
    }
)
"""Where another word than the name differs for the reader."""
_STEPPED_DOWN: Final = "asked to be a participant, and another facilitator's client made you one"
_GRANTED: Final = "asked to be a participant, and another facilitator's client made them one"
_FOLDED_SOME: Final = "folded some of what was said"
"""By a hold, or of one that is not in the room any more."""
_IN: Final = ("admit", "rejoin")


def act(past: events.PastAct, me: str = "", *, listens: bool = False) -> str:
    """Return one act of a facilitator, and how long ago it was. `me` is the reader's name."""
    minutes = past.age // 60
    ago = "just now" if minutes < 1 else f"{minutes} min ago"
    yours = bool(me) and past.by == me
    of_you = bool(me) and past.name == me
    whom = "you" if of_you else escape.name(past.name)
    what = (_TO_YOU.get(past.act) if of_you else None) or ACTS[past.act].format(name=whom)
    if past.act == "appoint" and past.name == past.by:
        what = f"came by the standby's link, and {'facilitate' if yours else 'facilitates'}"
    if past.act == "demote" and past.name == past.by:
        what = _STEPPED_DOWN if yours else _GRANTED
    elif past.act == "demote" and yours:  # whose client knows the wishes that it grants
        what = f"made {whom} a participant"
    if past.act == "fold" and not past.name:
        what = _FOLDED_SOME
    if past.away:
        what = f"removed {whom} while they were away"
    if listens:
        what += ", to listen"
    return f"{'You' if yours else escape.name(past.by)} {what}, {ago}."


def listed(acts: Sequence[events.PastAct], me: str = "") -> str:
    """Return what facilitators did, a line each, to the reader with the name `me`. What no person
    asked for by itself is left out: a program reads it in the event."""
    asked = [one for one in acts if not one.aside]
    if not asked:
        return "No facilitator did anything since your program came in."
    # The pause that comes along with an admission is how they were let in.
    listening = {(one.name, one.by, one.age) for one in acts if one.aside and one.act == "pause"}
    rows = [
        act(one, me, listens=one.act in _IN and (one.name, one.by, one.age) in listening)
        for one in asked
    ]
    return "\n".join(("What facilitators did since your program came in:", *rows))

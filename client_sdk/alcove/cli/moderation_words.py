"""What facilitators set for the room, and fold, in words. What others wrote is escaped."""

from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Final

from alcove import events
from alcove.cli import escape

FOLDED: Final = "This is folded. Type /show to read it."
FOLDED_WARNED: Final = "This is folded, and has a content warning. Type /show to read it."
NOTHING_HIDDEN: Final = "Nothing is hidden here at the moment."
STANDS_ABOVE: Final = (
    "What was folded was printed before, and stands above: a line that is printed cannot be "
    "hidden. There is no more to show."
)


def of_pause(event: events.Paused | events.Unpaused, me: str = "") -> str:
    """That a member may only read, or write again. For facilitators but `me` the name of the one
    that did it stands behind it."""
    if event.you:
        return _of_your_pause(event)
    name, own = escape.name(event.name), bool(me) and event.by == me
    by = f" {escape.name(event.by)} did this." if event.by and not own else ""
    if isinstance(event, events.Unpaused):
        return (
            f"You let {name} write when participants may."
            if own
            else f"{name} is not held to reading any more.{by}"
        )
    if event.to_listen:  # a client may have done it by rule, to one that comes back
        return (
            f"{name} is in and can only read until /unpause {name}. It is not announced to "
            "participants."
        )
    if own:
        return (
            f"You paused {name}: they can only read until /unpause {name}. It is not announced to "
            "participants."
        )
    return f"{name} is paused and can only read for now. It is not announced to participants.{by}"


def _of_your_pause(event: events.Paused | events.Unpaused) -> str:
    """To the one that only reads, or does so no more."""
    if isinstance(event, events.Unpaused):
        return (
            "You are not held to reading any more: as long as the others can write, you can, too."
        )
    if event.to_listen:
        return (
            "You are in to listen: you can read, and not write for now. It is not announced to the "
            "others. You can leave whenever you want, and you are told when you can write."
        )
    return (
        "A facilitator has paused you: you can read, and not write for now. It is not announced to "
        "the others. You can leave whenever you want, and you are told when you can write again."
    )


RULES: Final = MappingProxyType(
    {
        ("listen_only", True): "Only facilitators can write for now. You have done nothing wrong. "
        "You can read on, and leave whenever you want.",
        ("listen_only", False): "Writing is not only for facilitators any more.",
        ("locked", True): "The door is locked: nobody new comes in.",
        ("locked", False): "The door is open again: newcomers can ask to be let in.",
    }
)
_RULES_BY_OTHERS: Final = MappingProxyType(
    {
        **RULES,
        ("listen_only", True): "Only facilitators can write for now. /listen off ends it.",
        ("locked", True): "The door is locked: nobody new comes in. /lock off opens it.",
    }
)
"""The same, to a facilitator: they write on, and can end it."""
_OWN_RULES: Final = MappingProxyType(
    {
        ("listen_only", True): "You let only facilitators write for now. /listen off ends it.",
        ("listen_only", False): "You ended it: writing is not only for facilitators any more.",
        ("locked", True): "You locked the door: nobody new comes in. /lock off opens it.",
        ("locked", False): "You opened the door again: newcomers can ask to be let in.",
    }
)
"""The same, to the facilitator that did it."""


def of_rules(event: events.RulesChanged, *, facilitates: bool, me: str = "") -> str:
    """What is another rule than before. Facilitators but `me` are told which of them did it."""
    by = f" {escape.name(event.by)} did this." if facilitates and event.by not in ("", me) else ""
    own = bool(me) and event.by == me
    slow = [_slow(event.slow, own=own, facilitates=facilitates)] if "slow" in event.changed else []
    if "hold" in event.changed:
        hold = _own_hold(event) if own else _hold(event, facilitates=facilitates)
        return " ".join([hold, *slow]) + by
    now = {"listen_only": event.listen_only, "locked": event.locked}
    table = _OWN_RULES if own else _RULES_BY_OTHERS if facilitates else RULES
    said = [table[name, now[name]] for name in event.changed if name in now]
    return " ".join([*said, *slow]) + by


def _slow(seconds: int, *, own: bool, facilitates: bool) -> str:
    long = "one second" if seconds == 1 else f"{seconds} seconds"
    if own and not seconds:
        return "You ended it: nobody has to wait between texts any more."
    if own:
        return (
            f"You slowed the room: after a minute of writing, each participant waits {long}. "
            "/slow off ends it."
        )
    if not seconds:
        return "The room does not go slowly any more: nobody has to wait between texts."
    if facilitates:
        return (
            f"The room goes slowly for now: after a minute of writing, each participant waits "
            f"{long}. /slow off ends it."
        )
    return (
        f"The room goes slowly for now: after a minute of writing, each waits {long}. "
        "What you type meanwhile stays yours."
    )


def _own_hold(event: events.RulesChanged) -> str:
    """To the facilitator that paused the room, or opened it again."""
    if event.hold:
        return (
            "You paused the room for a moment: only facilitators can write, and nobody new comes "
            "in. Type /resume to open it again; the door stays locked until /lock off."
        )
    locked = " The door is still locked; /lock off opens it." if event.locked else ""
    return f"You opened the room again.{locked}"


def _hold(event: events.RulesChanged, *, facilitates: bool) -> str:
    if event.hold and facilitates:
        return (
            "The room is paused for a moment: only facilitators can write, and nobody new comes "
            "in. Type /resume to open it again; the door stays locked until /lock off."
        )
    if event.hold:
        return (
            f"{_all(event.facilitators)} paused the room for a moment. You have done nothing "
            "wrong. You can read on, and leave whenever you want. You are told when it goes on."
        )
    if facilitates and event.locked:
        return "The room is open again. The door is still locked; /lock off opens it."
    return "The room is open again."


def _all(names: tuple[str, ...]) -> str:
    """These names, with their verb."""
    *rest, last = [escape.name(name) for name in names] or ["A facilitator"]
    return f"{', '.join(rest)} and {last} have" if rest else f"{last} has"


def fold_of_member(event: events.Folded, me: str, *, gone: bool = False) -> str:
    """To a facilitator: what becomes of all that one member writes, and by which facilitator. One
    that is `gone` was taken out by the same act, and writes no more."""
    name = escape.name(event.name)
    by = f" {escape.name(event.by)} did this." if event.by not in ("", me) else ""
    if not event.on and event.by == me:
        return f"You ended it: what {name} writes from now on is not folded any more."
    if not event.on:
        return f"What {name} writes from now on is not folded any more." + by
    if event.by == me and not event.ids:  # a fold may go on by rule
        if gone:
            return f"Nothing that {name} wrote stands open here any more."
        return (
            f"Nothing that {name} wrote stands open here. What {name} writes from now on is "
            f"folded, for everybody, until /unfold {name}. Each reader can still open it."
        )
    on = _STILL_OPENED if gone else _writes_on(name)
    if event.by == me:
        return f"You folded what {name} wrote, for everybody. {on}"
    return f"What {name} wrote is folded for everybody. {on}" + by


def _writes_on(name: str) -> str:
    return (
        f"What {name} writes from now on is folded too, until /unfold {name}. Each reader can "
        "still open it."
    )


_STILL_OPENED: Final = "Each reader can still open what is folded."


def folded(
    event: events.Folded,
    *,
    facilitates: bool,
    me: str = "",
    here: Sequence[str] = (),
) -> list[str]:
    """Sentences for a screen that cannot hide what it has printed. `here` are the names of the
    members after it."""
    of_member = facilitates and event.name not in ("", me)  # which `_beside` tells
    what = "" if of_member else _messages(len(event.ids) - len(event.yours))
    by = escape.name(event.by) if facilitates and event.by else "A facilitator"
    said = [f"{by} folded {what} above. You need not read on there."] if what else []
    if me and event.by == me:
        said = _own_fold(event, " above")
    return said + _beside(event, facilitates=facilitates, me=me, here=here)


def _own_fold(event: events.Folded, where: str = "") -> list[str]:
    """To the one that folded. What becomes of all that a member writes is told by itself."""
    what = "" if event.name else _messages(len(event.ids))
    if not what:
        return []
    if event.why == "hold":  # perhaps no facilitator chose it: what was on its way is folded too
        return [
            f"The pause folded {what}{where}, for everybody: what came since the place where it "
            f"begins. {_STILL_OPENED}"
        ]
    return [f"You folded {what}{where}, for everybody. {_STILL_OPENED}"]


def _messages(count: int) -> str:
    return "" if count < 1 else "a message" if count == 1 else f"{count} messages"


def fold_told(
    event: events.Folded, *, facilitates: bool, me: str, here: Sequence[str] = ()
) -> list[str]:
    """Sentences for a screen that hides the texts in their places: these may be out of sight."""
    said = _own_fold(event) if me and event.by == me else []
    return said + _beside(event, facilitates=facilitates, me=me, here=here)


def _beside(event: events.Folded, *, facilitates: bool, me: str, here: Sequence[str]) -> list[str]:
    """To the author of what is folded, and to facilitators of a member. `me` is the reader, whose
    own act needs no word about what they wrote."""
    told = event.why == "member" and not event.name  # when the fold began
    concerned = event.by != me and not told and (event.yours or event.name == me)
    said = [_fold_of_yours(event, len(event.yours), me)] if concerned else []
    others = event.name and event.name != me and facilitates
    gone = bool(here) and event.name not in here
    return said + ([fold_of_member(event, me, gone=gone)] if others else [])


def _fold_of_yours(event: events.Folded, count: int, me: str) -> str:
    """To the author: what became of it, and that nothing has to be done."""
    if event.name == me and not event.on:
        return "What you write from now on is not folded any more."
    if event.name == me:
        return (
            "A facilitator folded what you write, for now. Nothing is deleted, and each reader can "
            "still open it. You need to do nothing."
        )
    if event.why == "hold":
        yours = "one of yours" if count == 1 else f"{count} of yours"
        return (
            f"All messages from a certain moment on are folded, {yours} among them; each reader "
            "can still open what is folded. You have done nothing wrong. You need to do nothing."
        )
    return (
        "A facilitator folded a message of yours. Nothing is deleted, and each reader can still "
        "open it. You need to do nothing."
    )


def removed(event: events.Removed, *, facilitates: bool, me: str = "") -> str:
    """That a member was taken out. To the group no line says who, and facilitators are told. One
    that was `away` has gone before, and all that saw it have read that they can come back."""
    name = escape.name(event.name)
    if event.away and facilitates and me and event.by == me:
        return (
            f"You removed {name} while they were away. They do not come back by themselves any "
            "more; a facilitator can still let them in."
        )
    if event.away:
        return (
            f"{name} was away, and does not come back by themselves any more. A facilitator can "
            "still let them in."
        )
    if facilitates and me and event.by == me:
        return f"You took {name} out of the room."
    if facilitates:
        return f"{name} is no longer in the room."
    return "Someone has left."


def remove_question(
    names: Sequence[str],
    waiting: Iterable[events.Knocked],
    *,
    folds: bool,
    asks: str,
    away: Sequence[str] = (),
) -> str:
    """The last question before members are taken out, or kept out that are `away`. The answer names
    them again."""
    gone = ""
    if away:
        gone = f"{_is(away)} not here now, and can then be let in only by a facilitator. "
    if len(names) > 1:
        return _remove_several(_joined(names), gone, waiting, folds=folds, asks=asks)
    name = escape.name(names[0])
    if asks:
        return (
            f"Remove {name} and fold all that {name} wrote? {gone}If {name} came by a link that "
            f'is open, the link stays open, and asks: "{escape.line(asks)}" To do it, type the '
            "same line once more."
        )
    if folds:
        return (
            f"Remove {name} and fold all that {name} wrote? {gone}If {name} came by a link, it "
            f"is closed then. {_at_the_door(waiting)}To do it, type the same line once more."
        )
    return (
        f"Remove {name}? {gone}If {name} came by a link, it is closed then. What {name} wrote "
        f"stays as it is. {_at_the_door(waiting)}To do it, type the same line once more."
    )


def _remove_several(
    names: str, gone: str, waiting: Iterable[events.Knocked], *, folds: bool, asks: str
) -> str:
    if asks:
        return (
            f"Remove {names} and fold all that they wrote? {gone}Open links by which they came "
            f'stay open, and ask: "{escape.line(asks)}" To do it, type the same line once more.'
        )
    if folds:
        return (
            f"Remove {names} and fold all that they wrote? {gone}Links by which they came "
            f"are closed then. {_at_the_door(waiting)}To do it, type the same line once more."
        )
    return (
        f"Remove {names}? {gone}Links by which they came are closed then, and what they wrote "
        f"stays as it is. {_at_the_door(waiting)}To do it, type the same line once more."
    )


def _joined(names: Sequence[str]) -> str:
    *rest, last = [escape.name(name) for name in names]
    return f"{', '.join(rest)} and {last}" if rest else last


def _is(names: Sequence[str]) -> str:
    return f"{_joined(names)} {'is' if len(names) == 1 else 'are'}"


def _at_the_door(waiting: Iterable[events.Knocked]) -> str:
    """What becomes of newcomers whose link may be the one that closes. A member that comes back
    has no code, or a door of their own."""
    names = [it.name for it in waiting if it.code and not (it.outside or it.door_revoked)]
    if not names:
        return ""
    who = f"{escape.name(names[0])} waits" if len(names) == 1 else f"{len(names)} people wait"
    return f"{who}, perhaps by the same link, and can be let in as before. "

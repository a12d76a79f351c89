"""What facilitators set for the room, and fold, in words. What others wrote is escaped."""

from collections.abc import Iterable
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


def of_pause(event: events.Paused | events.Unpaused) -> str:
    """That a member may only read, or write again."""
    name = escape.name(event.name)
    by = f" {escape.name(event.by)} did this." if event.by and not event.you else ""
    if event.you and isinstance(event, events.Paused):
        return (
            "A facilitator has paused you: you can read, and not write for now. It is not "
            "announced to the others. You can leave whenever you want, and you are told when you "
            "can write again."
        )
    if event.you:
        return "You are not paused any more."
    if isinstance(event, events.Paused):
        return (
            f"{name} is paused and can only read for now. It is not announced to participants.{by}"
        )
    return f"{name} is not paused any more.{by}"


RULES: Final = MappingProxyType(
    {
        ("listen_only", True): "Only facilitators can write for now. You have done nothing wrong. "
        "You can read on, and leave whenever you want.",
        ("listen_only", False): "Writing is not only for facilitators any more.",
        ("locked", True): "The door is locked: nobody new comes in.",
        ("locked", False): "The door is open again: newcomers can ask to be let in.",
    }
)


def of_rules(event: events.RulesChanged, *, facilitates: bool, me: str = "") -> str:
    """What is another rule than before. Facilitators but `me` are told which of them did it."""
    by = f" {escape.name(event.by)} did this." if facilitates and event.by not in ("", me) else ""
    if "hold" in event.changed:
        slow = f" {_slow(event.slow)}" if "slow" in event.changed else ""
        return _hold(event, facilitates=facilitates) + slow + by
    now = {"listen_only": event.listen_only, "locked": event.locked}
    said = [RULES[name, now[name]] for name in event.changed if name in now]
    return " ".join([*said, *([_slow(event.slow)] if "slow" in event.changed else [])]) + by


def _slow(seconds: int) -> str:
    if not seconds:
        return "Everybody can write as often as they like again."
    return (
        f"The room goes slowly for now: after a minute of writing, each waits {seconds} seconds. "
        "What you type meanwhile stays yours."
    )


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


def fold_of_member(event: events.Folded) -> str:
    """To a facilitator: what becomes of all that one member writes."""
    name = escape.name(event.name)
    if event.on:
        return f"What {name} wrote is folded for everybody. Each reader can still open it."
    return f"What {name} writes from now on is not folded any more."


def folded(event: events.Folded, *, facilitates: bool) -> list[str]:
    """Sentences for a screen that cannot hide what it has printed."""
    count = len(event.ids)
    what = "a message" if count == 1 else f"{count} messages"
    said = [f"A facilitator folded {what} above. You need not read on there."] if count else []
    return said + ([fold_of_member(event)] if event.name and facilitates else [])


def removed(name: str, *, facilitates: bool) -> str:
    """That a member was taken out. To the group no line says who, and facilitators are told."""
    if facilitates:
        return f"{escape.name(name)} is no longer in the room."
    return "Someone has left."


def remove_question(name: str, waiting: Iterable[events.Knocked], *, folds: bool, asks: str) -> str:
    """The last question before a member is taken out. The answer names them again."""
    name = escape.name(name)
    if asks:
        return (
            f"Remove {name} and fold all that {name} wrote? The link by which {name} came stays "
            f'open, and asks: "{escape.line(asks)}" To do it, type the same line once more.'
        )
    if folds:
        return (
            f"Remove {name} and fold all that {name} wrote? The link by which {name} came closes. "
            f"{_at_the_door(waiting)}To do it, type the same line once more."
        )
    return (
        f"Remove {name}? The link by which {name} came closes, and what {name} wrote stays as it "
        f"is. {_at_the_door(waiting)}To do it, type the same line once more."
    )


def _at_the_door(waiting: Iterable[events.Knocked]) -> str:
    """What becomes of newcomers whose link may be the one that closes. A member that comes back
    has no code, or a door of their own."""
    names = [it.name for it in waiting if it.code and not (it.outside or it.door_revoked)]
    if not names:
        return ""
    who = f"{escape.name(names[0])} waits" if len(names) == 1 else f"{len(names)} people wait"
    return f"{who}, perhaps by the same link, and can be let in as before. "

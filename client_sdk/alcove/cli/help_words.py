"""What a person can type or press, in words."""

from collections.abc import Sequence
from typing import Final

from alcove.cli import door_words, invite_words
from alcove.cli.room_view import RoomView

_ACCEPT: Final = (
    "/accept",
    "accept the ground rules, new or changed; with your answer, if the invite asks one",
)
_RULES: Final = ("/rules", "read the ground rules again; /rules TAG in another language")
HELP: Final = (
    ("//text", "say a text that begins with /"),
    ("/retract", "take back your last message"),
    ("/show", "read what hides behind a warning, or is folded"),
    ("/members", "who is in the room; [here]: something came from them lately"),
    ("/acts", "what facilitators did"),
    _RULES,
    _ACCEPT,
    ("/word WORD", "at the door: a word for today, to be known again if your device fails"),
    ("/anyway", "send what waits, though something is wrong"),
    ("/rejoin", "ask to be let in again, when others see another room"),
    ("/ticket", "a way back as yourself if this program fails, by alcove resume -"),
    ("/outside", "step outside for a while; /inside comes back"),
    ("/leave", "leave the room"),
)
FACILITATORS_HELP: Final = (
    *door_words.HELP,
    ("/remove NAME", "take a person out of the room; you are asked once more"),
    ("/remove NAME, NAME", "the same with several at once, with fold or ask behind them too"),
    ("/remove NAME fold", "the same, and fold all that they wrote"),
    ("/remove NAME ask QUESTION", "the same, and keep their link open with a question"),
    ("/pause NAME", "let a person only read for now; /unpause NAME ends it"),
    ("/listen", "let only facilitators write; /listen off ends it"),
    ("/lock", "let nobody new in; /lock off opens the door again"),
    ("/hold", "pause the room for everybody, and lock the door; /resume opens the room again"),
    ("/hold NAME", "the same, and fold all since the first message of NAME"),
    ("/fold NAME", "fold all that a person writes; /unfold NAME ends it"),
    ("/foldlast NAME", "fold the last message of a person"),
    ("/slow SECONDS", "let each participant wait so long after a minute of writing; /slow off"),
    ("/appoint NAME", "make a member a facilitator too"),
    ("/demote NAME", "make a facilitator a participant; they stay"),
    ("/handover NAME", "make a member a facilitator, then be a participant yourself"),
    ("/stepdown", "be a participant; another facilitator's client confirms it"),
    ("/standby", "a link to print that saves the room without you; /standby off closes it"),
    ("/words", "eight words to compare with another facilitator elsewhere"),
    *invite_words.HELP,
    ("/newrules FILE", "change the ground rules; everybody is asked to accept them"),
    ("/correct FILE", "correct the wording of the ground rules; nobody is asked"),
    ("/end", "end the room for everybody"),
)
KEYS: Final = (
    ("Ctrl+X, or Esc twice", "wipe the screen at once, then leave"),
    ("Enter", "say what is typed"),
    ("Ctrl+U", "clear what is typed"),
    ("PgUp, PgDn", "scroll the conversation"),
)
FACILITATORS_KEYS: Final = (
    ("F3", "begin /hold, or /resume; Enter does it, F3 takes it back"),
    ("F4", "begin /door, to talk to a person who waits"),
    ("F5", "begin /remove"),
    ("Tab", "go to the people who wait, and back"),
    ("F2", "see the invite alone, and copy it"),
)
PLAIN_KEYS: Final = (
    ("Ctrl+C", "leave at once; what was printed stays in the terminal"),
    ("Ctrl+U", "clear what is typed"),
)
PLAINLY: Final = "For a screen reader, start with --plain: it writes lines, and draws no screen."


def help_at_door(view: RoomView, keys: Sequence[tuple[str, str]] = (), *, word: bool = True) -> str:
    """Return what a person can type that is not in the room, and the keys, a line each. `word` says
    that there is a door that takes a word for today."""
    lines = [("a text", "say it to the facilitators; nobody else reads it")] * view.at_door
    lines += [("/inside", "come back into the room")] * view.outside
    if view.rules is not None:
        lines += [_RULES, _ACCEPT]
        first = word and not view.knocked
        lines += [("/word WORD", "a word for today, before you accept")] * first
    lines.append(("/leave", "go, and do not come in"))
    return "\n".join(f"{what}: {does}" for what, does in (*lines, *keys))


def help_for(facilitator: bool) -> str:
    """Return the commands that can be typed, a line each."""
    lines = HELP + (FACILITATORS_HELP if facilitator else ())
    return "\n".join(f"{word}: {what}" for word, what in lines)


def help_of_lines(facilitator: bool) -> str:
    """Return the same, with the keys of a terminal that shows lines."""
    keys = "\n".join(f"{key}: {what}" for key, what in PLAIN_KEYS)
    return f"{help_for(facilitator)}\n{keys}"


def help_of_the_screen(facilitator: bool) -> str:
    """Return the same, with the keys of the full screen."""
    known = KEYS + (FACILITATORS_KEYS if facilitator else ())
    keys = "\n".join(f"{key}: {what}" for key, what in known)
    return f"{help_for(facilitator)}\n{keys}\n{PLAINLY}"

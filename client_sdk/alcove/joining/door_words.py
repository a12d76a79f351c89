"""What a newcomer reads that was not let in. A facilitator chooses a code, and the words are here.

Each sentence says what a person can do next. Where the card names a contact of the host, that one
goes along.
"""

from types import MappingProxyType
from typing import Final

from alcove_protocol.errors import Malformed

from alcove.errors import InvalidInput, NotNow, Refused
from alcove.group.door_texts import fixed_text
from alcove.joining.card import CheckedCard

REFUSAL_SENTENCES: Final = MappingProxyType(
    {
        "refused": "A facilitator did not let you in. If that surprises you, ask the person that "
        "gave you the invite.",
        "name_taken": "A member has this name or one that looks like it. Ask again under another "
        "name. If you were that member before your program failed, tell the facilitators so.",
        "name_deceptive": "This name could mislead others; choose another.",
        "name_reserved": "This name reads like a part in the room; choose another.",
        "name_empty": "Choose a name with at least one letter or digit.",
        "name_too_long": "This name is too long; choose a shorter one.",
        "not_tonight": "The group takes nobody new in today. You have done nothing wrong, and you "
        "can ask again another time.",
        "too_late": "The group has begun, and nobody comes in any more this time. You are welcome "
        "to ask again the next time.",
        "other_group": "A facilitator thinks that another group may suit you better. You have done "
        "nothing wrong.",
        "write_first": "A facilitator asks you to write to the host before you come in.",
        "link_closed": "This link was closed.",
        "agreement": "The ground rules have changed; open the invite again and read them.",
        "room_full": "The room is full.",
        "clock_wrong": "Your device's clock differs too much from the others'. If it is wrong, "
        "set it right "
        "and try again.",
        "bad_key_package": "Your client sent something the facilitator's could not use; update it.",
        "expired": "No facilitator answered in time. You can ask again with the same invite.",
        "no_welcome": "You were let in, but the room's keys never came; ask for a new invite.",
    }
)

DOOR_FULL: Final = (
    "The relay could not take you to the door yet. Stay here: your client asks again about twice a "
    "minute."
)
OUTSIDE_LOCKED: Final = (
    "You are outside, and the relay says that the room's door is locked at the moment. Until a "
    "facilitator opens it, no facilitator can read what you type here, and you cannot come back. "
    "Your client looks about twice a minute, and you are told."
)
OUTSIDE_OPEN: Final = (
    "The room's door is open again: facilitators can read what you type here, and you can come "
    "back."
)
KNOCK_DROPPED: Final = (
    "Your knock is no longer at the relay, and no facilitator answered it. Your client knocks "
    "again."
)
RULES_CHANGED: Final = (
    "The ground rules changed. /rules shows the new ones, and /accept accepts them."
)
KNOCKING_AGAIN: Final = (
    "The relay does not list you as a member any more, as after a loss. Your client asks to be let "
    "in again; a facilitator decides."
)
REASONS: Final = ("refused", "not_tonight", "too_late", "other_group", "write_first")
"""The codes that a facilitator can give as a reason. The others follow from the room."""
_WITH_CONTACT: Final = frozenset({*REASONS, "link_closed", "expired", "room_full"})
"""After these a person may want to reach the host."""


def refusal_sentence(code: str, contact: str = "", helplines: str = "") -> str:
    """Return the sentence for this code. `contact` is the host's, and `helplines` are where there
    is help, as the card has them."""
    sentence = REFUSAL_SENTENCES[code]
    if code not in _WITH_CONTACT:
        return sentence
    return _whom_to_ask(sentence, contact, helplines, closed=code == "link_closed")


def _whom_to_ask(sentence: str, contact: str, helplines: str, *, closed: bool) -> str:
    """Return the sentence with the contact and the helplines behind. Of a `closed` link without a
    contact: whom else to ask."""
    said = [sentence]
    if contact:
        said.append(f"You can write to {contact}.")
    elif closed:
        said.append("Ask the person who gave it to you for another one.")
    return " ".join([*said, *_help(helplines)])


def _help(helplines: str) -> list[str]:
    words = " ".join(helplines.split())
    return [f"If you need help now: {words}"] if words else []


_WAY_BACK_OVER: Final = (
    "The relay says: The time of your way back into this room is over. You can ask to be let in "
    "again with an invite."
)


def way_back_closed(contact: str = "") -> str:
    """Return what a member that stepped outside reads when they cannot come back by themselves."""
    ask = f"You can write to {contact}." if contact else "Ask the person who invited you."
    return f"Your way back into this room was closed. {ask}"


def removed_sentence(helplines: str, contact: str) -> str:
    """Return what a removed person reads: no name of a facilitator, and where there is help."""
    said = ["You are no longer in this room. A facilitator decided this, for this meeting."]
    said += _help(helplines)
    if contact:
        said.append(f"If you think it was wrong, you can write to {contact}.")
    return " ".join(said)


def contact_of(card: CheckedCard | None) -> str:
    """Return where the card says that the host can be reached; empty when it says nothing."""
    return (card.card.contact or "") if card is not None else ""


def helplines_of(card: CheckedCard | None) -> str:
    """Return where the card says that there is help; empty when it says nothing."""
    return card.card.helplines if card is not None else ""


_CLOSED_DOORS: Final = MappingProxyType(
    {
        "door_revoked": "The relay says: A facilitator closed this link. Nobody comes in by it any "
        "more, and that says nothing about you.",
        "door_used": "The relay says: This link has let in as many people as it was made for. If "
        "you were one of them and your device failed, come back by another link, under the same "
        "name, and with the word that you chose for today.",
        "door_expired": "The relay says: The time of this link is over.",
    }
)
"""A relay alone says so, before it gives out a card."""
_NOT_IN: Final = frozenset({"locked", "room_full", "unknown_door"})


def refused_by_relay(code: str, card: CheckedCard | None, *, outside: bool = False) -> Refused:
    """Return the relay's refusal of a newcomer. Where they are not let in, it says whom to ask and
    where there is help, by the card if this client read and checked one: no relay writes that. The
    door of a member `outside` is theirs alone, and nobody gave it to them."""
    if outside and code in ("door_revoked", "door_used"):
        return Refused(code, way_back_closed(contact_of(card)))
    if outside and code == "door_expired":
        over = _whom_to_ask(_WAY_BACK_OVER, contact_of(card), helplines_of(card), closed=False)
        return Refused(code, over)
    refused = Refused.by_relay(code)
    if code not in _CLOSED_DOORS and code not in _NOT_IN:
        return refused
    said, closed = _CLOSED_DOORS.get(code, refused.text), code in _CLOSED_DOORS
    text = _whom_to_ask(said, contact_of(card), helplines_of(card), closed=closed)
    return Refused(code, text)


def checked_answer(answer: str, *, asked: bool) -> str:
    """Return the answer to the card's question; empty where it asks none. Raises `NotNow`
    (`no_answer`), `InvalidInput` (`bad_answer`)."""
    answer = answer.strip() if asked else ""
    if asked and not answer:
        text = "This invite asks a question. Type /accept and your answer to it, in a few words."
        raise NotNow("no_answer", text)
    try:
        fixed_text(answer)
    except Malformed:
        raise InvalidInput("bad_answer", "Shorten your answer: it has at most 500 bytes.") from None
    return answer

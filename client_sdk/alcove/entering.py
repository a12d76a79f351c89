"""The way to a room: `open_room` makes one, `join` follows an invite, `resume` a ticket.

Arguments are checked here, before anything is sent. `async with` makes the connection.
"""

from collections.abc import Sequence
from typing import Final

from alcove_protocol import limits
from alcove_protocol.card import AgreementText
from alcove_protocol.errors import Malformed
from alcove_protocol.invite import Invite, origin_of
from alcove_protocol.ticket import Ticket

from alcove import mls
from alcove.agreeing import checked_agreement
from alcove.engine.engine import Engine
from alcove.errors import InvalidInput
from alcove.facilitation.doors import InviteTerms, RoomCard
from alcove.facilitation.opening import RoomPlan
from alcove.group.extensions import ABSENT_DEFAULT, ABSENT_MAX
from alcove.group.keys import ROOM_SUITE, Identity, room_suite
from alcove.joining.names import clean_name
from alcove.relay.transport import TransportOptions
from alcove.room import Room
from alcove.surroundings import current

MEMBERS_MIN: Final = 2
"""A facilitator and one more."""


def open_room(
    relay: str,
    *,
    title: str,
    agreement: str | Sequence[AgreementText],
    name: str,
    ttl: int = limits.TTL_DEFAULT,
    uses: int = limits.USES_DEFAULT,
    invite_lifetime: int = limits.DOOR_TTL_DEFAULT,
    members: int = limits.MEMBERS_DEFAULT,
    languages: str = "",
    helplines: str = "",
    contact: str = "",
    language: str = "",
    post_quantum: bool = False,
    facilitators_start: int = 1,
    facilitators_stay: int = 1,
    absent: int = ABSENT_DEFAULT,
    transport: TransportOptions | None = None,
) -> Room:
    """A new room at a relay, with you as its facilitator.

    `agreement` is a text of at most 16 KiB, or one for each language of the room, at most 16, with
    a summary of at most five lines and 1 KiB; `template` gives some to begin with. `language` is
    yours (BCP 47). Your `name` has at most 32 characters, and the `title` 200 bytes. Newcomers read
    the `title`, the `languages` (a line of at most 200 bytes) and the `helplines` (at most 4 KiB).

    Messages live for `ttl` seconds: 10 to 86,400, or 1,800 unless given. `uses` (at most 10,000, or
    50) and `invite_lifetime` (at most 30 days, or 24 hours; in seconds) bound the first invite.
    `contact` is where the host can be reached outside the room, for people that are not let in, in
    at most 200 bytes.

    The room has at most `members`: 2 to 1,000, or 50. Participants can post once
    `facilitators_start` facilitators are there, at most 8, and then as long as `facilitators_stay`
    are, which is no more. A participant whose connection is lost for `absent` seconds (at most
    86,400, or 600) is let go, and can come back; 0 is never. With `post_quantum`, an experiment, a
    recording of today's ciphertext stays unreadable to a quantum computer too, all members need the
    extra `suites`, and there are at most 250.

    Raises `InvalidInput` at once when an argument is wrong, `NotNow` (`suite_unavailable`). Nothing
    is sent before `async with`.
    """
    try:
        origin = origin_of(relay)
    except ValueError:
        raise InvalidInput(
            "bad_relay", "This is not the address of a relay. It begins with https:// or http://."
        ) from None
    _text("title", title, 1, limits.TITLE)
    texts = checked_agreement(agreement, languages)
    languages = languages or ", ".join(text.language for text in texts[1:] and texts)
    _text("languages", languages, 0, limits.LANGUAGES)
    _text("helplines", helplines, 0, limits.HELPLINES)
    _text("contact", contact, 0, limits.CONTACT)
    _bounds("ttl", ttl, limits.TTL_MIN, limits.TTL_MAX)
    _bounds("uses", uses, 1, limits.USES_MAX)
    _bounds("invite_lifetime", invite_lifetime, 1, limits.DOOR_TTL_MAX)
    most = limits.MEMBERS_POST_QUANTUM if post_quantum else limits.MEMBERS_MAX
    _bounds("members", members, MEMBERS_MIN, most)
    _bounds("facilitators_start", facilitators_start, 1, limits.FACILITATORS)
    _bounds("facilitators_stay", facilitators_stay, 1, facilitators_start)
    _bounds("absent", absent, 0, ABSENT_MAX)
    card = RoomCard(title, 1, texts, languages, helplines, contact)
    terms = InviteTerms(uses, invite_lifetime)
    needs = facilitators_start, facilitators_stay
    plan = RoomPlan(card, members, ttl, terms, origin, *needs, absent)
    engine = _engine(name, mls.POST_QUANTUM if post_quantum else ROOM_SUITE, language)
    engine.begin_opening(plan)
    options = transport or TransportOptions()
    return Room(engine, origin, options, title, line=current().line)


def join(
    invite: str,
    *,
    name: str,
    accept: bool = False,
    language: str = "",
    transport: TransportOptions | None = None,
) -> Room:
    """The room behind an invite. With `accept` its ground rules are accepted unread. Otherwise show
    them (`AgreementShown`, or `room.agreement`) and call `room.accept`. `language` is the reader's
    (BCP 47): the ground rules are shown in it, if the room has it.

    Raises `InvalidInput` at once when the invite or the name is wrong.
    """
    try:
        parsed = Invite.parse(invite)
    except Malformed as error:
        raise InvalidInput.of(error) from None
    engine = _engine(name, ROOM_SUITE, language)
    engine.begin_joining(parsed, accept=accept)
    return Room(engine, parsed.origin, transport or TransportOptions(), line=current().line)


def resume(
    ticket: Ticket | str, *, language: str = "", transport: TransportOptions | None = None
) -> Room:
    """The room of a ticket, as the person that it is of. No knock, no decision and no invite: the
    facilitators' clients let the same keys in again, five times an hour, and all members are told.
    A facilitator that was alone is let in by the members. The ticket is spent then, and
    `TicketMade` tells the next one. What was said before is not here any more.

    `async with` raises `Refused` (`unknown_ticket` when the relay knows it no more,
    `ticket_in_use` while the program of the ticket is connected). Raises `InvalidInput`
    (`bad_ticket`) at once.
    """
    try:
        parsed = Ticket.parse(ticket) if isinstance(ticket, str) else ticket
    except Malformed as error:
        raise InvalidInput.of(error) from None
    around = current()
    nobody = Identity.generate("", room_suite(ROOM_SUITE), around.random)
    engine = Engine(nobody, around.clock, around.wall, around.random, language)
    engine.begin_resuming(parsed)
    return Room(engine, parsed.origin, transport or TransportOptions(), line=around.line)


def _engine(name: str, suite: int, language: str = "") -> Engine:
    around = current()
    identity = Identity.generate(clean_name(name), room_suite(suite), around.random)
    return Engine(identity, around.clock, around.wall, around.random, language)


def _bounds(what: str, size: int, least: int, most: int) -> None:
    if not least <= size <= most:
        text = f"{what} must be between {least} and {most}; it is {size}."
        raise InvalidInput(f"bad_{what}", text)


def _text(what: str, text: str, least: int, most: int) -> None:
    """A text's size in bytes, in UTF-8."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidInput(f"bad_{what}", f"{what} has characters that cannot be sent.") from None
    _bounds(what, size, least, most)

"""Events in words, for a person. Everything that others wrote is escaped here."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, assert_never

from alcove_protocol.card import AgreementText

from alcove import events
from alcove.cli import (
    act_words,
    coming_words,
    door_words,
    escape,
    invite_words,
    moderation_words,
    role_words,
    standby_words,
    state_words,
)
from alcove.cli.presence_words import of_presence, returns
from alcove.cli.room_view import RoomView, ShownMessage
from alcove.cli.rooms import MemberLike, RoomLike
from alcove.events import ConnectionState, RoomState
from alcove.messages.agreements import in_language

CONNECTION: Final = MappingProxyType(
    {
        ConnectionState.CONNECTED: "Connected.",
        ConnectionState.SILENT: "The relay has not answered for {} seconds; your connection may be "
        "slow or gone. You need to do nothing, and what you write goes out once it answers.",
        ConnectionState.RECONNECTING: "You are not connected at the moment. Your client tries "
        "again by itself, and what you write waits.",
        ConnectionState.RESUMED: "You are connected again.",
        ConnectionState.REJOINED: "You are connected again: a facilitator's client let you back "
        "in. If anything was said meanwhile, it cannot be shown here.",
    }
)
_CONNECTION_READS: Final = MappingProxyType(
    {
        ConnectionState.SILENT: "The relay has not answered for {} seconds; your connection may be "
        "slow or gone. You need to do nothing.",
        ConnectionState.RECONNECTING: "You are not connected at the moment. Your client tries "
        "again by itself.",
    }
)
"""To one that may not write anyway: nothing of theirs waits."""
ANSWERS_AGAIN: Final = "The relay answers again."
UNCOUNTED: Final = (
    "The relay counts no facilitator as connected, not even you yet. The room is quiet until it "
    "counts you, and what you write waits here. You need to do nothing."
)
"""To a facilitator that comes back and was alone, in place of `RoomState.READ_ONLY`."""
COMMAND_FOR: Final = MappingProxyType(
    {"too_many_doors": " /invites lists them, and /revoke NUMBER closes one."}
)
"""What helps against what the relay refused, behind its sentence: by the code."""
ROOM: Final = MappingProxyType(
    {
        RoomState.OPEN: state_words.OPEN,
        RoomState.READ_ONLY: "The relay says that no facilitator is connected. The room is "
        "quiet until one is back, and what you write waits here. If none is back within half an "
        "hour, the relay deletes the room. You can wait, or go with /leave.",
        RoomState.NOT_HEARD: "No facilitator has been heard here for a while, so what you write "
        "waits. "
        "Their connection may be bad, or the relay may be keeping you apart. It goes on by itself "
        "once one is heard. /leave leaves; /anyway sends all the same.",
        RoomState.SPLIT: "Others here see another conversation than you do, so this room is not "
        "safe "
        "at the moment. What you write waits and is not sent. It is best to leave with /leave, and "
        "to reach the others another way. /rejoin asks a facilitator to let you in again; /anyway "
        "sends to those whom the relay lets read it.",
    }
)
_ROOM_READS: Final = MappingProxyType(
    {
        RoomState.READ_ONLY: "The relay says that no facilitator is connected. You can wait "
        "until one is back, or go with /leave. If none is back within half an hour, the relay "
        "deletes the room.",
        RoomState.NOT_HEARD: "No facilitator has been heard here for a while. Their connection may "
        "be bad, or the relay may be keeping you apart. You can wait, or go with /leave.",
    }
)
"""The same to one that may not write anyway."""
CONNECTION_SHORT: Final = MappingProxyType(
    {
        ConnectionState.CONNECTED: "connected",
        ConnectionState.SILENT: "no answer for {} s",
        ConnectionState.RECONNECTING: "reconnecting …",
        ConnectionState.RESUMED: "connected",
        ConnectionState.REJOINED: "connected",
    }
)
CONNECTING_SHORT: Final = "connecting …"
MOVING_SHORT: Final = "one moment …"
ROOM_SHORT: Final = MappingProxyType(
    {
        RoomState.OPEN: "room open",
        RoomState.READ_ONLY: "quiet: no facilitator",
        RoomState.NOT_HEARD: "no facilitator heard",
        RoomState.SPLIT: "NOT SAFE: nothing is sent",
    }
)
UNCONFIRMED_SHORT: Final = "not confirmed yet"
TOO_FEW_SHORT: Final = "waits for facilitators"
HELD_SHORT: Final = "room paused"
OUTSIDE_SHORT: Final = "you are outside"
SAY: Final = "Say something, or /help"
NOT_IN: Final = "You are not in yet: /leave leaves"
OUTSIDE: Final = "Outside: /inside comes back"
HELD: Final = "The room is paused; you can read"
LISTENING: Final = "Only facilitators write for now"
PAUSED: Final = "You can read, not write for now"
NOT_ACCEPTED: Final = (
    "You are not in the room yet. First type /accept if you agree to the ground rules, or /leave."
)
ACCEPTED: Final = (
    "You accepted the ground rules already, and wait to be let in. You need to do nothing."
)
GOES_OUT: Final = (
    "You asked to step outside, and that cannot be taken back. You are told when you are outside, "
    "where /inside comes back, or when no facilitator's client has let you go."
)
ACCEPTED_OUTSIDE: Final = "You accepted the ground rules already. /inside comes back."
NOT_ANSWERED: Final = (
    "You are not in the room yet. First type /accept and your answer if you agree to the ground "
    "rules, or /leave."
)
"""The same, where the invite asks something."""
BEGUN_AT_DOOR: Final = (
    "You are in the room now, and everybody in it reads what you say. You began this at the door, "
    "where only facilitators read, so it was not sent."
)
"""To one that was let in while they typed."""
HIDES_COMMAND: Final = (
    "A command stands here behind something else. Everybody would read it as a text, so it was not "
    "sent."
)
ANSWERS_NOTHING: Final = (
    "Everybody would read this as a text, so it was not sent. A question here is answered by its "
    "own line, typed once more."
)
"""Of a bare yes or no, soon after a question was asked."""
STAYS: Final = "It stays in your line: Enter sends it later, and Ctrl+U clears it."
"""Behind the reason why a text was not sent, where the line can still be edited."""
STAYS_DOUBTED: Final = "It stays in your line: Enter says it to everybody, and Ctrl+U clears it."
"""The same, where nothing but the person's own look at it is missing."""
LONE_LEAVE: Final = (
    "You are the only facilitator here. If you leave, nobody can post or come in any more, and the "
    "room is lost within half an hour. /end ends it for everybody now. To keep it, make another "
    "member a facilitator first: /appoint NAME. To leave all the same, type /leave once more."
)
END_ROOM: Final = (
    "End the room for everybody? It closes at every client, and nobody can write, read on or come "
    "back. It cannot be undone. To do it, type /end once more."
)
END_UNSETTLED: Final = (
    " The relay has lost this room, and may refuse that for a minute or more; you are told when it "
    "works again."
)
END_UNREACHED: Final = (
    " The relay is not reached at the moment, so it works only once you are connected again."
)


ToldEvent = (
    events.InvitesListed
    | events.InviteRevoked
    | events.Outside
    | events.DoorTaken
    | events.DoorSaid
    | events.Waiting
    | events.Knocked
    | events.Joined
    | events.Left
    | events.Removed
    | events.Absent
    | events.NewKeys
    | events.Reloaded
    | events.RoleChanged
    | events.Paused
    | events.Unpaused
    | events.PresenceChanged
    | events.MemberList
    | events.RulesChanged
    | events.StandbyChanged
    | events.StandbyAsked
    | events.VaultChanged
    | events.SafetyWords
    | events.PastActs
    | events.Failed
    | events.ConnectionChanged
    | events.RoomChanged
    | events.Gap
    | events.Accepted
    | events.Problem
    | events.Unknown
)
"""The events that are told by a sentence. The others a screen shows in ways of its own."""


def of_event(
    event: ToldEvent,
    *,
    facilitates: bool = False,
    members: Sequence[MemberLike] = (),
    waiting: Mapping[str, events.Knocked] = MappingProxyType({}),
    locked: bool = False,
    unsettled: bool = False,
    outside: bool = False,
    own: bool = False,
    opened: str = state_words.OPEN,
    only_reads: bool = False,
) -> str:
    """A sentence of this program about `event`, for a facilitator or a participant. `members` are
    those after it, and `waiting` newcomers those before it. The door is `locked`. The room is
    `unsettled`, so that no newcomer can be let in yet. The reader was `outside` before the event.
    The reader asked for it by a command: it is their `own`. `opened` is said of a room that is
    open. The reader may write nothing now, and `only_reads`. What happened to the reader is told in
    the second person."""
    # One that comes back alone by a ticket is a facilitator in the list before their client is.
    facilitates = facilitates or any(one.you and one.facilitator for one in members)
    match event:
        case events.InvitesListed(invites):
            return invite_words.listed(invites)
        case events.InviteRevoked(_, by):
            return invite_words.revoked(by, me(members), own=own)
        case events.Outside() | events.DoorTaken() | events.DoorSaid():
            return door_words.of_event(event, me(members), waiting)
        case events.Waiting(code):
            compare = f" If you can, compare this code with theirs: {escape.line(code)}"
            asked = (
                "You asked to be let in. A facilitator decides; this can take a quarter of an "
                "hour, and after that you can ask again. You need to do nothing. Only facilitators "
                "read what you type. To stop waiting, type /leave."
            )
            return asked + (compare if code else "")
        case events.Knocked():
            waits = door_words.knocked(event, waiter(event), locked=locked, unsettled=unsettled)
            return waits + returns(event)
        case events.Joined():
            return coming_words.joined(event, me(members), waiting, outside=outside)
        case events.Left(name):
            return f"{escape.name(name)} left."
        case events.Removed():
            return moderation_words.removed(event, facilitates=facilitates, me=me(members))
        case events.PresenceChanged() | events.Absent() | events.NewKeys() | events.Reloaded():
            return of_presence(event, me(members))
        case events.RoleChanged():
            return role_words.of_role(event, members, own=own)
        case events.Paused() | events.Unpaused():
            return moderation_words.of_pause(event, me(members))
        case events.MemberList(listed):
            return "\n".join(("In this room:", *who(listed, ())))
        case events.RulesChanged():
            return moderation_words.of_rules(event, facilitates=facilitates, me=me(members))
        case events.StandbyChanged():
            return standby_words.changed(event, me(members))
        case events.StandbyAsked(admitted):
            return standby_words.ADMITTED if admitted else standby_words.ASKED
        case events.VaultChanged():
            return role_words.of_vault(event, members)
        case events.SafetyWords(said):
            return (
                f"Compare now, outside this room, with another facilitator: {' '.join(said)}. "
                "If theirs differ again after you both look once more, this room is not safe: "
                "leave it with /leave, and reach the others another way."
            )
        case events.PastActs(acts):
            return act_words.listed(acts, me(members))
        case events.Failed(code="unconfirmed", text=text):
            return f"Not confirmed: {escape.line(text)}"
        case events.Failed(text=text):
            return f"Not sent: {escape.line(text)}"
        case events.ConnectionChanged(state) if only_reads and state in _CONNECTION_READS:
            return _CONNECTION_READS[state].format(event.unanswered)
        case events.RoomChanged(state, 0) if only_reads and state in _ROOM_READS:
            return _ROOM_READS[state]
        case events.ConnectionChanged(state, unanswered):
            return CONNECTION[state].format(unanswered)
        case events.RoomChanged(RoomState.NOT_HEARD) if facilitates:
            return state_words.UNHEARD_BY_OTHERS
        case events.RoomChanged(RoomState.NOT_HEARD) if state_words.hears_facilitator(members):
            return state_words.UNCONFIRMED
        case events.RoomChanged(RoomState.OPEN):
            return opened
        case events.RoomChanged(state, missing):
            if missing:
                return state_words.too_few(missing, facilitates=facilitates)
            return UNCOUNTED if facilitates and state is RoomState.READ_ONLY else ROOM[state]
        case events.Gap(missed, sender):
            return _gap(missed, sender)
        case events.Accepted(name):
            return f"{escape.name(name)} accepted the new ground rules."
        case events.Problem(code, text):
            return escape.line(text) + COMMAND_FOR.get(code, "")
        case events.Unknown(sender):
            return (
                f"{escape.name(sender)} did something that this version of Alcove cannot show. "
                "A newer one may."
            )
        case _:
            assert_never(event)


def end_hint(view: RoomView) -> str:
    """Return what stands behind the question whether to end the room, while that cannot be done."""
    if not view.reaches_relay:
        return END_UNREACHED
    return END_UNSETTLED if view.unsettled else ""


def me(members: Sequence[MemberLike]) -> str:
    """Return the reader's name; empty before they are in the room."""
    return next((one.name for one in members if one.you), "")


def taken_back(entry: ShownMessage | None) -> str:
    """Return what to say when a message was taken back. `entry` is it as it was."""
    if entry is None:
        return "A message was taken back."
    if not entry.mine:
        return f"{escape.name(entry.sender)} took a message back."
    if entry.sent:
        return "You took a message back. Somebody may have read it before."
    return "You took a message back before it was sent."


def stays(reason: str) -> str:
    """Return what becomes of a text that was not sent for this reason."""
    return STAYS_DOUBTED if reason in (BEGUN_AT_DOOR, HIDES_COMMAND, ANSWERS_NOTHING) else STAYS


def rules_changed(rules: events.AgreementShown, *, going_out: bool = False) -> str:
    """Return what happened to the agreement, to a person in the room, or on their way outside."""
    if rules.asked and going_out:
        return (
            f"The ground rules changed while you went outside; this is version {rules.version}. "
            "Your client waits at the door for you once you accept them. /rules shows them whole, "
            "/accept accepts them, /leave leaves."
        )
    if rules.asked:
        return (
            f"The ground rules changed; this is version {rules.version}. What you write waits "
            "until you accept them. /rules shows them whole, /accept accepts them, /leave leaves."
        )
    return (
        f"The ground rules are version {rules.version} now, and you need not accept them again. "
        "/rules shows them."
    )


NO_RULES: Final = "The ground rules have not come here yet."


def rules_here(
    shown: events.AgreementShown | None, room: RoomLike, language: str = ""
) -> tuple[str, str] | None:
    """Return a heading and the whole ground rules, in the language of this tag or the reader's own.
    None where nothing is known of them. To the one that wrote them they are not `shown`."""
    texts = room.agreement_texts
    if shown is not None:
        other = in_language(texts, language) if language and texts else None
        heading = f"{_titled(shown.title)}the ground rules, version {shown.version}"
        return heading, _lacks(language, other or shown) + rules_text(shown, other)
    if not texts:
        return None
    one = in_language(texts, language)
    written = _lacks(language, one) + _whole(one, [text.language for text in texts])
    return f"{_titled(room.title)}the ground rules", written


def _lacks(language: str, found: events.AgreementShown | AgreementText) -> str:
    """Return that the ground rules are not there in the language of this tag, if that is so."""
    wanted, other = (one.casefold().split("-")[0] for one in (language, found.language))
    if not language or not other or wanted == other:
        return ""
    tag = escape.line(language)
    return f"No text of the ground rules is marked as {tag}, so another one stands here:\n\n"


def _titled(title: str) -> str:
    return f"{escape.line(title)}: " if title else ""


def rules_text(rules: events.AgreementShown, text: AgreementText | None = None) -> str:
    """Return the whole ground rules, the summary first. `text` has them in another language."""
    return _whole(text or rules, rules.languages)


def _whole(said: events.AgreementShown | AgreementText, languages: Sequence[str]) -> str:
    others = [tag for tag in languages if tag != said.language]
    more = f"\n\n[also in: {', '.join(others)}; /rules TAG shows it]" if others else ""
    return (f"{said.summary.strip()}\n\n" if said.summary.strip() else "") + said.text + more


_ASK: Final = "They are not kept anywhere; ask in the room if something is unclear."


def _gap(missed: int | None, sender: str | None) -> str:
    of = "" if sender is None else f" of {escape.name(sender)}"
    if missed is None:
        return f"Messages{of} may be missing here, and nobody can tell how many. {_ASK}"
    if missed == 1:
        return f"One message{of} did not reach you. {_ASK}"
    return f"{missed} messages{of} did not reach you. {_ASK}"


def waiter(knock: events.Knocked) -> str:
    """Return a waiting newcomer's name, with what a facilitator should know."""
    notes = [f"code {escape.line(knock.code)}"] if knock.code else []
    if knock.outside:
        notes = ["outside"]  # nothing to compare: it is the member that stepped outside
    if knock.door_revoked:
        notes.append("came by a revoked invite")
    if knock.question:
        # A newcomer chose these words: they end where the quotation mark does.
        answer = escape.line(knock.question).replace('"', "'")
        notes.append(f'answered: "{answer}"')
    return escape.name(knock.name) + (f" ({', '.join(notes)})" if notes else "")


def author(name: str, members: Sequence[MemberLike]) -> str:
    """Return a name with its badge, which stands in brackets that no name can hold."""
    badge = "[facilitator] " if any(m.name == name and m.facilitator for m in members) else ""
    return badge + escape.name(name)


UNHEARD: Final = "not heard yet"


def notes(members: Sequence[MemberLike]) -> list[str]:
    """Return what stands behind each name in the list of members. A pause stands there for
    facilitators, and for the member."""
    facilitates = any(member.you and member.facilitator for member in members)
    return [_note(member, facilitates=facilitates) for member in members]


def _note(member: MemberLike, *, facilitates: bool) -> str:
    paused = member.paused and (member.you or facilitates)
    heard = member.heard or member.presence == "here"  # a sign of life is heard, too
    said = ["you"] if member.you else [] if heard else [UNHEARD]
    said += ["only reads"] if paused else []  # paused, or let in to listen
    said += [] if member.you or member.presence == "unknown" else [member.presence]
    return "".join(f" [{one}]" for one in said)


def who(members: Sequence[MemberLike], waiting: Sequence[events.Knocked]) -> list[str]:
    """Return the members, then the waiting newcomers, a line each."""
    noted = zip(members, notes(members), strict=True)
    lines = [author(one.name, members) + note for one, note in noted]
    asking = [f"waiting: {waiter(knock)}" for knock in waiting if not knock.outside]
    return lines + asking + [f"outside: {escape.name(it.name)}" for it in waiting if it.outside]


def who_is_here(
    members: Sequence[MemberLike], view: RoomView, away: Sequence[str] = ()
) -> list[str]:
    """Return what /members says, the heading first. What it cannot know, it does not claim. `away`
    are those that are not in the room and may come back."""
    if view.outside:
        return ["You are outside, and see nothing of the room. /inside comes back."]
    if not view.joined:
        return ["You are not in the room yet. Once you are, /members shows who is there."]
    facilitates = any(one.you and one.facilitator for one in members)
    heading = "In this room:"
    if view.connection is ConnectionState.RECONNECTING and view.moving:
        heading = "Your client connects anew by itself. Before that, these were in the room:"
    elif view.connection is ConnectionState.RECONNECTING:
        heading = "You are not connected. When you last were, these were in the room:"
    elif view.connection is ConnectionState.SILENT:
        heading = "The relay does not answer now. When it last did, these were in the room:"
    elif not facilitates:
        heading = "In this room. Whether a participant is here, only facilitators see:"
        noted = zip(members, notes(members), strict=True)
        if any(UNHEARD in note for one, note in noted if not one.facilitator):
            heading = (
                "In this room. Whether a participant is here, only facilitators see. Of one that "
                "is marked as not heard yet, nothing has come to you since they came in:"
            )
    known = {one.name for one in members} | {knock.name for knock in view.waiting.values()}
    gone = [one for one in away if one not in known]
    lines = who(members, list(view.waiting.values()))
    return [heading, *lines, *(f"{escape.name(one)} [not here, may come back]" for one in gone)]

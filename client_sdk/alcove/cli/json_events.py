"""Events as lines of JSON, as docs/cli.schema.json states. A key without a value is absent."""

import json
import re
from typing import Any, Final, assert_never

from alcove import events
from alcove.members import Member

_ACTIVE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Characters that JSON allows, written as escapes here: a terminal may obey the first range, a line
reader may split at the second, and the third has no UTF-8."""


def to_line(event: events.AnyEvent) -> bytes:
    """Return one line, with its line end."""
    text = json.dumps(to_object(event), ensure_ascii=False, separators=(",", ":"))
    return _ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode("utf-8") + b"\n"


def to_object(event: events.AnyEvent) -> dict[str, Any]:
    """Return the object that docs/cli.schema.json states for this event."""
    kind, keys = _content(event)
    return {"event": kind} | keys


def _content(event: events.AnyEvent) -> tuple[str, dict[str, Any]]:
    match event:
        case events.Opened(invite):
            return "opened", {"invite": invite}
        case events.Outside(name, you):
            return "outside", {"name": name} | _if(you=you)
        case events.DoorTaken(id, by):
            return "door_taken", _if(id=id, by=by)
        case events.DoorSaid(id, text, sender):
            return "door_said", _if(id=id) | {"text": text, "from": sender}
        case events.InviteChanged() | events.InvitesListed() | events.InviteRevoked():
            return _of_invites(event)
        case events.AgreementShown():
            return "agreement", _of_agreement(event)
        case events.Accepted(name):
            return "accepted", {"name": name}
        case (
            events.Waiting()
            | events.Knocked()
            | events.KnockGone()
            | events.Joined()
            | events.Left()
            | events.Removed()
            | events.Absent()
            | events.NewKeys()
            | events.RoleChanged()
            | events.Paused()
            | events.Unpaused()
            | events.VaultChanged()
            | events.PresenceChanged()
        ):
            return _of_people(event)
        case events.Reloaded(name):
            return "reloaded", {"name": name}
        case events.TicketMade(ticket):
            return "ticket", {"ticket": ticket}
        case events.RulesChanged():
            return "rules", _of_rules(event)
        case events.StandbyLink(invite):
            return "standby", {"invite": invite} if invite else {"on": False}
        case events.StandbyChanged(on, by):
            return "standby_changed", {"on": on} | _if(by=by)
        case events.StandbyAsked(admitted):
            return "standby_asked", {"admitted": admitted}
        case (
            events.Message()
            | events.Sent()
            | events.Queued()
            | events.Failed()
            | events.Retracted()
            | events.Folded()
            | events.Expired()
        ):
            return _of_messages(event)
        case events.SafetyWords(said, ref):
            return "words", {"words": list(said)} | _ref(ref)
        case events.PastActs(acts, ref):
            return "acts", {"acts": [_act(act) for act in acts]} | _ref(ref)
        case events.MemberList(members, ref):
            return "members", {"members": [_member(one) for one in members]} | _ref(ref)
        case events.ConnectionChanged(connection, unanswered, moving):
            notes = _if(unanswered=unanswered, moving=moving)
            return "connection", {"state": str(connection)} | notes
        case events.RoomChanged(room, missing):
            return "room", {"state": str(room)} | _if(missing=missing)
        case events.Gap(missed, sender):
            return "gap", {"missed": missed} | _if(**{"from": sender})
        case events.Problem(code, text, ref, sender):
            return "error", {"code": code, "message": text} | _ref(ref) | _if(**{"from": sender})
        case events.Unknown(sender, kind):
            return "unknown", {"from": sender, "kind": kind}
        case events.Closed(reason, code, text):
            return "closed", {"reason": str(reason)} | _if(code=code, message=text)
        case _:
            assert_never(event)


def _of_agreement(event: events.AgreementShown) -> dict[str, Any]:
    keys = {"version": event.version, "text": event.text, "asked": event.asked}
    return keys | _if(
        title=event.title,
        language=event.language,
        summary=event.summary,
        languages=list(event.languages),
        question=event.question,
        unseen=event.unseen,
    )


def _of_rules(event: events.RulesChanged) -> dict[str, Any]:
    keys = {
        "listen_only": event.listen_only,
        "locked": event.locked,
        "hold": event.hold,
        "slow": event.slow,
        "changed": list(event.changed),
    }
    return keys | _if(by=event.by, facilitators=list(event.facilitators))


def _of_invites(
    event: events.InviteChanged | events.InvitesListed | events.InviteRevoked,
) -> tuple[str, dict[str, Any]]:
    match event:
        case events.InviteChanged(invite, door, uses, hours, question, ref):
            terms = _if(door=door, uses=uses, hours=hours, question=question)
            return "invite", {"invite": invite} | terms | _ref(ref)
        case events.InvitesListed(invites, ref):
            return "invites", {"invites": [_invite(one) for one in invites]} | _ref(ref)
        case events.InviteRevoked(door, by):
            return "revoked", {"door": door, "by": by}
        case _:
            assert_never(event)


def _invite(one: events.OpenInvite) -> dict[str, Any]:
    left = {"uses": one.uses, "hours": one.hours}
    known = {key: value for key, value in left.items() if value is not None}
    row = {"door": one.door, "here": one.here} | known
    return row | _if(question=one.question, yours=one.yours)


def _of_people(
    event: events.Waiting
    | events.Knocked
    | events.KnockGone
    | events.Joined
    | events.Left
    | events.Removed
    | events.Absent
    | events.NewKeys
    | events.RoleChanged
    | events.Paused
    | events.Unpaused
    | events.VaultChanged
    | events.PresenceChanged,
) -> tuple[str, dict[str, Any]]:
    match event:
        case events.Waiting(code):
            return "waiting", _if(code=code)
        case events.Knocked(id, name, code, revoked, answered, outside, again, away, word):
            notes = _if(code=code, door_revoked=revoked, question=answered, outside=outside)
            return "knock", {"id": id, "name": name} | notes | _if(
                again=again, away=away, word=word
            )
        case events.KnockGone(id):
            return "knock_gone", {"id": id}
        case events.Joined(name, you, members, by):
            oneself = {"you": True, "members": list(members)} if you else {}
            return "joined", {"name": name} | oneself | _if(by=by)
        case events.Left(name):
            return "left", {"name": name}
        case events.Removed(name, by, away):
            return "removed", {"name": name} | _if(by=by, away=away)
        case events.NewKeys(name, by):
            return "new_keys", {"name": name, "by": by}
        case events.Absent(name, by):
            return "absent", {"name": name, "by": by}
        case events.RoleChanged(name, facilitator, by):
            role = "facilitator" if facilitator else "participant"
            return "role", {"name": name, "role": role, "by": by}
        case events.Paused(name, by, you, to_listen):
            return "paused", {"name": name} | _if(by=by, you=you, to_listen=to_listen)
        case events.Unpaused(name, by, you):
            return "unpaused", {"name": name} | _if(by=by, you=you)
        case events.VaultChanged(name, complete):
            return "vault", {"name": name, "complete": complete}
        case events.PresenceChanged(name, presence):
            return "presence", {"name": name, "presence": presence}
        case _:
            assert_never(event)


def _of_messages(
    event: events.Message
    | events.Sent
    | events.Queued
    | events.Failed
    | events.Retracted
    | events.Folded
    | events.Expired,
) -> tuple[str, dict[str, Any]]:
    match event:
        case events.Message(id, sender, text, ttl, warning, time, age):
            keys = {"id": id, "from": sender, "text": text, "ttl": ttl}
            keys |= {"time": round(time, 3), "age": age}
            return "message", keys | _if(warning=warning, folded=event.folded)
        case events.Folded(ids, name, by, on, why, yours):
            keys = {"ids": list(ids), "on": on, "why": why}
            return "folded", keys | _if(name=name, by=by, yours=list(yours))
        case events.Sent(id, ref):
            return "sent", {"id": id} | _ref(ref)
        case events.Queued(id, ref):
            return "queued", {"id": id} | _ref(ref)
        case events.Failed(id, code, text, ref):
            return "failed", {"id": id} | _if(code=code, message=text) | _ref(ref)
        case events.Retracted(id):
            return "retracted", {"id": id}
        case events.Expired(id):
            return "expired", {"id": id}
        case _:
            assert_never(event)


def _act(act: events.PastAct) -> dict[str, Any]:
    notes = _if(name=act.name, aside=act.aside, away=act.away)
    return {"act": act.act, "by": act.by, "age": act.age} | notes


def _member(member: Member) -> dict[str, Any]:
    role = "facilitator" if member.facilitator else "participant"
    keys = {"name": member.name, "role": role, "you": member.you, "paused": member.paused}
    return keys | {"presence": member.presence}


def _if(**keys: object) -> dict[str, Any]:
    return {key: value for key, value in keys.items() if value}


def _ref(ref: str | None) -> dict[str, Any]:
    # An empty ref is a ref too: the program that gave it gets it back.
    return {} if ref is None else {"ref": ref}

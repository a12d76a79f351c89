"""Events as lines of JSON, as docs/cli.schema.json says. A key without a value is absent."""

import json
import re
from typing import Any, Final

from alcove import events

_ACTIVE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Valid in JSON, but a terminal may obey the first, a line reader may split at the second, and the
third has no UTF-8. All can be written as escapes, which mean the same."""


def to_line(event: events.Event) -> bytes:
    """One line, its end included."""
    text = json.dumps(to_object(event), ensure_ascii=False, separators=(",", ":"))
    return _ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode("utf-8") + b"\n"


def to_object(event: events.Event) -> dict[str, Any]:
    """What docs/cli.schema.json says of this event."""
    kind, keys = _content(event)
    return {"event": kind} | keys


def _content(event: events.Event) -> tuple[str, dict[str, Any]]:
    match event:
        case events.Opened(invite):
            return "opened", {"invite": invite}
        case events.InviteChanged(invite):
            return "invite", {"invite": invite}
        case events.AgreementShown(version, text, title):
            return "agreement", {"version": version, "text": text} | _if(title=title)
        case events.Waiting(code):
            return "waiting", _if(code=code)
        case events.Knocked(id, name, code, revoked):
            return "knock", {"id": id, "name": name} | _if(code=code, door_revoked=revoked)
        case events.KnockGone(id):
            return "knock_gone", {"id": id}
        case events.Joined(name, True, members):
            return "joined", {"name": name, "you": True, "members": list(members)}
        case events.Joined(name):
            return "joined", {"name": name}
        case events.Left(name):
            return "left", {"name": name}
        case events.Removed(name):
            return "removed", {"name": name}
        case _:
            return _talk(event)


def _talk(event: events.Event) -> tuple[str, dict[str, Any]]:
    match event:
        case events.Message(id, sender, text, ttl, warning):
            keys = {"id": id, "from": sender, "text": text, "ttl": ttl}
            return "message", keys | _if(warning=warning)
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
            return _state(event)


def _state(event: events.Event) -> tuple[str, dict[str, Any]]:
    match event:
        case events.ConnectionChanged(connection):
            return "connection", {"state": str(connection)}
        case events.RoomChanged(room):
            return "room", {"state": str(room)}
        case events.Gap(missed):
            return "gap", {"missed": missed}
        case events.Problem(code, text, ref):
            return "error", {"code": code, "message": text} | _ref(ref)
        case events.Unknown(sender, kind):
            return "unknown", {"from": sender, "kind": kind}
        case events.Closed(reason, code, text):
            return "closed", {"reason": str(reason)} | _if(code=code, message=text)
        case _:
            # A kind of event that a later SDK has and this table has not: said, not swallowed.
            return "unknown", {"from": "", "kind": type(event).__name__}


def _if(**keys: object) -> dict[str, Any]:
    return {key: value for key, value in keys.items() if value}


def _ref(ref: str | None) -> dict[str, Any]:
    # An empty ref is a ref: whoever gave it gets it back.
    return {} if ref is None else {"ref": ref}

"""The Lua scripts, each with the parts that it needs, and their names on a server."""

from __future__ import annotations

from hashlib import sha1
from pathlib import Path
from typing import Final

_LOBBY: Final = ("meta", "whole", "lobby")
_DOORS: Final = ("meta", "whole", "doors", "lobby", "revoke")
_LOG: Final = ("meta", "append", "records")
_TICKETS: Final = ("meta", "whole", "parts", "tickets")

PARTS: Final[dict[str, tuple[str, ...]]] = {
    "open": ("meta", "whole"),
    "head": ("meta", "whole"),
    "chain": ("meta", "whole"),
    "end": ("meta", "whole"),
    "publish": _LOG,
    "publish_step": (*_LOG, "doors", "lobby", "revoke", "welcomes", "parts", "tickets", "step"),
    "published": ("meta", "whole", "append", "records"),
    "read": ("meta", "whole"),
    "put_door": _DOORS,
    "revoke_door": _DOORS,
    "door": _DOORS,
    "at_door": _DOORS,
    "knock": _DOORS,
    "waiting": _LOBBY,
    "withdraw": _LOBBY,
    "add_item": _LOBBY,
    "add_talk": _LOBBY,
    "talk_to": _LOBBY,
    "settle": _LOBBY,
    "lobby_page": _LOBBY,
    "take_refusal": _LOBBY,
    "welcome": ("meta", "whole"),
    "welcomed": ("meta", "whole", "welcomes"),
    "reseat": ("meta", "whole", "append", "doors"),
    "unsettled": ("meta", "whole"),
    "vote": ("meta", "whole"),
    "settle_log": ("meta", "whole"),
    "connected": ("meta", "whole"),
    "pass_on": ("meta", "whole"),
    "fence": ("meta", "whole"),
    "sweep": ("meta", "whole"),
    "hold": ("meta", "whole"),
    "look": ("meta", "whole", "doors", "lobby", "welcomes", "parts", "tickets"),
    "park": _TICKETS,
    "parked": _TICKETS,
    "fetched": _TICKETS,
    "unpark": _TICKETS,
}
"""What stands before the body of each script."""


def _read(name: str) -> str:
    return (Path(__file__).parent / "scripts" / f"{name}.lua").read_text("utf-8")


def _whole(name: str, parts: tuple[str, ...]) -> bytes:
    body = "publish" if name == "publish_step" else name
    return "\n".join(_read(part) for part in (*parts, body)).encode()


SOURCES: Final = {name: _whole(name, parts) for name, parts in PARTS.items()}
DIGESTS: Final = {
    name: sha1(source, usedforsecurity=False).hexdigest().encode()
    for name, source in SOURCES.items()
}
"""Redis names a script by its SHA-1."""

"""What a relay keeps, field by field, and the row of docs/threat-model.md that says so.

MEMORY   the fields of the memory store and of what a node holds of its rooms
REDIS    the keys of a room, by what follows its tag
RECORDS  the fields of the records in them

A field without a person's data or a room's has `NOTHING`: a clock, a count, a bound, an index of
fields that stand here too.
"""

import ast
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SERVER: Final = ROOT / "server" / "alcove_server"
SCRIPTS: Final = SERVER / "store" / "redis" / "scripts"

NOTHING: Final = ""
ROOM, BLOBS, IDS, DOORS = "room", "messages", "publish ids", "doors"
LOBBY, REASONS, WELCOMES = "requests of members", "refusals of knocks", "Welcomes"
TALKS, SETTLED, VOTES, ENDED = (
    "talks at the door",
    "settled items",
    "votes after a loss",
    "ended rooms",
)
ABSENT, TURNS, KNOCKS_FROM = "absent members", "turns", "origins of knocks"
CHAINS, CONNECTIONS, PARTS = "chains that were read", "connections", "parts of the network"
OPENERS, ASKS, TICKETS = "openers of rooms", "asks of a standby", "tickets"

MEMORY: Final[dict[str, dict[str, str]]] = {
    "MemoryDoors": {"_doors": DOORS, "_budget": NOTHING, "due": NOTHING},
    "DueRooms": {"_queue": ROOM, "_times": ROOM},
    "EndedRooms": {"_known": ENDED, "_of": OPENERS, "_budget": NOTHING, "_most": NOTHING},
    "MemoryLobby": {
        "_items": LOBBY,
        "_of_kind": NOTHING,
        "_open_of": LOBBY,
        "_talks": TALKS,
        "_refusals": REASONS,
        "_budget": NOTHING,
        "due": NOTHING,
        "number": NOTHING,
    },
    "Log": {
        "_parts": BLOBS,
        "_lost_next": BLOBS,
        "commit": ROOM,
        "generation": ROOM,
        "base": NOTHING,
        "encoded_base": ROOM,
        "number": NOTHING,
        "_budget": NOTHING,
        "_ends": NOTHING,
        "_lost_up_to": NOTHING,
        "_order": NOTHING,
        "due": NOTHING,
    },
    "PublishRecords": {
        "_taken": IDS,
        "_unseen": IDS,
        "_budget": NOTHING,
        "_least": NOTHING,
        "due": NOTHING,
    },
    "Welcomes": {"_waiting": WELCOMES, "_budget": NOTHING, "due": NOTHING},
    "MemoryRoom": {
        "chain": ROOM,
        "roster": ROOM,
        "log": BLOBS,
        "records": IDS,
        "doors": DOORS,
        "lobby": LOBBY,
        "welcomes": WELCOMES,
        "votes": VOTES,
        "tickets": TICKETS,
        "last_beat": ROOM,
        "_began": ROOM,
        "budget": OPENERS,
        "_chain_bytes": NOTHING,
        "due": NOTHING,
        "lobby_rung": NOTHING,
    },
    "MemoryTickets": {
        "_slots": TICKETS,
        "_slot_of": TICKETS,
        "_budget": NOTHING,
        "due": NOTHING,
    },
    "_Slot": dict.fromkeys(("key", "parking", "ends", "wrong"), TICKETS),
    "Parking": dict.fromkeys(("slot", "token_hash", "blob"), TICKETS),
    "MemoryStore": {
        "_rooms": ROOM,
        "_ended": ENDED,
        "_watched": ROOM,
        "_to_tell": BLOBS,
        "_budget": NOTHING,
        "_bounds": NOTHING,
        "_clock": NOTHING,
        "_due": NOTHING,
        "_listener": NOTHING,
        "_on_blob": NOTHING,
    },
    "StoredBlob": {
        "number": BLOBS,
        "blob_class": BLOBS,
        "id": BLOBS,
        "sender": BLOBS,
        "taken_at": BLOBS,
        "expires_at": BLOBS,
        "blob": BLOBS,
        "entry": ROOM,
    },
    "StoredDoor": dict.fromkeys(
        ("id", "key", "uses_left", "expires_at", "card_number", "card", "closed", "by"), DOORS
    ),
    "StoredItem": {
        **dict.fromkeys(("number", "kind", "id", "key", "taken_at", "expires_at", "blob"), LOBBY),
        "door": "knocks",
        "door_revoked": "knocks",
        "to": "vaults",
    },
    "PendingWelcome": dict.fromkeys(("position", "welcome", "entry"), WELCOMES),
    "Vote": dict.fromkeys(("head", "common", "beyond", "void"), VOTES),
    "_Told": {"key": ASKS, "by": ASKS},
    "Asks": {"_told": ASKS, "_asking": ASKS},
    "AwayKeys": {"_since": ABSENT, "_clock": NOTHING},
    "ChainSpace": {"used": ROOM, "beyond": ROOM, "members": ROOM, "total": NOTHING},
    "CommitTurns": {"_buckets": TURNS, "_clock": NOTHING, "_rate": NOTHING},
    "Counts": {
        "commit_turns": TURNS,
        "slow_turns": TURNS,
        "entered_at": TURNS,
        "returned_at": TURNS,
    },
    "KeptCounts": {"_kept": TURNS, "_clock": NOTHING, "_keys": NOTHING, "_rates": NOTHING},
    "SlowTurns": {"_began": TURNS, "_clock": NOTHING},
    "_Place": dict.fromkeys(("door", "part", "room", "since"), CONNECTIONS),
    "Doorstep": {
        "_places": CONNECTIONS,
        "_knocked": CONNECTIONS,
        "_rooms": CONNECTIONS,
        "_tally": PARTS,
        "_clock": NOTHING,
    },
    "WaitingKnocks": {"_rooms": KNOCKS_FROM},
    "Turns": {"_waiting": CONNECTIONS, "_later": CONNECTIONS, "_due": CONNECTIONS},
    "Fanout": {
        "_feeds": CONNECTIONS,
        "_messages": BLOBS,
        "_turns": CONNECTIONS,
        "_at": NOTHING,
        "_round": NOTHING,
        "_until": NOTHING,
    },
    "Rooms": {
        "loaded": ROOM,
        "doorstep": CONNECTIONS,
        "waiting_knocks": KNOCKS_FROM,
        "verifier": CHAINS,
        "restores": CONNECTIONS,
        "fetches": CONNECTIONS,
        "counts": TURNS,
        "replays": CONNECTIONS,
        "replay_budget": NOTHING,
        **dict.fromkeys(("_away", "_failed", "_idle", "_loading", "_missed", "_rung"), ROOM),
        "_services": NOTHING,
        "_turns": CONNECTIONS,
    },
    "Fetches": {
        "_fetches": CONNECTIONS,
        "_in_rooms": CONNECTIONS,
        "_pings": CONNECTIONS,
        "_at": NOTHING,
        "_services": NOTHING,
    },
    "_Fetch": dict.fromkeys(("client", "n", "ping", "slot", "token_hash"), CONNECTIONS),
    "_Ping": dict.fromkeys(("key", "old", "room", "until"), CONNECTIONS),
    "Replays": {"_budget": NOTHING, "_services": NOTHING},
    "ReplayBudget": {"_line": PARTS, "_left": NOTHING, "_renewing": NOTHING, "_runner": NOTHING},
    "Restores": {"clients": CONNECTIONS, "_long": PARTS, "_short": PARTS},
    "LocalRoom": {
        "id": ROOM,
        "history": ROOM,
        "generation": ROOM,
        "number": NOTHING,
        "lobby": NOTHING,
        "clients": CONNECTIONS,
        "live": CONNECTIONS,
        "_ahead": CONNECTIONS,
        "_fanout": CONNECTIONS,
        "asks": ASKS,
        "beats": ROOM,
        "away": ABSENT,
        "commit_turns": TURNS,
        "slow_turns": TURNS,
        "counts": TURNS,
        "seated": CHAINS,
        "_doorstep": CONNECTIONS,
        "_waiting_knocks": KNOCKS_FROM,
        **dict.fromkeys(("over", "settled", "_looked", "_reading", "_rung", "_told"), NOTHING),
        **dict.fromkeys(("_services", "_on_promoted", "loaded_at"), NOTHING),
    },
    "RosterHistory": dict.fromkeys(
        ("roster", "removed", "revoked", "facilitators", "leading", "posters", "space", "absent"),
        ROOM,
    ),
    "RosterVerifier": {"_kept": CHAINS, "_lines": PARTS, "_clock": NOTHING, "_keys": NOTHING},
    "SeatedChain": {
        "_counters": CHAINS,
        "_list": CHAINS,
        "_line": NOTHING,
        "_lists_line": NOTHING,
    },
}

PASSING: Final = {
    "Stale", "RoomHead", "Unsettled", "Page", "RosterStep", "Publication", "Taken",
    "Parked", "SeatedCommit", "SeatedRoom", "LobbyPage", "AtDoor", "Outcome", "JudgedCommit",
}  # fmt: skip
"""Classes that carry something through one request. Nothing keeps one."""

REDIS: Final[dict[str, str]] = {
    "m": ROOM,
    "c": ROOM,
    "b": BLOBS,
    "h": BLOBS,
    "hi": NOTHING,
    "he": NOTHING,
    "l": NOTHING,
    "t": NOTHING,
    "u": NOTHING,
    "z": NOTHING,
    "i": IDS,
    "r": IDS,
    "s": IDS,
    "d": DOORS,
    "dc": DOORS,
    "w": WELCOMES,
    "q": LOBBY,
    "qb": LOBBY,
    "qi": LOBBY,
    "qk": LOBBY,
    "q1": "knocks",
    "q2": LOBBY,
    "q3": "leaves",
    "q4": SETTLED,
    "q5": "vaults",
    "q6": TALKS,
    "q7": ASKS,
    "q8": ASKS,
    "qt": TALKS,
    "f": REASONS,
    "fe": REASONS,
    "v": VOTES,
    "p": TICKETS,
    "pk": TICKETS,
    "pe": TICKETS,
    "end": ENDED,
}
"""`b` is followed by a number, `i` and `r` by a relay key."""

META: Final = {
    **dict.fromkeys(("g", "base", "roster", "commit", "beat", "last", "reign", "before"), ROOM),
    **dict.fromkeys(("layout", "n", "counter", "lobby", "used", "blobs", "lost"), NOTHING),
    **dict.fromkeys(("chain", "due", "kept", "l_first", "l_last", "held"), NOTHING),
}
"""The fields of the key `m`."""

ROWS_OF_THE_PROCESS: Final = {"certificate", CONNECTIONS, PARTS, OPENERS}
"""Rows about more than stores and rooms."""


def fields_of(path: Path) -> dict[str, set[str]]:
    """The fields of each class of a file: what it annotates, and what its methods set on `self`."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            own = {
                part.target.id
                for part in node.body
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
            }
            found[node.name] = own | {
                part.attr
                for part in ast.walk(node)
                if isinstance(part, ast.Attribute)
                and isinstance(part.ctx, ast.Store)
                and isinstance(part.value, ast.Name)
                and part.value.id == "self"
            }
    return {name: fields for name, fields in found.items() if fields}


def rows() -> dict[str, tuple[str, str]]:
    """The table "What this relay holds": of each thing, what of it, and until when."""
    document = (ROOT / "docs" / "threat-model.md").read_text()
    table = document.split("### What this relay holds")[1].split("\n\n")[1]
    lines = [line.strip("|").split(" | ") for line in table.splitlines()[2:]]
    return {thing.strip().split(" (")[0]: (of.strip(), until.strip()) for thing, of, until in lines}


def keys_of_scripts() -> set[str]:
    """What the scripts put behind the tag of a room."""
    text = "".join(path.read_text() for path in SCRIPTS.glob("*.lua"))
    named = set(re.findall(r"P \.\. '(\w+)'", text)) - {"x"}  # which is never there
    kinds = {f"q{kind}" for kind in range(1, 9)}
    parts = re.search(r"local function parts\(\)\n  return \{(.*?)\}", text, re.DOTALL)
    assert parts is not None
    return named | kinds | set(re.findall(r"'(\w+)'", parts[1])) | {"m"}

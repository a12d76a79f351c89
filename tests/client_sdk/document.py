"""The records between clients, as docs/protocol.md has them: `python -m tests.client_sdk.document`.

The command rewrites that table, and all that `tests.protocol.document` rewrites.
"""

from alcove.group.door_texts import TalkBody
from alcove.group.extensions import LeafExtension, RoomExtension, RosterExtension
from alcove.group.parked import ParkedBody
from alcove.group.sealing import KnockBody, RefusalBody
from alcove.group.standby_entry import StandbyAnswer
from alcove.messages.payload import BODIES, Payload, Void
from alcove_protocol.records import Record

from tests.protocol.document import rewritten, tables
from tests.protocol.examples import PATH
from tests.protocol.support import describe

SEALED: tuple[type[Record], ...] = (
    KnockBody,
    RefusalBody,
    TalkBody,
    StandbyAnswer,
    RoomExtension,
    LeafExtension,
    RosterExtension,
    ParkedBody,
    Payload,
    *(kind for kind in BODIES.values() if kind is not Void),
)


def between_clients() -> dict[str, dict[str, str]]:
    """The heading, and its rows."""
    return {"Records between clients": {kind.__name__: describe(kind) for kind in SEALED}}


if __name__ == "__main__":
    PATH.write_text(rewritten(PATH.read_text(), tables() | between_clients()))

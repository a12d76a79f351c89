"""The records between clients are the same in docs/protocol.md and in the code."""

from alcove.group.extensions import LeafExtension, RoomExtension, RosterExtension
from alcove.group.sealing import KnockBody, RefusalBody, RequestBody
from alcove.messages.payload import BODIES, Payload, Void
from alcove_protocol.records import Record

from tests.protocol.support import describe
from tests.protocol.test_examples import rows

SEALED: tuple[type[Record], ...] = (
    KnockBody,
    RefusalBody,
    RequestBody,
    RoomExtension,
    LeafExtension,
    RosterExtension,
    Payload,
)


def test_the_records_between_clients_are_in_the_document() -> None:
    expected = {kind.__name__: describe(kind) for kind in SEALED}
    expected |= {kind.__name__: describe(kind) for kind in BODIES.values() if kind is not Void}
    assert describe(Void) == ""
    assert rows("Records between clients") == expected

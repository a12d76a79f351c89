"""The records between clients are the same in docs/protocol.md and in the code."""

from alcove.messages.payload import Void

from tests.client_sdk.document import between_clients
from tests.protocol.support import describe
from tests.protocol.test_examples import rows


def test_the_records_between_clients_are_in_the_document() -> None:
    assert describe(Void) == ""  # a record without fields has no row
    for title, table in between_clients().items():
        assert rows(title) == table

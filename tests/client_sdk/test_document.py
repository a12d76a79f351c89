"""The records between clients are the same in docs/protocol.md and in the code."""

import re

from alcove.messages.payload import BODIES, Void

from tests.client_sdk.document import between_clients
from tests.protocol.examples import PATH
from tests.protocol.support import describe
from tests.protocol.test_examples import rows


def test_the_records_between_clients_are_in_the_document() -> None:
    assert describe(Void) == ""  # a record without fields has no row
    for title, table in between_clients().items():
        assert rows(title) == table


def test_every_kind_of_message_is_named_where_the_payload_is() -> None:
    lines = PATH.read_text().splitlines()
    (row,) = (line for line in lines if line.startswith("| `kind` | text:"))
    assert re.findall(r"`(\w+)`", row)[1:] == list(BODIES)

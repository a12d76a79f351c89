"""What docs/threat-model.md says that a relay holds is all that it holds: a field without a row
fails here, and so does a row without a field. `tests/redis_store/test_held.py` scans a server.
"""

import re
from typing import Final

from tests.server.held import (
    MEMORY,
    META,
    NOTHING,
    PASSING,
    REDIS,
    ROWS_OF_THE_PROCESS,
    SCRIPTS,
    SERVER,
    fields_of,
    keys_of_scripts,
    rows,
)

FILES: Final = (
    *sorted((SERVER / "store" / "memory").glob("*.py")),
    *sorted((SERVER / "rooms").glob("*.py")),
    SERVER / "store" / "values.py",
)


def test_every_field_of_the_memory_store_and_of_rooms_has_a_row() -> None:
    found: dict[str, set[str]] = {}
    for file in FILES:
        found |= fields_of(file)
    assert {name: set(fields) for name, fields in MEMORY.items()} == {
        name: fields for name, fields in found.items() if name not in PASSING
    }
    assert found.keys() >= PASSING


def test_every_key_of_a_room_in_redis_has_a_row() -> None:
    assert REDIS.keys() == keys_of_scripts()


def test_every_field_of_a_rooms_record_in_redis_has_a_row() -> None:
    text = (SCRIPTS / "meta.lua").read_text()
    encoded = re.search(r"return pack\(META, (.*?)\)", text, re.DOTALL)
    assert encoded is not None
    assert META.keys() == set(re.findall(r"m\.(\w+)", encoded[1]))


def test_every_row_is_there_and_is_of_something_that_is_kept() -> None:
    named = {row for fields in MEMORY.values() for row in fields.values()}
    named |= set(REDIS.values()) | set(META.values()) | ROWS_OF_THE_PROCESS
    as_messages = {"commits", "heartbeats"}  # of one class with messages
    assert named - {NOTHING} | as_messages == rows().keys()


def test_every_row_says_what_is_kept_and_until_when() -> None:
    for thing, (of, until) in rows().items():
        assert of, thing
        assert until, thing

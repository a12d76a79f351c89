"""Where the rules of order are (docs/protocol.md, sections 9 and 11), and their tests.

The relay gives numbers without holes, takes one commit for each base, and answers an id the same
way twice. A client moves by exactly one number, tells what is missing, and sorts every commit into
merged, burned, held or put out as all others do.
"""

from typing import Final

from tests.mutation.mutant import Edit, Mutant

STREAM: Final = "alcove.messages.stream:Stream"
COVERAGE: Final = "alcove.messages.coverage:Coverage"
PRESENCE: Final = "alcove.messages.presence:Presence"
LOG_HASH: Final = "alcove.messages.log_hash"
TALK: Final = "alcove.messages.conversation:Conversation"
READING: Final = "alcove.messages.reading"
FRAMING: Final = "alcove.group.framing"
MEMBERSHIP: Final = "alcove.group.membership"
LISTING: Final = "alcove.group.listing"
STORE: Final = "alcove_server.store.memory.room:MemoryRoom"
STORED: Final = "alcove_server.store.memory.store:MemoryStore"
LOG: Final = "alcove_server.store.memory.log"
RULES: Final = "alcove_server.rooms.rules"
ASKING: Final = "alcove.group.asking"
RIGHTS: Final = "alcove.group.rights"
ROSTER: Final = "alcove_protocol.roster"
ENDINGS: Final = "alcove_protocol.endings"
REJOINING: Final = "alcove.engine.rejoining:Rejoining"

UNIT: Final = "tests/client_sdk/test_order.py"
EVIL: Final = "tests/end_to_end/evil"
CONTRACT: Final = "tests/server/store/test_memory.py::TestMemoryStore"
PUBLISH: Final = "tests/server/test_refusals_publish.py"


def order(
    rule: str, where: str, old: str, new: str, test: str, *more: Edit, equivalent: str = ""
) -> Mutant:
    """A mutant of one rule. `more` is for a rule that stands in more than one place."""
    return Mutant(f"order {rule}", (Edit(where, old, new), *more), test, equivalent)

"""What ends a membership, judged by a client from the roster that it knows and the bytes alone.

A relay can repeat at any time that the room was ended or the member removed. A client believes what
a facilitator of its list signed, and what its own chain does not contradict. It cannot know what
happened while it was away: whether a later entry was taken or lost its race, and whether its signer
was a facilitator until then. docs/protocol.md, sections 8 and 9.
"""

from collections.abc import Container

from alcove_protocol import limits
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label
from alcove_protocol.position import Position
from alcove_protocol.roster import Op, Roster, RosterEntry, entry_hash, extend
from alcove_protocol.statements import EndStatement, Signed, signature_holds, verify


def verify_end(roster: Roster, signed: Signed) -> EndStatement:
    """Return the end of the room, signed by a facilitator for the room as it is or for later.

    Raises `Malformed`:
    - as `verify`
    - `bad_statement` when it is of another room or names another key
    - `bad_roster` when its counter is before this list, or its head is another at this one
    """
    for key in sorted(roster.facilitators()):
        if signature_holds(Label.END, signed.body, signed.signature, key):
            break
    else:
        raise Malformed("bad_signature", "No facilitator of the list signed the end.")
    said = EndStatement.decode(signed.body)
    if (said.room, said.relay_key) != (roster.room, key):
        raise Malformed("bad_statement", "The end is of another room or key.")
    if said.counter < roster.counter:
        raise Malformed("bad_roster", "The end was signed for the room as it was.")
    if said.counter == roster.counter and said.head != roster.head:
        raise Malformed("bad_roster", "The end is of another history.")
    return said


def verify_removal(
    roster: Roster, signed: Signed, key: bytes, base: Position, followed: Container[bytes]
) -> RosterEntry:
    """Return the entry that removes this key from the list.

    `base` is the position of the last commit that the client knows, and `followed` has the hashes
    of the entries that it went over.

    Raises `Malformed`:
    - as `verify` and `extend`
    - `bad_roster` when the signer is no facilitator of the list, nothing removes the key, or the
      client's chain went another way. It did when it holds another entry with that counter, when it
      has the key again, or when a later commit was taken than the one that the entry builds on. The
      relay takes an entry on its last commit only.
    """
    claimed = RosterEntry.decode(signed.body, limit=limits.ENTRY)
    if claimed.room != roster.room or not roster.is_facilitator(claimed.signer):
        raise Malformed("bad_roster", "No facilitator of this room signed the entry.")
    entry = verify(RosterEntry, Label.ROSTER, signed, claimed.signer).statement
    changes = entry.decoded_changes()
    if not any(change.op is Op.REMOVE and change.key == key for change in changes):
        raise Malformed("bad_roster", "The entry does not remove the key.")
    if entry.counter <= roster.counter:
        if key in roster.seats or entry_hash(Label.ROSTER, signed.body) not in followed:
            raise Malformed("bad_roster", "The chain went another way.")
        return entry
    at = Position.decode(entry.base)
    if at.generation == base.generation and at.number < base.number:
        raise Malformed("bad_roster", "Another commit was taken before this one.")
    if entry.counter == roster.counter + 1:
        extend(roster, signed)
    return entry

"""Mutants of the roster chain: what an entry is, and when it follows."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant

ROSTER: Final = "alcove_protocol.roster"
_TESTS: Final = "tests/protocol/test_roster.py"


def link(rule: str, function: str, old: str, new: str, test: str) -> Mutant:
    node = test if "::" in test else f"{_TESTS}::{test}"
    return Mutant(f"roster {rule}", (Edit(f"{ROSTER}:{function}", old, new),), node)


_UNUSED = "test_what_an_operation_does_not_use_is_zero"
_BAD = "test_changes_that_cannot_be"
_EACH = "test_what_each_operation_does"
_DIGEST = "test_a_digest_is_of_the_list_whatever_its_order_and_of_every_part_of_it"
_FOLLOWS = "test_entries_that_do_not_follow"
_OPENS = "test_what_opens_no_room"
_ROLES = "sum(seat.role is Role.FACILITATOR for seat in seats.values())"

ALL_LINKS: Final[tuple[Mutant, ...]] = (
    # a change
    link("unused", "Change.__post_init__", "if not unused_is_zero or ", "if ", _UNUSED),
    link(
        "unused",
        "Change.__post_init__",
        "if self.op is Op.CHANGE:\n            unused_is_zero = self.seat.door == NO_DOOR",
        "if self.op is Op.CHANGE:\n            unused_is_zero = True",
        _UNUSED,
    ),
    link(
        "unused", "Change.__post_init__", " or (self.op is Op.RESET and any(self.key))", "", _UNUSED
    ),
    link(
        "unused",
        "Change.__post_init__",
        "self.op is Op.ADD or ",
        "",
        "tests/server/test_refusals_publish.py"
        "::test_welcomes_go_to_exactly_the_new_members[at once]",
    ),
    link(
        "bytes",
        "Change.decode",
        "if len(data) != CHANGE_SIZE:",
        "if False:",
        "test_bytes_that_are_no_change",
    ),
    link(
        "bytes", "Change.decode", "if data[-1] > 1:", "if False:", "test_bytes_that_are_no_change"
    ),
    link(
        "bytes",
        "Change.decode",
        "except ValueError:\n            raise",
        "except ZeroDivisionError:\n            raise",
        "test_bytes_that_are_no_change",
    ),
    # entry 0
    link(
        "opening",
        "open_roster",
        "room_id_of(root_key) != room or ",
        "",
        f"{_OPENS}[another root key]",
    ),
    link(
        "opening",
        "open_roster",
        " or statement.previous != room",
        "",
        f"{_OPENS}[names another room]",
    ),
    link(
        "opening",
        "open_roster",
        "verify(Opening, Label.OPEN, signed, root_key)",
        "Verified(Opening.decode(signed.body), root_key, signed)",
        f"{_OPENS}[signed by another key]",
    ),
    link(
        "opening",
        "open_roster",
        "Label.OPEN, signed, root_key",
        "Label.ROSTER, signed, root_key",
        f"{_OPENS}[signed as a later entry]",
    ),
    link(
        "opening",
        "open_roster",
        "Seat(role=Role.FACILITATOR)",
        "Seat()",
        "test_entry_0_opens_the_room",
    ),
    # what the operations do
    link(
        "operations",
        "apply_changes",
        "if change.key in changed:",
        "if False:",
        f"{_BAD}[changed twice]",
    ),
    link(
        "operations",
        "apply_changes",
        "if not (restates and change.op is Op.ADD):",
        "if True:",
        "test_a_restated_list_may_be_changed_in_the_same_entry",
    ),
    link(
        "operations",
        "apply_changes",
        "if not (restates and change.op is Op.ADD):",
        "if not restates:",
        f"{_BAD}[restated, removed, restated]",
    ),
    link(
        "operations",
        "apply_changes",
        "if position:",
        "if False:",
        f"{_BAD}[a reset after something]",
    ),
    link("operations", "apply_changes", "result.clear()", "pass", _EACH),
    link(
        "operations",
        "apply_changes",
        "restates = True",
        "pass",
        "test_a_restated_list_may_be_changed_in_the_same_entry",
    ),
    link("operations", "apply_changes", "if known:", "if False:", f"{_BAD}[who is there is added]"),
    link(
        "operations",
        "apply_changes",
        "elif not known:",
        "elif not known and change.op is Op.CHANGE:",
        f"{_BAD}[REJOIN of nobody]",
    ),
    link(
        "operations", "apply_changes", "elif change.op is Op.ADD:", "elif change.op is None:", _EACH
    ),
    link("operations", "apply_changes", "elif change.op is Op.CHANGE:", "elif False:", _EACH),
    link(
        "operations",
        "apply_changes",
        "replace(change.seat, door=result[change.key].door)",
        "change.seat",
        _EACH,
    ),
    link("operations", "apply_changes", "(Op.REMOVE, Op.LEFT)", "(Op.REMOVE,)", _EACH),
    link(
        "operations",
        "apply_changes",
        "(Op.REMOVE, Op.LEFT)",
        "(Op.REMOVE, Op.LEFT, Op.REJOIN)",
        _EACH,
    ),
    link(
        "operations",
        "apply_changes",
        "result = dict(seats)",
        "result = seats",
        "test_the_list_before_is_left_as_it_was",
    ),
    link(
        "operations",
        "apply_changes",
        "if change.op is not Op.RESET:",
        "if False:",
        f"{_BAD}[changed twice]",
    ),
    link("operations", "apply_changes", "if change.op is Op.RESET:", "if False:", _EACH),
    # the digest
    link("digest", "list_digest", 'hash_with("list", room, ', 'hash_with("list", ', _DIGEST),
    link("digest", "list_digest", "bytes([flags])", 'b""', _DIGEST),
    link("digest", "list_digest", "sorted(seats.items(), key=_by_key)", "seats.items()", _DIGEST),
    link("digest", "list_digest", " + seat.door", "", _DIGEST),
    link(
        "digest",
        "list_digest",
        "_TAILS[seat.role, seat.paused]",
        "_TAILS[seat.role, False]",
        _DIGEST,
    ),
    link(
        "digest",
        "list_digest",
        "_TAILS[seat.role, seat.paused]",
        "_TAILS[Role.PARTICIPANT, seat.paused]",
        _DIGEST,
    ),
    # who signs, and what follows
    link(
        "signer",
        "extend",
        "if not roster.is_facilitator(claimed.signer):",
        "if False:",
        f"{_FOLLOWS}[a signer who is no facilitator]",
    ),
    link(
        "signer",
        "Roster.is_facilitator",
        "seat.role is Role.FACILITATOR",
        "True",
        "test_other_roles_sign_nothing",
    ),
    link(
        "signer",
        "Roster.is_facilitator",
        "seat.role is Role.FACILITATOR",
        "seat.role is not Role.PARTICIPANT",
        "test_other_roles_sign_nothing",
    ),
    link(
        "signer",
        "Roster.is_facilitator",
        "seat is not None and ",
        "seat is None or ",
        f"{_FOLLOWS}[a signer whom nobody knows]",
    ),
    link(
        "signature",
        "extend",
        "verify(Entry, Label.ROSTER, signed, claimed.signer)",
        "Verified(claimed, claimed.signer, signed)",
        "test_an_entry_is_signed_by_whom_it_names_and_as_an_entry",
    ),
    link(
        "signature",
        "extend",
        "verify(Entry, Label.ROSTER, signed,",
        "verify(Entry, Label.OPEN, signed,",
        "test_an_entry_is_signed_by_whom_it_names_and_as_an_entry",
    ),
    link(
        "room",
        "extend",
        "(claimed.room, claimed.counter,",
        "(roster.room, claimed.counter,",
        f"{_FOLLOWS}[another room]",
    ),
    link(
        "counter",
        "extend",
        "(claimed.room, claimed.counter,",
        "(claimed.room, roster.counter + 1,",
        f"{_FOLLOWS}[a counter left out]",
    ),
    link(
        "previous",
        "extend",
        "claimed.previous) != (",
        "roster.head) != (",
        f"{_FOLLOWS}[another entry before]",
    ),
    link(
        "previous",
        "extend",
        "head = entry_hash(Label.ROSTER, signed.body)",
        "head = roster.head",
        "test_an_entry_follows",
    ),
    link("previous", "entry_hash", "label.bytes + body", "body", "test_entry_0_opens_the_room"),
    link(
        "list",
        "extend",
        "if list_digest(roster.room, seats, flags) != claimed.digest:",
        "if False:",
        "test_the_digest_was_signed_but_the_changes_give_another_list",
    ),
    link(
        "facilitators",
        "extend",
        "if not 1 <= facilitators <= limits.FACILITATORS:",
        "if False:",
        "test_the_last_facilitator_stays",
    ),
    link(
        "facilitators",
        "extend",
        "if not 1 <= facilitators <= limits.FACILITATORS:",
        "if not 1 <= facilitators:",
        "test_a_room_has_so_many_facilitators_and_no_more",
    ),
    link("facilitators", "extend", _ROLES, "len(seats)", "test_the_last_facilitator_stays"),
    link("room_full", "extend", "if len(seats) > roster.members:", "if False:", "test_a_full_room"),
    link(
        "room_full",
        "extend",
        "if len(seats) > roster.members:",
        "if len(seats) >= roster.members:",
        "test_a_full_room",
    ),
    link(
        "changes",
        "Entry.decoded_changes",
        "split(self.changes, CHANGE_SIZE, most=most)",
        "[self.changes[at:at + 43] for at in range(0, len(self.changes) - 42, 43)]",
        "test_changes_that_cannot_be_read[a byte more]",
    ),
    link(
        "listing",
        "Roster.listing",
        "items = [Change(Op.RESET, bytes(KEY_SIZE))]",
        "items = []",
        "test_a_list_is_restated_by_its_own_listing",
    ),
    link(
        "frozen",
        "extend",
        "MappingProxyType(seats)",
        "seats",
        "test_a_roster_cannot_be_changed_in_place",
    ),
    link(
        "frozen",
        "open_roster",
        "MappingProxyType(seats)",
        "seats",
        "test_a_roster_cannot_be_changed_in_place",
    ),
)

WATCHED: Final = tuple(
    f"{ROSTER}:{name}"
    for name in (
        "Change.__post_init__",
        "Change.decode",
        "Entry.decoded_changes",
        "Roster.is_facilitator",
        "entry_hash",
        "list_digest",
        "open_roster",
        "apply_changes",
        "extend",
    )
)

REASONS: Final[dict[str, str]] = {}

"""Mutants of the roster chain: what an entry is, and when it follows."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant

ROSTER: Final = "alcove_protocol.roster"
CHANGES: Final = "alcove_protocol.roster_changes"
_TESTS: Final = "tests/protocol/test_roster.py"


def link(rule: str, function: str, old: str, new: str, test: str, equivalent: str = "") -> Mutant:
    node = test if "::" in test else f"{_TESTS}::{test}"
    where = CHANGES if function.startswith("Change.") else ROSTER
    return Mutant(f"roster {rule}", (Edit(f"{where}:{function}", old, new),), node, equivalent)


_UNUSED = "test_what_an_operation_does_not_use_is_zero"
_BAD = "test_changes_that_cannot_be"
_AWAY = "test_who_an_absent_took_off_the_list_can_be_removed_once"
_EACH = "test_what_each_operation_does"
_DIGEST = "test_a_digest_is_of_the_list_whatever_its_order_and_of_every_part_of_it"
_FOLLOWS = "test_entries_that_do_not_follow"
_OPENS = "test_what_opens_no_room"
_ROLES = "sum(seat.role is Role.FACILITATOR for seat in seats.values())"

ALL_LINKS: Final[tuple[Mutant, ...]] = (
    # a change
    link("unused", "Change.__post_init__", "if not self._unused_is_zero():", "if False:", _UNUSED),
    *(
        link("unused", "Change._unused_is_zero", old, new, _UNUSED)
        for old, new in (
            ("seat.role is not Role.STANDBY or seat.door == NO_DOOR", "True"),
            ("seat.door == NO_DOOR and ", ""),
            (" and seat.role is not Role.STANDBY", ""),
            ("seat in (Seat(), Seat(paused=True))", "True"),
            ("seat in (Seat(), Seat(paused=True))", "seat.door == NO_DOOR"),
            ("seat == Seat() and not", "not"),
            (" and not (self.op is Op.RESET and any(self.key))", ""),
        )
    ),
    link(
        "unused",
        "Change._unused_is_zero",
        "if self.op is Op.ADD:",
        "if False:",
        "tests/server/test_refusals_publish.py"
        "::test_welcomes_go_to_exactly_the_new_members[at once]",
    ),
    link(
        "unused",
        "Change._unused_is_zero",
        "if self.op is Op.CHANGE:",
        "if False:",
        "tests/server/test_refusals_publish.py::test_a_paused_member_listens[at once]",
    ),
    link(
        "unused",
        "Change._unused_is_zero",
        "if self.op is Op.REMOVE:",
        "if False:",
        "test_changes_come_back",
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
    link("operations", "apply_changes", "if known:", "if False:", f"{_BAD}[a member is added]"),
    link(
        "operations",
        "apply_changes",
        "elif not known and (change.op is not Op.REMOVE or not _may_be_away(change.key, away)):",
        "elif not known and change.op is Op.CHANGE:",
        f"{_BAD}[REJOIN of a stranger]",
    ),
    link(
        "operations", "apply_changes", "elif change.op is Op.ADD:", "elif change.op is None:", _EACH
    ),
    link("operations", "apply_changes", "elif change.op is Op.CHANGE:", "elif False:", _EACH),
    *(
        link("away", function, old, new, _AWAY)
        for function, old, new in (
            ("apply_changes", "(change.op is not Op.REMOVE or not", "(not"),
            ("_may_be_away", "away is None or ", ""),
            ("_may_be_away", "away is None or key in away", "True"),
            ("_away", "if roster.away is None:", "if False:"),
            ("_away", " and one.key in roster.seats", ""),
            ("_away", " - removed", ""),
            ("_away", " if key not in seats", ""),
        )
    ),
    link(
        "operations",
        "apply_changes",
        "replace(change.seat, door=result[change.key].door)",
        "change.seat",
        _EACH,
    ),
    *(
        link("operations", "apply_changes", old, new, _EACH)
        for old, new in (
            ("change.op is Op.REMOVE or ", ""),
            (" or change.op is Op.LEFT", ""),
            (" or change.op is Op.ABSENT", " or change.op is Op.REJOIN"),
            ("elif change.op is not Op.REJOIN:", "else:"),
        )
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
        "if not roster.is_facilitator(claimed.signer) and claimed.signer not in roster.standbys():",
        "if False:",
        "test_other_roles_sign_nothing[seat0]",
        "Any other signer is taken for a standby key then, and `check_by_standby` knows none such.",
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
        f"{_FOLLOWS}[a stranger signs]",
    ),
    link(
        "signature",
        "extend",
        "verify(RosterEntry, Label.ROSTER, signed, claimed.signer)",
        "Verified(claimed, claimed.signer, signed)",
        "test_an_entry_is_signed_as_an_entry_by_the_key_that_it_names",
    ),
    link(
        "signature",
        "extend",
        "verify(RosterEntry, Label.ROSTER, signed,",
        "verify(RosterEntry, Label.OPEN, signed,",
        "test_an_entry_is_signed_as_an_entry_by_the_key_that_it_names",
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
        "head=entry_hash(Label.ROSTER, signed.body)",
        "head=roster.head",
        "test_an_entry_follows",
    ),
    link("previous", "entry_hash", "label.bytes + body", "body", "test_entry_0_opens_the_room"),
    link(
        "list",
        "extend",
        "if list_digest(roster.room, seats, flags, claimed.slow) != claimed.digest:",
        "if False:",
        "test_the_digest_was_signed_but_the_changes_give_another_list",
    ),
    link(
        "facilitators",
        "_check_counts",
        "if not 1 <= roles.count(Role.FACILITATOR) <= limits.FACILITATORS:",
        "if False:",
        "test_the_last_facilitator_stays",
    ),
    link(
        "facilitators",
        "_check_counts",
        " <= limits.FACILITATORS:",
        ":",
        "test_a_room_has_so_many_facilitators_at_most",
    ),
    link(
        "facilitators",
        "_check_counts",
        "roles.count(Role.FACILITATOR)",
        "len(roles)",
        "test_the_last_facilitator_stays",
    ),
    link(
        "standbys",
        "_check_counts",
        "len(seats) - roles.count(Role.STANDBY)",
        "len(seats)",
        "test_a_standby_key_is_no_member",
    ),
    link(
        "room_full",
        "_check_counts",
        "if len(seats) - roles.count(Role.STANDBY) > roster.members:",
        "if False:",
        "test_a_full_room",
    ),
    link("counts", "extend", "_check_counts(roster, seats)", "pass", "test_a_full_room"),
    link(
        "room_full",
        "_check_counts",
        "roles.count(Role.STANDBY) > roster.members",
        "roles.count(Role.STANDBY) >= roster.members",
        "test_a_full_room",
    ),
    # leaves
    link(
        "leaves",
        "extend",
        "_check_leaves(roster, changes, claimed.decoded_leaves())",
        "claimed.decoded_leaves()",
        "test_without_a_signed_leave_no_member_has_left",
    ),
    link(
        "leaves",
        "_check_leaves",
        "if len(left) != len(leaves):",
        "if len(left) > len(leaves):",
        "test_without_a_signed_leave_no_member_has_left",
    ),
    link(
        "leaves",
        "_check_leaves",
        "verify_leave(roster, key, signed)",
        "pass",
        "test_without_a_signed_leave_no_member_has_left",
    ),
    link(
        "leaves",
        "verify_leave",
        "(wish.room, wish.relay_key) != (roster.room, key)",
        "wish.relay_key != key",
        "test_a_leave_is_of_this_room_this_member_and_this_stay[another room]",
    ),
    link(
        "leaves",
        "verify_leave",
        "(wish.room, wish.relay_key) != (roster.room, key)",
        "wish.room != roster.room",
        "test_a_leave_is_of_this_room_this_member_and_this_stay[another member]",
    ),
    link(
        "leaves",
        "verify_leave",
        " <= roster.counter:",
        ":",
        "test_a_leave_is_of_this_room_this_member_and_this_stay[of later]",
    ),
    link(
        "leaves",
        "verify_leave",
        "roster.since.get(key, 0) <= wish.counter",
        "wish.counter",
        "test_a_leave_is_of_this_room_this_member_and_this_stay[before the seat]",
    ),
    link(
        "since",
        "_since",
        "if changes and changes[0].op is Op.RESET:",
        "if False:",
        "test_a_leave_that_a_burned_commit_took_is_done_by_the_next",
    ),
    link(
        "since",
        "_since",
        "since[change.key] = entry.counter",
        "pass",
        "test_a_leave_outlives_commits_that_come_first_and_not_the_stay",
    ),
    link(
        "since",
        "_since",
        "since.pop(change.key, None)",
        "pass",
        "test_a_leave_that_a_burned_commit_took_is_done_by_the_next",
        equivalent=(
            "No entry asks when a key was seated that is not on the list, and a reset keeps the "
            "keys of the list alone. The line keeps the mapping from growing."
        ),
    ),
    # what an entry states
    link(
        "slow",
        "list_digest",
        'slow.to_bytes(2, "big"), ',
        "",
        "test_a_digest_is_of_the_list_whatever_its_order_and_of_every_part_of_it",
    ),
    link(
        "slow",
        "extend",
        "slow=claimed.slow",
        "slow=roster.slow",
        "test_slow_mode_is_stated_by_each_entry",
    ),
    link(
        "lobby",
        "extend",
        "roster.lobby if claimed.lobby is None else claimed.lobby",
        "claimed.lobby",
        "test_the_last_lobby_key_is_remembered",
    ),
    link(
        "changes",
        "RosterEntry.decoded_changes",
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
    f"{CHANGES if name.startswith('Change.') else ROSTER}:{name}"
    for name in (
        "Change.__post_init__",
        "Change._unused_is_zero",
        "Change.decode",
        "RosterEntry.decoded_changes",
        "Roster.is_facilitator",
        "entry_hash",
        "list_digest",
        "open_roster",
        "apply_changes",
        "extend",
        "_check_counts",
        "_check_leaves",
        "verify_leave",
        "_since",
    )
)

REASONS: Final[dict[str, str]] = {}

"""Mutants of the order that the relay gives: numbers, base, ids, entries."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant
from tests.mutation.order_places import CONTRACT, LOG, PUBLISH, RULES, STORE, STORED, order

ONE_LOG: Final[tuple[Mutant, ...]] = (
    order(
        "numbers",
        f"{LOG}:Log.append",
        "self.number + 1",
        "self.number + 2",
        f"{CONTRACT}::test_numbers_have_no_holes",
    ),
    order(
        "numbers",
        f"{LOG}:Log.append",
        "        self._budget.take(blob_size(blob, entry) + RECORD_OVERHEAD, part)\n"
        "        self.number = number\n",
        "        self.number = number\n"
        "        self._budget.take(blob_size(blob, entry) + RECORD_OVERHEAD, part)\n",
        f"{CONTRACT}::test_memory_is_bounded_for_a_room_and_in_all",
    ),
    order(
        "base",
        f"{STORE}.publish",
        "if publication.base != log.encoded_base:",
        "if False:",
        f"{CONTRACT}::test_a_commit_becomes_the_base",
    ),
    order(
        "base",
        f"{LOG}:Log.append",
        "self.encoded_base = self.position(number).encode()",
        "pass",
        f"{CONTRACT}::test_a_commit_becomes_the_base",
    ),
    order(
        "base",
        f"{LOG}:Log.append",
        "elif blob_class in COMMITS:",
        "else:",
        f"{CONTRACT}::test_posting_needs_a_recent_beat",
    ),
    order(
        "id",
        f"{STORED}._take",
        "if known is not None:",
        "if False:",
        f"{CONTRACT}::test_an_id_is_looked_up_first",
    ),
    order(
        "id",
        f"{LOG}:PublishRecords.find",
        "self._taken.get(sender)",
        "next(iter(self._taken.values()), None)",
        f"{CONTRACT}::test_an_id_is_the_senders_own",
    ),
    order(
        "id",
        f"{LOG}:PublishRecords.find",
        " and record[1] > now",
        "",
        f"{CONTRACT}::test_an_id_outlives_its_blob_by_an_hour",
    ),
    order(
        "roster",
        f"{STORE}.expect_roster",
        "if head != self.roster:",
        "if False:",
        f"{CONTRACT}::test_a_moved_roster_is_told_before_a_stale_base",
    ),
    order(
        "roster",
        f"{STORE}.publish",
        "        self.expect_roster(publication.roster)\n",
        "",
        f"{CONTRACT}::test_a_moved_roster_is_told_before_a_stale_base",
    ),
    order(
        "read_only",
        f"{STORE}.publish",
        "publication.blob_class is _APPLICATION and self._is_read_only(now)",
        "False",
        f"{CONTRACT}::test_posting_needs_a_recent_beat",
    ),
    order(
        "read_only",
        f"{STORE}.publish",
        "publication.blob_class is _APPLICATION and ",
        "",
        f"{CONTRACT}::test_posting_needs_a_recent_beat",
    ),
    order(
        "bound",
        f"{RULES}:_bind",
        "(entry.commit, entry.welcomes, entry.base)",
        "(bound[0], entry.welcomes, entry.base)",
        f"{PUBLISH}::test_an_entry_that_does_not_follow_or_fit_is_refused[at once-commit]",
    ),
    order(
        "bound",
        f"{RULES}:_bind",
        "(entry.commit, entry.welcomes, entry.base)",
        "(entry.commit, bound[1], entry.base)",
        f"{PUBLISH}::test_an_entry_that_does_not_follow_or_fit_is_refused[at once-welcomes]",
    ),
    order(
        "bound",
        f"{RULES}:_bind",
        "(entry.commit, entry.welcomes, entry.base)",
        "(entry.commit, entry.welcomes, bound[2])",
        f"{PUBLISH}::test_an_entry_that_does_not_follow_or_fit_is_refused[at once-base]",
    ),
    order(
        "facilitators",
        f"{RULES}:blob",
        "require_facilitator(history, key)",
        "pass",
        f"{PUBLISH}::test_participants_neither_commit_nor_beat",
    ),
    order(
        "facilitators",
        f"{RULES}:require_facilitator",
        "if not history.roster.is_facilitator(key):",
        "if False:",
        f"{PUBLISH}::test_participants_neither_commit_nor_beat",
    ),
    order(
        "posters",
        f"{RULES}:blob",
        "elif key not in history.posters:",
        "elif False:",
        f"{PUBLISH}::test_a_paused_member_listens",
    ),
    order(
        "size",
        f"{RULES}:blob",
        "if len(post.blob) > (limits.HANDSHAKE_BLOB if blob_class is _COMMIT else _MOST):",
        "if False:",
        f"{PUBLISH}::test_a_blob_is_bounded_by_its_class[at once]",
        # The store looks too, since other relays may fill it.
        Edit(
            f"{STORE}._check",
            "if is_too_large(publication.blob_class, publication.blob):",
            "if False:",
        ),
    ),
    order(
        "size",
        f"{RULES}:blob",
        "(limits.HANDSHAKE_BLOB if blob_class is _COMMIT else _MOST)",
        "limits.HANDSHAKE_BLOB",
        f"{PUBLISH}::test_a_blob_is_bounded_by_its_class[at once]",
        Edit(
            "alcove_server.store.values:is_too_large",
            "limits.HANDSHAKE_BLOB if blob_class in COMMITS else limits.APPLICATION_BLOB",
            "limits.HANDSHAKE_BLOB",
        ),
    ),
    order(
        "bound",
        f"{RULES}:_bind",
        "else NO_HASH",
        "else entry.welcomes",
        f"{PUBLISH}::test_an_entry_that_does_not_follow_or_fit_is_refused[at once-welcomes]",
    ),
    order(
        "knocks",
        "alcove_server.store.memory.lobby:MemoryLobby._is_full_for",
        " or here >= limits.KNOCKS_PER_DOOR",
        "",
        f"{CONTRACT}::test_knocks_are_bounded_and_forgotten",
    ),
    order(
        "knocks",
        "alcove_server.store.memory.lobby:MemoryLobby._is_full_for",
        "len(knocks) >= limits.KNOCKS or ",
        "",
        f"{CONTRACT}::test_a_full_door_leaves_places_to_others_until_the_room_is_full",
    ),
    order(
        "external",
        f"{RULES}:blob",
        "if blob_class is BlobClass.EXTERNAL:",
        "if False:",
        "tests/server/test_refusals_lobby.py::test_nobody_brings_an_external_commit_yet[at once]",
    ),
)

"""Mutants of the log hash: what it goes over, and what ends a doubt."""

from typing import Final

from tests.mutation.mutant import Mutant
from tests.mutation.order_places import EVIL, LOG_HASH, PRESENCE, STREAM, UNIT, order

REPLAYS: Final = f"{EVIL}/test_replays.py"
LEFT_OUT: Final = (
    f"{REPLAYS}::test_a_last_message_left_out_of_a_replay_is_a_gap_with_the_next_heartbeat"
)

LOG_HASHES: Final[tuple[Mutant, ...]] = (
    order(
        "log hash",
        f"{STREAM}.start_log",
        "self.log.drop_anchor()",
        "pass",
        f"{UNIT}::test_a_new_log_begins_with_one_value_for_all",
    ),
    order(
        "log hash",
        f"{STREAM}.advance",
        " and blob_class == BlobClass.COMMIT:",
        ":",
        f"{UNIT}::test_a_log_opens_with_commits_alone",
    ),
    order(
        "log hash",
        f"{LOG_HASH}:log_start",
        "room, confirmed_transcript_hash",
        "room",
        f"{UNIT}::test_the_log_hash_covers_all_that_a_relay_could_change",
    ),
    order(
        "log hash",
        f"{LOG_HASH}:log_start",
        "room, confirmed_transcript_hash",
        "confirmed_transcript_hash",
        f"{UNIT}::test_the_log_hash_covers_all_that_a_relay_could_change",
    ),
    order(
        "log hash",
        f"{LOG_HASH}:log_next",
        ' h, number.to_bytes(8, "big"), ',
        " h, ",
        f"{UNIT}::test_the_log_hash_covers_all_that_a_relay_could_change",
    ),
    order(
        "log hash",
        f"{LOG_HASH}:log_next",
        "bytes([blob_class]), ",
        "",
        f"{UNIT}::test_the_log_hash_covers_all_that_a_relay_could_change",
    ),
    order(
        "log hash",
        f"{LOG_HASH}:log_next",
        ", blob_hash)",
        ")",
        f"{UNIT}::test_the_log_hash_covers_all_that_a_relay_could_change",
    ),
    order(
        "log hash",
        f"{LOG_HASH}:log_next",
        '"log", h, ',
        '"log", ',
        f"{UNIT}::test_the_log_hash_covers_all_that_a_relay_could_change",
    ),
    order(
        "log hash",
        f"{LOG_HASH}:LogHash.anchor",
        "self._step(Position(position.generation, number), blob_class, blob_hash)",
        "pass",
        f"{UNIT}::test_an_anchor_goes_on_over_what_came_after_it",
    ),
    order(
        "log hash",
        f"{LOG_HASH}:LogHash.append",
        "if self._at is None:",
        "if False:",
        f"{UNIT}::test_an_anchor_goes_on_over_what_came_after_it",
    ),
    order(
        "log hash",
        f"{LOG_HASH}:LogHash.agrees",
        "if mine is None or (",
        "if (mine is not None and ",
        f"{UNIT}::test_an_anchor_goes_on_over_what_came_after_it",
    ),
    order(
        "log hash",
        f"{LOG_HASH}:LogHash.compare",
        "        if mine != value:\n",
        "        if False:\n",
        f"{EVIL}/test_split.py::test_two_versions_of_the_conversation_show_within_one_heartbeat",
    ),
    *(
        order("in doubt", where, old, new, test)
        for where, old, new, test in (
            (
                f"{LOG_HASH}:log_next",
                "if blob_class == BlobClass.BEAT:",
                "if False:",
                f"{REPLAYS}"
                "::test_who_was_away_until_heartbeats_expired_is_told_of_no_gap_and_compares_again",
            ),
            (f"{STREAM}.advance", "if expired and not self._lost:", "if False:", LEFT_OUT),
            (
                f"{STREAM}.advance",
                "if expired and not self._lost:",
                "if expired:",
                f"{REPLAYS}::test_what_expired_by_the_relays_own_word_is_told_once",
            ),
            (f"{PRESENCE}._compare", "self._on_missed()", "pass", LEFT_OUT),
            (
                f"{LOG_HASH}:LogHash.compare",
                "if mine != value and doubted:",
                "if False:",
                LEFT_OUT,
            ),
            (
                f"{LOG_HASH}:LogHash.compare",
                "if mine != value and doubted:",
                "if mine != value:",
                f"{UNIT}::test_of_before_the_doubt_another_value_is_no_gap",
            ),
            (
                f"{LOG_HASH}:LogHash.compare",
                "None if position.number >= self._missing_to else position.number",
                "None",
                f"{UNIT}::test_a_facilitators_value_ends_the_doubt",
            ),
            (
                f"{LOG_HASH}:LogHash.agrees",
                "mine is None or (mine != value and self.doubts(position))",
                "mine is None",
                f"{UNIT}::test_a_hash_in_doubt_is_named_to_nobody_and_no_member_confirms_it",
            ),
            (
                f"{LOG_HASH}:LogHash.compare",
                "if mine is None:",
                "if False:",
                f"{UNIT}::test_no_hash_goes_on_over_messages_that_expired",
            ),
            *(
                (
                    f"{LOG_HASH}:LogHash.can_anchor",
                    old,
                    new,
                    f"{UNIT}::test_an_anchor_is_of_this_log_and_before_what_came",
                )
                for old, new in (
                    ("position.generation != end.generation or ", ""),
                    ("not 0 <= missing <=", "not missing <="),
                )
            ),
            (
                f"{LOG_HASH}:LogHash.can_anchor",
                "if self._at is not None:",
                "if False:",
                f"{UNIT}::test_a_hash_with_an_anchor_takes_no_other",
            ),
        )
    ),
)

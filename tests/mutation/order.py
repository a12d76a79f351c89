"""The rules of order: their mutants, and the places that are watched for new ones."""

from typing import Final

from tests.mutation.order_apart import APART
from tests.mutation.order_brought import BROUGHT_BACK
from tests.mutation.order_commits import ONE_COMMIT
from tests.mutation.order_insiders import ONE_INSIDER, ONE_ROSTER
from tests.mutation.order_lobby import ONE_LOBBY
from tests.mutation.order_log_hash import LOG_HASHES
from tests.mutation.order_messages import MORE_MESSAGES, ONE_MESSAGE, ONE_VIEW
from tests.mutation.order_places import (
    FRAMING,
    LISTING,
    LOG_HASH,
    MEMBERSHIP,
    READING,
    RULES,
    STORE,
    STORED,
    STREAM,
    TALK,
)
from tests.mutation.order_relay import ONE_LOG
from tests.mutation.order_seals import ONE_SEAL

ALL_ORDER: Final = (
    *ONE_LOG,
    *BROUGHT_BACK,
    *ONE_VIEW,
    *LOG_HASHES,
    *ONE_MESSAGE,
    *MORE_MESSAGES,
    *ONE_COMMIT,
    *APART,
    *ONE_INSIDER,
    *ONE_ROSTER,
    *ONE_LOBBY,
    *ONE_SEAL,
)

WATCHED: Final = (
    f"{STORE}.publish",
    f"{STORE}.expect_roster",
    f"{STORED}._take",
    f"{RULES}:require_facilitator",
    f"{RULES}:blob",
    f"{RULES}:_bind",
    f"{STREAM}.resumed",
    f"{STREAM}.restart",
    f"{STREAM}.start_log",
    f"{STREAM}.advance",
    f"{STREAM}.published",
    f"{LOG_HASH}:log_start",
    f"{LOG_HASH}:log_next",
    f"{LOG_HASH}:LogHash.anchor",
    f"{LOG_HASH}:LogHash.append",
    f"{LOG_HASH}:LogHash.agrees",
    f"{LOG_HASH}:LogHash.can_anchor",
    f"{LOG_HASH}:LogHash.compare",
    f"{LOG_HASH}:Seen.first_time",
    f"{TALK}.receive",
    f"{TALK}._judge",
    f"{TALK}._count",
    f"{READING}:read_in_place",
    f"{TALK}.compare_log",
    f"{FRAMING}:check_class",
    f"{MEMBERSHIP}:Membership.follow",
    f"{MEMBERSHIP}:Membership._judge",
    f"{MEMBERSHIP}:Membership._missed",
    f"{MEMBERSHIP}:Membership._extend_roster",
    f"{MEMBERSHIP}:Membership.compare_roster_with_group",
    f"{LISTING}:is_the_groups",
    f"{LISTING}:_pauses_are_the_groups",
    f"{LISTING}:flags_of",
    f"{TALK}._most_generation",
    f"{LISTING}:restated",
    "alcove.group.vault:judge_vault",
    "alcove.group.vault:_doors",
)
"""Where the rules of order are. Each condition there has a mutant, or a reason."""

REASONS: Final = {
    f"{STORED}._take: publication.step is not None": (
        "It says whom to tell, and takes nothing: a listener that is not told reads it later."
    ),
    f"{STORED}._take: id in self._watched and self._on_blob is not None": (
        "It says whom to tell, and takes nothing: a listener that is not told reads it later."
    ),
}

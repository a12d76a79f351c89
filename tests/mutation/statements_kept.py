"""Mutants of statements that are kept: for bystanders, at the relay, and row by row."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant
from tests.mutation.order_places import (
    ASKING,
    ENDINGS,
    EVIL,
    MEMBERSHIP,
    RIGHTS,
    ROSTER,
    RULES,
    order,
)

_TOLD: Final = (
    f"{EVIL}/test_bystanders.py"
    "::test_the_others_are_told_of_no_leave_that_the_member_did_not_sign_for_now"
)
_RIGHTLY: Final = f"{EVIL}/test_bystanders.py::test_the_others_are_told_that_a_member"

_BYSTANDERS: Final = tuple(
    order("bystanders", where, old, new, test)
    for where, old, new, test in (
        (
            f"{MEMBERSHIP}:Membership.merge",
            "if op is Op.LEFT)",
            "if op in (Op.LEFT, Op.REMOVE))",
            f"{_RIGHTLY}_was_removed",
        ),
        (
            f"{MEMBERSHIP}:Membership.merge",
            "if op is Op.LEFT)",
            "if op is Op.REMOVE)",
            f"{_RIGHTLY}_left_who_signed_it",
        ),
        (
            f"{MEMBERSHIP}:Membership._extend_roster",
            "if verified.statement.commit != sha256(blob).digest():",
            "if False:",
            f"{_TOLD}[an entry of another commit]",
        ),
        (
            f"{ROSTER}:_check_leaves",
            "if len(left) != len(leaves):",
            "if len(left) < len(leaves):",
            f"{_TOLD}[without a leave]",
        ),
        (
            f"{ROSTER}:_check_leaves",
            "verify_leave(roster, key, signed)",
            "pass",
            f"{_TOLD}[another member's leave]",
        ),
        (
            f"{ROSTER}:verify_leave",
            "verify(LeaveStatement, Label.LEAVE, signed, key).statement",
            "LeaveStatement.decode(signed.body)",
            f"{_TOLD}[forged by the facilitator]",
        ),
        (
            f"{ROSTER}:verify_leave",
            "(wish.room, wish.relay_key) != (roster.room, key)",
            "False",
            f"{_TOLD}[of another room]",
        ),
        (
            f"{ROSTER}:verify_leave",
            "roster.since.get(key, 0) <= wish.counter",
            "0 <= wish.counter",
            f"{_TOLD}[of an earlier seat]",
        ),
        (
            f"{ROSTER}:_since",
            "since[change.key] = entry.counter",
            "since.setdefault(change.key, 0)",
            f"{_TOLD}[used before]",
        ),
        (
            f"{ROSTER}:verify_leave",
            " <= wish.counter <= roster.counter",
            " <= wish.counter",
            f"{_TOLD}[of later]",
        ),
    )
)

_LOBBY: Final = "tests/server/test_refusals_lobby.py"
_OPENING: Final = "tests/server/test_refusals_opening.py"

_RELAY: Final = tuple(
    order("relay", where, old, new, test)
    for where, old, new, test in (
        (
            f"{RULES}:end",
            "(said.room, said.relay_key) != (roster.room, key)",
            "said.relay_key != key",
            f"{_LOBBY}::test_an_end_is_of_this_room_and_of_who_signs_it[at once-of another room]",
        ),
        (
            f"{RULES}:end",
            "(said.room, said.relay_key) != (roster.room, key)",
            "said.room != roster.room",
            f"{_LOBBY}::test_an_end_is_of_this_room_and_of_who_signs_it[at once-in another's name]",
        ),
        (
            f"{RULES}:end",
            "if (said.counter, said.head) != (roster.counter, roster.head):",
            "if False:",
            f"{_LOBBY}::test_an_end_is_of_the_room_as_it_is[at once]",
        ),
        (
            f"{RULES}:leave",
            "verify_leave(history.roster, key, signed)",
            "pass",
            f"{_LOBBY}::test_a_leave_of_another_time_is_refused[at once]",
        ),
    )
)

_SORTED: Final = "sorted(map(FacilitatorKeys.encode, {}))"

_KEPT: Final = tuple(
    Mutant(
        f"statement kept, {statement}",
        tuple(Edit(*edit) for edit in edits),
        f"tests/attacks/test_statements.py::test_a_statement_that_{used}_counts_for_nothing"
        f"[{statement}]",
    )
    for statement, used, *edits in (
        (
            "leave",
            "is_used_later",
            (f"{ROSTER}:verify_leave", "roster.since.get(key, 0) <= wish.counter", "True"),
        ),
        (
            "leave",
            "is_used_elsewhere",
            (
                f"{ROSTER}:verify_leave",
                "(wish.room, wish.relay_key) != (roster.room, key)",
                "wish.relay_key != key",
            ),
        ),
        (
            "leave",
            "another_signed",
            (
                f"{ROSTER}:verify_leave",
                "verify(LeaveStatement, Label.LEAVE, signed, key).statement",
                "LeaveStatement.decode(signed.body)",
            ),
        ),
        (
            "end",
            "is_used_later",
            (f"{ENDINGS}:verify_end", "if said.counter < roster.counter:", "if False:"),
        ),
        (
            "end",
            "is_used_elsewhere",
            (
                f"{ENDINGS}:verify_end",
                "(said.room, said.relay_key) != (roster.room, key)",
                "said.relay_key != key",
            ),
        ),
        (
            "end",
            "another_signed",
            (f"{ENDINGS}:verify_end", "sorted(roster.facilitators())", "sorted(roster.seats)"),
            (
                "alcove.engine.endings:Endings._verify_end",
                "ended.relay_key not in member.membership.facilitators()",
                "False",
            ),
        ),
        (
            "removal",
            "is_used_later",
            (f"{ENDINGS}:verify_removal", "and at.number < base.number", "and False"),
        ),
        (
            "removal",
            "is_used_elsewhere",
            (f"{ENDINGS}:verify_removal", "claimed.room != roster.room or ", ""),
            (
                f"{ROSTER}:extend",
                "(claimed.room, claimed.counter,",
                "(roster.room, claimed.counter,",
            ),
        ),
        (
            "removal",
            "another_signed",
            (f"{ENDINGS}:verify_removal", " or not roster.is_facilitator(claimed.signer)", ""),
            (
                f"{ROSTER}:extend",
                "if not roster.is_facilitator(claimed.signer) and claimed.signer not in "
                "roster.standbys():",
                "if False:",
            ),
            (
                f"{ROSTER}:_check_of_standby",
                "check_by_standby(roster.seats, entry.signer, changes)",
                "pass",
            ),
            (
                "alcove.group.membership:Membership.puts_me_out",
                "return entry.signer in self.facilitators()",
                "return True",
            ),
        ),
        (
            "rejoin request",
            "is_used_later",
            (f"{ASKING}:verify_request", "if body.leaf_key != asker.leaf_key:", "if False:"),
        ),
        (
            "rejoin request",
            "is_used_elsewhere",
            (f"{ASKING}:verify_request", "if body.room != asker.room:", "if False:"),
        ),
        (
            "rejoin request",
            "another_signed",
            (
                f"{ASKING}:verify_request",
                "verify(RequestBody, Label.REQUEST, signed, asker.signature_key).statement",
                "RequestBody.decode(signed.body)",
            ),
        ),
        (
            "appointment",
            "is_used_later",
            (
                f"{RIGHTS}:_judge_appointments",
                f"{_SORTED.format('appointed')} != {_SORTED.format('new')}",
                "False",
            ),
        ),
        (
            "appointment",
            "is_used_elsewhere",
            (
                f"{RIGHTS}:_appointed",
                "(claimed.room, claimed.appointer) != (room, committer)",
                "claimed.appointer != committer",
            ),
        ),
        (
            "appointment",
            "another_signed",
            (
                f"{RIGHTS}:_appointed",
                "(claimed.room, claimed.appointer) != (room, committer)",
                "claimed.room != room",
            ),
            (
                f"{RIGHTS}:_appointed",
                "verify(Appointment, Label.APPOINT, signed, committer)",
                "verify(Appointment, Label.APPOINT, signed, claimed.appointer)",
            ),
        ),
    )
)
"""Row by row what docs/attacks.md says of a statement that is kept."""

KEPT_STATEMENTS: Final[tuple[Mutant, ...]] = (*_BYSTANDERS, *_RELAY, *_KEPT)

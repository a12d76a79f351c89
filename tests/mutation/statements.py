"""Mutants of what a signed statement is good for: this room, this signer, now."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant
from tests.mutation.order_places import EVIL, MEMBERSHIP, order

ASKING: Final = "alcove.group.asking"
ENDINGS: Final = "alcove_protocol.endings"
REJOINING: Final = "alcove.engine.rejoining:Rejoining"
_ENDINGS: Final = "tests/protocol/test_endings.py"
_REQUESTS: Final = f"{EVIL}/test_requests.py"
_REJOINS: Final = f"{EVIL}/test_rejoins.py"
_OF_NOW: Final = f"{_REQUESTS}::test_a_request_is_of_this_room_this_epoch_and_this_stay"
_END: Final = f"{_ENDINGS}::test_an_end_that_is_not_of_this_room_now"
_REMOVAL: Final = f"{_ENDINGS}::test_an_entry_that_the_chain_contradicts_puts_nobody_out"
_FOLLOWED: Final = f"{_ENDINGS}::test_a_removal_that_the_client_has_followed_is_its_own_proof"


def rule(kind: str, where: str, old: str, new: str, test: str, equivalent: str = "") -> Mutant:
    return order(kind, where, old, new, test, equivalent=equivalent)


_ASKED: Final = tuple(
    rule("requests", f"{ASKING}:verify_request", old, new, test)
    for old, new, test in (
        (
            "verify(RequestBody, Label.REQUEST, signed, asker.signature_key).statement",
            "RequestBody.decode(signed.body)",
            f"{_REQUESTS}::test_no_member_asks_for_another",
        ),
        ("if body.room != asker.room:", "if False:", f"{_OF_NOW}[of another room]"),
        (
            "body.epoch != sealed_epoch or ",
            "",
            f"{_OF_NOW}[of an earlier epoch than it is sealed in]",
        ),
        (
            " or body.epoch > asker.epoch",
            "",
            "tests/vectors/test_vectors.py::test_the_code_judges_as_the_file_says[statements]",
        ),
        (
            "if body.counter < asker.seated:",
            "if False:",
            f"{_OF_NOW}[from before the member was added]",
        ),
        (
            "if body.leaf_key != asker.leaf_key:",
            "if False:",
            f"{EVIL}/test_order.py::test_a_request_from_before_a_rejoin_is_not_granted_after_it",
        ),
        (
            "if body.leaf_key != asker.leaf_key:",
            "if body.epoch == asker.epoch and body.leaf_key != asker.leaf_key:",
            f"{_REJOINS}::test_who_was_right_to_stay_takes_fresh_keys_and_the_request_is_void",
        ),
        (
            "if body.reply_key is not None:",
            "if False:",
            "tests/vectors/test_vectors.py::test_the_code_judges_as_the_file_says[statements]",
        ),
    )
)

_ASKER: Final = (
    rule(
        "requests",
        f"{MEMBERSHIP}:Membership.asker",
        "self.roster.since.get(person.relay_key, 0)",
        "0",
        f"{_OF_NOW}[from before the member was added]",
    ),
    rule(
        "rejoins",
        f"{REJOINING}._leaves",
        "*(others[turn:] + others[:turn])[:many]",
        "",
        f"{_REJOINS}::test_who_missed_the_commit_of_their_own_update_is_let_in",
    ),
    rule(
        "rejoins",
        f"{REJOINING}._leaves",
        "[self._seen] if self._seen is not None else []",
        "",
        f"{_REQUESTS}::test_a_request_that_its_member_signed_is_granted",
    ),
    rule(
        "rejoins",
        f"{REJOINING}.ask",
        "for before, step in pairwise(self._steps):",
        "for before, step in ():",
        f"{_REJOINS}::test_who_never_got_the_welcome_asks_to_have_the_new_leaf_replaced",
    ),
    rule(
        "rejoins",
        "alcove.engine.member:MemberClient._release",
        "self._key_updates.hasten()",
        "pass",
        f"{_REJOINS}::test_who_was_right_to_stay_takes_fresh_keys_and_the_request_is_void",
    ),
    rule(
        "rejoins",
        "alcove.engine.member:MemberClient._release",
        "self._following.release()",
        "self._following.release(); self._rejoining.wipe()",
        f"{_REJOINS}::test_a_request_that_came_an_epoch_late_leaves_no_member_without_keys",
    ),
    rule(
        "rejoins",
        "alcove.engine.member:MemberClient._hold",
        "if leaf and self._rejoining.expects(leaf):",
        "if False:",
        f"{_REJOINS}::test_a_request_that_came_an_epoch_late_leaves_no_member_without_keys",
    ),
    rule(
        "rejoins",
        "alcove.engine.member:MemberClient._ask_rejoin",
        "if self._rejoining.hopeless and self._link.live:",
        "if False:",
        f"{_REJOINS}::test_who_asks_from_an_epoch_that_no_facilitator_knows_is_told_to_knock_again",
    ),
    rule(
        "rejoins",
        f"{REJOINING}.ask",
        "self._unheard += heard",
        "self._unheard += 1",
        f"{_REJOINS}::test_who_asks_while_no_facilitator_is_there_waits",
    ),
)

_ENDS: Final = tuple(
    rule("end", f"{ENDINGS}:verify_end", old, new, test)
    for old, new, test in (
        (
            "Label.END, signed.body,",
            "Label.LEAVE, signed.body,",
            f"{_ENDINGS}::test_a_leave_is_no_end",
        ),
        (
            "sorted(roster.facilitators())",
            "sorted(roster.seats)",
            f"{_END}[signed by a participant]",
        ),
        (
            "if signature_holds(Label.END, signed.body, signed.signature, key):",
            "if True:",
            f"{_END}[signed by a stranger]",
        ),
        (
            "(said.room, said.relay_key) != (roster.room, key)",
            "said.relay_key != key",
            f"{_END}[of another room]",
        ),
        (
            "(said.room, said.relay_key) != (roster.room, key)",
            "said.room != roster.room",
            f"{_END}[in another facilitator's name]",
        ),
        ("if said.counter < roster.counter:", "if False:", f"{_END}[of earlier]"),
        (
            "if said.counter == roster.counter and said.head != roster.head:",
            "if False:",
            f"{_END}[of another history]",
        ),
        (
            "said.counter == roster.counter and ",
            "",
            f"{_ENDINGS}::test_a_client_that_was_away_takes_the_end_of_later",
        ),
    )
)

_REMOVALS: Final = tuple(
    rule("removal", f"{ENDINGS}:verify_removal", old, new, test)
    for old, new, test in (
        ("claimed.room != roster.room or ", "", f"{_REMOVAL}[of another room]"),
        (
            "not roster.is_facilitator(claimed.signer)",
            "claimed.signer not in roster.seats",
            f"{_REMOVAL}[by a participant]",
        ),
        (
            "verify(RosterEntry, Label.ROSTER, signed, claimed.signer).statement",
            "claimed",
            f"{_ENDINGS}::test_a_removal_with_another_signature",
        ),
        ("change.op is Op.REMOVE and ", "", f"{_REMOVAL}[that is no removal]"),
        (" and change.key == key", "", f"{_REMOVAL}[of another member]"),
        (
            "if entry.counter <= roster.counter:",
            "if False:",
            f"{_REMOVAL}[that lost its race]",
        ),
        (
            "key in roster.seats or ",
            "",
            f"{_REMOVAL}[of a member who came back]",
        ),
        (
            " or entry_hash(Label.ROSTER, signed.body) not in followed",
            "",
            _FOLLOWED,
        ),
        (
            "at.generation == base.generation and at.number < base.number",
            "False",
            f"{_REMOVAL}[that lost to a commit without an entry]",
        ),
        (
            "at.generation == base.generation and ",
            "",
            f"{_ENDINGS}::test_who_was_away_is_shown_one_entry_of_later",
        ),
        (
            "if entry.counter == roster.counter + 1:",
            "if False:",
            f"{_REMOVAL}[that follows another entry]",
        ),
        (
            "if entry.counter == roster.counter + 1:",
            "if True:",
            f"{_ENDINGS}::test_who_was_away_is_shown_one_entry_of_later",
        ),
    )
)

ROSTER: Final = "alcove_protocol.roster"
_TOLD: Final = (
    f"{EVIL}/test_bystanders.py"
    "::test_the_others_are_told_of_no_leave_that_the_member_did_not_sign_for_now"
)
_RIGHTLY: Final = f"{EVIL}/test_bystanders.py::test_the_others_are_told_that_a_member"

_BYSTANDERS: Final = tuple(
    rule("bystanders", where, old, new, test)
    for where, old, new, test in (
        (
            f"{MEMBERSHIP}:Membership.merge",
            "if op is Op.LEFT)",
            "if op in (Op.LEFT, Op.REMOVE))",
            f"{_RIGHTLY}_was_removed[removed]",
        ),
        (
            f"{MEMBERSHIP}:Membership.merge",
            "if op is Op.LEFT)",
            "if op in (Op.LEFT, Op.ABSENT))",
            f"{_RIGHTLY}_was_removed[absent]",
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
            f"{ROSTER}:extend",
            "if not roster.is_facilitator(claimed.signer):",
            "if False:",
            f"{_TOLD}[an entry by the relay]",
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

RIGHTS: Final = "alcove.group.rights"
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
            (f"{ROSTER}:extend", "if not roster.is_facilitator(claimed.signer):", "if False:"),
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

ALL_STATEMENTS: Final[tuple[Mutant, ...]] = (
    *_ASKED,
    *_ASKER,
    *_ENDS,
    *_REMOVALS,
    *_BYSTANDERS,
    *_KEPT,
)

WATCHED: Final = (
    f"{ASKING}:verify_request",
    f"{ENDINGS}:verify_end",
    f"{ENDINGS}:verify_removal",
)

REASONS: Final[dict[str, str]] = {}

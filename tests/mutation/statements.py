"""Mutants of what a signed statement is good for: this room, this signer, now."""

from typing import Final

from tests.mutation.mutant import Mutant
from tests.mutation.order_places import (
    ASKING,
    ENDINGS,
    EVIL,
    MEMBERSHIP,
    REJOINING,
    RULES,
    order,
)
from tests.mutation.statements_kept import KEPT_STATEMENTS

_ENDINGS: Final = "tests/protocol/test_endings.py"
_REQUESTS: Final = f"{EVIL}/test_requests.py"
_REJOINS: Final = f"{EVIL}/test_rejoins.py"
_OF_NOW: Final = f"{_REQUESTS}::test_a_request_is_of_this_room_this_epoch_and_this_stay"
_END: Final = f"{_ENDINGS}::test_an_end_that_is_not_of_this_room_now"
_REMOVAL: Final = f"{_ENDINGS}::test_an_entry_that_the_chain_contradicts_puts_nobody_out"
_FOLLOWED: Final = f"{_ENDINGS}::test_a_removal_that_the_client_has_followed_is_its_own_proof"


_ASKED: Final = tuple(
    order("requests", f"{ASKING}:verify_request", old, new, test)
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
    order(
        "requests",
        f"{MEMBERSHIP}:Membership.asker",
        "self.roster.since.get(person.relay_key, 0)",
        "0",
        f"{_OF_NOW}[from before the member was added]",
    ),
    order(
        "rejoins",
        f"{REJOINING}._leaves",
        "*(others[turn:] + others[:turn])[:many]",
        "",
        f"{_REJOINS}::test_who_missed_the_commit_of_their_own_update_is_let_in",
    ),
    order(
        "rejoins",
        f"{REJOINING}._leaves",
        "[self._seen] if self._seen is not None else []",
        "",
        f"{_REQUESTS}::test_a_request_that_its_member_signed_is_granted",
    ),
    order(
        "rejoins",
        f"{REJOINING}._leaves",
        "self._turn = turn + many",
        "self._turn = 0",
        f"{_REJOINS}::test_a_facilitator_whose_refused_commit_was_taken_after_all_is_let_in",
    ),
    order(
        "rejoins",
        f"{REJOINING}.ask",
        "for before, step in pairwise(self._steps):",
        "for before, step in ():",
        f"{_REJOINS}::test_who_never_got_the_welcome_asks_to_have_the_new_leaf_replaced",
    ),
    order(
        "rejoins",
        "alcove.engine.held_member:HeldMember._release",
        "self._key_updates.hasten()",
        "pass",
        f"{_REJOINS}::test_who_was_right_to_stay_takes_fresh_keys_and_the_request_is_void",
    ),
    order(
        "rejoins",
        "alcove.engine.held_member:HeldMember._release",
        "self._following.release()",
        "self._following.release(); self._rejoining.wipe()",
        f"{_REJOINS}::test_a_request_that_came_an_epoch_late_leaves_no_member_without_keys",
    ),
    order(
        "rejoins",
        "alcove.group.membership:Membership._judge",
        "if leaf is None:",
        "if True:",
        f"{_REJOINS}::test_a_request_that_came_an_epoch_late_leaves_no_member_without_keys",
    ),
    order(
        "rejoins",
        "alcove.engine.held_member:HeldMember._hold",
        "if leaf and self._rejoining.expects(leaf):",
        "if False:",
        f"{_REJOINS}::test_a_request_that_came_an_epoch_late_leaves_no_member_without_keys",
    ),
    order(
        "rejoins",
        f"{REJOINING}.ask",
        "if self._unheard >= ROUNDS and",
        "if False and",
        f"{_REJOINS}::test_who_asks_from_an_epoch_that_no_facilitator_knows_is_told_to_knock_again",
    ),
    order(
        "rejoins",
        f"{REJOINING}.ask",
        "self._unheard += heard",
        "self._unheard += 1",
        f"{_REJOINS}::test_who_asks_while_no_facilitator_is_there_waits",
    ),
)

_ENDS: Final = tuple(
    order("end", f"{ENDINGS}:verify_end", old, new, test)
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
    order("removal", f"{ENDINGS}:verify_removal", old, new, test)
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

ALL_STATEMENTS: Final[tuple[Mutant, ...]] = (
    *_ASKED,
    *_ASKER,
    *_ENDS,
    *_REMOVALS,
    *KEPT_STATEMENTS,
)

WATCHED: Final = (
    f"{ASKING}:verify_request",
    f"{ENDINGS}:verify_end",
    f"{ENDINGS}:verify_removal",
    f"{RULES}:end",
)

REASONS: Final[dict[str, str]] = {}

"""Mutants of what the RFC leaves to an implementation: bounds, states, own results, wiping.

These rules are in no row of the table. Their tests are named here.
"""

from typing import Final

from tests.mutation.mls_table import Part, never
from tests.mutation.mutant import Edit, Mutant

_TESTS: Final = "tests/client_sdk/mls/"
_SIZE: Final = "test_bounds.py::test_a_message_larger_than_the_policy_is_not_taken"
_WAYS: Final = "test_ways_out.py::test_nothing_is_left_on_any_way_out"
_CACHE: Final = "proposal_cache:ProposalCache"
_RATCHET: Final = "secret_tree:Ratchet"


def beside(rule: str, test: str, *parts: Part) -> Mutant:
    edits = tuple(Edit(f"alcove.mls.{where}", old, new) for where, old, new in parts)
    return Mutant(f"mls {rule}", edits, _TESTS + test)


ALL_BESIDE: Final[tuple[Mutant, ...]] = (
    # bounds
    beside(
        "size", _SIZE, never("messages:open_message", "len(message) > epoch.policy.max_message")
    ),
    beside("size", _SIZE, never("join:join", "len(message) > policy.max_message")),
    beside(
        "size", _SIZE, never("external:external_commit", "len(message) > how.policy.max_message")
    ),
    beside(
        "quota",
        "test_bounds.py::test_outsiders_proposals_have_a_budget_and_take_no_members_room",
        never(f"{_CACHE}.check", "self._outsiders + size > policy.outsider_proposals"),
    ),
    beside(
        "quota",
        "test_bounds.py::test_outsiders_proposals_have_a_budget_and_take_no_members_room",
        (f"{_CACHE}.add", "self._outsiders += size", "self._members += size"),
    ),
    beside(
        "quota",
        "test_bounds.py::test_one_members_proposals_leave_room_for_the_others",
        (
            f"{_CACHE}.check",
            "elif self._senders.get(leaf, 0) + size > policy.sender_proposals:",
            "elif False:",
        ),
    ),
    beside(
        "quota",
        "test_bounds.py::test_all_members_proposals_have_a_budget",
        (f"{_CACHE}.check", "elif self._members + size > policy.member_proposals:", "elif False:"),
    ),
    beside(
        "quota",
        "test_bounds.py::test_the_same_proposal_again_costs_nothing",
        never(f"{_CACHE}.add", "proposal.ref in self.items"),
    ),
    beside(
        "generations",
        "test_bounds.py::test_the_forward_limit_is_about_a_thousand",
        (f"{_RATCHET}.open", "generation - self.generation > self._policy.", "0 > self._policy."),
    ),
    beside(
        "generations",
        "test_refusals.py::test_a_refusal_means_the_same_for_all[GenerationOutOfRange]",
        never(f"{_RATCHET}.open", "self._most is not None and generation >= self._most"),
    ),
    beside(
        "generations",
        "test_refusals.py::test_a_commit_far_ahead_is_followed_by_all_or_by_none",
        (f"{_RATCHET}.open", "if self._most is None and generation -", "if generation -"),
    ),
    beside(
        "generations",
        "test_refusals.py::test_a_member_sends_no_more_than_others_take",
        never(f"{_RATCHET}.check_room", "self._most is not None and self.generation >= self._most"),
    ),
    # keys
    beside(
        "keys",
        "test_bounds.py::test_a_point_of_small_order_is_no_key_in_any_encoding",
        (
            "sodium:X25519.check",
            "if public[:31] + bytes((public[31] & 0x7F,)) in _SMALL_ORDER:",
            "if False:",
        ),
    ),
    beside(
        "keys",
        "test_bounds.py::test_a_point_of_small_order_is_no_key_of_x448",
        ("openssl:X448.check", 'self.exchange(b"\\x04" + bytes(54) + b"\\x80", public)', "pass"),
    ),
    beside(
        "keys",
        "test_bounds.py::test_a_key_has_one_encoding",
        ("openssl:X448.check", 'if int.from_bytes(public, "little") >= _PRIME:', "if False:"),
    ),
    beside(
        "keys",
        "test_bounds.py::test_a_key_has_one_encoding",
        ("sodium:X25519.check", 'if int.from_bytes(public, "little") >= _PRIME:', "if False:"),
    ),
    # what is one's own
    beside(
        "own",
        "test_refusals.py::test_an_own_public_message_is_known",
        never(
            "messages:_open_public",
            "verified.content.sender.leaf_index == epoch.own_index",
        ),
    ),
    beside(
        "own",
        "test_refusals.py::test_a_commit_in_my_name_that_i_did_not_make_is_burned",
        never("known_commits:KnownCommits.open", "private and not self._made"),
    ),
    beside(
        "own",
        "test_refusals.py::test_a_burned_commit_that_comes_again_is_burned_again",
        never("known_commits:KnownCommits.open", "sha256(message).digest() in self._burned"),
    ),
    beside(
        "own",
        "test_own_results.py::test_a_welcome_made_again_has_another_key_and_nonce",
        ("group:Group.commit", "again = repeats_a_welcome(items, self._attempts)", "again = False"),
    ),
    beside(
        "own",
        "test_own_results.py::test_a_first_attempt_without_a_welcome_counts_too",
        (
            "group:Group.commit",
            "self._attempts += 1",
            "self._attempts += bool(transition.applied.added)",
        ),
    ),
    # states
    beside(
        "states",
        "test_states.py::test_a_second_commit_waits_until_the_first_is_dropped",
        ("state:TAKES", "frozenset(GroupAct) - {GroupAct.COMMIT}", "frozenset(GroupAct)"),
    ),
    beside(
        "states",
        "test_states.py::test_one_public_commit_received_twice_makes_one_group",
        ("group:Group._forget", "            commit._discard()\n", "            pass\n"),
    ),
    # wiping
    beside(
        "wiping",
        _WAYS,
        ("process_commit:_follow", "        scratch.temporary(commit_secret)\n", "        pass\n"),
    ),
    beside("wiping", _WAYS, ("process_commit:_follow", "    scratch.temporary(joiner)\n", "")),
    beside("wiping", _WAYS, ("process_commit:_follow", "    scratch.result(secrets)\n", "")),
    beside("wiping", _WAYS, ("join:_begin", "    scratch.results(private)\n", "")),
    beside("wiping", _WAYS, ("join:_begin", "    scratch.result(secrets)\n", "")),
    beside(
        "wiping", _WAYS, ("group:Group._leave", "            old.wipe()\n", "            pass\n")
    ),
    beside("wiping", _WAYS, ("external:_join", "    scratch.temporary(init_secret)\n", "")),
)

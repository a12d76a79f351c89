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
_RATCHET, _HANDSHAKES = "secret_tree:Ratchet", "secret_tree:HandshakeRatchet"
_STAGED: Final = "staged:StagedCommits"


def beside(rule: str, test: str, *parts: Part) -> Mutant:
    edits = tuple(Edit(f"alcove.mls.{where}", old, new) for where, old, new in parts)
    return Mutant(f"mls {rule}", edits, _TESTS + test)


ALL_BESIDE: Final[tuple[Mutant, ...]] = (
    # bounds
    beside(
        "lifetimes",
        "test_bounds.py::test_no_members_lifetime_keeps_a_joiner_out_where_the_policy_says_so",
        ("tree_validation:check_tree", "None if policy.members_of_any_time else now", "now"),
    ),
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
        never(f"{_HANDSHAKES}.open", "generation >= self._most"),
    ),
    beside(
        "generations",
        "test_refusals.py::test_a_member_sends_no_more_than_others_take",
        never(f"{_HANDSHAKES}.next", "self.generation >= self._most"),
    ),
    beside(
        "handshake keys",
        "test_alike.py::test_what_only_one_member_was_shown_parts_it_from_none",
        (f"{_HANDSHAKES}.open", "lambda: None", "self.wipe"),
    ),
    beside(
        "handshake keys",
        "test_deleted_keys.py::test_keys_of_handshakes_go_with_their_epoch",
        ("secret_tree:SecretTree.forget_handshakes", "handshakes.wipe()", "pass"),
    ),
    beside(
        "handshake keys",
        "test_deleted_keys.py::test_keys_of_handshakes_go_with_their_epoch",
        never("secret_tree:SecretTree._derive", "self._over"),
    ),
    # keys
    beside(
        "keys",
        "test_public_keys.py::test_a_point_of_small_order_is_no_key_in_any_encoding",
        (
            "sodium:X25519.check",
            "if u & ~_TOP in _SMALL_ORDER:",
            "if False:",
        ),
    ),
    beside(
        "keys",
        "test_public_keys.py::test_an_encryption_key_of_small_order_is_none",
        ("openssl:X448.check", 'self.exchange(b"\\x04" + bytes(54) + b"\\x80", public)', "pass"),
    ),
    beside(
        "keys",
        "test_public_keys.py::test_a_key_has_one_encoding",
        ("openssl:X448.check", 'if int.from_bytes(public, "little") >= _PRIME:', "if False:"),
    ),
    beside(
        "keys",
        "test_public_keys.py::test_a_key_has_one_encoding",
        never("sodium:X25519.check", "u >= _PRIME"),
    ),
    beside(
        "keys",
        "test_public_keys.py::test_a_signature_key_of_small_order_is_none",
        never("sodium:Ed25519.check", "y in _SMALL_ORDER_25519"),
    ),
    beside(
        "keys",
        "test_public_keys.py::test_a_signature_key_of_small_order_is_none",
        never("sodium:Ed25519.check", "y >= _PRIME"),
    ),
    beside(
        "keys",
        "test_public_keys.py::test_a_signature_key_of_small_order_is_none",
        never("openssl:Ed448.check", "y in (0, 1, _PRIME - 1)"),
    ),
    beside(
        "keys",
        "test_public_keys.py::test_a_signature_key_of_small_order_is_none",
        never("openssl:Ed448.check", "y >= _PRIME"),
    ),
    # what is one's own
    beside(
        "own",
        "test_refusals.py::test_a_refusal_means_the_same_for_all[OwnMessage]",
        never(
            "messages:_open_private",
            "sender.leaf_index == epoch.own_index and kind is ContentType.APPLICATION",
        ),
    ),
    beside(
        "own",
        "test_refusals.py::test_an_own_handshake_is_known",
        never("speaking:Speaker._take_proposal", "received.sender == epoch.own_index"),
    ),
    beside(
        "own",
        "test_staged.py::test_a_commit_set_aside_is_merged_when_the_log_brings_it",
        never("process_commit:process", "content.sender.leaf_index == epoch.own_index"),
    ),
    beside(
        "own",
        "test_staged.py::test_an_own_commit_is_judged_as_the_others_judge_it",
        (
            "process_commit:process",
            "        approve(transition)\n",
            "        if content.sender.leaf_index == epoch.own_index:\n"
            "            raise OwnCommit\n        approve(transition)\n",
        ),
    ),
    beside(
        "own",
        "test_alike.py::test_an_own_commit_that_the_others_burn_is_burned_by_its_maker",
        never(f"{_STAGED}.find", "made is not None and made != tag"),
    ),
    beside(
        "own",
        "test_staged.py::test_a_commit_set_aside_can_be_dropped_while_another_is_on_its_way",
        never(f"{_STAGED}.settle", "commit is not self.pending"),
    ),
    beside(
        "own",
        "test_staged.py::test_received_commits_that_are_not_chosen_are_bounded_and_wiped",
        (f"{_STAGED}._keep", "oldest._discard()", "pass"),
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
        (f"{_STAGED}.clear", "commit._discard()", "pass"),
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
    beside("wiping", _WAYS, ("epoch:Epoch.past_of_next", "old.wipe()", "pass")),
    beside("wiping", _WAYS, ("group:StagedCommit.merge", "old.wipe()  # no", "pass  # no")),
    beside("wiping", _WAYS, ("external:_join", "    scratch.temporary(init_secret)\n", "")),
)

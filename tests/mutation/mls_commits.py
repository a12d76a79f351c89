"""Mutants of section 12.4: commits, Welcomes, external commits, and trees as they travel."""

from typing import Final

from tests.mutation.mls_table import mls, never
from tests.mutation.mutant import Mutant

_PROCESS, _FOLLOW = "process_commit:process", "process_commit:_follow"
_OPEN, _INFO = "messages:open_message", "welcome:check_group_info"
_VERIFY = "framing:verify_content"
_VERIFIES = "suite.verify_with_label(key, _LABEL, tbs, authenticated.signature)"
_MERGE, _READ = "treekem:merge_path", "ratchet_tree:RatchetTree.read"
_NODES, _PATH = "treekem:check_nodes", "transition:take_path"
_JOIN, _OPENED = "join:join", "welcome:decrypt_welcome"
_TREE, _UNMERGED = "tree_validation:check_tree", "tree_hash:check_unmerged_leaves"
_KEY, _OUTSIDE = "framing:_signature_key", "external:external_commit"
_SIGNED = "suite.verify_with_label(leaf.signature_key, _INFO_LABEL, info.tbs(), info.signature)"

COMMITS: Final[tuple[Mutant, ...]] = (
    mls("12.4-1", ("proposal_list:apply_list", "not items or any(", "any(")),
    mls("12.4-2", (_PROCESS, "elif applied.path_required:", "elif not items:")),
    mls(
        "12.4-3",
        (
            "process_commit:_resolve",
            "    items = []\n",
            "    items = []\n    if len(cache) > len(commit.proposals):\n"
            "        raise InvalidProposalList\n",
        ),
    ),
    mls(
        "12.4.1-1",
        ("transition:find_psks", "raise MissingPsk", "value = epoch.suite.zeros()"),
    ),
    mls(
        "12.4.1-2",
        (
            "create_commit:collect",
            'raise CannotCommit("a reference to an unknown proposal")',
            "continue",
        ),
    ),
    mls("12.4.2-1", never(_OPEN, "header.epoch != epoch.context.epoch")),
    mls(
        "12.4.2-2",
        never(
            "framing:unprotect_public",
            "not suite.check_mac(membership_key, tbm, message.membership_tag)",
        ),
    ),
    mls(
        "12.4.2-3",
        (
            "private_message:unprotect_private",
            "aad, message.ciphertext)",
            "aad, message.ciphertext[:-1] + bytes([message.ciphertext[-1] ^ 1]))",
        ),
    ),
    mls("12.4.2-4", (_VERIFY, _VERIFIES, "pass")),
    mls(
        "12.4.2-5",
        ("transition:find_psks", "raise MissingPsk", "value = epoch.suite.zeros()"),
    ),
    mls(
        "12.4.2-5",
        (
            _FOLLOW,
            "raise ConfirmationMismatch if own else PskMismatch",
            "raise ConfirmationMismatch",
        ),
    ),
    mls(
        "12.4.2-6",
        (
            "process_commit:_resolve",
            "raise MissingProposal",
            "continue",
        ),
    ),
    mls(
        "12.4.2-7",
        (
            _MERGE,
            "check_new_keys(tree, [path.leaf_node.encryption_key, *public_keys])",
            "check_new_keys(tree, public_keys)",
        ),
    ),
    mls("12.4.2-8", ("treekem:check_new_keys", "len(set(keys)) != len(keys) or ", "")),
    mls("12.4.2-8", ("treekem:check_new_keys", " or any(key in census for key in keys)", "")),
    mls("12.4.2-9", never(_NODES, "len(steps) != len(nodes)")),
    mls("12.4.2-10", never("treekem:Ciphertexts.select", "len(self.data) != stride * count")),
    mls(
        "12.4.2-10",
        never(
            "treekem:Ciphertexts.select",
            "self.data[place::stride] != bytes((value,)) * count",
        ),
    ),
    mls("12.4.2-11", (_NODES, "suite.hpke.kem.check(node.encryption_key)", "pass")),
    mls(
        "12.4.2-12",
        (
            "treekem:_decrypt_mine",
            "raise PathNotDecryptable from None",
            "return position, suite.zeros()",
        ),
    ),
    mls("12.4.2-13", never("treekem:decrypt_path", "pair.public != node.encryption_key")),
    mls(
        "12.4.2-14",
        (
            _FOLLOW,
            "if not suite.check_mac(secrets.confirmation_key, context.confirmed_transcript_hash,"
            " tag):",
            "if False:",
        ),
    ),
    mls("12.4.2-15", ("state:Life.__init__", "GroupState.CLOSED if ended else ", "")),
    mls(
        "12.4.2-16",
        never("process_commit:process", "epoch.own_index in applied.removed"),
    ),
    mls(
        "12.4.2-17",
        (
            "framing:content_tbs",
            "wire_format_codec.write(wire_format)",
            "wire_format_codec.write(WireFormat.PRIVATE_MESSAGE)",
        ),
    ),
    mls("12.4.2-18", (_PROCESS, "check_list(rules, items)", "pass")),
    mls(
        "12.4.2-19",
        ("process_commit:process", "check_not_last(epoch.context, InvalidCommit)", "pass"),
    ),
    mls(
        "12.4.2-19", ("create_commit:create", "check_not_last(epoch.context, CannotCommit)", "pass")
    ),
    mls("12.4.2-19", never("transition:check_not_last", "context.epoch >= LAST_EPOCH")),
)

WELCOMES: Final[tuple[Mutant, ...]] = (
    mls("12.4.3-1", (_INFO, _SIGNED, "pass")),
    mls(
        "12.4.3-2",
        (_INFO, "leaf = tree.leaf(info.signer)", "leaf = tree.leaf(info.signer) or tree.leaf(0)"),
    ),
    mls("12.4.3-3", never(_JOIN, "context.group_id in options.known_groups")),
    mls(
        "12.4.3-3",
        never(_OUTSIDE, "how.remove is None and context.group_id in how.known_groups"),
    ),
    mls(
        "12.4.3-4",
        never("proposal_list:check_members", "not kinds <= set(capabilities.extensions)"),
    ),
    mls(
        "12.4.3-4",
        (_TREE, "check_members(tree, members, context.extensions, all_new=True)", "pass"),
    ),
    mls(
        "12.4.3-5",
        (
            _INFO,
            "if has_duplicates(info.extensions):",
            "if any(item.type > 5 for item in info.extensions):",
        ),
    ),
    mls("12.4.3-6", never(_INFO, "has_duplicates(info.extensions)")),
    mls("12.4.3-6", never("welcome:group_info", "has_duplicates(extensions)")),
    mls("12.4.3-7", (_INFO, "check_extensions(suite, context.extensions, policy)", "pass")),
    mls(
        "12.4.3.1-1",
        (_OPENED, "if item.new_member == ref", "if True"),
    ),
    mls("12.4.3.1-2", never(_OPENED, "welcome.cipher_suite != suite.number")),
    mls(
        "12.4.3.1-3",
        (
            _OPENED,
            'raise InvalidWelcome("it does not open") from error',
            "raise",
        ),
    ),
    mls(
        "12.4.3.1-4",
        ("welcome:_psk_secret", "raise PskMissing", "value = suite.zeros()"),
    ),
    mls("12.4.3.1-21", (_OPENED, "check_psks(secrets.psks, policy)", "pass")),
    mls("12.4.3.1-5", never("welcome:_founding", "len(found) > 1")),
    mls("12.4.3.1-6", (_INFO, "context.version != MLS10 or ", "")),
    mls("12.4.3.1-6", (_INFO, " or context.cipher_suite != suite.number", "")),
    mls("12.4.3.1-7", never(_TREE, "root_hash(suite, tree) != context.tree_hash")),
    mls(
        "12.4.3.1-8",
        (
            _TREE,
            "check_leaf(suite, leaf, policy, group_id=group_id, leaf_index=index, now=clock)",
            "pass",
        ),
    ),
    mls(
        "12.4.3.1-9",
        never(_UNMERGED, "any(a >= b for a, b in pairwise(unmerged))"),
    ),
    mls("12.4.3.1-9", (_UNMERGED, "any(a >= b for", "any(a > b for")),
    mls(
        "12.4.3.1-9",
        never(_UNMERGED, "unmerged and not (unmerged[0] in below and unmerged[-1] in below)"),
        never(_UNMERGED, "any(tree.leaf(leaf) is None for leaf in unmerged)"),
    ),
    mls(
        "12.4.3.1-10",
        never(_UNMERGED, "ancestor in listed and leaf not in listed[ancestor]"),
    ),
    mls(
        "12.4.3.1-11",
        never(_TREE, "any(count != 1 for count in tree.census.encryption_keys.values())"),
    ),
    mls(
        "12.4.3.1-12",
        never(_TREE, "any(count != 1 for count in tree.census.signature_keys.values())"),
        never("proposal_list:check_members", "census.signature_keys[leaf.signature_key] != 1"),
    ),
    mls("12.4.3.1-13", (_TREE, "suite.hpke.kem.check(parent.encryption_key)", "pass")),
    mls(
        "12.4.3.1-14",
        (
            "join:_find_own_leaf",
            'raise InvalidWelcome("the new member is not in the tree")',
            "return index",
        ),
    ),
    mls(
        "12.4.3.1-15",
        (
            "welcome:_keys_above",
            "node is None or node.encryption_key != pair.public",
            "node is None",
        ),
    ),
    mls("12.4.3.1-15", never("welcome:joiner_keys", "must_know and index not in keys")),
    mls("12.4.3.1-16", never("welcome:_keys_above", "shared not in filled")),
    mls(
        "12.4.3.1-17",
        never("join:_begin", "not suite.check_mac(secrets.confirmation_key, confirmed, tag)"),
    ),
    mls("12.4.3.1-18", never(_JOIN, "info.signer == own_index")),
    mls("12.4.3.1-19", never("join:_find_own_leaf", "leaf.signature_key != signer.public")),
    mls("12.4.3.1-20", never(_JOIN, "wire_format is not WireFormat.WELCOME")),
)

EXTERNAL: Final[tuple[Mutant, ...]] = (
    mls(
        "12.4.3.2-1",
        (_KEY, "not isinstance(body, Commit) or body.path is None", "not isinstance(body, Commit)"),
    ),
    mls(
        "12.4.3.2-2",
        never("process_commit:_resolve", "committer.type is SenderType.NEW_MEMBER_COMMIT"),
    ),
    mls("12.4.3.2-3", (_VERIFY, _VERIFIES, "pass")),
    mls("12.4.3.2-4", never(_KEY, "isinstance(body, bytes | Commit)")),
    mls(
        "12.4.3.2-5",
        (
            _KEY,
            "not isinstance(body, Commit) or body.path is None",
            "isinstance(body, Commit) and body.path is None",
        ),
    ),
    mls("12.4.3.2-6", never(_OUTSIDE, "external_pub is None")),
    mls("12.4.3.2-7", ("welcome:GroupInfo.external_pub", "opaque_codec.decode(data)", "data[1:]")),
    mls(
        "12.4.3.2-8",
        (
            _FOLLOW,
            "if not suite.check_mac(secrets.confirmation_key, context.confirmed_transcript_hash,"
            " tag):",
            "if False:",
        ),
    ),
    mls(
        "12.4.3.2-8",
        ("process_commit:_init_secret", "with burning(InvalidProposalList):", "if True:"),
    ),
    mls("12.4.3.2-9", (_INFO, _SIGNED, "pass")),
    mls("12.4.3.2-9", (_OUTSIDE, "check_group_info(suite, info, tree, how.policy)", "pass")),
    mls("12.4.3.2-10", (_OUTSIDE, "check_group_info(suite, info, tree, how.policy)", "pass")),
    mls(
        "12.4.3.2-11",
        never("external:_join", "len(values) != len(found)"),
    ),
    mls(
        "12.4.3.2-12",
        (
            _PATH,
            "check_leaf(rules.suite, leaf, rules.policy, group_id=group_id, "
            "leaf_index=committer, now=None)",
            "pass",
        ),
    ),
    mls("12.4.3.2-13", never(_OUTSIDE, "wire_format is not WireFormat.GROUP_INFO")),
)

TRAVEL: Final[tuple[Mutant, ...]] = (
    mls("12.4.3.3-1", (_READ, "not nodes or nodes[-1] is None", "not nodes")),
    mls("12.4.3.3-1", (_READ, "not nodes or nodes[-1] is None", "nodes and nodes[-1] is None")),
    mls(
        "12.4.3.3-2",
        never(
            _READ, "node is not None and isinstance(node, LeafNode) is not tree_math.is_leaf(index)"
        ),
    ),
    mls("12.4.3.3-3", ("join:tree_of", 'raise InvalidWelcome("no ratchet tree")', "data = b''")),
    mls("12.4.3.3-4", (_READ, "if count > limit:", "if False:")),
)

ALL_COMMITS: Final = (*COMMITS, *WELCOMES, *EXTERNAL, *TRAVEL)

"""Mutants of sections 7 to 11: leaves, trees, KeyPackages, and beginning a group."""

from typing import Final

from tests.mutation.mls_table import mls, never
from tests.mutation.mutant import Mutant

_LEAF, _CREDENTIAL = "nodes:check_unsigned_leaf", "nodes:check_credential"
_SIGNED = "nodes:check_leaf"
_MEMBERS, _UPDATE = "proposal_list:check_members", "proposal_list:_check_update"
_PATH, _PACKAGE = "transition:take_path", "key_package:KeyPackage.verify"
_FOUNDING = "join:_check_founding"
_VERIFIES = "suite.verify_with_label(leaf.signature_key, _LABEL, tbs, leaf.signature)"
_CLOCK = "now is not None and not lifetime.not_before <= now <= lifetime.not_after"
_PATH_LEAF = (
    "check_leaf(rules.suite, leaf, rules.policy, group_id=group_id, leaf_index=committer, now=None)"
)

LEAVES: Final[tuple[Mutant, ...]] = (
    mls("7.3-1", (_CREDENTIAL, "not policy.accept_x509", "False")),
    mls("7.3-2", (_SIGNED, _VERIFIES, "pass")),
    mls("7.3-3", never(_MEMBERS, "not capabilities.supports(required)")),
    mls("7.3-4", (_MEMBERS, "in_use = set(census.credentials)", "in_use = {1}")),
    mls("7.3-5", (_MEMBERS, "for capabilities in distinct)", "for capabilities in distinct[:1])")),
    mls("7.3-5", (_MEMBERS, "in_use = set(census.credentials)", "in_use = {1}")),
    mls("7.3-6", (_CREDENTIAL, "credential.type not in capabilities.credentials", "False")),
    mls("7.3-7", never("nodes:check_lifetime", _CLOCK)),
    mls("7.3-7", ("nodes:check_lifetime", "lifetime.not_before <= now", "True")),
    mls("7.3-7", ("nodes:check_lifetime", " <= lifetime.not_after:", ":")),
    mls("7.3-7", ("create_commit:create", "now=plan.now", "now=None")),
    mls("7.3-8", never("nodes:check_lifetime", _CLOCK)),
    mls(
        "7.3-8",
        (
            "tree_validation:check_tree",
            "leaf_index=index, now=clock)",
            "leaf_index=index, now=None)",
        ),
    ),
    mls("7.3-9", ("nodes:check_lifetime", "if not 0 <= ", "if not ")),
    mls("7.3-9", ("nodes:check_lifetime", " <= policy.max_lifetime:", ":")),
    mls("7.3-9", ("nodes:check_lifetime", " <= policy.max_lifetime:", " < policy.max_lifetime:")),
    mls("7.3-10", never(_LEAF, "not kinds <= set(leaf.capabilities.extensions)")),
    mls("7.3-11", never(_LEAF, "has_duplicates(leaf.extensions)")),
    mls("7.3-12", never(_PACKAGE, "self.leaf_node.source is not LeafNodeSource.KEY_PACKAGE")),
    mls("7.3-13", never(_UPDATE, "leaf.source is not LeafNodeSource.UPDATE")),
    mls("7.3-14", never(_UPDATE, "leaf.encryption_key == old.encryption_key")),
    mls("7.3-15", ("nodes:LeafNode.tbs", " + opaque(group_id) + uint32.write(leaf_index)", "")),
    mls("7.3-15", (_SIGNED, _VERIFIES, "pass")),
    mls("7.3-16", never("transition:_check_path_leaf", "leaf.source is not LeafNodeSource.COMMIT")),
    mls("7.3-17", never(_MEMBERS, "census.signature_keys[leaf.signature_key] != 1")),
    mls("7.3-18", never(_MEMBERS, "census.encryption_keys[leaf.encryption_key] != 1")),
    mls("7.3-19", (_LEAF, "suite.hpke.kem.check(leaf.encryption_key)", "pass")),
    mls("7.3-20", never(_MEMBERS, "not kinds <= set(capabilities.extensions)")),
    mls("7.3-21", (_PATH, _PATH_LEAF, "pass")),
    mls(
        "7.3-24", ("nodes:check_unsigned_leaf", "suite.hpke.kem.check(leaf.encryption_key)", "pass")
    ),
    mls(
        "7.3-24",
        never("sodium:X25519.check", "u >= _PRIME"),
    ),
    mls(
        "7.3-22",
        (
            _CREDENTIAL,
            "credential.type not in capabilities.credentials",
            "not set(capabilities.credentials) <= {1, 2}",
        ),
    ),
    mls(
        "7.3-22",
        (_LEAF, "if leaf.extensions:", "if set(leaf.capabilities.ciphersuites) - {suite.number}:"),
        (_LEAF, "if has_duplicates(leaf.extensions):", "if leaf.capabilities.ciphersuites:"),
    ),
)

TREES: Final[tuple[Mutant, ...]] = (
    mls("7.9-1", ("tree_hash:check_parent_hashes", "if by_left == by_right:", "if False:")),
    mls("7.9-1", ("tree_hash:_is_linked", "bool(found) and found ==", "found == b'' or found ==")),
    mls("7.9-5", ("tree_hash:_is_linked", "bool(found) and found ==", "not found or found ==")),
    mls(
        "7.9-2",
        ("tree_hash:check_parent_hashes", "if by_left == by_right:", "if False:"),
    ),
    mls("7.9-2", ("tree_hash:parent_hash", " + opaque(parent.parent_hash)", "")),
    mls(
        "7.9-3",
        ("tree_hash:_is_linked", "if len(resolution) != len(unmerged) + 1:", "if False:"),
        equivalent=(
            "`check_unmerged_leaves` comes first: each unmerged leaf is then in the resolution, so "
            "the count of the others, two lines below, says the same. This line bounds the work."
        ),
    ),
    mls(
        "7.9-3",
        ("tree_hash:_is_linked", "if len(resolution) != len(unmerged) + 1:", "if False:"),
        ("tree_hash:_is_linked", "if len(others) != 1:", "if not others:"),
    ),
    mls("7.9-3", ("tree_hash:_is_linked", "if node not in unmerged", "if True")),
    mls(
        "7.9-3",
        ("tree_hash:parent_hash", "tree, sibling, parent.unmerged_leaves)", "tree, sibling, ())"),
    ),
    mls("7.9-4", never("treekem:merge_path", "path.leaf_node.parent_hash != expected")),
    mls("7.9-5", ("tree_hash:check_parent_hashes", "if by_left == by_right:", "if by_left:")),
)

PACKAGES: Final[tuple[Mutant, ...]] = (
    mls("10.1-1", (_PACKAGE, "self.version != MLS10 or ", "")),
    mls("10.1-1", (_PACKAGE, " or self.cipher_suite != suite.number", "")),
    mls("10.1-2", (_PACKAGE, "check_leaf(suite, self.leaf_node, policy, now=now)", "pass")),
    mls(
        "10.1-3",
        (_PACKAGE, "suite.verify_with_label(public, _LABEL, self.tbs(), self.signature)", "pass"),
    ),
    mls("10.1-4", never(_PACKAGE, "self.init_key == self.leaf_node.encryption_key")),
    mls("10.1-5", (_PACKAGE, "suite.hpke.kem.check(self.init_key)", "pass")),
    mls("10.1-6", never(_PACKAGE, "has_duplicates(self.extensions)")),
    mls("10.1-7", never("framing:unwrap", "reader.uint16() != MLS10")),
    mls("10.1-8", (_PACKAGE, "has_duplicates(self.extensions)", "self.extensions")),
)

BEGINNING: Final[tuple[Mutant, ...]] = (
    mls("11-1", ("founding:found", "check_leaf(suite, leaf, policy, now=now)", "pass")),
    mls("11-1", ("founding:found", "check_extensions(suite, extensions, policy)", "pass")),
    mls("11-1", ("founding:found", "check_members(tree, [0], extensions, all_new=True)", "pass")),
    mls("11.1-1", never(_MEMBERS, "not capabilities.supports(required)")),
    mls("11.1-2", (_MEMBERS, "distinct if all_new else changes.values()", "changes.values()")),
    mls("11.1-2", ("nodes:Capabilities.supports", "extensions - DEFAULT_EXTENSIONS", "extensions")),
    mls("11.1-2", ("nodes:Capabilities.supports", "proposals - DEFAULT_PROPOSALS", "proposals")),
    mls(
        "11.1-2",
        (
            "nodes:Capabilities.supports",
            "set(required.credential_types) <= set(self.credentials)",
            "True",
        ),
    ),
    mls("11.2-1", (_FOUNDING, "fields = (context.group_id,", "fields = (reinit.group_id,")),
    mls(
        "11.2-1",
        (
            _FOUNDING,
            "context.version, context.cipher_suite, context.extensions)",
            "reinit.version, context.cipher_suite, context.extensions)",
        ),
    ),
    mls(
        "11.2-1",
        (
            _FOUNDING,
            "context.version, context.cipher_suite, context.extensions)",
            "context.version, reinit.cipher_suite, context.extensions)",
        ),
    ),
    mls(
        "11.2-1",
        (
            _FOUNDING,
            "context.version, context.cipher_suite, context.extensions)",
            "context.version, context.cipher_suite, reinit.extensions)",
        ),
    ),
    mls("11.2-2", (_FOUNDING, "context.epoch != 1 or ", "")),
    mls("11.2-3", never(_FOUNDING, "old is not None")),
    mls(
        "11.2-3",
        (
            _FOUNDING,
            "old is None or old.context.group_id != psk.resumption.psk_group_id",
            "old is None",
        ),
    ),
    mls("11.2-3", (_FOUNDING, " or psk.resumption.psk_epoch != old.context.epoch", "")),
    mls("11.2-4", (_FOUNDING, "reinit is None or not before <= after", "reinit is None")),
    mls("11.2-4", (_FOUNDING, "reinit is None or not before <= after", "not before <= after")),
    mls(
        "11.2-5",
        never("proposal_list:_check_psk", "psk.founds_a_group and psk.usage is not rules.founding"),
    ),
    mls("11.2-5", ("create_commit:founding_usage", "epoch.context.epoch == 0", "True")),
    mls(
        "11.2-6",
        never("proposal_list:check_list", "sum(psk.founds_a_group for psk in psks) > 1"),
    ),
    mls("11.2-7", ("join:by_signature_key", "leaf.signature_key", "leaf.credential.encode()")),
    mls("11.3-1", (_FOUNDING, "same != (old.context.version, old.context.cipher_suite) or ", "")),
    mls("11.3-2", (_FOUNDING, "context.epoch != 1 or ", "")),
    mls("11.3-3", (_FOUNDING, " or not after <= before", "")),
    mls(
        "11.3-4",
        never("proposal_list:_check_psk", "psk.founds_a_group and psk.usage is not rules.founding"),
    ),
    mls("11.3-4", ("create_commit:founding_usage", "epoch.context.epoch == 0", "True")),
)

MEMBERS: Final = (*LEAVES, *TREES, *PACKAGES, *BEGINNING)

"""Mutants of sections 12.1 to 12.3: proposals, lists of them, and how a list is applied."""

from typing import Final

from tests.mutation.mls_table import mls, never
from tests.mutation.mutant import Mutant

_PROPOSAL, _LIST = "proposal_list:check_proposal", "proposal_list:check_list"
_REGULAR, _EXTERNAL = "proposal_list:_check_regular", "proposal_list:_check_external"
_MEMBERS, _APPLY = "proposal_list:check_members", "proposal_list:apply_list"
_UPDATE, _EXTENSIONS = "proposal_list:_check_update", "proposal_list:check_extensions"
_KEY, _VERIFY = "framing:_signature_key", "framing:verify_content"
_VERIFIES = "suite.verify_with_label(key, _LABEL, tbs, authenticated.signature)"
_UPDATE_LEAF = (
    "check_leaf(rules.suite, leaf, rules.policy, group_id=group_id, leaf_index=sender, now=None)"
)

PROPOSALS: Final[tuple[Mutant, ...]] = (
    mls("12.1-1", (_VERIFY, _VERIFIES, "pass")),
    mls("12.1-2", never("messages:open_message", "header.epoch != epoch.context.epoch")),
    mls(
        "12.1.1-1",
        (_PROPOSAL, "proposal.key_package.verify(rules.suite, rules.policy, rules.now)", "pass"),
    ),
    mls("12.1.2-1", (_UPDATE, _UPDATE_LEAF, "pass")),
    mls("12.1.2-2", (_UPDATE, "leaf_index=sender", "leaf_index=1")),
    mls("12.1.3-1", never(_PROPOSAL, "rules.tree.leaf(proposal.removed) is None")),
    mls(
        "12.1.4-1",
        never("proposal_list:_check_psk", "len(psk.psk_nonce) != rules.suite.size"),
    ),
    mls("12.1.5-1", (_PROPOSAL, "proposal.version < MLS10 or ", "")),
    mls("12.1.5-1", (_PROPOSAL, " or has_duplicates(proposal.extensions)", "")),
    mls("12.1.6-1", never("create_commit:check_proposed", "isinstance(proposal, ExternalInit)")),
    mls("12.1.6-1", never(_REGULAR, "of_kind(items, ProposalType.EXTERNAL_INIT)")),
    mls("12.1.7-1", (_MEMBERS, "distinct if all_new else changes.values()", "changes.values()")),
    mls(
        "12.1.7-1",
        (_APPLY, "extensions = item.proposal.extensions", "extensions = rules.context.extensions"),
    ),
    mls("12.1.7-2", never(_EXTENSIONS, "has_duplicates(extensions)")),
    mls("12.1.7-2", (_EXTENSIONS, "required_capabilities(extensions)  #", "#")),
    mls("12.1.7-2", (_EXTENSIONS, "in external_senders(extensions)", "in ()")),
    mls("12.1.7-3", never(_MEMBERS, "not kinds <= set(capabilities.extensions)")),
    mls(
        "12.1.7-4",
        never(
            _EXTENSIONS,
            "not _ELSEWHERE.isdisjoint(extension.type for extension in extensions)",
        ),
    ),
    mls(
        "12.1.8-1",
        (_KEY, "if place >= len(senders):\n        raise UnknownSender", "place %= len(senders)"),
    ),
    mls("12.1.8-2", (_VERIFY, _VERIFIES, "pass")),
    mls("12.1.8-3", never(_KEY, "body.type not in EXTERNAL_ALLOWED")),
    mls(
        "12.1.8-4",
        (
            _KEY,
            "if not isinstance(body, Add):\n            raise InvalidMessage("
            '"a newcomer may only propose to be added")\n        return body',
            "return body",
        ),
    ),
    mls("12.1.8-4", (_VERIFY, _VERIFIES, "pass")),
    mls("12.1.8-5", never(_KEY, "isinstance(body, bytes | Commit)")),
    mls("12.1.8-6", (_VERIFY, _VERIFIES, "pass")),
    mls("12.1.8-7", never(_PROPOSAL, "rules.tree.leaf(proposal.removed) is None")),
)

LISTS: Final[tuple[Mutant, ...]] = (
    mls("12.2-1", (_LIST, "check_proposal(rules, item)", "pass")),
    mls("12.2-1", (_LIST, "for item in items:", "for item in items[:1]:")),
    mls("12.2-2", never(_REGULAR, "item.sender == committer")),
    mls("12.2-3", never(_REGULAR, "item.proposal.removed == committer")),
    mls("12.2-4", never(_REGULAR, "len(set(targets)) != len(targets)")),
    mls("12.2-4", (_REGULAR, "targets.append(item.sender)", "pass")),
    mls("12.2-4", (_REGULAR, "targets.append(item.proposal.removed)", "pass")),
    mls("12.2-5", never(_MEMBERS, "census.signature_keys[leaf.signature_key] != 1")),
    mls("12.2-6", never(_MEMBERS, "census.signature_keys[leaf.signature_key] != 1")),
    mls("12.1.8-8", (_EXTENSIONS, "suite.signatures.check(sender.signature_key)", "pass")),
    mls("12.2-7", never("proposal_list:check_psks", "len(set(psks)) != len(psks)")),
    mls("12.2-7", never("proposal_list:check_psks", "len(psks) > policy.max_psks")),
    mls(
        "12.2-8",
        never(_REGULAR, "len(of_kind(items, ProposalType.GROUP_CONTEXT_EXTENSIONS)) > 1"),
    ),
    mls("12.2-9", never(_REGULAR, "of_kind(items, ProposalType.REINIT) and len(items) > 1")),
    mls("12.2-10", never(_REGULAR, "of_kind(items, ProposalType.EXTERNAL_INIT)")),
    mls("12.2-11", (_LIST, "_check_custom(rules, items)", "pass")),
    mls("12.2-11", ("proposal_list:_check_custom", "index not in gone and ", "")),
    mls("12.2-12", never(_MEMBERS, "census.encryption_keys[leaf.encryption_key] != 1")),
    mls(
        "12.2-12",
        ("process_commit:process", "{*applied.added, *applied.updated}", "{*applied.added}"),
    ),
    mls("12.2-13", never(_EXTERNAL, "len(of_kind(items, ProposalType.EXTERNAL_INIT)) != 1")),
    mls("12.2-13", (_EXTERNAL, "EXTERNAL_INIT)) != 1", "EXTERNAL_INIT)) > 1")),
    mls("12.2-13", (_EXTERNAL, "EXTERNAL_INIT)) != 1", "EXTERNAL_INIT)) < 1")),
    mls("12.2-14", never(_EXTERNAL, "len(of_kind(items, ProposalType.REMOVE)) > 1")),
    mls(
        "12.2-15",
        never(
            "transition:_check_path_leaf",
            "old is not None and old.encryption_key == leaf.encryption_key",
        ),
    ),
    mls("12.2-16", never(_EXTERNAL, "any(item.proposal.type not in allowed for item in items)")),
    mls("12.2-17", never(_MEMBERS, "census.signature_keys[leaf.signature_key] != 1")),
    mls("12.2-17", ("process_commit:process", "changed.add(committer)", "pass")),
    mls(
        "12.2-18",
        never(
            "proposal_list:check_replaced",
            "old is None or old.signature_key != signature_key",
        ),
    ),
)

APPLICATION: Final[tuple[Mutant, ...]] = (
    mls(
        "12.3-1",
        (_APPLY, "extensions = item.proposal.extensions", "extensions = rules.context.extensions"),
    ),
    mls("12.3-2", (_APPLY, "tree.remove(item.proposal.removed)", "pass")),
    mls(
        "12.3-3",
        (
            _APPLY,
            "for item in items:\n        if isinstance(item.proposal, Add):",
            "for item in reversed(items):\n        if isinstance(item.proposal, Add):",
        ),
    ),
)

ALL_PROPOSALS: Final = (*PROPOSALS, *LISTS, *APPLICATION)

"""From outside: external commits (RFC 9420, section 12.4.3.2) and external proposals (12.1.8)."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from alcove.mls import key_schedule
from alcove.mls.ciphersuite import SignatureKeyPair, ciphersuite
from alcove.mls.create_commit import Base, Plan, build
from alcove.mls.errors import InvalidGroupInfo, MissingPsk, TooLarge
from alcove.mls.framing import (
    AuthenticatedContent,
    ContentType,
    FramedContent,
    PublicMessage,
    Sender,
    SenderType,
    WireFormat,
    sign_content,
    unwrap,
    wrap,
)
from alcove.mls.join import tree_of
from alcove.mls.key_package import KeyPackage
from alcove.mls.nodes import LeafContent
from alcove.mls.policy import Policy
from alcove.mls.proposal_list import (
    CommittedProposal,
    Rules,
    apply_list,
    check_list,
    check_replaced,
)
from alcove.mls.proposals import Add, ExternalInit, PreSharedKey, Proposal, Remove
from alcove.mls.psk import NO_PSKS, PreSharedKeyID, PskStore, psk_secret
from alcove.mls.secret import Random, Scratch
from alcove.mls.transcript import interim_transcript_hash
from alcove.mls.transition import Transition, check_not_last
from alcove.mls.tree_validation import check_tree
from alcove.mls.welcome import GroupInfo, check_group_info


@dataclass(frozen=True, slots=True)
class ExternalJoin:
    """How to join from outside."""

    leaf: LeafContent
    random: Random
    policy: Policy
    now: int
    """Seconds since 1970, to judge lifetimes."""
    ratchet_tree: bytes | None = None
    remove: int | None = None
    """The leaf index of one's old self, to be replaced ("resync")."""
    psks: tuple[PreSharedKeyID, ...] = ()
    store: PskStore = NO_PSKS
    known_groups: Container[bytes] = ()
    """Ids of groups that one is in already, which may not be joined again but by `remove`."""


def external_commit(
    message: bytes, signer: SignatureKeyPair, how: ExternalJoin
) -> tuple[GroupInfo, Transition, bytes]:
    """An external commit into the group that a GroupInfo describes: (GroupInfo, transition,
    message). Raises `InvalidGroupInfo`, `InvalidTree`, `MissingPsk`, or what is wrong with the
    list.

    The GroupInfo's confirmation tag cannot be checked from outside: if it is false, no member
    takes the commit.
    """
    if len(message) > how.policy.max_message:
        raise TooLarge("message")
    wire_format, body = unwrap(message)
    if wire_format is not WireFormat.GROUP_INFO:
        raise InvalidGroupInfo("not a GroupInfo")
    info = GroupInfo.decode(body)
    context, suite = info.group_context, ciphersuite(info.group_context.cipher_suite)
    if how.remove is None and context.group_id in how.known_groups:
        raise InvalidGroupInfo("of a group that one is in already")
    if suite is not signer.suite:
        raise InvalidGroupInfo("of another ciphersuite than the signature key")
    check_not_last(context, InvalidGroupInfo)
    tree = tree_of(info, how.ratchet_tree, how.policy)
    check_group_info(suite, info, tree, how.policy)
    check_tree(suite, tree, context, how.policy, how.now)
    external_pub = info.external_pub()
    if external_pub is None:
        raise InvalidGroupInfo("no key for external joiners")
    rules = Rules(suite, how.policy, context, tree, None, now=how.now)
    with Scratch() as scratch:
        transition = _join(scratch, rules, info, external_pub, signer, how)
        encoded = PublicMessage(transition.authenticated, None).encode()
        made = wrap(WireFormat.PUBLIC_MESSAGE, encoded)
        if len(made) > how.policy.max_message:
            raise TooLarge("message")
    transition.consume()
    return info, transition, made


def leaf_in(message: bytes, signature_key: bytes, policy: Policy) -> int | None:
    """The index of the leaf with this signature key in a GroupInfo's tree, unverified. Raises
    `MLSError`."""
    wire_format, body = unwrap(message)
    if wire_format is not WireFormat.GROUP_INFO:
        raise InvalidGroupInfo("not a GroupInfo")
    tree = tree_of(GroupInfo.decode(body), None, policy)
    for index in range(tree.size):
        leaf = tree.leaf(index)
        if leaf is not None and leaf.signature_key == signature_key:
            return index
    return None


def _join(
    scratch: Scratch,
    rules: Rules,
    info: GroupInfo,
    external_pub: bytes,
    signer: SignatureKeyPair,
    how: ExternalJoin,
) -> Transition:
    """The commit, and the epoch that it begins. If it fails, `scratch` wipes its secrets."""
    suite, context = rules.suite, rules.context
    kem_output, init_secret = key_schedule.send_external_init(suite, external_pub, how.random)
    scratch.temporary(init_secret)
    proposals: list[Proposal] = [ExternalInit(kem_output)]
    if how.remove is not None:
        proposals.append(Remove(how.remove))
    proposals.extend(PreSharedKey(psk) for psk in how.psks)
    sender = Sender(SenderType.NEW_MEMBER_COMMIT, None)
    items = [CommittedProposal(proposal, sender, False) for proposal in proposals]
    check_list(rules, items)
    applied = apply_list(rules, items)
    check_replaced(rules, applied, signer.public)
    own_index = applied.tree.leftmost_blank()
    applied.tree.extend_to(own_index, how.policy.max_leaves)
    confirmed, tag = context.confirmed_transcript_hash, info.confirmation_tag
    found = [(psk, how.store.find(psk)) for psk in how.psks]
    values = [(psk, value) for psk, value in found if value is not None]
    if len(values) != len(found):
        raise MissingPsk
    base = Base(
        rules=rules,
        signer=signer,
        sender=sender,
        own_index=own_index,
        interim_transcript_hash=interim_transcript_hash(suite, confirmed, tag),
        init_secret=init_secret,
        psk_secret=scratch.result(psk_secret(suite, values)),
    )
    plan = Plan(how.leaf, how.random, how.now, WireFormat.PUBLIC_MESSAGE)
    return scratch.result(build(base, items, proposals, applied, plan))


def _send(
    signer: SignatureKeyPair, group_id: bytes, epoch: int, sender: Sender, proposal: Proposal
) -> bytes:
    """A proposal from outside. It is signed without the GroupContext, which outsiders need not
    know, so it is bound to the group and epoch by its header alone (6.1)."""
    content = FramedContent(group_id, epoch, sender, b"", ContentType.PROPOSAL, proposal)
    signature = sign_content(signer.suite, signer, WireFormat.PUBLIC_MESSAGE, content, b"")
    authenticated = AuthenticatedContent(WireFormat.PUBLIC_MESSAGE, content, signature, None)
    encoded = PublicMessage(authenticated, None).encode()
    return wrap(WireFormat.PUBLIC_MESSAGE, encoded)


def propose_as_external_sender(
    signer: SignatureKeyPair, group_id: bytes, epoch: int, sender_index: int, proposal: Proposal
) -> bytes:
    """A proposal of one listed in `external_senders`, as a PublicMessage (12.1.8.1)."""
    sender = Sender(SenderType.EXTERNAL, sender_index)
    return _send(signer, group_id, epoch, sender, proposal)


def propose_oneself(
    signer: SignatureKeyPair, group_id: bytes, epoch: int, key_package: KeyPackage
) -> bytes:
    """A newcomer's own Add, as a PublicMessage (12.1.8). Signed with the KeyPackage's key."""
    sender = Sender(SenderType.NEW_MEMBER_PROPOSAL, None)
    return _send(signer, group_id, epoch, sender, Add(key_package))

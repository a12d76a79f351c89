"""What a member sends besides commits: application messages and proposals (RFC 9420, 12.1, 15)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from alcove.mls.create_commit import check_changes, check_proposed, collect, update_leaf
from alcove.mls.epoch import Epoch
from alcove.mls.errors import GroupClosed, InvalidMessage, OwnMessage
from alcove.mls.framing import ContentType, WireFormat
from alcove.mls.messages import (
    OpenedMessage,
    ReceivedProposal,
    open_message,
    peek,
    protect,
    received_proposal,
    sign_message,
)
from alcove.mls.nodes import Extension, LeafContent
from alcove.mls.private_message import Padding, no_padding
from alcove.mls.proposal_cache import CachedProposal, ProposalCache
from alcove.mls.proposals import Proposal, Update
from alcove.mls.secret import Random, Scratch, Secret
from alcove.mls.secret_tree import RatchetKind
from alcove.mls.state import GroupAct
from alcove.mls.view import CommitView, GroupView

Wire = Literal["private", "public"]
WIRE_FORMATS = {"private": WireFormat.PRIVATE_MESSAGE, "public": WireFormat.PUBLIC_MESSAGE}


def by_reference(carried: Sequence[ReceivedProposal]) -> dict[bytes, CachedProposal]:
    """What `read_proposal` gave, as a commit finds it."""
    return {item.ref: CachedProposal(item.ref, item.proposal, item.origin) for item in carried}


class Speaker(GroupView):
    """One epoch, in which a member speaks and proposes."""

    def __init__(self, epoch: Epoch, random: Random) -> None:
        super().__init__(epoch)
        self._random = random
        self._cache = ProposalCache(epoch.policy)
        self._own_updates: dict[bytes, Secret] = {}
        self._signed_leaf_keys: list[bytes] = []

    @property
    def signed_leaf_keys(self) -> tuple[bytes, ...]:
        """Encryption keys of the leaves that I signed in this epoch for Updates and commits, in
        order. The next epoch may hold one of them for me although I cannot follow there. Dropped
        commits count, because others may have received them."""
        return tuple(self._signed_leaf_keys)

    @property
    def sent(self) -> int:
        """How many application messages I have encrypted in this epoch: the next generation."""
        epoch = self._allow(GroupAct.ENCRYPT)
        return epoch.secret_tree.ratchet(epoch.own_index, RatchetKind.APPLICATION).generation

    def encrypt(
        self,
        plaintext: bytes,
        authenticated_data: bytes = b"",
        padding: Padding = no_padding,
    ) -> bytes:
        """An application message, as `MLSMessage` bytes (15). `authenticated_data` is not
        encrypted. Raises `TooLarge` or `GroupClosed`."""
        epoch = self._allow(GroupAct.ENCRYPT)
        wire_format = WireFormat.PRIVATE_MESSAGE
        authenticated = sign_message(epoch, plaintext, wire_format, authenticated_data)
        return protect(epoch, authenticated, padding, self._random)

    def propose(
        self,
        proposal: Proposal,
        wire_format: Wire = "private",
        padding: Padding = no_padding,
        authenticated_data: bytes = b"",
        *,
        now: int,
    ) -> bytes:
        """A proposal, as `MLSMessage` bytes. Its reference is in `proposals` from now on. Use
        `propose_update` for an Update. `now`, in seconds since 1970, judges the lifetime of a
        KeyPackage. Raises `TooLarge`, `ProposalsFull`, `GroupClosed`, or what is wrong with the
        proposal, as `commit` does."""
        return self._propose(proposal, wire_format, padding, authenticated_data, now)

    def _propose(
        self,
        proposal: Proposal,
        wire_format: Wire,
        padding: Padding,
        authenticated_data: bytes,
        now: int | None,
    ) -> bytes:
        epoch = self._allow(GroupAct.PROPOSE)
        check_proposed(epoch, proposal, now)
        authenticated = sign_message(epoch, proposal, WIRE_FORMATS[wire_format], authenticated_data)
        encoded, sender = authenticated.encode(), authenticated.content.sender
        self._cache.check(sender, len(encoded))  # before a key of mine is used up
        message = protect(epoch, authenticated, padding, self._random)
        ref = epoch.suite.proposal_ref(encoded)
        self._cache.add(CachedProposal(ref, proposal, sender), len(encoded))
        return message

    def propose_update(
        self,
        leaf_extensions: tuple[Extension, ...] | None = None,
        wire_format: Wire = "private",
        padding: Padding = no_padding,
        authenticated_data: bytes = b"",
    ) -> bytes:
        """An Update of my leaf with a fresh key, as `MLSMessage` bytes. The private key waits
        in this epoch for a commit that takes it. `leaf_extensions` replace the leaf's. Raises as
        `propose` does."""
        epoch = self._allow(GroupAct.PROPOSE)
        leaf, keys = update_leaf(epoch, self._leaf_content(leaf_extensions), self._random)
        with Scratch() as scratch:
            scratch.result(keys)
            message = self._propose(Update(leaf), wire_format, padding, authenticated_data, None)
        self._own_updates[keys.public] = keys.private
        self._signed_leaf_keys.append(keys.public)
        return message

    def read_proposal(self, message: bytes) -> ReceivedProposal:
        """Read a proposal as a member would who has received nothing else in this epoch.

        Nothing is remembered, so the answer depends on the bytes and the epoch alone: the same
        bytes, or two proposals under one generation, are read alike however often and in whatever
        order they come, one's own too. A commit refers to what was read by `carried` (see `receive`
        and `commit`).

        Raises `InvalidMessage` when it is no proposal, or what `open_message` raises.
        """
        epoch = self._allow(GroupAct.RECEIVE)
        if peek(message).content_type is not ContentType.PROPOSAL:
            raise InvalidMessage("not a proposal")
        return received_proposal(epoch, open_message(epoch, message))

    def check_changes(
        self,
        carried: Sequence[ReceivedProposal],
        proposals: Sequence[Proposal] = (),
        *,
        now: int | None = None,
    ) -> None:
        """Judge what a commit of mine would change, without making it. No key is used, and it may
        be asked while a commit is pending. Raises as `commit` does."""
        known = by_reference(carried)
        items, _ = collect(known, self.own_index, tuple(known), proposals)
        check_changes(self._epoch, items, now)

    @property
    def proposals(self) -> tuple[CachedProposal, ...]:
        """The proposals received and sent in this epoch, oldest first."""
        return tuple(self._cache.items.values())

    def _take_proposal(self, epoch: Epoch, opened: OpenedMessage) -> ReceivedProposal:
        received = received_proposal(epoch, opened)
        if received.sender == epoch.own_index:
            raise OwnMessage  # only now: what others forge in my name all members refuse alike
        proposal = CachedProposal(received.ref, received.proposal, received.origin)
        self._cache.add(proposal, len(received.content))
        return received

    def _leaf_content(self, extensions: tuple[Extension, ...] | None) -> LeafContent:
        leaf = self._epoch.tree.leaf(self.own_index)
        if leaf is None:
            raise GroupClosed("I am not in this epoch's tree")
        kept = leaf.extensions if extensions is None else tuple(extensions)
        return LeafContent(leaf.credential, leaf.capabilities, kept)

    def _known_proposals(
        self, carried: Sequence[ReceivedProposal] | None
    ) -> Mapping[bytes, CachedProposal]:
        """What a commit can refer to: what came with it, else what was received before it."""
        return self._cache.items if carried is None else by_reference(carried)

    def _allow(self, act: GroupAct) -> Epoch:
        self._life.allow(act)
        return self._epoch

    def _note_signed_leaf(self, staged: CommitView) -> None:
        if staged.has_path:
            mine = (m.leaf for m in staged.members_after() if m.index == staged.committer)
            self._signed_leaf_keys.extend(leaf.encryption_key for leaf in mine)

    def _forget_proposals(self) -> None:
        for secret in self._own_updates.values():
            secret.wipe()
        self._own_updates.clear()
        self._signed_leaf_keys.clear()
        self._cache.clear()

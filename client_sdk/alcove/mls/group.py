"""The façade: a group, over one epoch.

A `Group` is one epoch of one member. Committing or receiving a commit makes a `StagedCommit`,
which can be looked at, then merged into the next `Group`, or dropped, as if it had never been;
only the key that it was sent or read under is gone. So a relay may refuse our commit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Sequence
from typing import Literal

from alcove.mls import external, join
from alcove.mls.ciphersuite import CipherSuite, SignatureKeyPair
from alcove.mls.create_commit import (
    Plan,
    check_proposed,
    collect,
    create,
    founding_usage,
    update_leaf,
)
from alcove.mls.credential import Credential
from alcove.mls.epoch import Epoch
from alcove.mls.errors import GroupClosed, StagedCommitSpent, TooLarge
from alcove.mls.founding import found
from alcove.mls.framing import ContentType, WireFormat, wrap
from alcove.mls.group_context import GroupContext
from alcove.mls.key_package import KeyPackageBundle
from alcove.mls.messages import (
    OpenedMessage,
    ReceivedApplication,
    ReceivedProposal,
    epoch_for,
    open_message,
    protect,
    received_application,
    received_proposal,
    sign_message,
)
from alcove.mls.nodes import Capabilities, Extension, LeafContent, Lifetime
from alcove.mls.policy import Policy
from alcove.mls.private_message import Padding, no_padding
from alcove.mls.process_commit import process
from alcove.mls.proposals import Proposal, ProposalRef, Update
from alcove.mls.psk import NO_PSKS, PreSharedKeyID, PskStore
from alcove.mls.secret import Random, Secret
from alcove.mls.transition import CachedProposal, Transition
from alcove.mls.view import CommitView, GroupView, JoinView
from alcove.mls.welcome import GroupInfo, build_welcome

Wire = Literal["private", "public"]
_WIRE = {"private": WireFormat.PRIVATE_MESSAGE, "public": WireFormat.PUBLIC_MESSAGE}


class StagedCommit(CommitView):
    """A commit worked out: look at it, then `merge` it, or drop it."""

    def __init__(
        self,
        group: Group | None,
        before: GroupContext,
        transition: Transition,
        random: Random,
        message: bytes = b"",
        welcome: bytes | None = None,
    ) -> None:
        super().__init__(before, transition, message, welcome)
        self._group, self._random, self._spent = group, random, False

    def merge(self) -> Group:
        """Go over to the new epoch. The old `Group` stays usable until it is wiped. Raises
        `RemovedFromGroup`, or `StagedCommitSpent` the second time."""
        epoch = self._next()
        if self._spent:
            # Two groups over one epoch would each use the same keys.
            raise StagedCommitSpent
        self._spent = True
        past = () if self._group is None else self._group._hand_over()
        return Group(epoch, self._random, past)

    def drop(self) -> None:
        """Wipe the new epoch's secrets: for a commit that will not be merged."""
        if not self._spent and self._transition.next is not None:
            self._spent = True
            self._transition.next.wipe()


class StagedJoin(JoinView):
    """A Welcome that passed every check of the RFC: `accept` it, or `drop` it. Whether to
    believe its signer is the application's to decide."""

    def __init__(self, info: GroupInfo, epoch: Epoch, random: Random) -> None:
        super().__init__(info, epoch)
        self._random, self._spent = random, False

    def accept(self) -> Group:
        """Join. Raises `StagedCommitSpent` the second time."""
        if self._spent:
            raise StagedCommitSpent
        self._spent = True
        return Group(self._epoch, self._random, join_info=self.group_info)

    def drop(self) -> None:
        """Wipe the group's secrets: for who does not accept."""
        if not self._spent:
            self._spent = True
            self._epoch.wipe()


class Group(GroupView):
    """One epoch of a group, as one member has it. Made by `create`, `join`, `join_externally`,
    or by merging a `StagedCommit`."""

    def __init__(
        self,
        epoch: Epoch,
        random: Random,
        past: tuple[Epoch, ...] = (),
        join_info: GroupInfo | None = None,
    ) -> None:
        super().__init__(epoch)
        self._random, self._past, self._handed_over = random, past, False
        self._cache: dict[bytes, CachedProposal] = {}
        self._own_updates: dict[bytes, Secret] = {}
        self.join_info = join_info
        """The GroupInfo by which I joined, in the first epoch that I saw."""

    # -- coming in

    @classmethod
    def create(
        cls,
        suite: CipherSuite,
        group_id: bytes,
        signer: SignatureKeyPair,
        credential: Credential,
        capabilities: Capabilities,
        leaf_extensions: tuple[Extension, ...] = (),
        group_extensions: tuple[Extension, ...] = (),
        rng: Random = os.urandom,
        *,
        policy: Policy | None = None,
        lifetime: Lifetime | None = None,
    ) -> Group:
        """A group of one (11). Raises `InvalidLeaf`, `InvalidCredential` or `InvalidProposal`."""
        content = LeafContent(credential, capabilities, tuple(leaf_extensions))
        extensions = tuple(group_extensions)
        lifetime, policy = lifetime or Lifetime.unlimited(), policy or Policy()
        epoch = found(suite, group_id, signer, content, extensions, lifetime, policy, rng)
        return cls(epoch, rng)

    @classmethod
    def open_welcome(
        cls,
        welcome: bytes,
        bundle: KeyPackageBundle,
        signer: SignatureKeyPair,
        rng: Random = os.urandom,
        ratchet_tree: bytes | None = None,
        *,
        psks: PskStore = NO_PSKS,
        policy: Policy | None = None,
        now: int | None = None,
        known_groups: Container[bytes] = (),
        predecessor: Group | None = None,
    ) -> StagedJoin:
        """Check a Welcome (12.4.3.1) without joining yet. `now`, in seconds since 1970, judges
        lifetimes; None skips that. `predecessor` is the group that this one continues (11.2).

        Raises `InvalidWelcome`, `InvalidGroupInfo`, `InvalidTree` or `Malformed`. The bundle is
        not changed: wipe it once joined.
        """
        before = None if predecessor is None else predecessor._epoch
        policy = policy or Policy()
        options = join.JoinOptions(policy, psks, ratchet_tree, now, known_groups, before)
        joined = join.join(welcome, bundle, signer, options)
        return StagedJoin(joined.group_info, joined.epoch, rng)

    @classmethod
    def join(
        cls,
        welcome: bytes,
        bundle: KeyPackageBundle,
        signer: SignatureKeyPair,
        rng: Random = os.urandom,
        ratchet_tree: bytes | None = None,
        *,
        psks: PskStore = NO_PSKS,
        policy: Policy | None = None,
        now: int | None = None,
        known_groups: Container[bytes] = (),
        predecessor: Group | None = None,
    ) -> Group:
        """`open_welcome`, accepted at once."""
        return cls.open_welcome(
            welcome,
            bundle,
            signer,
            rng,
            ratchet_tree,
            psks=psks,
            policy=policy,
            now=now,
            known_groups=known_groups,
            predecessor=predecessor,
        ).accept()

    @classmethod
    def join_externally(
        cls,
        group_info: bytes,
        signer: SignatureKeyPair,
        credential: Credential,
        capabilities: Capabilities,
        leaf_extensions: tuple[Extension, ...] = (),
        rng: Random = os.urandom,
        *,
        ratchet_tree: bytes | None = None,
        remove: int | None = None,
        psk_ids: tuple[PreSharedKeyID, ...] = (),
        psks: PskStore = NO_PSKS,
        policy: Policy | None = None,
        now: int | None = None,
        known_groups: Container[bytes] = (),
    ) -> StagedCommit:
        """An external commit (12.4.3.2): its `message` is for the group, `merge` joins.
        `remove` is the leaf index of one's old self. Raises as `external_commit` does."""
        leaf, policy = (
            LeafContent(credential, capabilities, tuple(leaf_extensions)),
            policy or Policy(),
        )
        how = external.ExternalJoin(
            leaf, rng, policy, ratchet_tree, remove, tuple(psk_ids), psks, now, known_groups
        )
        info, transition, message = external.external_commit(group_info, signer, how)
        return StagedCommit(None, info.group_context, transition, rng, message)

    # -- messages

    def encrypt(
        self,
        plaintext: bytes,
        authenticated_data: bytes = b"",
        padding: Padding = no_padding,
    ) -> bytes:
        """An application message, as `MLSMessage` bytes (15). `authenticated_data` is not
        encrypted. Raises `TooLarge`, or `GroupClosed` after a ReInit."""
        epoch = self._sending()
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
        now: int | None = None,
    ) -> bytes:
        """A proposal, as `MLSMessage` bytes; its reference is in `proposals` from now on. Use
        `propose_update` for an Update. `now` judges the lifetime of a KeyPackage. Raises
        `TooLarge`, or what is wrong with the proposal, as `commit` does."""
        epoch = self._sending()
        check_proposed(epoch, proposal, now)
        authenticated = sign_message(epoch, proposal, _WIRE[wire_format], authenticated_data)
        message = protect(epoch, authenticated, padding, self._random)
        ref = epoch.suite.proposal_ref(authenticated.encode())
        self._remember(CachedProposal(ref, proposal, authenticated.content.sender))
        return message

    def propose_update(
        self,
        leaf_extensions: tuple[Extension, ...] | None = None,
        wire_format: Wire = "private",
        padding: Padding = no_padding,
        authenticated_data: bytes = b"",
    ) -> bytes:
        """An Update of my leaf with a fresh key, as `MLSMessage` bytes. The private key waits
        in this epoch for a commit that takes it. `leaf_extensions` replace the leaf's."""
        epoch = self._sending()
        leaf, keys = update_leaf(epoch, self._leaf_content(leaf_extensions), self._random)
        message = self.propose(Update(leaf), wire_format, padding, authenticated_data)
        self._own_updates[keys.public] = keys.private
        return message

    @property
    def proposals(self) -> tuple[CachedProposal, ...]:
        """The proposals received and sent in this epoch, oldest first."""
        return tuple(self._cache.values())

    def receive(
        self,
        message: bytes,
        psks: PskStore = NO_PSKS,
        approve: Callable[[CommitView], None] | None = None,
    ) -> ReceivedApplication | ReceivedProposal | StagedCommit:
        """Take a message. On any error nothing has changed, but that the key of a commit that
        was authentic and then refused is consumed.

        Raises `InvalidCommit` errors (burned: refused by all), `CannotFollow` errors (held:
        others may have followed), or what `open_message` raises. A proposal is remembered for
        this epoch. A message of an earlier epoch is read if the policy keeps that epoch.

        `approve` may refuse a commit by raising: it is asked after every check that all members
        make alike, and before `CannotFollow` errors, so all who refuse refuse alike.
        """
        epoch = epoch_for(message, self._epoch, self._past)
        opened = open_message(epoch, message)
        kind = opened.verified.content.content_type
        if kind is ContentType.APPLICATION:
            return received_application(opened)
        if kind is ContentType.PROPOSAL:
            received = received_proposal(epoch, opened)
            self._remember(CachedProposal(received.ref, received.proposal, received.origin))
            return received
        return self._stage(epoch, opened, psks, approve)

    def _stage(
        self,
        epoch: Epoch,
        opened: OpenedMessage,
        psks: PskStore,
        approve: Callable[[CommitView], None] | None,
    ) -> StagedCommit:
        def ask(worked_out: Transition) -> None:
            if approve is not None:
                approve(CommitView(epoch.context, worked_out))

        transition = process(epoch, opened.verified, self._cache, self._own_updates, psks, ask)
        return StagedCommit(self, epoch.context, transition, self._random)

    # -- changing the group

    def commit(
        self,
        proposals: Sequence[Proposal] = (),
        references: Sequence[ProposalRef | bytes] = (),
        force_path: bool = False,
        leaf_extensions: tuple[Extension, ...] | None = None,
        group_info_extensions: tuple[Extension, ...] = (),
        psks: PskStore = NO_PSKS,
        padding: Padding = no_padding,
        rng: Random | None = None,
        wire_format: Wire = "private",
        *,
        authenticated_data: bytes = b"",
        with_tree: bool = True,
        now: int | None = None,
    ) -> StagedCommit:
        """A commit of the proposals referred to, then of those given by value (12.4.1).

        The path is made when it is required or forced; `leaf_extensions` replace those of my
        leaf in it. `now`, in seconds since 1970, judges the lifetimes of KeyPackages. Nothing
        changes but that one generation of my handshake ratchet is used up.

        Raises `CannotCommit`, `InvalidProposal`, `InvalidKeyPackage`, `InvalidLeaf`,
        `MissingPsk` or `TooLarge`.
        """
        epoch, rng = self._sending(), rng or self._random
        items, wire = collect(self._cache, epoch.own_index, references, proposals)
        plan = Plan(
            leaf=self._leaf_content(leaf_extensions),
            random=rng,
            wire_format=_WIRE[wire_format],
            authenticated_data=authenticated_data,
            force_path=force_path or leaf_extensions is not None,
            now=now,
            founding=founding_usage(epoch, proposals),
        )
        transition = create(epoch, items, wire, plan, psks)
        welcome = build_welcome(transition, rng, tuple(group_info_extensions), with_tree=with_tree)
        transition.consume()
        message = protect(epoch, transition.authenticated, padding, rng)
        wrapped = None if welcome is None else wrap(WireFormat.WELCOME, welcome.encode())
        return StagedCommit(self, epoch.context, transition, self._random, message, wrapped)

    def _leaf_content(self, extensions: tuple[Extension, ...] | None) -> LeafContent:
        leaf = self._epoch.tree.leaf(self.own_index)
        if leaf is None:
            raise GroupClosed("I am not in this epoch's tree")
        kept = leaf.extensions if extensions is None else tuple(extensions)
        return LeafContent(leaf.credential, leaf.capabilities, kept)

    def _remember(self, proposal: CachedProposal) -> None:
        if len(self._cache) >= self._epoch.policy.max_cached_proposals:
            raise TooLarge("proposals of one epoch")
        self._cache[proposal.ref] = proposal

    def _sending(self) -> Epoch:
        if self._epoch.reinit is not None:
            raise GroupClosed("it ended by a ReInit")
        return self._epoch

    # -- ending

    def forget_skipped(self) -> None:
        """Drop the keys of messages that were overtaken and have not come."""
        self._epoch.secret_tree.forget_skipped()

    def _hand_over(self) -> tuple[Epoch, ...]:
        """The past epochs that the next group keeps; what is beyond them is wiped."""
        if self._state is None or self._state.policy.past_epochs == 0:
            return ()
        keep = self._state.policy.past_epochs
        self._handed_over = True
        past = (self._state, *self._past)
        for epoch in past[keep:]:
            epoch.wipe()
        return past[:keep]

    def wipe(self) -> None:
        """Drop every secret of this epoch, as far as Python can. Harmless when repeated."""
        if self._state is not None and self._handed_over:
            self._state.keep_reading_only()
        elif self._state is not None:
            for epoch in (self._state, *self._past):
                epoch.wipe()
        for secret in self._own_updates.values():
            secret.wipe()
        self._state, self._past, self._members = None, (), None
        self._cache.clear()
        self._own_updates.clear()

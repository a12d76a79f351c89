"""The façade: a group, over one epoch.

A `Group` is one epoch of one member. Committing or receiving a commit makes a `StagedCommit`,
which can be looked at, then merged into the next `Group`, or dropped. An own one that the relay
refuses can be set aside instead: then it is known again, should the relay deliver it after all.
`state.py` draws the states of a group, and what each takes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Sequence

from alcove.mls import external, join
from alcove.mls.ciphersuite import CipherSuite, SignatureKeyPair
from alcove.mls.create_commit import (
    Plan,
    collect,
    create,
    founding_usage,
    repeats_a_welcome,
)
from alcove.mls.credential import Credential
from alcove.mls.epoch import Epoch
from alcove.mls.errors import OwnCommit, RemovedFromGroup, StagedCommitSpent
from alcove.mls.founding import found
from alcove.mls.framing import ContentType
from alcove.mls.group_context import GroupContext
from alcove.mls.key_package import KeyPackageBundle
from alcove.mls.messages import (
    Fresh,
    OpenedMessage,
    ReceivedApplication,
    ReceivedProposal,
    epoch_for,
    open_message,
    protect,
    received_application,
)
from alcove.mls.nodes import Capabilities, Extension, LeafContent, Lifetime
from alcove.mls.policy import Policy
from alcove.mls.private_message import Padding, no_padding
from alcove.mls.process_commit import process
from alcove.mls.proposals import Proposal, ProposalRef
from alcove.mls.psk import NO_PSKS, PreSharedKeyID, PskStore
from alcove.mls.secret import Random, Scratch
from alcove.mls.speaking import WIRE_FORMATS, Speaker, Wire
from alcove.mls.staged import StagedCommits, WaitingCommit
from alcove.mls.state import GroupAct, GroupEvent
from alcove.mls.transition import Transition
from alcove.mls.view import CommitView, JoinView, asking
from alcove.mls.welcome import GroupInfo, pack_welcome


class StagedCommit(WaitingCommit):
    """A commit worked out: look at it, then `merge` it, or `drop` it. It is dropped with its
    group, if that goes another way."""

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
        self._group, self._random = group, random

    def merge(self) -> Group:
        """Go over to the new epoch. The old `Group` is closed and its secrets are wiped, so no
        two groups ever send under the same keys. Raises `StagedCommitSpent` the second time, or
        `RemovedFromGroup`, which closes the old group too."""
        if self._spent:
            raise StagedCommitSpent
        self._spent = True
        following, group = self._transition.next, self._group
        why = "it was left for a later epoch" if following is not None else "it removed me"
        past = () if group is None else group._leave(why)
        if following is None:
            for old in past:
                old.wipe()  # no group is left that could read in them
            raise RemovedFromGroup
        return Group(following, self._random, past)

    def set_aside(self) -> None:
        """Keep a commit of mine that the relay says it did not take. The group can make another
        meanwhile. If the log brings this one after all, `Group.receive` returns it, to be merged.

        The latest `Policy.max_staged` are kept. All are wiped when the epoch ends, by whichever
        commit. Harmless for a commit that is not on its way.
        """
        if self._group is not None:
            self._group._settled(self)

    def drop(self) -> None:
        """Wipe the new epoch's secrets. The group can make another commit then. If this one is
        taken after all, its maker cannot follow (`OwnCommit`)."""
        if not self._spent:
            self._discard()
            if self._group is not None:
                self._group._dropped(self)


class StagedJoin(JoinView):
    """A Welcome that passed every check of the RFC: `accept` it, or `drop` it. The application
    decides whether to believe its signer."""

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
        """Wipe the group's secrets, for a Welcome that is not accepted."""
        if not self._spent:
            self._spent = True
            self._epoch.wipe()


class Group(Speaker):
    """One epoch of a group, as one member has it. Made by `create`, `join`, `join_externally`,
    or by merging a `StagedCommit`."""

    def __init__(
        self,
        epoch: Epoch,
        random: Random,
        past: tuple[Epoch, ...] = (),
        join_info: GroupInfo | None = None,
    ) -> None:
        super().__init__(epoch, random)
        self._past = past
        self._staged = StagedCommits[StagedCommit](epoch.policy.max_staged)
        self._attempts = 0
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
        policy: Policy,
        lifetime: Lifetime,
        now: int,
    ) -> Group:
        """A group of one (11). `lifetime` is that of my own leaf, which joiners judge. `now` is in
        seconds since 1970. Raises `InvalidLeaf`, `InvalidCredential`,
        `InvalidProposal` or `MalformedMessage`."""
        content = LeafContent(credential, capabilities, tuple(leaf_extensions))
        extensions = tuple(group_extensions)
        epoch = found(suite, group_id, signer, content, extensions, lifetime, policy, now, rng)
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
        policy: Policy,
        now: int,
        psks: PskStore = NO_PSKS,
        known_groups: Container[bytes] = (),
        predecessor: Group | None = None,
        known_by: join.KnownBy = join.by_signature_key,
    ) -> StagedJoin:
        """Check a Welcome (12.4.3.1) without joining yet. `now`, in seconds since 1970, judges
        lifetimes. `predecessor` is the group that this one continues (11.2), and `known_by` says
        what its members are known by: their signature keys, unless the caller has another rule.

        Raises `InvalidWelcome`, `InvalidGroupInfo`, `InvalidTree` or `MalformedMessage`. The bundle
        is not changed: wipe it once joined.
        """
        before = None if predecessor is None else predecessor._epoch
        options = join.JoinOptions(policy, now, psks, ratchet_tree, known_groups, before, known_by)
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
        policy: Policy,
        now: int,
        psks: PskStore = NO_PSKS,
        known_groups: Container[bytes] = (),
        predecessor: Group | None = None,
        known_by: join.KnownBy = join.by_signature_key,
    ) -> Group:
        """`open_welcome`, accepted at once."""
        return cls.open_welcome(
            welcome,
            bundle,
            signer,
            rng,
            ratchet_tree,
            policy=policy,
            now=now,
            psks=psks,
            known_groups=known_groups,
            predecessor=predecessor,
            known_by=known_by,
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
        policy: Policy,
        now: int,
        ratchet_tree: bytes | None = None,
        remove: int | None = None,
        psk_ids: tuple[PreSharedKeyID, ...] = (),
        psks: PskStore = NO_PSKS,
        known_groups: Container[bytes] = (),
    ) -> StagedCommit:
        """An external commit (12.4.3.2): its `message` is for the group, `merge` joins.
        `remove` is the leaf index of one's old self. Raises as `external_commit` does."""
        leaf = LeafContent(credential, capabilities, tuple(leaf_extensions))
        how = external.ExternalJoin(
            leaf, rng, policy, now, ratchet_tree, remove, tuple(psk_ids), psks, known_groups
        )
        info, transition, message = external.external_commit(group_info, signer, how)
        return StagedCommit(None, info.group_context, transition, rng, message)

    # -- messages

    def receive(
        self,
        message: bytes,
        psks: PskStore = NO_PSKS,
        approve: Callable[[CommitView], None] | None = None,
        fresh: Fresh | None = None,
        carried: Sequence[ReceivedProposal] | None = None,
        most_generation: int | None = None,
    ) -> ReceivedApplication | ReceivedProposal | StagedCommit:
        """Take a message. On any error nothing has changed.

        Raises `InvalidCommit` (burned) or `CannotFollow` errors (held), or what `open_message`
        raises. `MLSError.verdict` says which. What is said of a proposal or commit depends on its
        bytes and the epoch, and not on what came before.
        A proposal is remembered for this epoch. Messages of past epochs are read as far as the
        policy keeps them. A commit of my own is judged as all members judge it. Then the
        `StagedCommit` that I made is returned, unless it was dropped (see `set_aside`).
        `approve` may refuse a commit by raising. It is asked after every check that all members
        make alike, and before `CannotFollow` errors, so members that refuse refuse alike.
        `fresh` may refuse an application message by raising, before its key is consumed. So an
        application whose messages name their generation keeps the key that a repeated one would
        use up.
        `carried`, where given, are the only proposals that a commit can refer to.
        `most_generation`, where given, is the last generation of a ratchet under which application
        data is taken. It never concerns a handshake, since members may differ in it.
        """
        epoch = epoch_for(message, self._allow(GroupAct.RECEIVE), self._past)
        opened = open_message(epoch, message, fresh, most_generation)
        kind = opened.verified.content.content_type
        if kind is ContentType.APPLICATION:
            return received_application(opened)
        if kind is ContentType.PROPOSAL:
            return self._take_proposal(epoch, opened)
        return self._stage(epoch, opened, psks, approve, carried)

    def _stage(
        self,
        epoch: Epoch,
        opened: OpenedMessage,
        psks: PskStore,
        approve: Callable[[CommitView], None] | None,
        carried: Sequence[ReceivedProposal] | None,
    ) -> StagedCommit:
        cache, updates = self._known_proposals(carried), self._own_updates
        ask = asking(approve, epoch.context)
        try:
            transition = process(epoch, opened.verified, cache, updates, psks, ask)
        except OwnCommit:
            content = opened.verified.authenticated
            return self._staged.find(epoch.transcript_with(content), content.confirmation_tag)
        staged = StagedCommit(self, epoch.context, transition, self._random)
        self._staged.receive(staged)
        return staged

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
        carried: Sequence[ReceivedProposal] | None = None,
        now: int,
    ) -> StagedCommit:
        """A commit of the proposals referred to, then of those given by value (12.4.1).
        `carried` are referred to instead, where they are given (`read_proposal`).

        The path is made when it is required or forced. `leaf_extensions` replace those of my
        leaf in it. `now`, in seconds since 1970, judges the lifetimes of KeyPackages. One
        generation of my handshake ratchet is used up, and no second commit can be made until
        this one is merged, set aside or dropped.

        Raises `CannotCommit`, `CommitPending`, `GroupClosed`, `InvalidProposal`,
        `InvalidKeyPackage`, `InvalidLeaf`, `MissingPsk` or `TooLarge`: what the receivers would
        refuse is refused here. Then nothing has changed.
        """
        epoch, rng = self._allow(GroupAct.COMMIT), rng or self._random
        known = self._known_proposals(carried)
        references = (*references, *(known if carried else ()))
        items, wire = collect(known, epoch.own_index, references, proposals)
        again = repeats_a_welcome(items, self._attempts)
        plan = Plan(
            leaf=self._leaf_content(leaf_extensions),
            random=rng,
            now=now,
            wire_format=WIRE_FORMATS[wire_format],
            authenticated_data=authenticated_data,
            force_path=force_path or leaf_extensions is not None or again,
            founding=founding_usage(epoch, proposals),
        )
        with Scratch() as scratch:
            transition = scratch.result(create(epoch, items, wire, plan, psks))
            self._attempts += 1
            extensions = tuple(group_info_extensions)
            welcome = pack_welcome(transition, epoch.policy, rng, extensions, with_tree=with_tree)
            message = protect(epoch, transition.authenticated, padding, rng)
        transition.consume()
        staged = StagedCommit(self, epoch.context, transition, self._random, message, welcome)
        self._staged.make(staged)
        self._note_signed_leaf(staged)
        self._life.follow(GroupEvent.COMMITTED)
        return staged

    # -- ending

    def _settled(self, staged: StagedCommit) -> None:
        if self._staged.settle(staged):
            self._life.follow(GroupEvent.SETTLED)

    def _dropped(self, staged: StagedCommit) -> None:
        self._settled(staged)
        self._staged.forget(staged)

    def _leave(self, why: str) -> tuple[Epoch, ...]:
        """Close this group, for the next one, and return the past epochs that the next one keeps.
        What is beyond them is wiped."""
        past = self._epoch.past_of_next(self._past)
        self._life.follow(GroupEvent.LEFT, why)
        self._forget()
        return past

    def wipe(self) -> None:
        """Drop every secret, as far as Python can. Harmless when repeated."""
        for epoch in () if self._state is None else (self._state, *self._past):
            epoch.wipe()
        self._life.follow(GroupEvent.WIPED, "it was wiped")
        self._forget()

    def _forget(self) -> None:
        """Drop everything that lasts as long as the epoch, staged commits included."""
        self._forget_proposals()
        self._staged.clear()
        self._state, self._past, self._members, self._found = None, (), None, None

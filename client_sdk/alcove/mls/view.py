"""What can be seen of an epoch, of a commit worked out, and of a Welcome, without changing
anything. The façade's classes (`group.py`) build on these."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from alcove.mls import key_schedule
from alcove.mls.ciphersuite import CipherSuite
from alcove.mls.epoch import Epoch
from alcove.mls.errors import GroupClosed, RemovedFromGroup, TooLarge, UnknownSender
from alcove.mls.framing import SenderType, WireFormat, wrap
from alcove.mls.group_context import GroupContext
from alcove.mls.messages import GroupMember
from alcove.mls.nodes import Extension, LeafNode
from alcove.mls.proposal_list import CommittedProposal
from alcove.mls.proposals import ReInit
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.secret import Secret
from alcove.mls.state import GroupAct, GroupState, Life
from alcove.mls.transition import Transition
from alcove.mls.welcome import GroupInfo, group_info


class Moved:
    """What is moved and never copied: two copies would send under the same keys, and seal two
    GroupInfos under one nonce."""

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is never copied and never serialised")


def members_of(tree: RatchetTree) -> tuple[GroupMember, ...]:
    """All members, by leaf index."""
    return tuple(GroupMember(index, leaf) for index, leaf in tree.leaves())


class GroupView(Moved):
    """One epoch, to look at. Every member but `state` raises `GroupClosed` once the group was left
    or wiped."""

    def __init__(self, epoch: Epoch) -> None:
        self._state: Epoch | None = epoch
        self._life = Life(ended=epoch.reinit is not None)
        self._members: tuple[GroupMember, ...] | None = None
        self._found: dict[bytes, int] | None = None

    @property
    def _epoch(self) -> Epoch:
        if self._state is None:
            raise GroupClosed(self._life.why)
        return self._state

    @property
    def state(self) -> GroupState:
        """What the group takes now (see `state.py`)."""
        return self._life.state

    @property
    def suite(self) -> CipherSuite:
        return self._epoch.suite

    @property
    def group_id(self) -> bytes:
        return self._epoch.context.group_id

    @property
    def epoch(self) -> int:
        return self._epoch.context.epoch

    @property
    def own_index(self) -> int:
        return self._epoch.own_index

    @property
    def context(self) -> GroupContext:
        return self._epoch.context

    @property
    def reinit(self) -> ReInit | None:
        """The ReInit that ended this group: it must not be used to send any more (12.4.2)."""
        return self._epoch.reinit

    @property
    def epoch_authenticator(self) -> bytes:
        """Equal for members with the same view of the group. It may be shown (8.7)."""
        return self._epoch.secrets.epoch_authenticator.expose()

    @property
    def resumption_psk(self) -> Secret:
        """This epoch's resumption PSK (8.6), as a copy that the caller wipes."""
        return self._epoch.secrets.resumption_psk.copy()

    def members(self) -> tuple[GroupMember, ...]:
        """All members, by leaf index."""
        if self._members is None:
            self._members = members_of(self._epoch.tree)
        return self._members

    def member(self, index: int) -> LeafNode | None:
        """The leaf of that index. None when it is blank or beyond the tree."""
        return self._epoch.tree.leaf(index)

    def find(self, signature_key: bytes) -> int | None:
        """The leaf index of the member with that signature key."""
        tree = self._epoch.tree
        if self._found is None:
            self._found = {leaf.signature_key: index for index, leaf in tree.leaves()}
        return self._found.get(signature_key)

    def export(self, label: str, context: bytes, length: int) -> Secret:
        """`MLS-Exporter` (8.5): a secret of `length` bytes that all members of this epoch can
        derive, and no others. Raises `ValueError` beyond 255 times Nh bytes."""
        epoch = self._epoch
        return key_schedule.export(epoch.suite, epoch.secrets, label, context, length)

    def ratchet_tree(self) -> bytes:
        """The tree, encoded as in the `ratchet_tree` extension (12.4.3.3)."""
        return self._epoch.tree.encode()

    def group_info(
        self,
        extensions: tuple[Extension, ...] = (),
        *,
        with_tree: bool = True,
        with_external_pub: bool = True,
    ) -> bytes:
        """An `MLSMessage` with a GroupInfo signed by me, by which others may join from outside.
        Raises `InvalidGroupInfo`, `TooLarge`, or `GroupClosed`."""
        self._life.allow(GroupAct.INVITE)
        epoch = self._epoch
        info = group_info(
            epoch,
            tuple(extensions),
            with_tree=with_tree,
            with_external_pub=with_external_pub,
        )
        message = wrap(WireFormat.GROUP_INFO, info.encode())
        if len(message) > epoch.policy.max_message:
            raise TooLarge("GroupInfo")
        return message


class CommitView(Moved):
    """A commit worked out. Leaves are named by leaf index: those of `removed` and `updated` in
    the old tree, those of `added`, and an external `committer`, in the new one."""

    def __init__(
        self,
        before: GroupContext,
        transition: Transition,
        message: bytes = b"",
        welcome: bytes | None = None,
    ) -> None:
        self._transition = transition
        self.before, self.after = before, transition.context
        self.committer: int = transition.committer
        self.proposals: tuple[CommittedProposal, ...] = transition.proposals
        self.new_leaf: LeafNode | None = transition.new_leaf
        self.added: tuple[int, ...] = transition.applied.added
        self.removed: tuple[int, ...] = transition.applied.removed
        self.updated: tuple[int, ...] = transition.applied.updated
        self.message = message
        """For my own commit, the `MLSMessage` for the group. Otherwise empty."""
        self.welcome = welcome
        """For my own commit that adds members, the `MLSMessage` with their Welcome."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(epoch {self.before.epoch} to {self.after.epoch})"

    @property
    def has_path(self) -> bool:
        return self.new_leaf is not None

    @property
    def is_external(self) -> bool:
        """Whether a client joins by this commit from outside (12.4.3.2)."""
        return self._transition.authenticated.content.sender.type is SenderType.NEW_MEMBER_COMMIT

    @property
    def removes_me(self) -> bool:
        return self._transition.next is None

    @property
    def content(self) -> bytes:
        """The encoded AuthenticatedContent."""
        return self._transition.authenticated.encode()

    @property
    def authenticated_data(self) -> bytes:
        return self._transition.authenticated.content.authenticated_data

    @property
    def epoch_authenticator(self) -> bytes:
        """Of the new epoch (8.7). Raises `RemovedFromGroup`."""
        return self._next().secrets.epoch_authenticator.expose()

    def export(self, label: str, context: bytes, length: int) -> Secret:
        """`MLS-Exporter` of the new epoch (8.5), before it is entered. Raises `RemovedFromGroup`,
        and `ValueError` beyond 255 times Nh bytes."""
        epoch = self._next()
        return key_schedule.export(epoch.suite, epoch.secrets, label, context, length)

    def members_after(self) -> tuple[GroupMember, ...]:
        """The members of the new epoch."""
        return members_of(self._transition.applied.tree)

    def _next(self) -> Epoch:
        if self._transition.next is None:
            raise RemovedFromGroup
        return self._transition.next


def asking(
    approve: Callable[[CommitView], None] | None, before: GroupContext
) -> Callable[[Transition], None]:
    """An application's judgement of a commit, as processing one asks for it."""

    def ask(worked_out: Transition) -> None:
        if approve is not None:
            approve(CommitView(before, worked_out))

    return ask


class JoinView(Moved):
    """A Welcome that passed every check of the RFC."""

    def __init__(self, info: GroupInfo, epoch: Epoch) -> None:
        self.group_info, self._epoch = info, epoch

    @property
    def group_context(self) -> GroupContext:
        return self.group_info.group_context

    @property
    def own_index(self) -> int:
        return self._epoch.own_index

    @property
    def signer(self) -> GroupMember:
        """The member that signed the GroupInfo, and so made the commit that adds me."""
        leaf = self._epoch.tree.leaf(self.group_info.signer)
        if leaf is None:
            raise UnknownSender
        return GroupMember(self.group_info.signer, leaf)

    @property
    def members(self) -> tuple[GroupMember, ...]:
        return members_of(self._epoch.tree)

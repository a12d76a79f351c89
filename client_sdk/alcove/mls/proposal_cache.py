"""The proposals of one epoch, kept so that a commit can refer to them (RFC 9420, section 12.4).

What is kept costs memory that its sender chooses, so it is bounded in bytes: for each member, for
all members together, and apart from them for all outsiders together. An outsider needs no key of
the group to propose, so outsiders never take the room of members.
"""

from __future__ import annotations

from dataclasses import dataclass

from alcove.mls.errors import ProposalsFull
from alcove.mls.framing import Sender
from alcove.mls.policy import Policy
from alcove.mls.proposals import Proposal


@dataclass(frozen=True, slots=True)
class CachedProposal:
    """A proposal received, or sent, in this epoch."""

    ref: bytes
    proposal: Proposal
    origin: Sender


class ProposalCache:
    """Proposals by reference, oldest first. Sizes are of the encoded AuthenticatedContent."""

    __slots__ = ("_members", "_outsiders", "_policy", "_senders", "items")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.items: dict[bytes, CachedProposal] = {}
        self._members = self._outsiders = 0
        self._senders: dict[int, int] = {}

    def check(self, origin: Sender, size: int) -> None:
        """Raise `ProposalsFull` unless there is room. Comes before a key is consumed: a refusal
        for want of room must not cost the sender its message."""
        policy, leaf = self._policy, origin.leaf_index
        if leaf is None:
            if self._outsiders + size > policy.outsider_proposals:
                raise ProposalsFull("from outside")
        elif self._senders.get(leaf, 0) + size > policy.sender_proposals:
            raise ProposalsFull("from one member")
        elif self._members + size > policy.member_proposals:
            raise ProposalsFull("from all members")

    def add(self, proposal: CachedProposal, size: int) -> None:
        """Remember a proposal. The same one again costs nothing. Raises `ProposalsFull`."""
        if proposal.ref in self.items:
            return
        self.check(proposal.origin, size)
        leaf = proposal.origin.leaf_index
        if leaf is None:
            self._outsiders += size
        else:
            self._members += size
            self._senders[leaf] = self._senders.get(leaf, 0) + size
        self.items[proposal.ref] = proposal

    def clear(self) -> None:
        """Forget everything, at the end of the epoch."""
        self.items.clear()
        self._senders.clear()
        self._members = self._outsiders = 0

"""From one epoch to the next: what making a commit and processing one have in common
(RFC 9420, sections 12.4.1 and 12.4.2).

Both work on a copy of the tree and end in a `Transition`: the old epoch is as it was, the new
one is complete, and whoever asked decides whether to go over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from alcove.mls import key_schedule, transcript
from alcove.mls.ciphersuite import CipherSuite
from alcove.mls.epoch import Epoch
from alcove.mls.errors import CannotFollow, InvalidCommit, MissingPsk, MLSError
from alcove.mls.framing import AuthenticatedContent, Sender
from alcove.mls.group_context import GroupContext
from alcove.mls.key_schedule import EpochSecrets
from alcove.mls.nodes import LeafNode
from alcove.mls.proposal_list import Applied, CommittedProposal
from alcove.mls.proposals import Proposal
from alcove.mls.psk import PreSharedKeyID, PskStore, psk_secret
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.secret import Secret
from alcove.mls.tree_hash import root_hash
from alcove.mls.treekem import PathSecrets, Step


@dataclass(frozen=True, slots=True)
class CachedProposal:
    """A proposal received, or sent, in this epoch."""

    ref: bytes
    proposal: Proposal
    origin: Sender


@dataclass(frozen=True, slots=True)
class PathOut:
    """What a committer needs to tell new members of its path (12.4.3.1)."""

    steps: tuple[Step, ...]
    secrets: PathSecrets


@dataclass(frozen=True, slots=True)
class Transition:
    """A commit worked out, not yet entered. `next` is None when it removes me. What follows
    `next` is there when the commit is my own."""

    committer: int
    proposals: tuple[CommittedProposal, ...]
    applied: Applied
    new_leaf: LeafNode | None
    context: GroupContext
    authenticated: AuthenticatedContent
    next: Epoch | None
    joiner_secret: Secret | None = None
    psk_secret: Secret | None = None
    path: PathOut | None = None

    def consume(self) -> None:
        """Drop what only the Welcome needed, once it was made (9.2)."""
        for secret in (self.joiner_secret, self.psk_secret):
            if secret is not None:
                secret.wipe()
        if self.path is not None:
            self.path.secrets.wipe()


@dataclass(frozen=True, slots=True)
class Inputs:
    """The secrets that lead from one epoch to the next."""

    init_secret: Secret
    commit_secret: Secret
    psk_secret: Secret


@contextmanager
def burning(kind: type[InvalidCommit]) -> Iterator[None]:
    """Turn what is wrong with a part of a commit into the commit being invalid for all."""
    try:
        yield
    except (InvalidCommit, CannotFollow):
        raise
    except MLSError as error:
        raise kind(str(error)) from error


def provisional_context(suite: CipherSuite, old: GroupContext, applied: Applied) -> GroupContext:
    """The *provisional* GroupContext: all is new but the transcript hash (12.4.1). Path secrets
    are encrypted under it, since the commit that carries them is not complete yet."""
    return replace(
        old,
        epoch=old.epoch + 1,
        tree_hash=root_hash(suite, applied.tree),
        extensions=applied.extensions,
    )


def derive_epoch(
    suite: CipherSuite,
    interim: bytes,
    authenticated: AuthenticatedContent,
    provisional: GroupContext,
    inputs: Inputs,
) -> tuple[GroupContext, Secret, EpochSecrets]:
    """The new epoch's context, joiner secret and secrets (8, 8.2)."""
    commit = authenticated.until_signature()
    confirmed = transcript.confirmed_transcript_hash(suite, interim, commit)
    context = replace(provisional, confirmed_transcript_hash=confirmed)
    encoded = context.encode()
    joiner = key_schedule.joiner_secret(suite, inputs.init_secret, inputs.commit_secret, encoded)
    secrets = key_schedule.epoch_secrets(suite, joiner, inputs.psk_secret, encoded)
    return context, joiner, secrets


def find_psks(epoch: Epoch, psks: Sequence[PreSharedKeyID], store: PskStore) -> Secret:
    """`psk_secret` of a commit. Raises `MissingPsk`: a missing key is never replaced by zeros."""
    found = []
    for psk in psks:
        value = epoch.find_psk(psk, store)
        if value is None:
            raise MissingPsk
        found.append((psk, value))
    return psk_secret(epoch.suite, found)


def keep_keys(
    private: Mapping[int, Secret], tree: RatchetTree, new: Mapping[int, Secret]
) -> dict[int, Secret]:
    """My private keys in the new tree, as copies: of nodes that are still there, and new ones.

    A node of mine that a commit replaced is on the committer's path too, so it is among the new.
    """
    kept = {
        index: secret.copy()
        for index, secret in private.items()
        if index not in new and index < len(tree.nodes) and tree.nodes[index] is not None
    }
    return {**kept, **new}

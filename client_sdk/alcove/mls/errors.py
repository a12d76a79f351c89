"""Every way in which MLS can say no.

    MLSError
    ├── Malformed                     the bytes are not the structure they claim to be (2.1)
    │   └── TooLarge                  larger than the policy allows
    ├── SuiteUnavailable              the suite needs the `suites` extra, which is not installed
    ├── UnknownSuite                  no such ciphersuite
    ├── SecretWiped                   a secret was asked for after it was dropped
    ├── InvalidPublicKey              a key that the primitive refuses
    ├── InvalidSignature              (5.1.2)
    ├── DecryptionFailed              an AEAD or HPKE opening failed
    ├── InvalidCredential             refused by policy, or not supported by all (5.3)
    ├── InvalidLeaf                   (7.3)
    ├── InvalidKeyPackage             (10.1)
    ├── InvalidTree                   (7.8, 7.9, 12.4.3.1)
    ├── InvalidProposal               a proposal, or a list of them (12.1, 12.2)
    ├── InvalidMessage                a message that cannot be taken (6)
    │   ├── WrongGroup
    │   ├── WrongEpoch
    │   ├── UnknownSender
    │   ├── OwnMessage                one's own message came back: its keys are gone already
    │   ├── GenerationConsumed        that key was used, and deleted, before (9.2)
    │   └── GenerationTooFar          further ahead than the policy follows
    ├── InvalidWelcome                (12.4.3.1)
    │   ├── NotForThisKeyPackage
    │   └── PskMissing
    ├── InvalidGroupInfo              (12.4.3)
    ├── InvalidCommit                 *burned*: what every member sees alike is wrong
    │   ├── CommitUnreadable          framing, decryption or signature
    │   ├── InvalidProposalList       (12.2)
    │   ├── PathRequired              (12.4)
    │   ├── InvalidPath               leaf, keys or shape of the UpdatePath (12.4.2)
    │   ├── ParentHashMismatch        (7.9.2)
    │   └── ConfirmationMismatch      although the path's keys match (6.1)
    ├── CannotFollow                  *held*: others may follow this commit, I cannot
    │   ├── MissingProposal           it refers to a proposal that I never saw
    │   ├── MissingPsk                it injects a pre-shared key that I do not have
    │   ├── PskMismatch               a pre-shared key of mine seems to have another value
    │   ├── PathNotDecryptable        no path ciphertext opens for me
    │   └── PathKeyMismatch           what opened derives other keys than the path shows
    ├── CannotCommit                  what was asked of `commit` makes no valid commit
    ├── RemovedFromGroup              the commit removes me: there is no next epoch for me
    ├── StagedCommitSpent             a staged commit was merged twice
    └── GroupClosed                   the group was wiped, or ended by a ReInit

Each class has a `code` for programs and a sentence for people. A sentence never names a key,
an identity or a content.

Why `InvalidCommit` and `CannotFollow` are apart: after the first, every member stays in the old
epoch and the group goes on; after the second, the others have moved, so the only way on is to
join anew. To take one for the other splits the group.
"""

from __future__ import annotations

from typing import ClassVar


class MLSError(Exception):
    """Base of everything this package raises on purpose."""

    code: ClassVar[str] = "mls_error"
    sentence: ClassVar[str] = "The group's encryption refused this."

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        super().__init__(f"{self.sentence} ({detail})" if detail else self.sentence)


class Malformed(MLSError):
    code = "malformed"
    sentence = "The bytes are not a well-formed MLS structure."


class TooLarge(Malformed):
    code = "too_large"
    sentence = "This is larger than the limits allow."


class SuiteUnavailable(MLSError):
    code = "suite_unavailable"
    sentence = "This ciphersuite needs the 'suites' extra: pip install 'alcove[suites]'."


class UnknownSuite(MLSError):
    code = "unknown_suite"
    sentence = "This ciphersuite is not known."


class SecretWiped(MLSError):
    code = "secret_wiped"
    sentence = "This secret was deleted."


class InvalidPublicKey(MLSError):
    code = "invalid_public_key"
    sentence = "A public key is not valid for the ciphersuite."


class InvalidSignature(MLSError):
    code = "invalid_signature"
    sentence = "A signature does not verify."


class DecryptionFailed(MLSError):
    code = "decryption_failed"
    sentence = "A ciphertext does not open."


class InvalidCredential(MLSError):
    code = "invalid_credential"
    sentence = "A credential is not acceptable here."


class InvalidLeaf(MLSError):
    code = "invalid_leaf"
    sentence = "A member's entry in the group's tree is not valid."


class InvalidKeyPackage(MLSError):
    code = "invalid_key_package"
    sentence = "A KeyPackage is not valid."


class InvalidTree(MLSError):
    code = "invalid_tree"
    sentence = "The group's tree is not valid."


class InvalidProposal(MLSError):
    code = "invalid_proposal"
    sentence = "A proposed change of the group is not valid."


class InvalidMessage(MLSError):
    code = "invalid_message"
    sentence = "This message cannot be taken."


class WrongGroup(InvalidMessage):
    code = "wrong_group"
    sentence = "This message is for another group."


class WrongEpoch(InvalidMessage):
    code = "wrong_epoch"
    sentence = "This message is for another epoch of the group."


class UnknownSender(InvalidMessage):
    code = "unknown_sender"
    sentence = "This message names a sender who is not in the group."


class OwnMessage(InvalidMessage):
    code = "own_message"
    sentence = "This is a message of one's own, whose keys are deleted."


class GenerationConsumed(InvalidMessage):
    code = "generation_consumed"
    sentence = "The key of this message was used before and is deleted."


class GenerationTooFar(InvalidMessage):
    code = "generation_too_far"
    sentence = "This message is further ahead than keys are derived for."


class InvalidWelcome(MLSError):
    code = "invalid_welcome"
    sentence = "This Welcome cannot be used."


class NotForThisKeyPackage(InvalidWelcome):
    code = "not_for_this_key_package"
    sentence = "This Welcome is not for this KeyPackage."


class PskMissing(InvalidWelcome):
    code = "psk_missing"
    sentence = "This Welcome needs a pre-shared key that is not at hand."


class InvalidGroupInfo(MLSError):
    code = "invalid_group_info"
    sentence = "This description of a group is not valid."


class InvalidCommit(MLSError):
    """Burned: every member refuses it alike, and the epoch stays as it was."""

    code = "invalid_commit"
    sentence = "This commit is not valid for anyone."


class CommitUnreadable(InvalidCommit):
    code = "commit_unreadable"
    sentence = "This commit cannot be read or is not signed by its sender."


class InvalidProposalList(InvalidCommit):
    code = "invalid_proposal_list"
    sentence = "This commit makes changes that are not allowed together."


class PathRequired(InvalidCommit):
    code = "path_required"
    sentence = "This commit must renew its sender's keys and does not."


class InvalidPath(InvalidCommit):
    code = "invalid_path"
    sentence = "The new keys in this commit are not valid."


class ParentHashMismatch(InvalidCommit):
    code = "parent_hash_mismatch"
    sentence = "The new keys in this commit are not bound to the group's tree."


class ConfirmationMismatch(InvalidCommit):
    code = "confirmation_mismatch"
    sentence = "This commit does not confirm the state that it leads to."


class CannotFollow(MLSError):
    """Held: others may have moved on with this commit; joining anew is the way on.

    `committer` is the leaf index of whose signature the commit carries, where that is known: an
    application that lets only some commit can tell that nobody will have followed another.
    """

    code = "cannot_follow"
    sentence = "This commit cannot be followed here."

    def __init__(self, detail: str = "", committer: int | None = None) -> None:
        super().__init__(detail)
        self.committer = committer


class MissingProposal(CannotFollow):
    code = "missing_proposal"
    sentence = "This commit refers to a proposal that never arrived here."


class MissingPsk(CannotFollow):
    code = "missing_psk"
    sentence = "This commit needs a pre-shared key that is not at hand."


class PskMismatch(CannotFollow):
    code = "psk_mismatch"
    sentence = "A pre-shared key seems to have another value here."


class PathNotDecryptable(CannotFollow):
    code = "path_not_decryptable"
    sentence = "The new keys in this commit do not open here."


class PathKeyMismatch(CannotFollow):
    code = "path_key_mismatch"
    sentence = "The new keys that opened here are not those that the commit shows."


class CannotCommit(MLSError):
    code = "cannot_commit"
    sentence = "No valid commit can be made of this."


class RemovedFromGroup(MLSError):
    code = "removed_from_group"
    sentence = "This commit removes you from the group."


class StagedCommitSpent(MLSError):
    code = "staged_commit_spent"
    sentence = "This commit was merged already."


class GroupClosed(MLSError):
    code = "group_closed"
    sentence = "This group can no longer be used."

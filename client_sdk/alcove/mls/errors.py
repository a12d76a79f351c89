"""Every way in which MLS can say no.

    MLSError
    ├── MalformedMessage              the bytes are not the structure they claim to be (2.1)
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
    │   ├── WrongEpoch                members in that epoch may take it
    │   ├── UnknownSender
    │   ├── OwnMessage                a message or proposal of one's own came back
    │   ├── GenerationConsumed        an application key that was used, and deleted, before (9.2)
    │   ├── GenerationForgotten       an application key that later messages pushed out
    │   ├── GenerationTooFar          an application message too far ahead of this ratchet
    │   ├── GenerationOutOfRange      a handshake message beyond the bound of an epoch
    │   └── ProposalsFull             no room left for this sender's proposals
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
    │   ├── OwnCommit                 a commit of one's own came back after it was dropped
    │   ├── MissingPsk                it injects a pre-shared key that I do not have
    │   ├── PskMismatch               a pre-shared key of mine seems to have another value
    │   ├── PathNotDecryptable        no path ciphertext opens for me
    │   └── PathKeyMismatch           what opened derives other keys than the path shows
    ├── CannotCommit                  what was asked of `commit` makes no valid commit
    ├── CommitPending                 a commit of one's own is on its way
    ├── RemovedFromGroup              the commit removes me: there is no next epoch for me
    ├── StagedCommitSpent             a staged commit was merged or dropped before
    └── GroupClosed                   the group was left, wiped, or ended by a ReInit

Each class has a `code` for programs and a sentence for people. A sentence never names a key,
an identity or a content.

Each class also has a `verdict`, which says what the refusal of a message means for the group:

    BURNED      every member in this epoch refuses these bytes alike, and the epoch stands
    HELD        others may take these bytes, this client cannot
    MALFORMED   the bytes are no message for any member
    None        no message was refused: the caller asked for something impossible

After a burned commit every member stays in the old epoch and the group goes on. After a held
commit the others have moved, so the only way on is to join anew. To take one for the other splits
the group. docs/mls-validation.md lists every class with its verdict.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar


class Verdict(Enum):
    """What the refusal of a message means for the group."""

    BURNED = "burned"
    HELD = "held"
    MALFORMED = "malformed"


class MLSError(Exception):
    """Base of everything this package raises on purpose."""

    code: ClassVar[str] = "mls_error"
    sentence: ClassVar[str] = "The group's encryption refused this."
    verdict: ClassVar[Verdict | None] = None

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        super().__init__(f"{self.sentence} ({detail})" if detail else self.sentence)


class MalformedMessage(MLSError):
    code = "malformed"
    sentence = "The bytes are not a well-formed MLS structure."
    verdict = Verdict.MALFORMED


class TooLarge(MalformedMessage):
    code = "too_large"
    sentence = "This is larger than the limits allow."


class SuiteUnavailable(MLSError):
    code = "suite_unavailable"
    sentence = "This ciphersuite needs the 'suites' extra: pip install 'alcove[suites]'."


class UnknownSuite(MLSError):
    code = "unknown_suite"
    sentence = "This ciphersuite is not known."
    verdict = Verdict.MALFORMED


class SecretWiped(MLSError):
    code = "secret_wiped"
    sentence = "This secret was deleted."


class InvalidPublicKey(MLSError):
    code = "invalid_public_key"
    sentence = "A public key is not valid for the ciphersuite."
    verdict = Verdict.BURNED


class InvalidSignature(MLSError):
    code = "invalid_signature"
    sentence = "A signature does not verify."
    verdict = Verdict.BURNED


class DecryptionFailed(MLSError):
    code = "decryption_failed"
    sentence = "A ciphertext does not open."
    verdict = Verdict.BURNED


class InvalidCredential(MLSError):
    code = "invalid_credential"
    sentence = "A credential is not acceptable here."
    verdict = Verdict.BURNED


class InvalidLeaf(MLSError):
    code = "invalid_leaf"
    sentence = "A member's entry in the group's tree is not valid."
    verdict = Verdict.BURNED


class InvalidKeyPackage(MLSError):
    code = "invalid_key_package"
    sentence = "A KeyPackage is not valid."
    verdict = Verdict.BURNED


class InvalidTree(MLSError):
    code = "invalid_tree"
    sentence = "The group's tree is not valid."
    verdict = Verdict.BURNED


class InvalidProposal(MLSError):
    code = "invalid_proposal"
    sentence = "A proposed change of the group is not valid."
    verdict = Verdict.BURNED


class InvalidMessage(MLSError):
    code = "invalid_message"
    sentence = "This message cannot be taken."
    verdict = Verdict.BURNED


class WrongGroup(InvalidMessage):
    code = "wrong_group"
    sentence = "This message is for another group."


class WrongEpoch(InvalidMessage):
    code = "wrong_epoch"
    sentence = "This message is for another epoch of the group."
    verdict = Verdict.HELD


class UnknownSender(InvalidMessage):
    code = "unknown_sender"
    sentence = "This message names a sender that is not in the group."


class OwnMessage(InvalidMessage):
    code = "own_message"
    sentence = "This is your own message."
    verdict = Verdict.HELD


class GenerationConsumed(InvalidMessage):
    code = "generation_consumed"
    sentence = "The key of this message was used before and is deleted."
    verdict = Verdict.HELD


class GenerationForgotten(InvalidMessage):
    code = "generation_forgotten"
    sentence = "The key of this message is deleted: too many later messages came before it."
    verdict = Verdict.HELD


class GenerationTooFar(InvalidMessage):
    code = "generation_too_far"
    sentence = "This message is further ahead than keys are derived for."
    verdict = Verdict.HELD


class GenerationOutOfRange(InvalidMessage):
    code = "generation_out_of_range"
    sentence = "This message is beyond what one member may send in an epoch."


class ProposalsFull(InvalidMessage):
    code = "proposals_full"
    sentence = "There is no room for another proposal of this sender."
    verdict = Verdict.HELD


class InvalidWelcome(MLSError):
    code = "invalid_welcome"
    sentence = "This Welcome cannot be used."
    verdict = Verdict.BURNED


class NotForThisKeyPackage(InvalidWelcome):
    code = "not_for_this_key_package"
    sentence = "This Welcome is not for this KeyPackage."
    verdict = Verdict.HELD


class PskMissing(InvalidWelcome):
    code = "psk_missing"
    sentence = "This Welcome needs a pre-shared key that is not at hand."
    verdict = Verdict.HELD


class InvalidGroupInfo(MLSError):
    code = "invalid_group_info"
    sentence = "This description of a group is not valid."
    verdict = Verdict.BURNED


class InvalidCommit(MLSError):
    """Burned: every member refuses it alike, and the epoch stays as it was."""

    code = "invalid_commit"
    sentence = "This commit is not valid for any member."
    verdict = Verdict.BURNED


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
    """Held: others may have moved on with this commit. Joining anew is the way on."""

    code = "cannot_follow"
    sentence = "This commit cannot be followed here."
    verdict = Verdict.HELD


class MissingProposal(CannotFollow):
    code = "missing_proposal"
    sentence = "This commit refers to a proposal that never arrived here."


class OwnCommit(CannotFollow):
    code = "own_commit"
    sentence = "This is your own commit, which was dropped."


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


class CommitPending(MLSError):
    code = "commit_pending"
    sentence = "Another commit of yours waits to be merged, set aside or dropped."


class RemovedFromGroup(MLSError):
    code = "removed_from_group"
    sentence = "This commit removes you from the group."


class StagedCommitSpent(MLSError):
    code = "staged_commit_spent"
    sentence = "This commit was merged or dropped already."


class GroupClosed(MLSError):
    code = "group_closed"
    sentence = "This group can no longer be used."

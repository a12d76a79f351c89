"""One message for each class of refusal, and the members that refuse or take it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from alcove import mls
from alcove.mls import create_commit, transition, treekem
from alcove.mls.framing import WireFormat
from alcove.mls.secret_tree import HandshakeRatchet, RatchetKind

from tests.client_sdk.mls.support import (
    NOW,
    SUITE,
    Room,
    dropped,
    epoch_of,
    forge,
    found,
    limits,
    person,
    room,
    seal,
)
from tests.client_sdk.mls.validation import forging

NO_PSKS = mls.PskStore()


@dataclass
class Case:
    """A message, a member that refuses it, and one that takes it if any does."""

    message: bytes
    by: mls.Group
    others: list[mls.Group] = field(default_factory=list)
    store: mls.PskStore = NO_PSKS
    theirs: mls.PskStore = NO_PSKS


def _all(these: Room, message: bytes) -> Case:
    return Case(message, these["bob"], [these["carol"]])


def these_three(**policy: int) -> Room:
    return room("bob", "carol", policy=limits(**policy))


# -- malformed


def malformed() -> Case:
    return _all(these_three(), b"\x00\x01\x00\x02\x01")


def too_large() -> Case:
    return _all(these_three(), bytes(4 * 2**20 + 1))


# -- burned for all


def wrong_group() -> Case:
    return _all(these_three(), found(group_id=b"another").encrypt(b"text"))


def invalid_message() -> Case:
    these = these_three()
    content = forge(these["alice"], mls.Remove(2), wire_format=WireFormat.PUBLIC_MESSAGE)
    return _all(these, forging.public(content, bytes(32)))


def unknown_sender() -> Case:
    these = these_three()
    return _all(
        these, seal(these["alice"], forge(these["alice"], b"", sender=mls.Sender.member(3)))
    )


def generation_out_of_range() -> Case:
    these = these_three(max_handshakes=2)
    alice = these["alice"]
    handshakes = epoch_of(alice).secret_tree.ratchet(0, RatchetKind.HANDSHAKE)
    assert isinstance(handshakes, HandshakeRatchet)
    handshakes._most = 2**31
    return _all(these, [alice.propose(mls.Remove(2), now=NOW) for _ in range(3)][-1])


def invalid_signature() -> Case:
    these = these_three()
    content = replace(forge(these["alice"], b"text"), signature=bytes(64))
    return _all(these, seal(these["alice"], content))


def decryption_failed() -> Case:
    these = these_three()
    message = these["alice"].encrypt(b"text")
    return _all(these, message[:-1] + bytes((message[-1] ^ 1,)))


def invalid_commit() -> Case:
    """A commit in the last epoch that has a number: the next one could not be written."""
    alice, people = found(), [person("bob"), person("carol")]
    epoch = epoch_of(alice)
    epoch.context = replace(epoch.context, epoch=2**64 - 2)
    staged = alice.commit([one.add for one in people], now=NOW)
    assert staged.welcome is not None
    groups = {one.name: forging.join(staged.welcome, one) for one in people}
    these = Room({"alice": staged.merge(), **groups}, {})
    with pytest.raises(mls.CannotCommit, match="the last epoch"):
        these["alice"].commit(now=NOW)
    with pytest.raises(mls.InvalidGroupInfo, match="the last epoch"):
        forging.join_externally(these["alice"].group_info())
    return _all(these, forging.pathless(these["alice"]))


def commit_unreadable() -> Case:
    these = these_three()
    content = replace(forge(these["alice"], mls.Commit((), None)), signature=bytes(64))
    return _all(these, seal(these["alice"], content))


def invalid_proposal_list() -> Case:
    these = these_three()
    return _all(these, forging.pathless(these["alice"], mls.Remove(0)))


def path_required() -> Case:
    these = these_three()
    return _all(these, forging.pathless(these["alice"], mls.Remove(2)))


def invalid_path() -> Case:
    these = these_three()
    source = mls.LeafNodeSource.UPDATE
    staged = forging.commit_with_leaf(
        these["alice"], lambda leaf: replace(leaf, source=source, parent_hash=None)
    )
    return _all(these, staged.message)


def parent_hash_mismatch() -> Case:
    these = these_three()
    staged = forging.commit_with_leaf(
        these["alice"], lambda leaf: replace(leaf, parent_hash=bytes(32))
    )
    return _all(these, staged.message)


def with_a_false_tag(group: mls.Group, *proposals: mls.Proposal, **how: Any) -> bytes:
    def wrong(*arguments: Any) -> Any:
        context, joiner, secrets = transition.derive_epoch(*arguments)
        return context, joiner, replace(secrets, confirmation_key=mls.Secret(bytes(32)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(create_commit, "derive_epoch", wrong)
        return dropped(group.commit(proposals, now=NOW, **how)).message


def confirmation_mismatch() -> Case:
    these = these_three()
    return _all(these, with_a_false_tag(these["alice"]))


# -- held for one


def wrong_epoch() -> Case:
    these = these_three()
    staged = these["alice"].commit(now=NOW)
    followed = these["carol"].receive(staged.message)
    assert isinstance(followed, mls.StagedCommit)
    return Case(staged.merge().encrypt(b"text"), these["bob"], [followed.merge()])


def own_message() -> Case:
    these = these_three()
    return Case(these["alice"].encrypt(b"text"), these["alice"], [these["bob"], these["carol"]])


def generation_consumed() -> Case:
    these = these_three()
    message = these["alice"].encrypt(b"text")
    these["bob"].receive(message)
    return _all(these, message)


def generation_forgotten() -> Case:
    """Bob keeps the keys of two messages that were passed over, and three were."""
    these = these_three(max_skipped_keys=2)
    messages = [these["alice"].encrypt(b"text") for _ in range(4)]
    these["bob"].receive(messages[3])
    return _all(these, messages[0])


def generation_too_far() -> Case:
    these = these_three(forward_generations=5)
    messages = [these["alice"].encrypt(b"text") for _ in range(8)]
    these["carol"].receive(messages[4])
    return _all(these, messages[7])


def proposals_full() -> Case:
    these = these_three(sender_proposals=1000)
    first, second = (person(letter * 200).add for letter in "yz")
    these["bob"].receive(seal(these["alice"], forge(these["alice"], first)))
    return _all(these, these["alice"].propose(second, now=NOW))


def own_commit() -> Case:
    these = these_three()
    return Case(dropped(these["alice"].commit(now=NOW)).message, these["alice"], [these["bob"]])


def missing_proposal() -> Case:
    these = these_three()
    update = these["bob"].propose_update()
    ref = these["alice"].receive(update).ref  # type: ignore[union-attr]  # it is there
    case = Case(these["alice"].commit((), [ref], now=NOW).message, these["carol"])
    return replace(case, others=[these["bob"]])


def _external_psk(these: Room) -> tuple[bytes, mls.PskStore]:
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    store = mls.PskStore({b"id": mls.Secret(b"k" * 32)})
    return these["alice"].commit([psk], psks=store, now=NOW).message, store


def missing_psk() -> Case:
    these = these_three()
    message, store = _external_psk(these)
    return Case(message, these["bob"], [these["carol"]], theirs=store)


def psk_mismatch() -> Case:
    these = these_three()
    message, store = _external_psk(these)
    other = mls.PskStore({b"id": mls.Secret(b"z" * 32)})
    return Case(message, these["bob"], [these["carol"]], other, store)


def _badly_to_bob(these: Room, alter: Callable[[tuple[bytes, bytes]], tuple[bytes, bytes]]) -> Case:
    real, bob = SUITE.hpke.sealer, these["alice"].member(1)
    assert bob is not None
    key = bob.encryption_key

    def sealer(info: bytes) -> Any:
        seal_one = real(info)
        return lambda public, *rest: (
            alter(seal_one(public, *rest)) if public == key else seal_one(public, *rest)
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SUITE.hpke, "sealer", sealer)
        return _all(these, these["alice"].commit(now=NOW).message)


def path_not_decryptable() -> Case:
    return _badly_to_bob(these_three(), lambda box: (box[0], bytes(len(box[1]))))


def path_key_mismatch() -> Case:
    these, real = these_three(), treekem.encrypt_path

    def encrypt(*arguments: Any) -> Any:
        suite, tree, steps, path, new, context, random = arguments
        good = real(*arguments)
        other = replace(path, secrets=tuple(mls.Secret(bytes(32)) for _ in path.secrets))
        bad = real(suite, tree, steps, other, new, context, random)
        # Bob's is the first node's only ciphertext; Carol's is the second's.
        return (replace(bad[0], encryption_key=good[0].encryption_key), *good[1:])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(create_commit, "encrypt_path", encrypt)
        return _all(these, these["alice"].commit(now=NOW).message)


BURNED, HELD, MALFORMED = mls.Verdict.BURNED, mls.Verdict.HELD, mls.Verdict.MALFORMED
CASES: dict[type[mls.MLSError], Callable[[], Case]] = {
    mls.MalformedMessage: malformed,
    mls.TooLarge: too_large,
    mls.WrongGroup: wrong_group,
    mls.InvalidMessage: invalid_message,
    mls.UnknownSender: unknown_sender,
    mls.GenerationOutOfRange: generation_out_of_range,
    mls.InvalidSignature: invalid_signature,
    mls.DecryptionFailed: decryption_failed,
    mls.InvalidCommit: invalid_commit,
    mls.CommitUnreadable: commit_unreadable,
    mls.InvalidProposalList: invalid_proposal_list,
    mls.PathRequired: path_required,
    mls.InvalidPath: invalid_path,
    mls.ParentHashMismatch: parent_hash_mismatch,
    mls.ConfirmationMismatch: confirmation_mismatch,
    mls.WrongEpoch: wrong_epoch,
    mls.OwnMessage: own_message,
    mls.GenerationConsumed: generation_consumed,
    mls.GenerationForgotten: generation_forgotten,
    mls.GenerationTooFar: generation_too_far,
    mls.ProposalsFull: proposals_full,
    mls.OwnCommit: own_commit,
    mls.MissingProposal: missing_proposal,
    mls.MissingPsk: missing_psk,
    mls.PskMismatch: psk_mismatch,
    mls.PathNotDecryptable: path_not_decryptable,
    mls.PathKeyMismatch: path_key_mismatch,
}

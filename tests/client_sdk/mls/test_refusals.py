"""What each refusal of a message means for the group: burned for all, held for one, or malformed.

The table is in docs/mls-validation.md. A burned message is refused by every member, with a verdict
that lets none of them go on alone. A held one is taken by another member.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from alcove import mls
from alcove.mls import create_commit, errors, transition, treekem
from alcove.mls.framing import WireFormat
from alcove.mls.secret_tree import RatchetKind

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
    release,
    room,
    seal,
)
from tests.client_sdk.mls.validation import forging
from tests.client_sdk.mls.validation.forging import refused

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "mls-validation.md"
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


def _these(**policy: int) -> Room:
    return room("bob", "carol", policy=limits(**policy))


# -- malformed


def malformed() -> Case:
    return _all(_these(), b"\x00\x01\x00\x02\x01")


def too_large() -> Case:
    return _all(_these(), bytes(4 * 2**20 + 1))


# -- burned for all


def wrong_group() -> Case:
    return _all(_these(), found(group_id=b"another").encrypt(b"text"))


def invalid_message() -> Case:
    these = _these()
    content = forge(these["alice"], mls.Remove(2), wire_format=WireFormat.PUBLIC_MESSAGE)
    return _all(these, forging.public(content, bytes(32)))


def unknown_sender() -> Case:
    these = _these()
    return _all(
        these, seal(these["alice"], forge(these["alice"], b"", sender=mls.Sender.member(3)))
    )


def generation_out_of_range() -> Case:
    these = _these(max_handshakes=2)
    alice = these["alice"]
    epoch_of(alice).secret_tree.ratchet(0, RatchetKind.HANDSHAKE)._most = None
    return _all(these, [alice.propose(mls.Remove(2), now=NOW) for _ in range(3)][-1])


def invalid_signature() -> Case:
    these = _these()
    content = replace(forge(these["alice"], b"text"), signature=bytes(64))
    return _all(these, seal(these["alice"], content))


def decryption_failed() -> Case:
    these = _these()
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
    these = _these()
    content = replace(forge(these["alice"], mls.Commit((), None)), signature=bytes(64))
    return _all(these, seal(these["alice"], content))


def invalid_proposal_list() -> Case:
    these = _these()
    return _all(these, forging.pathless(these["alice"], mls.Remove(0)))


def path_required() -> Case:
    these = _these()
    return _all(these, forging.pathless(these["alice"], mls.Remove(2)))


def invalid_path() -> Case:
    these = _these()
    source = mls.LeafNodeSource.UPDATE
    staged = forging.commit_with_leaf(
        these["alice"], lambda leaf: replace(leaf, source=source, parent_hash=None)
    )
    return _all(these, staged.message)


def parent_hash_mismatch() -> Case:
    these = _these()
    staged = forging.commit_with_leaf(
        these["alice"], lambda leaf: replace(leaf, parent_hash=bytes(32))
    )
    return _all(these, staged.message)


def _with_a_false_tag(group: mls.Group, *proposals: mls.Proposal, **how: Any) -> bytes:
    def wrong(*arguments: Any) -> Any:
        context, joiner, secrets = transition.derive_epoch(*arguments)
        return context, joiner, replace(secrets, confirmation_key=mls.Secret(bytes(32)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(create_commit, "derive_epoch", wrong)
        return dropped(group.commit(proposals, now=NOW, **how)).message


def confirmation_mismatch() -> Case:
    these = _these()
    return _all(these, _with_a_false_tag(these["alice"]))


# -- held for one


def wrong_epoch() -> Case:
    these = _these()
    staged = these["alice"].commit(now=NOW)
    followed = these["carol"].receive(staged.message)
    assert isinstance(followed, mls.StagedCommit)
    return Case(staged.merge().encrypt(b"text"), these["bob"], [followed.merge()])


def own_message() -> Case:
    these = _these()
    return Case(these["alice"].encrypt(b"text"), these["alice"], [these["bob"], these["carol"]])


def generation_consumed() -> Case:
    these = _these()
    message = these["alice"].encrypt(b"text")
    these["bob"].receive(message)
    return _all(these, message)


def generation_too_far() -> Case:
    these = _these(forward_generations=5)
    messages = [these["alice"].encrypt(b"text") for _ in range(8)]
    these["carol"].receive(messages[4])
    return _all(these, messages[7])


def proposals_full() -> Case:
    these = _these(sender_proposals=1000)
    first, second = (person(letter * 200).add for letter in "yz")
    these["bob"].receive(seal(these["alice"], forge(these["alice"], first)))
    return _all(these, these["alice"].propose(second, now=NOW))


def own_commit() -> Case:
    these = _these()
    return Case(these["alice"].commit(now=NOW).message, these["alice"], [these["bob"]])


def commit_key_gone() -> Case:
    these = _these()
    message = these["alice"].commit(now=NOW).message
    these["bob"].receive(message)
    return _all(these, message)


def missing_proposal() -> Case:
    these = _these()
    update = these["bob"].propose_update()
    ref = these["alice"].receive(update).ref  # type: ignore[union-attr]
    case = Case(these["alice"].commit((), [ref], now=NOW).message, these["carol"])
    return replace(case, others=[these["bob"]])


def _external_psk(these: Room) -> tuple[bytes, mls.PskStore]:
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    store = mls.PskStore({b"id": mls.Secret(b"k" * 32)})
    return these["alice"].commit([psk], psks=store, now=NOW).message, store


def missing_psk() -> Case:
    these = _these()
    message, store = _external_psk(these)
    return Case(message, these["bob"], [these["carol"]], theirs=store)


def psk_mismatch() -> Case:
    these = _these()
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
    return _badly_to_bob(_these(), lambda box: (box[0], bytes(len(box[1]))))


def path_key_mismatch() -> Case:
    these, real = _these(), treekem.encrypt_path

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
    mls.Malformed: malformed,
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
    mls.GenerationTooFar: generation_too_far,
    mls.ProposalsFull: proposals_full,
    mls.OwnCommit: own_commit,
    mls.CommitKeyGone: commit_key_gone,
    mls.MissingProposal: missing_proposal,
    mls.MissingPsk: missing_psk,
    mls.PskMismatch: psk_mismatch,
    mls.PathNotDecryptable: path_not_decryptable,
    mls.PathKeyMismatch: path_key_mismatch,
}


@pytest.mark.parametrize("error", CASES, ids=lambda error: error.__name__)
def test_a_refusal_means_the_same_for_all(error: type[mls.MLSError]) -> None:
    case = CASES[error]()
    refused(case.by, case.message, error, error.sentence, case.store)
    assert error.verdict is not None
    for other in case.others:
        if error.verdict is HELD:
            assert other.receive(case.message, case.theirs) is not None
            continue
        with pytest.raises(mls.MLSError) as caught:
            other.receive(case.message, case.theirs)
        assert type(caught.value) is error


def _classes() -> dict[str, type[mls.MLSError]]:
    found_ = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, mls.MLSError)
    }
    del found_["MLSError"], found_["CannotFollow"]  # bases only
    return found_


def test_the_table_of_refusals_is_that_of_the_code() -> None:
    text = DOCUMENT.read_text()
    rows = re.findall(r"^\| `(\w+)` \| (burned|held|malformed|the caller's) \|", text, re.M)
    table = dict(rows)
    assert len(table) == len(rows)
    classes = _classes()
    assert set(table) == set(classes)
    for name, kind in classes.items():
        verdict = "the caller's" if kind.verdict is None else kind.verdict.value
        assert table[name] == verdict, name


def test_every_refusal_of_a_message_has_a_case() -> None:
    """What `receive` raises, as the table says: by itself, or as part of another refusal."""
    text = DOCUMENT.read_text()
    direct = set(re.findall(r"^\| `(\w+)` \| \S+ \| `receive` \|", text, re.M))
    assert direct == {kind.__name__ for kind in CASES}


# -- where the classes once parted the group


def test_a_commit_far_ahead_is_followed_by_all_or_by_none() -> None:
    these = room("bob", "carol", policy=limits(forward_generations=3, max_handshakes=40))
    for _ in range(30):
        these["carol"].receive(these["alice"].propose(mls.Remove(2), now=NOW))
    # Bob saw none of the thirty: a distance would part them, the generation itself does not.
    message = these["alice"].commit(now=NOW).message
    for name in ("bob", "carol"):
        assert isinstance(these[name].receive(message), mls.StagedCommit)


def test_a_member_sends_no_more_than_others_take() -> None:
    these = room("bob", policy=limits(max_handshakes=2))
    for _ in range(2):
        these["bob"].receive(these["alice"].propose(mls.Remove(1), now=NOW))
    before = these["alice"].proposals
    with pytest.raises(mls.TooLarge, match="handshake messages of one epoch"):
        these["alice"].propose(mls.Remove(1), now=NOW)
    with pytest.raises(mls.TooLarge):
        these["alice"].commit(now=NOW)
    assert these["alice"].state is mls.State.OPERATIONAL
    assert these["alice"].proposals == before
    these["bob"].receive(these["alice"].encrypt(b"still"))


def test_a_false_tag_beside_a_key_of_the_group_burns() -> None:
    """All members have the same value of such a key, so it is the tag that is false."""
    these = _these()
    psk = mls.PreSharedKeyID.of_epoch(SUITE, these["alice"].group_id, 1, os.urandom)
    message = _with_a_false_tag(these["alice"], mls.PreSharedKey(psk))
    for name in ("bob", "carol"):
        refused(these[name], message, mls.ConfirmationMismatch, "does not confirm")


def test_a_burned_commit_that_comes_again_is_burned_again() -> None:
    these = _these()
    message = forging.pathless(these["alice"], mls.Remove(0))
    refused(these["bob"], message, mls.InvalidProposalList, "cannot remove itself")
    refused(these["bob"], message, mls.CommitUnreadable, "it was refused before")


def test_a_commit_in_my_name_that_i_did_not_make_is_burned() -> None:
    these = _these()
    forged = forge(these["carol"], mls.Commit((), None), sender=mls.Sender.member(1))
    message = seal(these["carol"], forged)
    refused(these["bob"], message, mls.CommitUnreadable, "did not make it")
    refused(these["alice"], message, mls.CommitUnreadable, "does not verify")


def test_an_own_public_message_is_known() -> None:
    these = _these()
    alice = these["alice"]
    refused(alice, alice.propose(mls.Remove(2), "public", now=NOW), mls.OwnMessage, "your own")
    commit = alice.commit(wire_format="public", now=NOW)
    refused(alice, commit.message, mls.OwnCommit, "your own")
    assert isinstance(these["bob"].receive(commit.message), mls.StagedCommit)
    release(alice)

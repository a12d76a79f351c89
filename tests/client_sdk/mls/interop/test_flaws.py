"""What ts-mls cannot do, or does wrongly. Each test asserts the flaw, so that a version that mends
it makes the test fail: then the record in docs/decisions/0010 is to be looked at again.

`peer` is both versions, `one` is 1.6.4, `two` is 2.0.0-rc.10.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from alcove import mls
from alcove.mls import key_schedule
from alcove.mls.framing import PublicMessage, unwrap
from alcove.mls.hpke import HpkeKeyPair
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.tree_hash import root_hash

from tests.client_sdk.mls.interop.driver import (
    HERE,
    Adding,
    Change,
    Extensions,
    Peer,
    PeerFault,
    Psk,
    Removing,
    TsClient,
    Updating,
)
from tests.client_sdk.mls.interop.rooms import AlcoveClient, Client, Room
from tests.client_sdk.mls.support import epoch_of


def room_of(peer: Peer, *more: Client) -> tuple[Room, AlcoveClient, TsClient]:
    """Ann, of Alcove, founded it; Tom, of ts-mls, is second; then the others."""
    ann, tom = AlcoveClient("ann", 3), TsClient(peer, "tom", 3)
    room = Room(ann)
    room.settle(ann, newcomers=[tom, *more])
    return room, ann, tom


# -- commits that all others must refuse


def test_one_removed_member_gets_no_new_keys_by_rc_10(two: Peer) -> None:
    """Its commit of one Remove has no path, against 12.4: `length > 1` stands where `> 0` is meant.
    The removed member could read on, so Alcove refuses the commit."""
    amy = AlcoveClient("amy", 3)
    _room, ann, tom = room_of(two, amy)
    sent = tom.commit([Removing(amy.leaf)])
    for reader in (ann, amy):
        with pytest.raises(mls.PathRequired):
            reader.receive(sent.message)


def test_nor_does_one_updated_member(two: Peer) -> None:
    room, ann, tom = room_of(two)
    room.propose(ann, Updating())
    with pytest.raises(mls.PathRequired):
        room.settle(tom)


def test_extensions_of_the_group_are_committed_without_a_path(peer: Peer) -> None:
    """A commit of GroupContextExtensions needs a path (12.4); none is made, so no client of ts-mls
    can change the room's state."""
    ann, tom = AlcoveClient("ann", 3, gives=(0xF1A0,)), TsClient(peer, "tom", 3, gives=(0xF1A0,))
    room = Room(ann, extensions=(mls.Extension(0xF1A0, b"state"),))
    room.settle(ann, newcomers=[tom])
    sent = tom.commit([Extensions((mls.Extension(0xF1A0, b"another"),))])
    with pytest.raises(mls.PathRequired):
        ann.receive(sent.message)


def test_rc_10_seals_its_path_to_keys_that_an_update_has_replaced(two: Peer) -> None:
    """It takes public keys from the tree before the commit's proposals."""
    amy, al = AlcoveClient("amy", 3), AlcoveClient("al", 3)
    room, _ann, tom = room_of(two, amy, al)
    room.propose(amy, Updating())
    room.propose(al, Updating())
    sent = tom.commit()
    for reader in (amy, al):
        with pytest.raises(mls.PathNotDecryptable):
            reader.receive(sent.message)


def test_rc_10_seals_its_path_to_those_whom_it_removes(two: Peer) -> None:
    """Two removed and two added in their places: the path is sealed to new leaves, which no one
    asked for (12.4.1), and under the keys that stood there before. Amy, removed, opens it."""
    amy, al = AlcoveClient("amy", 3), AlcoveClient("al", 3)
    _room, ann, tom = room_of(two, amy, al)
    changes: list[Change] = [Removing(amy.leaf), Removing(al.leaf)]
    changes += [Adding(AlcoveClient(name, 3).key_package) for name in ("ada", "abe")]
    sent = tom.commit(changes, public=True)
    tom.merge()
    with pytest.raises(mls.InvalidCommit):
        ann.receive(sent.message)

    suite, before = amy.suite, amy.group.context
    commit = PublicMessage.decode(unwrap(sent.message)[1]).authenticated.content.body
    assert isinstance(commit, mls.Commit)
    assert commit.path is not None
    tree = RatchetTree.decode(tom.tree, 16)
    context = replace(before, epoch=before.epoch + 1, tree_hash=root_hash(suite, tree))
    leaf = amy.group.member(amy.leaf)
    assert leaf is not None
    keys = HpkeKeyPair(epoch_of(amy.group).private[2 * amy.leaf], leaf.encryption_key)
    opened = 0
    for node in commit.path.nodes:
        for sealed in node.encrypted_path_secret.parse():
            try:
                suite.decrypt_with_label(keys, "UpdatePathNode", context.encode(), sealed)
            except mls.DecryptionFailed:
                continue
            opened += 1
    assert opened == 1


def outsider_follows(outsider: mls.Group, commit: bytes) -> bytes:
    """The epoch authenticator that a removed member computes, as if no secret had been added."""
    staged = outsider.receive(commit)
    assert isinstance(staged, mls.StagedCommit)
    assert staged.removes_me
    suite, init_secret = outsider.suite, epoch_of(outsider).secrets.init_secret
    after = staged.after.encode()
    joiner = key_schedule.joiner_secret(suite, init_secret, suite.zeros(), after)
    secrets = key_schedule.epoch_secrets(suite, joiner, suite.zeros(), after)
    return secrets.epoch_authenticator.expose()


def test_the_last_member_removed_can_read_on_in_1_6_4(one: Peer) -> None:
    """Its path of no nodes gives a commit secret of zeros instead of the one after the leaf's path
    secret (7.4). A member alone with the one that it removes, which then adds others, is overheard.
    The development head has the flaw still."""
    _room, ann, tom = room_of(one)
    sent = tom.commit([Removing(ann.leaf)])
    tom.merge()
    assert outsider_follows(ann.group, sent.message) == tom.authenticator


def test_the_last_member_removed_by_alcove_cannot() -> None:
    ann, amy = AlcoveClient("ann", 3), AlcoveClient("amy", 3)
    room = Room(ann)
    room.settle(ann, newcomers=[amy])
    sent = ann.commit([Removing(amy.leaf)])
    ann.merge()
    assert outsider_follows(amy.group, sent.message) != ann.authenticator


def test_a_refused_commits_generation_is_used_again(peer: Peer) -> None:
    """`createCommit` gives only the next state: when a relay refuses the commit, the state before
    it seals the next one with the same key, and only the reuse guard between them."""
    _room, ann, tom = room_of(peer)
    first, second = tom.commit(), tom.commit()
    received = ann.group.receive(first.message)
    assert isinstance(received, mls.StagedCommit)
    received.drop()
    assert isinstance(ann.group.receive(second.message), mls.StagedCommit)


def test_a_commit_takes_every_proposal_in_the_cache(peer: Peer) -> None:
    amy = AlcoveClient("amy", 3)
    room, ann, tom = room_of(peer, amy)
    newcomer = AlcoveClient("al", 3)
    room.propose(ann, Adding(newcomer.key_package))
    assert tom.ask("shown")["proposals"] == 1
    staged = ann.group.receive(tom.commit().message)
    assert isinstance(staged, mls.StagedCommit)
    assert len(staged.added) == 1


# -- what it does not follow


def test_rc_10_stumbles_over_its_own_removal(two: Peer) -> None:
    """It looks for its secret in a path that has none for it. 1.6.4 learns that it is out."""
    _room, ann, tom = room_of(two, AlcoveClient("amy", 3))
    sent = ann.commit([Removing(tom.leaf)])
    with pytest.raises(PeerFault):
        tom.receive(sent.message)


def test_extensions_are_never_emptied(peer: Peer) -> None:
    """GroupContextExtensions with an empty list replaces all (12.1.7); the old ones are kept."""
    ann, tom = AlcoveClient("ann", 3, gives=(0xF1A0,)), TsClient(peer, "tom", 3, gives=(0xF1A0,))
    room = Room(ann, extensions=(mls.Extension(0xF1A0, b"state"),))
    room.settle(ann, newcomers=[tom])
    sent = ann.commit([Extensions(())])
    with pytest.raises(PeerFault):
        tom.receive(sent.message)


def test_a_psk_in_a_private_commit_is_not_found_by_process_message(peer: Peer) -> None:
    """`processMessage` looks for PSKs only in public messages; `processPrivateMessage` does."""
    _room, ann, tom = room_of(peer)
    ann.know(b"door", b"k" * 32)
    tom.know(b"door", b"k" * 32)
    sent = ann.commit([Psk(b"door", os.urandom(32))])
    with pytest.raises(PeerFault, match="Could not find pskId"):
        tom.receive(sent.message, narrow=False)
    tom.receive(sent.message, narrow=True)
    ann.merge()
    assert tom.authenticator == ann.authenticator


def test_a_tree_with_members_added_beside_paths_cannot_be_joined(peer: Peer) -> None:
    """A parent node's unmerged leaves are held against those of all nodes above it for equality,
    where inclusion is what 7.9 asks for: a valid Welcome is refused. Groups meet this whenever two
    members are added, without a path, below a node that a path has filled."""
    room, ann, _tom = room_of(peer, *(AlcoveClient(f"a{number}", 3) for number in range(6)))
    room.settle(ann, leaving=[room.members[3], room.members[7]])
    amy, al = AlcoveClient("amy", 3), AlcoveClient("al", 3)
    room.settle(ann, newcomers=[amy, al])
    assert (amy.leaf, al.leaf) == (3, 7)
    tim, other = TsClient(peer, "tim", 3), AlcoveClient("other", 3)
    sent = ann.commit([Adding(other.key_package), Adding(tim.key_package)])
    ann.merge()
    assert sent.welcome is not None
    other.join(sent.welcome)
    assert other.authenticator == ann.authenticator
    with pytest.raises(PeerFault, match="unmerged_leaves"):
        tim.join(sent.welcome)


def test_the_same_tree_after_a_path_can_be_joined(peer: Peer) -> None:
    """The way round it while one facilitator commits: every commit that adds makes a path."""
    room, ann, _tom = room_of(peer, *(AlcoveClient(f"a{number}", 3) for number in range(6)))
    room.settle(ann, leaving=[room.members[3], room.members[7]])
    room.settle(ann, newcomers=[AlcoveClient("amy", 3), AlcoveClient("al", 3)], force_path=True)
    room.settle(ann, newcomers=[TsClient(peer, "tim", 3)], force_path=True)


def test_external_senders_are_one_and_not_a_list(peer: Peer) -> None:
    """The extension holds a vector (12.1.8.1). 1.6.4 carries it and cannot use it; rc.10 cannot
    even read the GroupContext."""
    signer = mls.ciphersuite(3).signature_keypair(os.urandom)
    listed = mls.encode_external_senders(
        (mls.ExternalSender(signer.public, mls.Credential.basic(b"desk")),)
    )
    ann, tom = AlcoveClient("ann", 3), TsClient(peer, "tom", 3)
    room = Room(ann, extensions=(listed,))
    if peer.candidate:
        with pytest.raises(PeerFault, match="Could not decode group info"):
            room.settle(ann, newcomers=[tom])
        return
    room.settle(ann, newcomers=[tom])
    with pytest.raises(PeerFault):
        TsClient(peer, "tim", 3).create(b"another", (listed,))


# -- messages


def test_an_application_message_comes_without_sender_and_signature(peer: Peer) -> None:
    """The speaker could not be told. A function that the package keeps to itself knows both."""
    amy = AlcoveClient("amy", 3)
    room, ann, tom = room_of(peer, amy)
    received = tom.receive(ann.send(b"hello"))
    aad = ("aad",) if peer.candidate else ()
    assert received.fields == (*aad, "consumed", "kind", "message", "newState")

    message = ann.send(b"again")
    read = amy.group.receive(message)
    assert isinstance(read, mls.ReceivedApplication)
    opened = tom.ask("open", message=message.hex())
    assert bytes.fromhex(opened["plaintext"]) == b"again"
    assert opened["sender"] == ann.leaf
    assert read.content.endswith(bytes.fromhex(opened["signature"]))
    room.talk([ann])


def test_nothing_is_said_while_a_proposal_waits(peer: Peer) -> None:
    room, ann, tom = room_of(peer)
    room.propose(ann, Adding(AlcoveClient("amy", 3).key_package))
    with pytest.raises(PeerFault, match="unapplied proposals"):
        tom.send(b"hello")


def test_more_than_200_messages_missed_are_too_many(peer: Peer) -> None:
    """By default; a setting raises it."""
    wide = {"retainKeysForGenerations": 10, "retainKeysForEpochs": 4}
    wide["maximumForwardRatchetSteps"] = 2_000
    tim = TsClient(peer, "tim", 3, config={"keyRetentionConfig": wide})
    _room, ann, tom = room_of(peer, tim)
    missed = [ann.send(b"missed") for _ in range(201)]
    assert tim.receive(ann.send(b"201 before")).plaintext == b"201 before"
    with pytest.raises(PeerFault, match="too far in the future"):
        tom.receive(ann.send(b"201 before"))
    assert tom.receive(missed[200]).plaintext == b"missed"


def test_only_ten_overtaken_messages_can_still_be_read(peer: Peer) -> None:
    """By default; a setting raises it."""
    _room, ann, tom = room_of(peer)
    messages = [ann.send(b"%d" % number) for number in range(12)]
    tom.receive(messages[11])
    assert tom.receive(messages[1]).plaintext == b"1"
    with pytest.raises(PeerFault, match="in the past"):
        tom.receive(messages[0])


def test_no_past_epochs_means_all_of_them(peer: Peer) -> None:
    """`retainKeysForEpochs: 0` keeps the keys of every epoch, by `slice(-0)`. 1 is the least."""
    none = {"retainKeysForGenerations": 10, "retainKeysForEpochs": 0}
    none["maximumForwardRatchetSteps"] = 200
    tim = TsClient(peer, "tim", 3, config={"keyRetentionConfig": none})
    room, ann, _tom = room_of(peer, tim)
    for _ in range(6):
        room.settle(ann)
    assert tim.state["past_epochs"] == 6


# -- the package


def test_noble_hashes_is_imported_and_not_declared(peer: Peer) -> None:
    """Without it, which the peers' package.json names for them, the library does not even load."""
    package = HERE / "node_modules" / f"ts-mls-{peer.version[0]}"
    declared = json.loads((package / "package.json").read_text())
    names = {*declared["dependencies"], *declared["peerDependencies"]}
    assert "@noble/hashes" not in names
    noble = package / "dist/src/crypto/implementation/noble"
    assert '"@noble/hashes/' in (noble / "makeHashImpl.js").read_text()


def test_an_external_join_takes_no_psk(peer: Peer) -> None:
    package = HERE / "node_modules" / f"ts-mls-{peer.version[0]}"
    declaration = (package / "dist/src/createCommit.d.ts").read_text()
    _, _, parameters = declaration.partition("function joinGroupExternal(")
    assert "psk" not in parameters.partition("): Promise")[0].lower()


@pytest.mark.usefixtures("one")
def test_alcoves_hybrid_suite_is_unknown_there(two: Peer) -> None:
    """Of one number there are two meanings: 0x004F is X-Wing with AES-128-GCM for Alcove and
    OpenMLS; for 1.6.4 it is ML-KEM-768 alone, and rc.10 has none."""
    package = HERE / "node_modules" / "ts-mls-1" / "dist/src/crypto/ciphersuite.js"
    assert f"MLS_256_MLKEM768_AES256GCM_SHA384_Ed25519: {mls.POST_QUANTUM}" in package.read_text()
    with pytest.raises(PeerFault):
        TsClient(two, "tom", mls.POST_QUANTUM)

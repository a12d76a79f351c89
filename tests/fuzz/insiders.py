"""What a member can send: messages made with the keys of the group, and wrong in any other way.

A parser meets strangers' bytes; behind it stand the rules that meet a member's. So here every
message gets past the encryption, and most get past the signature: bodies are changed before they
are signed, commits are complete in everything but what their maker did not judge, generations,
senders, tags and padding are chosen freely, and what a member signed is encrypted again. Two
members receive each message, and some are shown to one of them before. Then:

- nothing is raised but the library's own errors,
- a refused message changes nothing,
- a commit that one member calls burned is taken by none,
- a member says of a proposal or commit what it said of it before,
- the group goes on: after each scene it makes a commit, and the invariants hold.

`python -m tests.fuzz --insiders 1000000` makes a long run.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from alcove import mls
from alcove.mls.codec import opaque
from alcove.mls.framing import (
    AuthenticatedContent,
    ContentType,
    FramedContent,
    PublicMessage,
    WireFormat,
    content_tbs,
    content_type_codec,
    wrap,
)
from alcove.mls.private_message import (
    PrivateMessage,
    SenderData,
    _guarded,
    _ratchet_kind,
    sender_data_key,
)
from alcove.mls.proposals import Commit, ProposalRef, proposal_codec

from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    SUITE,
    Person,
    Room,
    epoch_of,
    forge,
    person,
    release,
    room,
    seal,
    snapshot,
)
from tests.client_sdk.mls.validation import forging
from tests.fuzz.mutation import mutated

_TEXT = b"text"
_MESSAGES_OF_A_SCENE = 60
_LABEL = "FramedContentTBS"


class Parted(AssertionError):
    """Two members came to different verdicts about one commit, or a refusal changed something."""


class Scene:
    """A room of four: Mallory sends, Bob and Carol receive, Dave only sits in the tree."""

    def __init__(self, die: random.Random) -> None:
        self.die = die
        self.room: Room = room("bob", "carol", "dave")
        if die.random() < 0.5:
            self.room.settle("carol", self.room["carol"].commit(now=NOW))
        self.mallory = self.room["alice"]
        self.receivers = [self.room["bob"], self.room["carol"]]
        self.zoe: Person = person("zoe")
        self.psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
        self.store = mls.PskStore({b"id": mls.Secret(b"k" * 32)})
        self.generations: dict[ContentType, int] = dict.fromkeys(ContentType, 0)
        self.bodies = self._bodies()
        self.ways: list[Callable[[], bytes]] = [
            self.mutated_body,
            self.mutated_body,
            self.public,
            self.random_list,
            self.random_list,
            self.bad_path,
            self.framing,
            self.external_commit,
            self.mutated_bytes,
            self.encrypted_again,
        ]

    def _bodies(self) -> dict[ContentType, list[bytes]]:
        """Encoded bodies of honest contents."""
        commits = []
        lists: list[list[mls.Proposal]] = [[], [mls.Remove(3)], [self.zoe.add]]
        lists.append([mls.GroupContextExtensions(())])
        for listed in lists:
            staged = self.mallory.commit(listed, force_path=True, now=NOW)
            body = AuthenticatedContent.decode(staged.content).content.body
            assert isinstance(body, Commit)
            commits.append(body.encode())
            staged.drop()
        proposals = [proposal_codec.write(proposal) for proposal in self.proposals()]
        return {
            ContentType.APPLICATION: [opaque(_TEXT)],
            ContentType.PROPOSAL: proposals,
            ContentType.COMMIT: commits,
        }

    def proposals(self) -> list[mls.Proposal]:
        """One of each kind, right or not."""
        die = self.die
        reinit = mls.ReInit(b"next", 1, SUITE.number, ())
        return [
            mls.Remove(die.choice((0, 1, 2, 3, 7, 2**31, 2**32 - 1))),
            self.zoe.add,
            mls.Add(self.room.people["bob"].renew().bundle.key_package),
            self.psk,
            reinit,
            mls.GroupContextExtensions((mls.Extension(die.randrange(8), die.randbytes(3)),)),
            mls.CustomProposal(0xF001, b"data"),
            mls.ExternalInit(die.randbytes(32)),
            forging.update_of(self.mallory),
        ]

    # -- ways to make a message

    def mutated_body(self) -> bytes:
        """A body changed before it was signed, under the next key."""
        kind = self.die.choice(list(ContentType))
        return self._private(kind, mutated(self.bodies[kind], self.die))

    def framing(self) -> bytes:
        """An honest body, and anything wrong around it."""
        die, kind = self.die, self.die.choice(list(ContentType))
        far = (0, 1, 1023, 1024, 1500, 2**31 - 1, 2**32 - 1)
        choices: list[dict[str, Any]] = [
            {"sender": die.choice((0, 1, 2, 3, 4, 2**31, 2**32 - 1))},
            {"generation": die.choice(far)},
            {"padding": die.randbytes(die.randrange(1, 9))},
            {"signature": die.randbytes(die.choice((0, 63, 64)))},
            {"tag": die.randbytes(die.choice((0, 31, 32)))},
            {"outer": die.choice(list(ContentType))},
            {"epoch": die.choice((0, 2, 2**64 - 1))},
            {"data": die.randbytes(5)},
        ]
        return self._private(kind, die.choice(self.bodies[kind]), **die.choice(choices))

    def public(self) -> bytes:
        """A changed PublicMessage with the membership tag that belongs to it, if it decodes."""
        die = self.die
        kind = die.choice((ContentType.PROPOSAL, ContentType.COMMIT))
        data = mutated(self.bodies[kind], die)
        try:
            codec = Commit.decode if kind is ContentType.COMMIT else proposal_codec.decode
            body = codec(data)
        except mls.MLSError:
            return wrap(WireFormat.PUBLIC_MESSAGE, data)
        types = list(mls.SenderType)
        sender = mls.Sender(die.choice(types), None)
        if sender.type in (mls.SenderType.MEMBER, mls.SenderType.EXTERNAL):
            sender = replace(sender, index=die.randrange(5))
        content = forge(self.mallory, body, wire_format=WireFormat.PUBLIC_MESSAGE, sender=sender)
        return seal(self.mallory, content)

    def random_list(self) -> bytes:
        """A complete commit, path and tag right, of proposals that their maker did not judge."""
        die = self.die
        proposals = [die.choice(self.proposals()) for _ in range(die.randrange(4))]
        refs: list[bytes] = []
        if die.random() < 0.2:
            update = forging.update_of(self.room["dave"])
            refs.append(forging.send_proposal(self.room["dave"], update, self.mallory))
        try:
            return forging.lawless_commit(
                self.mallory,
                *proposals,
                references=refs,
                force_path=die.random() < 0.7,
                psks=self.store,
                wire_format=die.choice(("private", "public")),
            ).message
        except (mls.MLSError, AssertionError, IndexError, KeyError):
            # A list that cannot even be applied is written without a path.
            return forging.pathless(self.mallory, *proposals, ProposalRef(die.randbytes(32)))

    def bad_path(self) -> bytes:
        """A commit whose leaf was altered, and signed again by its owner."""
        die = self.die

        def alter(leaf: mls.LeafNode) -> mls.LeafNode:
            changes: list[dict[str, Any]] = [
                {"parent_hash": die.randbytes(die.choice((0, 32)))},
                {"encryption_key": die.choice((leaf.encryption_key, bytes(32), b"", b"\xff" * 32))},
                {"signature_key": die.randbytes(32)},
                {"credential": mls.Credential.basic(b"bob")},
                {"extensions": (mls.Extension(die.randrange(8), b""),) * die.randrange(1, 3)},
                {"capabilities": mls.Capabilities(credentials=())},
                {"source": mls.LeafNodeSource.UPDATE, "parent_hash": None},
            ]
            return replace(leaf, **die.choice(changes))

        return forging.commit_with_leaf(self.mallory, alter).message

    def external_commit(self) -> bytes:
        """An outsider's commit, with a changed body that its own key signed."""
        die = self.die
        info, policy = self.mallory.group_info(), replace(POLICY, replace_keys=True)
        signer = SUITE.signature_keypair(os.urandom)
        staged = forging.join_externally(
            info, signer=signer, remove=die.choice((None, None, 1, 3)), policy=policy
        )
        content = AuthenticatedContent.decode(staged.content)
        staged.drop()
        body = content.content.body
        assert isinstance(body, Commit)
        try:
            body = Commit.decode(mutated([body.encode()], die))
        except mls.MLSError:
            return wrap(WireFormat.PUBLIC_MESSAGE, mutated([content.encode()], die))
        again = forge(
            self.mallory,
            body,
            wire_format=WireFormat.PUBLIC_MESSAGE,
            sender=content.content.sender,
            signer=signer,
            confirmation_tag=content.confirmation_tag,
        )
        return wrap(WireFormat.PUBLIC_MESSAGE, PublicMessage(again, None).encode())

    def mutated_bytes(self) -> bytes:
        """An honest message, changed on its way."""
        honest = [
            self.mallory.encrypt(_TEXT),
            seal(self.mallory, forge(self.mallory, mls.Remove(3))),
        ]
        return mutated(honest, self.die)

    def encrypted_again(self) -> bytes:
        """What any member signed, its receivers too, under another of its keys."""
        die = self.die
        author = self.room[die.choice(("alice", "bob", "carol", "dave"))]
        if die.random() < 0.4:
            content = forge(author, forging.update_of(author))
        else:
            release(author)
            staged = author.commit(force_path=True, now=NOW)
            die.choice((staged.set_aside, staged.drop))()
            content = AuthenticatedContent.decode(staged.content)
        tag = content.confirmation_tag
        if die.random() < 0.2:
            tag = die.randbytes(32)
        body = content.content.body
        assert not isinstance(body, bytes)
        return self._private(
            content.content.content_type,
            body.encode() if isinstance(body, Commit) else proposal_codec.write(body),
            sender=author.own_index,
            generation=die.choice((None, 0, 1, 50)),
            signature=content.signature,
            tag=tag,
        )

    def _private(
        self,
        kind: ContentType,
        body: bytes,
        *,
        sender: int | None = None,
        generation: int | None = None,
        padding: bytes = b"",
        signature: bytes | None = None,
        tag: bytes | None = None,
        outer: ContentType | None = None,
        epoch: int | None = None,
        data: bytes = b"",
    ) -> bytes:
        """A PrivateMessage of any bytes at all, with the keys that a member has."""
        mine, group = epoch_of(self.mallory), self.mallory
        leaf = group.own_index if sender is None else sender
        number = group.epoch if epoch is None else epoch
        head = (
            opaque(group.group_id)
            + number.to_bytes(8, "big")
            + mls.Sender.member(leaf).encode()
            + opaque(data)
            + content_type_codec.write(kind)
        )
        empty = FramedContent(
            group.group_id, number, mls.Sender.member(leaf), data, ContentType.APPLICATION, b""
        )
        version = content_tbs(WireFormat.PRIVATE_MESSAGE, empty, b"")[:4]
        tbs = version + head + body + group.context.encode()
        if signature is None:
            signature = SUITE.sign_with_label(mine.signer, _LABEL, tbs)
        plaintext = body + opaque(signature)
        if kind is ContentType.COMMIT:
            plaintext += opaque(bytes(32) if tag is None else tag)
        plaintext += padding
        shown = outer or kind
        place = self._key(leaf, shown, generation)
        ratchet = mine.secret_tree.ratchet(leaf % 4, _ratchet_kind(shown))
        try:
            key = ratchet.open(min(place, 1000)).key
        except mls.MLSError:
            key = ratchet.open(ratchet.generation).key
        guard = self.die.randbytes(4)
        aad_head = opaque(group.group_id) + number.to_bytes(8, "big")
        aad_head += content_type_codec.write(shown)
        aad = aad_head + opaque(data)
        ciphertext = SUITE.aead.seal(key.key, _guarded(key, guard), aad, plaintext)
        sender_key, nonce = sender_data_key(SUITE, mine.secrets.sender_data_secret, ciphertext)
        sender_data = SenderData(leaf, place, guard).encode()
        sealed = SUITE.aead.seal(sender_key, nonce, aad_head, sender_data)
        message = PrivateMessage(group.group_id, number, shown, data, sealed, ciphertext)
        return wrap(WireFormat.PRIVATE_MESSAGE, message.encode())

    def _key(self, leaf: int, kind: ContentType, generation: int | None) -> int:
        """The generation to name: the next unused one, unless told otherwise."""
        if generation is not None:
            return generation
        ratchet = epoch_of(self.mallory).secret_tree.ratchet(leaf % 4, _ratchet_kind(kind))
        most = [ratchet.generation]
        for receiver in self.receivers:
            tree = epoch_of(receiver).secret_tree
            most.append(tree.ratchet(leaf % 4, _ratchet_kind(kind)).generation)
        return max(most)

    # -- what becomes of it

    def judge(self, message: bytes) -> list[str]:
        """Give a message to both. Returns what became of it at each. Raises `Parted`."""
        if self.die.random() < 0.2:
            self._answer(self.die.choice(self.receivers), message)  # a relay shows it to one first
        outcomes = [self._answer(receiver, message) for receiver in self.receivers]
        if self.die.random() < 0.2 and self._is_handshake(message):
            again = [self._answer(receiver, message) for receiver in self.receivers]
            if again != outcomes:
                raise Parted(f"{outcomes} the first time, {again} the second")
        names = [name for name, _verdict in outcomes]
        verdicts = [verdict for _name, verdict in outcomes]
        if "StagedCommit" in names and mls.Verdict.BURNED in verdicts:
            raise Parted(f"one burns what another takes: {names}")
        return names

    def _answer(self, receiver: mls.Group, message: bytes) -> tuple[str, mls.Verdict | None]:
        before = snapshot(receiver)
        try:
            taken = receiver.receive(message, self.store)
        except mls.MLSError as error:
            if error.verdict is None:
                raise Parted(f"{type(error).__name__} is no refusal of a message") from error
            if snapshot(receiver) != before:
                raise Parted(f"{type(error).__name__} changed something") from error
            self._says_what_it_means(message, error)
            return type(error).__name__, error.verdict
        name = type(taken).__name__
        if isinstance(taken, mls.StagedCommit):
            # A member that is removed has no keys of the next epoch, so it cannot check the
            # confirmation tag, as all others can.
            name = "RemovesMe" if taken.removes_me else name
            if not taken.message:  # its own it keeps
                taken.drop()
        return name, None

    @staticmethod
    def _is_handshake(message: bytes) -> bool:
        try:
            return mls.peek(message).content_type is not ContentType.APPLICATION
        except mls.MLSError:
            return False

    @staticmethod
    def _says_what_it_means(message: bytes, error: mls.MLSError) -> None:
        """A commit that is for this group is refused as burned or held, in no other words."""
        try:
            kind = mls.peek(message).content_type
        except mls.MLSError:
            return
        said = (mls.InvalidCommit, mls.CannotFollow, mls.WrongEpoch, mls.WrongGroup)
        if kind is ContentType.COMMIT and not isinstance(error, said):
            raise Parted(f"a commit is refused by {type(error).__name__}") from error

    def close(self) -> None:
        """After all that the group goes on."""
        release(self.mallory)
        self.room.settle("bob", self.room["bob"].commit(now=NOW))


def run(count: int, seed: int) -> Counter[str]:
    """Send `count` messages in scenes of some dozens. Returns what became of them, by name. Raises
    `Parted`, or any error that a receiver should not raise."""
    die, outcomes, sent = random.Random(seed), Counter[str](), 0
    while sent < count:
        scene = Scene(die)
        for _ in range(min(_MESSAGES_OF_A_SCENE, count - sent)):
            outcomes.update(scene.judge(die.choice(scene.ways)()))
            sent += 1
        scene.close()
    return outcomes

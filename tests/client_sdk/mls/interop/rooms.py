"""Rooms with clients of both kinds: all take every step, and must end in the same state."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

from alcove import mls
from alcove.mls.framing import WireFormat, unwrap, wrap

from tests.client_sdk.mls.interop.driver import (
    Adding,
    Change,
    Extensions,
    Psk,
    Received,
    Removing,
    Sent,
    TsClient,
    Updating,
)
from tests.client_sdk.mls.support import ALWAYS, NOW, POLICY


class AlcoveClient:
    """A client of `alcove.mls`, with the same words as `TsClient`."""

    def __init__(
        self,
        name: str,
        suite: int,
        *,
        own: tuple[mls.Extension, ...] = (),
        gives: tuple[int, ...] = (),
        signer: mls.SignatureKeyPair | None = None,
        padding: mls.Padding = mls.no_padding,
        policy: mls.Policy = POLICY,
    ) -> None:
        self.name, self.suite, self.own, self.padding = name, mls.ciphersuite(suite), own, padding
        self.policy = policy
        self.signer = signer or self.suite.signature_keypair(os.urandom)
        self.capabilities = mls.Capabilities(ciphersuites=(suite,), extensions=gives)
        self.credential = mls.Credential.basic(name.encode())
        self.bundle = mls.KeyPackageBundle.create(
            self.suite, self.signer, self.credential, self.capabilities, ALWAYS, own
        )
        self.key_package = wrap(WireFormat.KEY_PACKAGE, self.bundle.key_package.encode())
        self._group: mls.Group | None = None
        self._staged: mls.StagedCommit | None = None
        self._psks: dict[bytes, mls.Secret] = {}

    @property
    def group(self) -> mls.Group:
        assert self._group is not None
        return self._group

    @property
    def epoch(self) -> int:
        return self.group.epoch

    @property
    def leaf(self) -> int:
        return self.group.own_index

    @property
    def authenticator(self) -> bytes:
        return self.group.epoch_authenticator

    @property
    def tree(self) -> bytes:
        return self.group.ratchet_tree()

    @property
    def info_extensions(self) -> dict[int, bytes]:
        assert self.group.join_info is not None
        return {one.type: one.data for one in self.group.join_info.extensions}

    @property
    def psks(self) -> mls.PskStore:
        return mls.PskStore(external=self._psks)

    def create(self, group_id: bytes, extensions: tuple[mls.Extension, ...] = ()) -> None:
        self._group = mls.Group.create(
            self.suite,
            group_id,
            self.signer,
            self.credential,
            self.capabilities,
            self.own,
            extensions,
            policy=self.policy,
            lifetime=ALWAYS,
            now=NOW,
        )

    def join(self, welcome: bytes, tree: bytes | None = None) -> None:
        self._group = mls.Group.join(
            welcome,
            self.bundle,
            self.signer,
            ratchet_tree=tree,
            psks=self.psks,
            policy=self.policy,
            now=NOW,
        )

    def join_externally(
        self,
        group_info: bytes,
        *,
        remove: int | None = None,
        psk_ids: tuple[mls.PreSharedKeyID, ...] = (),
    ) -> bytes:
        staged = mls.Group.join_externally(
            group_info,
            self.signer,
            self.credential,
            self.capabilities,
            self.own,
            remove=remove,
            psk_ids=psk_ids,
            psks=self.psks,
            policy=self.policy,
            now=NOW,
        )
        self._group = staged.merge()
        return staged.message

    def _proposal(self, change: Change) -> mls.Proposal:
        match change:
            case Adding(key_package):
                return mls.Add(mls.KeyPackage.decode(unwrap(key_package)[1]))
            case Removing(leaf):
                return mls.Remove(leaf)
            case Psk(psk_id, nonce):
                named = mls.PreSharedKeyID(mls.PSKType.EXTERNAL, psk_id, None, nonce)
                return mls.PreSharedKey(named)
            case Extensions(extensions):
                return mls.GroupContextExtensions(extensions)
            case Updating():
                raise AssertionError("an Update is only proposed")

    def commit(
        self,
        changes: Sequence[Change] = (),
        public: bool = False,
        info_extensions: tuple[mls.Extension, ...] = (),
        *,
        force_path: bool = False,
        with_tree: bool = True,
    ) -> Sent:
        self._staged = self.group.commit(
            [self._proposal(change) for change in changes],
            [item.ref for item in self.group.proposals],
            force_path,
            group_info_extensions=info_extensions,
            psks=self.psks,
            padding=self.padding,
            wire_format="public" if public else "private",
            with_tree=with_tree,
            now=NOW,
        )
        return Sent(self._staged.message, self._staged.welcome)

    def merge(self) -> None:
        assert self._staged is not None
        self._group, self._staged = self._staged.merge(), None

    def propose(self, change: Change, public: bool = False) -> bytes:
        wire: Literal["private", "public"] = "public" if public else "private"
        if isinstance(change, Updating):
            return self.group.propose_update(change.own, wire, self.padding)
        return self.group.propose(self._proposal(change), wire, self.padding, now=NOW)

    def send(self, plaintext: bytes, aad: bytes = b"") -> bytes:
        return self.group.encrypt(plaintext, aad, self.padding)

    def receive(self, message: bytes, *, takes_update: bool = False) -> Received:
        received = self.group.receive(message, self.psks)
        if isinstance(received, mls.ReceivedApplication):
            return Received(received.plaintext)
        if isinstance(received, mls.StagedCommit):
            if received.removes_me:
                return Received(removed=True)
            self._group = received.merge()
        return Received()

    def know(self, psk_id: bytes, value: bytes) -> None:
        self._psks[psk_id] = mls.Secret(value)

    def export(self, label: str, context: bytes, length: int) -> bytes:
        return self.group.export(label, context, length).expose()


Client = AlcoveClient | TsClient


class Room:
    """Clients of one group, the founder first."""

    def __init__(
        self,
        founder: Client,
        group_id: bytes = b"a room",
        extensions: tuple[mls.Extension, ...] = (),
        *,
        public: bool = False,
    ) -> None:
        founder.create(group_id, extensions)
        self.members: list[Client] = [founder]
        self.public = public

    def others(self, client: Client) -> list[Client]:
        return [one for one in self.members if one is not client]

    def propose(self, client: Client, change: Change) -> None:
        message = client.propose(change, self.public)
        for other in self.others(client):
            other.receive(message)

    def settle(
        self,
        committer: Client,
        changes: Sequence[Change] = (),
        newcomers: Sequence[Client] = (),
        *,
        updating: Client | None = None,
        leaving: Sequence[Client] = (),
        info_extensions: tuple[mls.Extension, ...] = (),
        force_path: bool = False,
        learns: bool = True,
    ) -> None:
        """Commit and let all take it, those that it removes too if they can; then compare."""
        changes = [*changes, *(Adding(newcomer.key_package) for newcomer in newcomers)]
        changes += [Removing(gone.leaf) for gone in leaving]
        if isinstance(committer, AlcoveClient):
            sent = committer.commit(changes, self.public, info_extensions, force_path=force_path)
        else:
            sent = committer.commit(changes, self.public, info_extensions)
        for other in self.others(committer):
            if other not in leaving:
                other.receive(sent.message, takes_update=other is updating)
            elif learns or isinstance(other, AlcoveClient):
                assert other.receive(sent.message).removed
        committer.merge()
        for newcomer in newcomers:
            assert sent.welcome is not None
            newcomer.join(sent.welcome)
        self.members = [one for one in self.members if one not in leaving] + list(newcomers)
        self.agree()

    def agree(self) -> None:
        """The same epoch, tree and secrets for all."""
        assert len({one.epoch for one in self.members}) == 1
        assert len({one.tree for one in self.members}) == 1
        assert len({one.authenticator for one in self.members}) == 1

    def export(self) -> None:
        values = {one.export("interop", b"context", 48) for one in self.members}
        assert len(values) == 1
        assert len(values.pop()) == 48

    def talk(self, speakers: Sequence[Client] = ()) -> None:
        """Each of them says something that all others read."""
        for speaker in speakers or self.members:
            said = f"{speaker.name} in epoch {speaker.epoch}".encode()
            message = speaker.send(said, b"open")
            for other in self.others(speaker):
                assert other.receive(message).plaintext == said

"""What is measured of Alcove: a group from its founding to a message read, step by step.

The tree stays as the founding commit left it, all parents blank, which is the worst case of a
commit: it writes to every member. Member 0 founds, renews its keys and writes. Member
1 joins, follows and reads.

Times are the processor's. Nothing here waits, and other work on a shared machine is no cost of
ours.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

from alcove import mls

TEXT = b"a" * 512
T = TypeVar("T")
NOW = 1_800_000_000
POLICY = mls.Policy(max_leaves=2048, max_lifetime=2**64 - 1)


class Scene:
    """A group of `members`, one operation after the other. Each returns milliseconds."""

    def __init__(self, number: int, members: int) -> None:
        self.suite = mls.ciphersuite(number)
        self.members = members
        self._capabilities = mls.Capabilities(ciphersuites=(number,))
        self._signer = self.suite.signature_keypair(os.urandom)
        people = [self._person(f"p{index}") for index in range(1, members)]
        self._key_packages = [bundle.key_package.encode() for _signer, bundle in people]
        self._own_signer, self._bundle = people[0]
        self.sizes = {"key_package": len(self._key_packages[0])}

    def _person(self, name: str) -> tuple[mls.SignatureKeyPair, mls.KeyPackageBundle]:
        signer = self.suite.signature_keypair(os.urandom)
        bundle = mls.KeyPackageBundle.create(
            self.suite,
            signer,
            mls.Credential.basic(name.encode()),
            self._capabilities,
            mls.Lifetime.unlimited(),
        )
        return signer, bundle

    def build(self) -> float:
        """A group of one, and the commit and Welcome that make it a group of `members`."""
        packages = [mls.KeyPackage.decode(data) for data in self._key_packages]

        def work() -> mls.StagedCommit:
            alone = mls.Group.create(
                self.suite,
                b"bench",
                self._signer,
                mls.Credential.basic(b"p0"),
                self._capabilities,
                policy=POLICY,
                lifetime=mls.Lifetime.unlimited(),
                now=NOW,
            )
            return alone.commit([mls.Add(package) for package in packages], now=NOW)

        took, staged = _timed(work)
        assert staged.welcome is not None
        self._alice, self._welcome = staged.merge(), staged.welcome
        self.sizes.update(welcome=len(self._welcome), build=len(staged.message))
        return took

    def join(self) -> float:
        """Member 1 opens the Welcome and checks the whole tree."""
        took, self._bob = _timed(
            lambda: mls.Group.join(
                self._welcome, self._bundle, self._own_signer, policy=POLICY, now=NOW
            )
        )
        self.sizes["tree"] = len(self._bob.ratchet_tree())
        return took

    def update(self) -> float:
        """Member 0 renews its keys: an empty commit with a path."""
        took, self._staged = _timed(lambda: self._alice.commit(now=NOW))
        self.sizes["commit"] = len(self._staged.message)
        return took

    def process(self) -> float:
        """Member 1, next to the committer, follows: it derives every key of the path."""

        def work() -> mls.Group:
            received = self._bob.receive(self._staged.message)
            assert isinstance(received, mls.StagedCommit)
            return received.merge()

        took, self._bob = _timed(work)
        self._alice = self._staged.merge()
        return took

    def encrypt(self, times: int) -> float:
        """Milliseconds for one message of 512 bytes."""
        self._alice.encrypt(TEXT)  # the first one derives the sender's ratchet
        took, self._messages = _timed(
            lambda: [self._alice.encrypt(TEXT) for _ in range(times)],
        )
        self.sizes["message"] = len(self._messages[0])
        return took / times

    def decrypt(self) -> float:
        """Milliseconds to open one of them."""
        self._bob.receive(self._messages[0])
        rest = self._messages[1:]
        took, _ = _timed(lambda: [self._bob.receive(message) for message in rest])
        return took / len(rest)


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    begun = time.process_time()
    value = work()
    return (time.process_time() - begun) * 1000, value

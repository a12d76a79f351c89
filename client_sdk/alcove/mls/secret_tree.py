"""The secret tree (RFC 9420, section 9): one key for each message, deleted when used.

Secrets are derived only down to the leaf that is needed, and a node's secret is dropped as soon
as its children's are known. So at any time the tree holds just what unread messages need.

A key for reading is *borrowed*: `open` computes it without changing anything, and only
`Borrowed.consume`, called after the message proved authentic, moves the ratchet. Otherwise a
member, which can encrypt under any member's ratchet but not sign for it, could burn others' keys.

The keys of proposals and commits are never consumed: they go with the epoch (`HandshakeRatchet`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from alcove.mls import tree_math
from alcove.mls.ciphersuite import CipherSuite, Expander
from alcove.mls.codec import uint32
from alcove.mls.errors import (
    GenerationConsumed,
    GenerationForgotten,
    GenerationOutOfRange,
    GenerationTooFar,
    GroupClosed,
    TooLarge,
)
from alcove.mls.policy import Policy
from alcove.mls.secret import Secret


class RatchetKind(IntEnum):
    """Each member has two ratchets: a handshake never waits for an application message."""

    HANDSHAKE = 0
    APPLICATION = 1


@dataclass(frozen=True, slots=True)
class MessageKey:
    """Key and nonce of one generation."""

    generation: int
    key: bytes
    nonce: bytes

    def __repr__(self) -> str:
        return f"MessageKey(generation={self.generation})"


@dataclass(frozen=True, slots=True)
class Borrowed:
    """A key to try. Nothing has changed until `consume`."""

    key: MessageKey
    consume: Callable[[], None]


def _key(suite: CipherSuite, expand: Expander, generation: int) -> MessageKey:
    """The key of a generation, from its ratchet secret (DeriveTreeSecret)."""
    context = uint32.write(generation)
    key = expand("key", context, suite.aead.key_size)
    return MessageKey(generation, key, expand("nonce", context, suite.aead.nonce_size))


def _next_secret(suite: CipherSuite, secret: bytes, generation: int) -> bytes:
    """The ratchet secret that follows that of `generation`."""
    return suite.expander(secret)("secret", uint32.write(generation), suite.size)


class HandshakeRatchet:
    """The keys of one member's proposals and commits (9.1). They live as long as the epoch.

    Members must judge a commit alike, and what one of them was shown before must not count: a
    member that has used a key up cannot tell garbage under it from what others may follow. So no
    handshake key is ever consumed, one's own included. This is a deliberate exception to 9.2
    (docs/decisions/0014). It costs no secrecy of the epoch that follows: to read a commit's path
    takes the private keys of the tree, which live as long.
    """

    __slots__ = ("_first", "_latest", "_latest_at", "_most", "_suite", "generation")

    def __init__(self, suite: CipherSuite, secret: bytes, most: int) -> None:
        """`most` bounds the generations. The bound is on the generation itself and not on the
        distance to it, so all members refuse the same messages."""
        self._suite, self._most = suite, most
        self._first = Secret(secret)
        self._latest, self._latest_at = Secret(secret), 0
        self.generation = 0
        """The next one to send under. Each is sent under once."""

    def next(self) -> MessageKey:
        """The next unused key, for sending. Raises `TooLarge` when a member has sent as many
        handshake messages as an epoch takes."""
        if self.generation >= self._most:
            raise TooLarge("handshake messages of one epoch")
        key = self._at(self.generation)
        self.generation += 1
        return key

    def open(self, generation: int) -> Borrowed:
        """The key of a generation, to read with. Raises `GenerationOutOfRange` for a message that
        no member takes."""
        if generation >= self._most:
            raise GenerationOutOfRange
        return Borrowed(self._at(generation), lambda: None)

    def _at(self, generation: int) -> MessageKey:
        """One derivation for each generation before it at most. One after the other costs one
        derivation each, since the latest ratchet secret is kept beside the first."""
        ahead = generation >= self._latest_at
        start, before = (self._latest_at, self._latest) if ahead else (0, self._first)
        secret = before.expose()
        for passed in range(start, generation):
            secret = _next_secret(self._suite, secret, passed)
        if generation != self._latest_at:
            self._latest.wipe()
            self._latest, self._latest_at = Secret(secret), generation
        return _key(self._suite, self._suite.expander(secret), generation)

    def wipe(self) -> None:
        self._first.wipe()
        self._latest.wipe()


class Ratchet:
    """The keys of one member's application messages (9.1), each deleted when used (9.2)."""

    __slots__ = ("_forgotten", "_policy", "_secret", "_skipped", "_suite", "generation")

    def __init__(self, suite: CipherSuite, secret: bytes, policy: Policy) -> None:
        self._suite, self._policy = suite, policy
        self._secret = Secret(secret)
        self.generation = 0
        self._skipped: dict[int, MessageKey] = {}
        self._forgotten = 0  # keys of generations before this one may have gone unused

    def _step(self, secret: bytes, generation: int) -> tuple[MessageKey, bytes]:
        """The key of a generation, and the ratchet secret of the next."""
        expand = self._suite.expander(secret)
        key = _key(self._suite, expand, generation)
        return key, expand("secret", uint32.write(generation), self._suite.size)

    def next(self) -> MessageKey:
        """The next unused key, for sending. It is gone from the ratchet at once (9.2)."""
        key, secret = self._step(self._secret.expose(), self.generation)
        self._advance(secret, self.generation + 1)
        return key

    def _advance(self, secret: bytes, generation: int) -> None:
        self._secret.wipe()
        self._secret, self.generation = Secret(secret), generation

    def open(self, generation: int) -> Borrowed:
        """The key of a generation, to try. Raises `GenerationConsumed`, `GenerationForgotten` or
        `GenerationTooFar`."""
        if generation < self.generation:
            skipped = self._skipped.get(generation)
            if skipped is None:
                # A message that was never read must not pass for one that was read before.
                raise GenerationForgotten if generation < self._forgotten else GenerationConsumed
            return Borrowed(skipped, lambda: self._forget(generation))
        if generation - self.generation > self._policy.forward_generations:
            raise GenerationTooFar
        start, secret = self.generation, self._secret.expose()
        # A message far ahead costs one derivation for each generation before it, and no more. It
        # may be a forgery of another member, which consumes nothing and so can be sent again.
        passed: list[tuple[int, bytes]] = []
        for skipped_one in range(start, generation):
            passed.append((skipped_one, secret))
            secret = _next_secret(self._suite, secret, skipped_one)
        key, reached = self._step(secret, generation)

        def consume() -> None:
            # Another message may have moved the ratchet between `open` and here.
            if generation >= self.generation:
                self._keep(item for item in passed if item[0] >= self.generation)
                self._advance(reached, generation + 1)
            else:
                self._forget(generation)

        return Borrowed(key, consume)

    def _keep(self, passed: Iterable[tuple[int, bytes]]) -> None:
        """Keep the keys of the latest generations that were passed over. Their ratchet secrets
        are not kept: from one of them all later keys follow."""
        items = list(passed)
        most = self._policy.max_skipped_keys
        unkept = max(len(items) - most, 0)
        if unkept:
            self._forgotten = items[unkept - 1][0] + 1
        for generation, secret in items[unkept:]:
            expand = self._suite.expander(secret)
            self._skipped[generation] = _key(self._suite, expand, generation)
        excess = len(self._skipped) - most
        for oldest in sorted(self._skipped)[: max(excess, 0)]:
            del self._skipped[oldest]
            self._forgotten = max(self._forgotten, oldest + 1)

    def _forget(self, generation: int) -> None:
        if self._skipped.pop(generation, None) is None:
            raise GenerationConsumed

    def wipe(self) -> None:
        self._secret.wipe()
        self._skipped.clear()


class SecretTree:
    """The ratchets of all members of one epoch, each derived when first needed."""

    __slots__ = ("_nodes", "_over", "_policy", "_ratchets", "_root", "_suite", "_width")

    def __init__(
        self, suite: CipherSuite, encryption_secret: Secret, size: int, policy: Policy
    ) -> None:
        """`size` is the number of leaves, blank ones included. Wipes `encryption_secret`."""
        self._suite, self._policy = suite, policy
        self._root, self._width = tree_math.root(size), tree_math.node_width(size)
        self._nodes = {self._root: Secret(encryption_secret.expose())}
        self._ratchets: dict[int, tuple[HandshakeRatchet, Ratchet]] = {}
        self._over = False
        encryption_secret.wipe()

    def ratchet(self, leaf_index: int, kind: RatchetKind) -> HandshakeRatchet | Ratchet:
        """A member's ratchet. The caller knows that the leaf is in the tree."""
        ratchets = self._ratchets.get(leaf_index)
        if ratchets is None:
            ratchets = self._ratchets[leaf_index] = self._derive(2 * leaf_index)
        return ratchets[kind]

    def _derive(self, leaf: int) -> tuple[HandshakeRatchet, Ratchet]:
        path = [leaf]
        while path[-1] not in self._nodes:
            if path[-1] == self._root:
                raise GroupClosed
            path.append(tree_math.parent(path[-1]))
        for node in reversed(path[1:]):
            expand = self._suite.expander(self._nodes[node].expose())
            left = expand("tree", b"left", self._suite.size)
            right = expand("tree", b"right", self._suite.size)
            self._nodes[tree_math.left(node)] = Secret(left)
            self._nodes[tree_math.right(node)] = Secret(right)
            self._nodes.pop(node).wipe()
        expand = self._suite.expander(self._nodes[leaf].expose())
        self._nodes.pop(leaf).wipe()
        suite, size, most = self._suite, self._suite.size, self._policy.max_handshakes
        handshakes = HandshakeRatchet(suite, expand("handshake", b"", size), most)
        if self._over:
            handshakes.wipe()
        return handshakes, Ratchet(suite, expand("application", b"", size), self._policy)

    def forget_handshakes(self) -> None:
        """Drop the keys of handshakes, when the epoch is over and kept for late application
        messages only."""
        self._over = True
        for handshakes, _messages in self._ratchets.values():
            handshakes.wipe()

    def wipe(self) -> None:
        for secret in self._nodes.values():
            secret.wipe()
        self._nodes.clear()
        for ratchets in self._ratchets.values():
            for ratchet in ratchets:
                ratchet.wipe()
        self._ratchets.clear()

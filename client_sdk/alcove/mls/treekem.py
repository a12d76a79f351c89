"""TreeKEM (RFC 9420, sections 7.4 to 7.6): fresh keys from a leaf to the root, in one commit.

The committer draws a path secret for the first node above its leaf that has other members below
it, and derives the rest upwards. Each node's secret is encrypted to the other side's subtree, so
every member learns the secrets of its own ancestors and no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from alcove.mls import tree_math
from alcove.mls.ciphersuite import CipherSuite, HpkeCiphertext, encrypt_context
from alcove.mls.codec import Codec, Opaque, Struct, opaque, vector
from alcove.mls.errors import (
    DecryptionFailed,
    InvalidPath,
    MalformedMessage,
    ParentHashMismatch,
    PathKeyMismatch,
    PathNotDecryptable,
)
from alcove.mls.hpke import HpkeKeyPair
from alcove.mls.nodes import LeafNode, ParentNode
from alcove.mls.ratchet_tree import RatchetTree
from alcove.mls.secret import Random, Secret
from alcove.mls.tree_hash import parent_hash

_LABEL = "UpdatePathNode"
_CIPHERTEXTS: Codec[tuple[HpkeCiphertext, ...]] = vector(
    Codec(HpkeCiphertext.read, HpkeCiphertext.encode)
)


@dataclass(frozen=True, slots=True)
class Ciphertexts:
    """`HPKECiphertext encrypted_path_secret<V>`, kept as bytes: of a thousand, one is for me."""

    data: bytes

    @classmethod
    def of(cls, items: list[HpkeCiphertext]) -> Ciphertexts:
        return cls(b"".join([item.encode() for item in items]))

    def parse(self) -> tuple[HpkeCiphertext, ...]:
        """All of them. Raises `MalformedMessage`."""
        return _CIPHERTEXTS.decode(opaque(self.data))

    def select(self, suite: CipherSuite, count: int, wanted: int | None) -> HpkeCiphertext | None:
        """Check that there are `count`, each well formed, and return number `wanted`.

        Ciphertexts of one suite all have one size, so the heads can be compared in strides
        without parsing. Raises `InvalidPath`.
        """
        kem, sealed = suite.hpke.kem.output_size, suite.size + suite.aead.tag_size
        kem_head, sealed_head = opaque(bytes(kem))[:-kem], opaque(bytes(sealed))[:-sealed]
        stride = len(kem_head) + kem + len(sealed_head) + sealed
        if len(self.data) != stride * count:
            raise InvalidPath("not one ciphertext for each node that needs it")
        places = [*enumerate(kem_head), *enumerate(sealed_head, len(kem_head) + kem)]
        for place, value in places:
            if self.data[place::stride] != bytes((value,)) * count:
                raise InvalidPath("a path ciphertext of another size")
        if wanted is None:
            return None
        return HpkeCiphertext.decode(self.data[stride * wanted : stride * (wanted + 1)])


_LAZY = Codec(lambda reader: Ciphertexts(reader.opaque()), lambda item: opaque(item.data))


@dataclass(frozen=True, slots=True)
class UpdatePathNode(Struct):
    """`UpdatePathNode` (7.6)."""

    encryption_key: Opaque
    encrypted_path_secret: Annotated[Ciphertexts, _LAZY]


@dataclass(frozen=True, slots=True)
class UpdatePath(Struct):
    """`UpdatePath` (7.6): the committer's new leaf and the keys above it, lowest first."""

    leaf_node: LeafNode
    nodes: tuple[UpdatePathNode, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One node of a filtered direct path, with its child on the copath (node indices)."""

    node: int
    copath: int


def filtered_direct_path(tree: RatchetTree, leaf_index: int) -> tuple[Step, ...]:
    """The ancestors of a leaf that have members below their other child (4.1.2), lowest first."""
    steps, child = [], 2 * leaf_index
    for node in tree_math.direct_path(child, tree.size):
        copath = tree_math.sibling(child)
        if tree.resolution(copath):
            steps.append(Step(node, copath))
        child = node
    return tuple(steps)


@dataclass(frozen=True, slots=True)
class PathSecrets:
    """The path secrets of a filtered direct path, from some node on, and what they derive."""

    secrets: tuple[Secret, ...]
    keys: tuple[HpkeKeyPair, ...]
    commit_secret: Secret

    def wipe(self) -> None:
        """Drop the path secrets. The keys stay, and so does the commit secret (7.5)."""
        for secret in self.secrets:
            secret.wipe()

    def wipe_all(self) -> None:
        """Drop everything, for a path that is not taken."""
        self.wipe()
        self.commit_secret.wipe()
        for pair in self.keys:
            pair.wipe()


def derive_path(suite: CipherSuite, first: Secret, count: int) -> PathSecrets:
    """`count` path secrets beginning with `first`, their key pairs, and the commit secret, which
    is the one after the last (7.4, 12.4.1)."""
    secrets, keys, secret = [], [], first
    for _ in range(count):
        node_secret = suite.derive_secret(secret, "node")
        keys.append(suite.derive_key_pair(node_secret))
        node_secret.wipe()
        secrets.append(secret)
        secret = suite.derive_secret(secret, "path")
    return PathSecrets(tuple(secrets), tuple(keys), secret)


def set_path(
    suite: CipherSuite,
    tree: RatchetTree,
    leaf_index: int,
    steps: tuple[Step, ...],
    public_keys: list[bytes],
) -> bytes:
    """Put fresh keys on a leaf's path, the root's parent hash first (7.5). Returns the parent
    hash that the leaf must hold."""
    tree.blank_path(leaf_index)
    above = b""
    for step, public in zip(reversed(steps), reversed(public_keys), strict=True):
        node = ParentNode(public, above, ())
        tree.set_parent(step.node, node)
        # The sibling's tree hash is its original one: this node has no unmerged leaves now.
        above = parent_hash(suite, tree, node, step.copath)
    return above


def recipients(tree: RatchetTree, copath: int, new_leaves: frozenset[int]) -> tuple[int, ...]:
    """The nodes to which a path secret is encrypted: the copath's resolution without the leaves
    (node indices) that this very commit added: the Welcome tells those (7.5)."""
    resolution = tree.resolution(copath)
    if not new_leaves:
        return resolution
    return tuple(node for node in resolution if node not in new_leaves)


def encrypt_path(
    suite: CipherSuite,
    tree: RatchetTree,
    steps: tuple[Step, ...],
    path: PathSecrets,
    new_leaves: frozenset[int],
    context: bytes,
    random: Random,
) -> tuple[UpdatePathNode, ...]:
    """Encrypt each path secret to its recipients. `context` is the *provisional* GroupContext:
    new epoch and tree hash, old transcript hash (12.4.1)."""
    seal = suite.hpke.sealer(encrypt_context(_LABEL, context))
    nodes = []
    for step, secret, keys in zip(steps, path.secrets, path.keys, strict=True):
        plaintext = secret.expose()
        sealed = []
        for index in recipients(tree, step.copath, new_leaves):
            node = tree.nodes[index]
            if node is None:
                raise InvalidPath("a resolution names a blank node")
            sealed.append(HpkeCiphertext(*seal(node.encryption_key, plaintext, random)))
        nodes.append(UpdatePathNode(keys.public, Ciphertexts.of(sealed)))
    return tuple(nodes)


def check_new_keys(tree: RatchetTree, keys: Sequence[bytes]) -> None:
    """No key of a path, its leaf's included, is in the tree before it, or twice in the path
    (12.4.2). Raises `InvalidPath`."""
    census = tree.census.encryption_keys
    if len(set(keys)) != len(keys) or any(key in census for key in keys):
        raise InvalidPath("a key is not new")


def check_nodes(
    suite: CipherSuite,
    tree: RatchetTree,
    steps: tuple[Step, ...],
    nodes: Sequence[UpdatePathNode],
    new_leaves: frozenset[int],
) -> None:
    """A path has one node for each step, each with a good key and one ciphertext for each
    recipient (7.5). Whether the path is on the tree already makes no difference. Raises
    `InvalidPath` or `InvalidPublicKey`."""
    if len(steps) != len(nodes):
        raise InvalidPath("not one node for each of the filtered direct path")
    for step, node in zip(steps, nodes, strict=True):
        suite.hpke.kem.check(node.encryption_key)
        count = len(recipients(tree, step.copath, new_leaves))
        node.encrypted_path_secret.select(suite, count, None)


def merge_path(
    suite: CipherSuite,
    tree: RatchetTree,
    sender: int,
    path: UpdatePath,
    new_leaves: frozenset[int],
) -> tuple[Step, ...]:
    """Put a received path on the tree, after checking all that every member sees alike: its
    shape, that its keys are new, and the parent hash (7.5, 12.4.2). Returns the steps.

    Raises `InvalidPath` or `ParentHashMismatch`.
    """
    steps = filtered_direct_path(tree, sender)
    public_keys = [node.encryption_key for node in path.nodes]
    check_nodes(suite, tree, steps, path.nodes, new_leaves)
    check_new_keys(tree, [path.leaf_node.encryption_key, *public_keys])
    expected = set_path(suite, tree, sender, steps, public_keys)
    if path.leaf_node.parent_hash != expected:
        raise ParentHashMismatch
    tree.set_leaf(sender, path.leaf_node)
    return steps


def decrypt_path(
    suite: CipherSuite,
    tree: RatchetTree,
    steps: tuple[Step, ...],
    path: UpdatePath,
    own_index: int,
    private: Mapping[int, Secret],
    new_leaves: frozenset[int],
    context: bytes,
) -> tuple[dict[int, Secret], Secret]:
    """Find my ciphertext, derive upwards, and compare with the path's public keys (7.5).

    Returns my new private keys by node index, and the commit secret. Raises `CannotFollow`
    errors: no other member sees whether my ciphertext opens.
    """
    position, secret = _decrypt_mine(
        suite, tree, steps, path, own_index, private, new_leaves, context
    )
    derived = derive_path(suite, secret, len(steps) - position)
    keys: dict[int, Secret] = {}
    for step, node, pair in zip(steps[position:], path.nodes[position:], derived.keys, strict=True):
        if pair.public != node.encryption_key:
            derived.wipe_all()
            raise PathKeyMismatch
        keys[step.node] = pair.private
    derived.wipe()
    return keys, derived.commit_secret


def _decrypt_mine(
    suite: CipherSuite,
    tree: RatchetTree,
    steps: tuple[Step, ...],
    path: UpdatePath,
    own_index: int,
    private: Mapping[int, Secret],
    new_leaves: frozenset[int],
    context: bytes,
) -> tuple[int, Secret]:
    """(position in the path, path secret) of the lowest node that I share with the sender."""
    for position, (step, node) in enumerate(zip(steps, path.nodes, strict=True)):
        if not tree_math.is_below(2 * own_index, step.copath):
            continue
        targets = recipients(tree, step.copath, new_leaves)
        mine = next((i for i, target in enumerate(targets) if target in private), None)
        if mine is None:
            break
        index = targets[mine]
        holder = tree.nodes[index]
        sealed = node.encrypted_path_secret.select(suite, len(targets), mine)
        if holder is None or sealed is None:
            break
        keys = HpkeKeyPair(private[index], holder.encryption_key)
        try:
            return position, suite.decrypt_with_label(keys, _LABEL, context, sealed)
        except (DecryptionFailed, MalformedMessage):
            raise PathNotDecryptable from None
    raise PathNotDecryptable("none is for me")


def private_keys_match(
    suite: CipherSuite, tree: RatchetTree, private: Mapping[int, Secret]
) -> bool:
    """Whether every private key belongs to the public key at its node."""
    for index, secret in private.items():
        node = tree.nodes[index]
        if node is None or suite.hpke.kem.public_key(secret.expose()) != node.encryption_key:
            return False
    return True

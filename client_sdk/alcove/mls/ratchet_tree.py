"""The ratchet tree (RFC 9420, sections 4, 7.4 and 7.7): an array of immutable nodes.

A commit is worked out on a copy, so a copy must be cheap: it copies references only. What is
costly to compute, tree hashes and resolutions, is cached for each node. Changing a node drops
what was cached for it and its ancestors, and nothing else. `Census` counts keys, capabilities
and credential types, so that the rules about the whole group need no walk over it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress
from typing import TypeVar

from alcove.mls import tree_math
from alcove.mls.codec import Reader, opaque
from alcove.mls.errors import InvalidTree, MalformedMessage, TooLarge
from alcove.mls.nodes import Capabilities, LeafNode, Node, ParentNode

_LEAF, _PARENT = 1, 2
_Key = TypeVar("_Key", bytes, int)


class Census:
    """How often each key, set of capabilities and credential type occurs in the tree."""

    __slots__ = ("_read", "capabilities", "credentials", "encryption_keys", "signature_keys")

    def __init__(self) -> None:
        self.encryption_keys: dict[bytes, int] = {}
        self.signature_keys: dict[bytes, int] = {}
        self.capabilities: dict[bytes, int] = {}
        self._read: dict[bytes, Capabilities] = {}
        self.credentials: dict[int, int] = {}

    def copy(self) -> Census:
        other = Census.__new__(Census)
        other.encryption_keys = self.encryption_keys.copy()
        other.signature_keys = self.signature_keys.copy()
        other.capabilities = self.capabilities.copy()
        other._read = self._read.copy()
        other.credentials = self.credentials.copy()
        return other

    def count(self, node: Node, step: int) -> None:
        """Count a node in (`step` 1) or out (-1)."""
        _add(self.encryption_keys, node.encryption_key, step)
        if isinstance(node, LeafNode):
            _add(self.signature_keys, node.signature_key, step)
            encoding = node.capabilities.encode()
            _add(self.capabilities, encoding, step)
            if encoding in self.capabilities:
                self._read.setdefault(encoding, node.capabilities)
            else:
                del self._read[encoding]
            _add(self.credentials, node.credential.type, step)

    def distinct_capabilities(self) -> Iterator[Capabilities]:
        """Each set of capabilities that some member has, once."""
        return iter(self._read.values())


def _add(counts: dict[_Key, int], key: _Key, step: int) -> None:
    value = counts.get(key, 0) + step
    if value:
        counts[key] = value
    else:
        del counts[key]


class RatchetTree:
    """A complete binary tree of `size` leaves, a power of two. Leaves are named by leaf index,
    other nodes by node index."""

    __slots__ = ("_blank_from", "_resolutions", "census", "hashes", "nodes")

    def __init__(self, nodes: list[Node | None]) -> None:
        self.nodes = nodes
        self.hashes: list[bytes | None] = [None] * len(nodes)
        self._resolutions: list[tuple[int, ...] | None] = [None] * len(nodes)
        self._blank_from = 0  # no leaf below this index is blank
        self.census = Census()
        for node in nodes:
            if node is not None:
                self.census.count(node, 1)

    def copy(self) -> RatchetTree:
        """An independent tree. Nodes are immutable and shared."""
        other = RatchetTree.__new__(RatchetTree)
        other.nodes, other.hashes = self.nodes.copy(), self.hashes.copy()
        other._resolutions = self._resolutions.copy()
        other._blank_from = self._blank_from
        other.census = self.census.copy()
        return other

    # -- looking

    @property
    def size(self) -> int:
        """The number of leaves, blank ones included."""
        return (len(self.nodes) + 1) // 2

    @property
    def root(self) -> int:
        return tree_math.root(self.size)

    def leaf(self, index: int) -> LeafNode | None:
        """The leaf of that index. None when it is blank or beyond the tree."""
        if not 0 <= index < self.size:
            return None
        node = self.nodes[2 * index]
        return node if isinstance(node, LeafNode) else None

    def leaves(self) -> Iterator[tuple[int, LeafNode]]:
        """(leaf index, leaf) of every member."""
        for index, node in enumerate(self.nodes[::2]):
            if isinstance(node, LeafNode):
                yield index, node

    def parents(self) -> Iterator[tuple[int, ParentNode]]:
        """(node index, node) of every non-blank parent."""
        for index in range(1, len(self.nodes), 2):
            node = self.nodes[index]
            if isinstance(node, ParentNode):
                yield index, node

    def resolution(self, node: int) -> tuple[int, ...]:
        """The nodes that together cover the members below `node` (4.1.1)."""
        known = self._resolutions[node]
        if known is None:
            known = self._resolutions[node] = self._resolve(node)
        return known

    def _resolve(self, index: int) -> tuple[int, ...]:
        node = self.nodes[index]
        if isinstance(node, ParentNode):
            return (index, *(2 * leaf for leaf in node.unmerged_leaves))
        if tree_math.is_leaf(index):
            return () if node is None else (index,)
        half = (1 << tree_math.level(index)) - 1
        first, end = index - half, index + half + 1
        if not any(self.nodes[first + 1 : end : 2]):  # all parents are blank: the leaves it is
            return tuple(compress(range(first, end, 2), self.nodes[first:end:2]))
        return self.resolution(tree_math.left(index)) + self.resolution(tree_math.right(index))

    # -- changing

    def _put(self, index: int, node: Node | None) -> None:
        old = self.nodes[index]
        if old is not None:
            self.census.count(old, -1)
        if node is not None:
            self.census.count(node, 1)
        self.nodes[index] = node
        self.hashes[index] = self._resolutions[index] = None
        for ancestor in tree_math.direct_path(index, self.size):
            self.hashes[ancestor] = self._resolutions[ancestor] = None

    def set_leaf(self, index: int, leaf: LeafNode) -> None:
        """Replace a leaf, leaving its ancestors as they are."""
        self._put(2 * index, leaf)

    def set_parent(self, index: int, parent: ParentNode) -> None:
        self._put(index, parent)

    def blank_path(self, leaf_index: int) -> None:
        """Blank every ancestor of a leaf."""
        for ancestor in tree_math.direct_path(2 * leaf_index, self.size):
            if self.nodes[ancestor] is not None:
                self._put(ancestor, None)

    def leftmost_blank(self) -> int:
        """The leaf index where the next member goes, perhaps just beyond the tree (12.1.1)."""
        index = self._blank_from
        while index < self.size and self.nodes[2 * index] is not None:
            index += 1
        self._blank_from = index
        return index

    def extend_to(self, leaf_index: int, max_leaves: int) -> None:
        """Double the tree until it has that leaf (7.7). Raises `TooLarge`."""
        if leaf_index >= max_leaves:
            raise TooLarge("members")
        while leaf_index >= self.size:
            more = len(self.nodes) + 1
            self.nodes.extend([None] * more)
            self.hashes.extend([None] * more)
            self._resolutions.extend([None] * more)

    def add(self, leaf: LeafNode, max_leaves: int) -> int:
        """Apply an Add (12.1.1) and return the new leaf index. Raises `TooLarge`."""
        index = self.leftmost_blank()
        self.extend_to(index, max_leaves)
        for ancestor in tree_math.direct_path(2 * index, self.size):
            node = self.nodes[ancestor]
            if isinstance(node, ParentNode):
                unmerged = tuple(sorted({*node.unmerged_leaves, index}))
                self._put(ancestor, ParentNode(node.encryption_key, node.parent_hash, unmerged))
        self.set_leaf(index, leaf)
        return index

    def update(self, index: int, leaf: LeafNode) -> None:
        """Apply an Update (12.1.2)."""
        self.set_leaf(index, leaf)
        self.blank_path(index)

    def remove(self, index: int) -> None:
        """Apply a Remove (12.1.3), without the truncation."""
        self._put(2 * index, None)
        self.blank_path(index)
        self._blank_from = min(self._blank_from, index)

    def truncate(self) -> None:
        """Drop right halves as long as they have no members (7.7)."""
        last = next((i for i in range(len(self.nodes) - 1, -1, -2) if self.nodes[i]), 0)
        width = tree_math.node_width(tree_math.power_of_two(last // 2 + 1))
        for index in range(width, len(self.nodes)):
            if self.nodes[index] is not None:
                self._put(index, None)  # counts its key out
        del self.nodes[width:], self.hashes[width:], self._resolutions[width:]

    # -- on the wire (12.4.3.3)

    def encode(self) -> bytes:
        """`optional<Node> ratchet_tree<V>`, without the blanks at the end."""
        parts = []
        for node in self.nodes:
            if node is None:
                parts.append(b"\x00")
            else:
                prefix = b"\x01\x01" if isinstance(node, LeafNode) else b"\x01\x02"
                parts.append(prefix + node.encode())
        while parts and parts[-1] == b"\x00":
            parts.pop()
        return opaque(b"".join(parts))

    @classmethod
    def read(cls, reader: Reader, max_leaves: int) -> RatchetTree:
        """Raises `MalformedMessage`, `TooLarge`, or `InvalidTree` for a node in the wrong place."""
        limit, count = tree_math.node_width(max_leaves), 0

        def read_node(reader: Reader) -> Node | None:
            nonlocal count
            count += 1
            if count > limit:
                raise TooLarge("members")
            return _read_node(reader)

        nodes = list(reader.vector(read_node))
        if not nodes or nodes[-1] is None:
            raise InvalidTree("the last node is blank")
        for index, node in enumerate(nodes):
            if node is not None and isinstance(node, LeafNode) is not tree_math.is_leaf(index):
                raise InvalidTree("a node is in the wrong place")
        size = tree_math.power_of_two(len(nodes) // 2 + 1)
        nodes.extend([None] * (tree_math.node_width(size) - len(nodes)))
        return cls(nodes)

    @classmethod
    def decode(cls, data: bytes, max_leaves: int) -> RatchetTree:
        """The whole of `data` as one tree. Raises as `read` does."""
        reader = Reader(data)
        tree = cls.read(reader, max_leaves)
        reader.finish()
        return tree


def _read_node(reader: Reader) -> Node | None:
    present = reader.uint8()
    if present == 0:
        return None
    if present > 1:
        raise MalformedMessage("presence is neither 0 nor 1")
    kind = reader.uint8()
    if kind == _LEAF:
        return LeafNode.read(reader)
    if kind == _PARENT:
        return ParentNode.read(reader)
    raise MalformedMessage("unknown node type")

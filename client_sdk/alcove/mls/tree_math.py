"""Where nodes are in a complete binary tree kept as an array (RFC 9420, appendix C).

Leaf `i` is node `2 * i`. Parents are at odd places. A node's level is the number of its trailing
one bits. `size` is the number of leaves, always a power of two.
"""

from __future__ import annotations

from functools import lru_cache


def level(node: int) -> int:
    """0 for leaves."""
    return (~node & (node + 1)).bit_length() - 1


def node_width(size: int) -> int:
    """The number of nodes of a tree with `size` leaves."""
    return 2 * size - 1 if size else 0


def root(size: int) -> int:
    return size - 1


def left(node: int) -> int:
    """The left child of a parent node."""
    return node ^ (1 << (level(node) - 1))


def right(node: int) -> int:
    """The right child of a parent node."""
    return node ^ (3 << (level(node) - 1))


def parent(node: int) -> int:
    """The parent, in a tree large enough to have it: the caller knows that `node` is no root."""
    k = level(node)
    return (node | (1 << k)) & ~(1 << (k + 1))


def sibling(node: int) -> int:
    """The other child of the parent."""
    return node ^ (2 << level(node))


def is_leaf(node: int) -> bool:
    return node & 1 == 0


def power_of_two(count: int) -> int:
    """The least power of two that is at least `count`, and at least 1."""
    return 1 << max(count - 1, 0).bit_length()


@lru_cache(maxsize=4096)
def direct_path(node: int, size: int) -> tuple[int, ...]:
    """The ancestors of a node, from its parent up to the root."""
    path, top = [], root(size)
    while node != top:
        node = parent(node)
        path.append(node)
    return tuple(path)


def leaf_range(node: int) -> range:
    """The leaf indices below a node."""
    half = (1 << level(node)) - 1
    return range((node - half) // 2, (node + half) // 2 + 1)


def is_below(node: int, ancestor: int) -> bool:
    """Whether `node` is `ancestor` or one of its descendants."""
    half = (1 << level(ancestor)) - 1
    return ancestor - half <= node <= ancestor + half


def common_ancestor(a: int, b: int) -> int:
    """The lowest node that has both in its subtree."""
    shift = max(level(a), level(b)) + 1
    if is_below(a, b):
        return b
    if is_below(b, a):
        return a
    while a >> shift != b >> shift:
        shift += 1
    return (a >> shift << shift) + (1 << (shift - 1)) - 1

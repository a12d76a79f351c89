"""The floor: how many primitives RFC 9420 asks for in each operation, times what one costs here.

It has no encoding, no bookkeeping, no lists: nothing but the cryptography that no implementation of
the RFC on these libraries can leave out. It counts hashes of what has to be hashed once, one
signature check for each leaf, two for each KeyPackage, one HPKE message for each recipient.
"""

from __future__ import annotations

from collections import Counter

from bench.mls.primitives import X_WING, Primitives

Count = Counter[tuple[str, int]]
"""How often each primitive is needed, by name and size in bytes."""

_SHORT = 100  # a typical input of HKDF-Expand: labels, a hash, lengths
_TBS = 64  # what a signed leaf or KeyPackage has besides the leaf's encoding
_TAG_AND_SIGNATURE = 140  # of a framed commit, besides its content


def _times(items: Count, number: int) -> Count:
    return Counter({key: count * number for key, count in items.items()})


class Floor:
    """The floor of a suite in a group of `members`, given the sizes that messages really have."""

    def __init__(self, number: int, members: int, sizes: dict[str, int]) -> None:
        self._hybrid = number == X_WING
        self._members, self._sizes = members, sizes
        self._width = 1 << (members - 1).bit_length()
        self._depth = self._width.bit_length() - 1
        self._leaf = sizes["key_package"] - _TBS

    @staticmethod
    def _some(**names: int) -> Count:
        """Primitives whose inputs are short."""
        return Counter({(name, _SHORT): count for name, count in names.items()})

    # -- parts

    def _new_key(self) -> Count:
        """DeriveKeyPair: without the secret that goes in."""
        if self._hybrid:
            return self._some(keygen=1, base=1)
        return self._some(hmac=1, hmac_again=1, base=1)

    def _seal(self, size: int) -> Count:
        """An HPKE message. The hash of `info` is shared by all of one path."""
        count = self._some(hmac=2, hmac_again=1, base=1, exchange=1)
        count[("aead", size)] += 1
        return count + (
            self._some(encapsulate=1) if self._hybrid else self._some(hmac=1, hmac_again=1)
        )

    def _open(self, size: int) -> Count:
        count = self._some(hmac=2, hmac_again=1, exchange=1)
        count[("aead", size)] += 1
        return count + (
            self._some(decapsulate=1) if self._hybrid else self._some(hmac=1, hmac_again=1)
        )

    def _path(self, levels: int) -> Count:
        """Path secrets, and the keys that they give."""
        return _times(self._some(hmac=1, hmac_again=1) + self._new_key(), levels)

    def _tree_path(self) -> Count:
        """Parent hashes and tree hashes from one leaf to the root."""
        count: Count = Counter({("hash", _SHORT): 2 * self._depth})
        count[("hash", self._leaf)] += 1
        return count

    def _schedule(self) -> Count:
        """One epoch: extract, joiner, extract, epoch, nine secrets, a tag."""
        return self._some(hmac=6, hmac_again=8)

    def _framing(self, size: int, levels: int) -> Count:
        """A PrivateMessage in either direction: the sender's ratchet, its key, the sender data."""
        count = self._some(hmac=levels + 3, hmac_again=levels + 4)
        count[("aead", size)] += 1
        count[("aead", 12)] += 1
        return count

    def _transcript(self, size: int) -> Count:
        return Counter({("hash", size): 1, ("hash", _SHORT): 1})

    # -- operations

    def build(self) -> Count:
        others, size = self._members - 1, self._sizes["build"]
        package, welcome = self._sizes["key_package"], self._sizes["welcome"]
        each = self._seal(_SHORT)
        each[("verify", package)] += 1
        each[("verify", self._leaf)] += 1
        each[("hash", package)] += 1  # its reference
        each[("hash", self._leaf)] += 1
        info = welcome - others * 120 if not self._hybrid else self._members * self._leaf
        count = _times(each, others) + self._new_key()  # adding needs no path (12.4)
        count += Counter({("hash", _SHORT): self._width - 1, ("hash", self._leaf): 1})
        count += Counter({("sign", self._leaf): 1, ("sign", size): 1, ("sign", info): 1})
        count += _times(self._schedule(), 2) + self._transcript(size) + self._framing(size, 0)
        count += self._some(hmac=2, hmac_again=1)  # the key of the Welcome
        count[("aead", info)] += 1
        return count

    def join(self) -> Count:
        tree, package = self._sizes["tree"], self._sizes["key_package"]
        count = _times(Counter({("verify", self._leaf): 1, ("hash", self._leaf): 1}), self._members)
        count += Counter({("hash", _SHORT): self._width - 1, ("hash", package): 1})
        count += self._open(_SHORT) + self._some(hmac=2, hmac_again=1)
        count += Counter({("aead", tree): 1, ("verify", tree): 1})
        return count + self._schedule()

    def update(self) -> Count:
        size = self._sizes["commit"]
        count = _times(self._seal(32), self._members - 1)
        count += self._path(self._depth) + self._new_key() + self._tree_path()
        count += Counter({("sign", self._leaf): 1, ("sign", size): 1})
        return count + self._transcript(size) + self._schedule() + self._framing(size, self._depth)

    def process(self) -> Count:
        size = self._sizes["commit"]
        count = self._framing(size, self._depth) + self._open(32)
        count += self._path(self._depth) + self._tree_path()
        count += Counter({("verify", self._leaf): 1, ("verify", size): 1})
        return count + self._transcript(size) + self._schedule()

    def encrypt(self) -> Count:
        size = self._sizes["message"]
        count = self._some(hmac=2, hmac_again=3)
        return count + Counter({("sign", size): 1, ("aead", size): 1, ("aead", 12): 1})

    def decrypt(self) -> Count:
        size = self._sizes["message"]
        count = self._some(hmac=2, hmac_again=3)
        return count + Counter({("verify", size): 1, ("aead", size): 1, ("aead", 12): 1})

    def milliseconds(self, operation: str, primitives: Primitives) -> float:
        """The floor of one operation."""
        counts: Count = getattr(self, operation)()
        micro = sum(count * primitives.cost(name, size) for (name, size), count in counts.items())
        return micro / 1000

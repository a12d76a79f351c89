"""A secret that does not print, compares in constant time, and can be dropped.

What dropping can do in Python is limited, and we say so: `wipe` overwrites the one buffer that
this object owns. Libraries below ask for immutable `bytes`, and each `expose` makes such a copy,
which is freed, but not overwritten, when its last reference goes. So a wiped secret cannot be
used through this program any more. A memory image of the process may still hold stray copies.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from types import TracebackType
from typing import NoReturn, Protocol, TypeVar

from alcove.mls.errors import SecretWiped

Random = Callable[[int], bytes]
"""A source of randomness: called with a number of bytes, returns that many."""


class Secret:
    """Bytes that must not leak. Never equal to plain bytes, unhashable, and not picklable."""

    __slots__ = ("_buffer",)

    def __init__(self, value: bytes | bytearray) -> None:
        self._buffer: bytearray | None = bytearray(value)

    def expose(self) -> bytes:
        """The bytes, as a copy. Raises `SecretWiped` after `wipe`."""
        if self._buffer is None:
            raise SecretWiped
        return bytes(self._buffer)

    def copy(self) -> Secret:
        """Another owner of the same value, to be wiped on its own. Raises `SecretWiped`."""
        return Secret(self.expose())

    @property
    def wiped(self) -> bool:
        return self._buffer is None

    def wipe(self) -> None:
        """Overwrite and forget. Harmless when repeated."""
        if self._buffer is not None:
            self._buffer[:] = bytes(len(self._buffer))
            self._buffer = None

    def __len__(self) -> int:
        return 0 if self._buffer is None else len(self._buffer)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.expose(), other.expose())

    __hash__ = None  # type: ignore[assignment]  # a hash would be a fingerprint of the secret

    def __repr__(self) -> str:
        return "Secret(wiped)" if self._buffer is None else f"Secret({len(self)} bytes)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never serialised")


class Wipeable(Protocol):
    """Something that holds secrets and can drop them."""

    def wipe(self) -> None: ...


W = TypeVar("W", bound=Wipeable)
K = TypeVar("K")


class Scratch:
    """The secrets of one computation, dropped on every way out of it.

        with Scratch() as scratch:
            shared = scratch.temporary(exchange())  # wiped when the block ends
            return scratch.result(derive(shared))   # wiped only if the block raises

    Without this a computation that raises halfway leaves its secrets to the garbage collector,
    which overwrites nothing.
    """

    __slots__ = ("_results", "_temporary")

    def __init__(self) -> None:
        self._temporary: list[Wipeable] = []
        self._results: list[Wipeable] = []

    def temporary(self, item: W) -> W:
        """Wipe this when the block ends."""
        self._temporary.append(item)
        return item

    def result(self, item: W) -> W:
        """Wipe this if the block raises."""
        self._results.append(item)
        return item

    def results(self, items: dict[K, W]) -> dict[K, W]:
        """Wipe all of these if the block raises."""
        self._results.extend(items.values())
        return items

    def __enter__(self) -> Scratch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for item in self._temporary:
            item.wipe()
        if kind is not None:
            for item in self._results:
                item.wipe()

"""Which secrets are left, of all that were made."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

import pytest
from alcove import mls


class Ledger:
    """Every secret that was made, and where."""

    def __init__(self) -> None:
        self.made: list[tuple[mls.Secret, str]] = []

    def keep(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Note every secret from now on."""
        real = mls.Secret.__init__

        def init(secret: mls.Secret, value: bytes | bytearray) -> None:
            real(secret, value)
            frames = [sys._getframe(depth) for depth in (1, 2, 3)]
            where = " < ".join(f"{frame.f_code.co_name}:{frame.f_lineno}" for frame in frames)
            self.made.append((secret, where))

        monkeypatch.setattr(mls.Secret, "__init__", init)

    def left(self, *alive: object) -> list[str]:
        """Where the secrets were made that are not wiped and that nothing alive owns. Zeros are no
        secret: the key schedule uses them for what is absent."""
        owned = {id(secret) for thing in alive for secret in _secrets(thing, set())}
        return [
            where
            for secret, where in self.made
            if not secret.wiped and id(secret) not in owned and any(secret.expose())
        ]


def _secrets(thing: object, seen: set[int]) -> Iterator[mls.Secret]:
    """All secrets that can be reached from something."""
    if id(thing) in seen or isinstance(thing, bytes | str | int | type | None):
        return
    seen.add(id(thing))
    if isinstance(thing, mls.Secret):
        yield thing
        return
    inner: list[object] = []
    if isinstance(thing, Mapping):
        inner += [*thing.keys(), *thing.values()]
    elif isinstance(thing, list | tuple | set | frozenset):
        inner += thing
    else:
        names = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
        inner += [getattr(thing, name) for name in names if hasattr(thing, name)]
        inner += vars(thing).values() if hasattr(thing, "__dict__") else []
    for one in inner:
        yield from _secrets(one, seen)

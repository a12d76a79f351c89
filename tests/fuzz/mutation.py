"""Changing bytes at random, as an attacker would."""

from __future__ import annotations

import random

_LENGTHS = (
    b"\x00",
    b"\x3f",
    b"\x40\x40",
    b"\x7f\xff",
    b"\x80\x00\x40\x00",
    b"\xbf\xff\xff\xff",
    b"\xc0",
)


def _flip(data: bytearray, rng: random.Random) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    noise = rng.randbytes(rng.randint(1, 8))
    data[at : at + len(noise)] = noise


def _insert(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.randbytes(rng.randint(1, 40))


def _drop(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    del data[at : at + rng.randint(1, 40)]


def _repeat(data: bytearray, rng: random.Random) -> None:
    at, size = rng.randrange(len(data) + 1), rng.randint(1, 64)
    data[at:at] = data[at : at + size] * rng.randint(1, 50)


def _length(data: bytearray, rng: random.Random) -> None:
    at, length = rng.randrange(len(data) + 1), rng.choice(_LENGTHS)
    data[at : at + len(length)] = length


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data) + 1) :]


_KINDS = (_flip, _overwrite, _insert, _drop, _repeat, _length, _cut)


def mutated(seeds: list[bytes], rng: random.Random) -> bytes:
    """One of the seeds after one to four changes, sometimes with the tail of another."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, 4)):
        rng.choice(_KINDS)(data, rng)
    if rng.random() < 0.1:
        other = rng.choice(seeds)
        data += other[rng.randrange(len(other) + 1) :]
    return bytes(data)

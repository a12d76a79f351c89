"""Joining trees of many leaves, with members at all of them or at two. The time grows as n log n.

A tree that lost its members is as wide as before, until its right half is empty. A stranger with a
KeyPackage can send its owner any tree at all. So a blank leaf must cost a joiner no more than a
member.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass

from alcove import mls

from bench.mls.operations import NOW, POLICY

SUITE = 0x0003
MARGIN = 1.1
"""What a step may cost beside one in the smallest tree: measurements vary by that much."""


@dataclass(frozen=True, slots=True)
class Joining:
    """One tree, in milliseconds of the processor."""

    leaves: int
    members: float
    blank: float

    def per_step(self, milliseconds: float) -> float:
        """Microseconds for each of n log n steps."""
        return milliseconds * 1000 / (self.leaves * math.log2(self.leaves))


Newcomer = tuple[mls.SignatureKeyPair, mls.KeyPackageBundle]


def _person(suite: mls.CipherSuite, name: bytes) -> Newcomer:
    signer = suite.signature_keypair(os.urandom)
    bundle = mls.KeyPackageBundle.create(
        suite,
        signer,
        mls.Credential.basic(name),
        mls.Capabilities(ciphersuites=(suite.number,)),
        mls.Lifetime.unlimited(),
    )
    return signer, bundle


def _welcome(leaves: int, *, blank: bool) -> tuple[bytes, Newcomer]:
    """A Welcome to a tree of that many leaves. Blank, it has its first and last member, and the
    newcomer on the first blank leaf."""
    suite = mls.ciphersuite(SUITE)
    group = mls.Group.create(
        suite,
        b"bench",
        suite.signature_keypair(os.urandom),
        mls.Credential.basic(b"p0"),
        mls.Capabilities(ciphersuites=(SUITE,)),
        policy=POLICY,
        lifetime=mls.Lifetime.unlimited(),
        now=NOW,
    )
    fillers = leaves - 1 if blank else leaves - 2
    people = [_person(suite, b"p")[1].key_package for _ in range(fillers)]
    group = group.commit([mls.Add(package) for package in people], now=NOW).merge()
    if blank:
        gone = [mls.Remove(index) for index in range(1, leaves - 1)]
        group = group.commit(gone, now=NOW).merge()
    newcomer = _person(suite, b"newcomer")
    staged = group.commit([mls.Add(newcomer[1].key_package)], now=NOW)
    assert staged.welcome is not None
    return staged.welcome, newcomer


def _join(leaves: int, rounds: int, *, blank: bool) -> float:
    """The least of some rounds: nothing here waits, and what else the machine does is no cost."""
    welcome, (signer, bundle) = _welcome(leaves, blank=blank)
    took = []
    for _ in range(rounds):
        begun = time.process_time()
        group = mls.Group.join(welcome, bundle, signer, policy=POLICY, now=NOW)
        took.append((time.process_time() - begun) * 1000)
        assert len(group.members()) == (3 if blank else leaves)
    return min(took)


def measure(sizes: tuple[int, ...], rounds: int) -> list[Joining]:
    """Join a tree of each size, full and blank."""
    return [
        Joining(size, _join(size, rounds, blank=False), _join(size, rounds, blank=True))
        for size in sizes
    ]


def table(rows: list[Joining]) -> str:
    """Markdown. A cost of one step that does not rise with N is a growth of N log N at most."""
    lines = [
        "join a tree of N leaves, ms (and µs for each of N log N steps; ✓: no more than in the"
        " smallest tree, but for a tenth)\n",
        "| N | members at all | blank but two |",
        "|---|---|---|",
    ]
    for row in rows:
        cells = []
        for value, least in ((row.members, rows[0].members), (row.blank, rows[0].blank)):
            step, first = row.per_step(value), rows[0].per_step(least)
            cells.append(f"{value:.2f} ({step:.2f} {'✗✓'[step <= MARGIN * first]})")
        lines.append(f"| {row.leaves} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"

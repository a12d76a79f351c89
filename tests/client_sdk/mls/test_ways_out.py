"""Every way out of an epoch, of a commit and of a Welcome, and what is left of its secrets: nothing
but what a group that lives on, or a person, still owns."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from alcove import mls

from tests.client_sdk.mls import ways_out, ways_out_of_joining
from tests.client_sdk.mls.ledger import Ledger
from tests.client_sdk.mls.support import NOW, SUITE, Room, capabilities, epoch_of, room


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    book = Ledger()
    book.keep(monkeypatch)
    return book


WAYS = [*ways_out.WAYS, *ways_out_of_joining.WAYS]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_nothing_is_left_on_any_way_out(way: Callable[[Room], object], ledger: Ledger) -> None:
    these = room("bob", "carol")
    people = list(these.people.values())
    signers = [epoch_of(group).signer for group in these.groups.values()]
    alive = way(these)
    left = ledger.left(alive, people, signers, *these.groups.values())
    assert not left, "\n".join(sorted(set(left)))


def test_an_epoch_does_not_keep_what_its_ratchets_come_from() -> None:
    these = room("bob")
    for group in these.groups.values():
        assert epoch_of(group).secrets.encryption_secret.wiped


def test_the_ledger_finds_what_is_left(ledger: Ledger) -> None:
    these = room("bob")
    secret = mls.Secret(b"x" * 32)
    group = these["bob"]
    assert len(ledger.left(these)) >= 1
    assert ledger.left(these, secret, epoch_of(group)) != ledger.left(secret)
    assert ledger.left(these, secret) == []


def test_no_cache_of_a_suite_outlives_a_commit() -> None:
    these = room("bob")
    these.settle("alice", these["alice"].commit(force_path=True, now=NOW))
    for thing in (SUITE, SUITE.hpke, SUITE.kdf, SUITE.hpke.kem, mls.Capabilities):
        for name in (each for each in dir(thing) if not each.startswith("__")):
            assert not hasattr(getattr(thing, name), "cache_info"), name
    assert capabilities().encode()

"""What each act of a client counts for its part of the network, and for how long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from alcove_protocol import limits
from alcove_protocol.errors import Refusal
from alcove_protocol.frames import BlobClass

from alcove_server.store.budget import (
    ITEM_OVERHEAD,
    MEMBERS_PART,
    ROOM_OVERHEAD,
    Holding,
    Lease,
    Payer,
    Pays,
)
from alcove_server.store.interface import Publication, RosterStep, SeatedRoom, blob_size, lifetime
from alcove_server.store.leases import CHAIN_SECONDS, ROOM_SECONDS

Given = Sequence[tuple[int, float]]
"""Bytes, and for how many seconds they count."""


def part_of(blob_class: BlobClass) -> float:
    """The part of a share that may be in use once a blob of this class is taken."""
    return MEMBERS_PART if blob_class is BlobClass.APPLICATION else 1.0


def holding_of(payer: Pays) -> Holding | None:
    return payer.holding if payer is not None else None


def opened(entry: int) -> Given:
    """A room with an entry 0 of so many bytes."""
    return [(ROOM_OVERHEAD, ROOM_SECONDS), (entry, CHAIN_SECONDS)]


def brought(seated: SeatedRoom, commits: int) -> Given:
    """A room that was brought back, with commits that take so many bytes."""
    chain = sum([len(entry.body) for entry in seated.chain])
    doors = [(len(door.card) + ITEM_OVERHEAD, door.expires_at) for door in seated.doors]
    return [*opened(chain), (commits, float(limits.REJOIN_WINDOW)), *doors]


def published(publication: Publication, payer: Payer) -> Given:
    """A blob, with the record of its id, and with what its step brings."""
    step = publication.step
    entry = step.entry if step is not None else None
    life = float(lifetime(publication.blob_class, publication.ttl))
    given = [(blob_size(publication.blob, entry), life)]
    record = payer.record_size
    if record:
        given.append((record, life + limits.PUBLISH_RECORD))
    return given if step is None else [*given, *_stepped(step)]


def _stepped(step: RosterStep) -> Given:
    welcomes = sum([len(welcome) + ITEM_OVERHEAD for welcome in step.welcomes.values()])
    return [(welcomes, float(limits.REJOIN_WINDOW)), (len(step.entry.body), CHAIN_SECONDS)]


def give_back(lease: Lease | None, failure: BaseException) -> None:
    """What failed takes no space. Only of what was `unavailable` nobody knows."""
    unknown = isinstance(failure, Refusal) and failure.code == "unavailable"
    if lease is not None and not unknown:
        lease.give_back()


@contextmanager
def lent(lease: Lease | None) -> Iterator[None]:
    """Give back what a call was lent that failed."""
    try:
        yield
    except Exception as failure:
        give_back(lease, failure)
        raise

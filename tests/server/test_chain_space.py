"""A room's chain cannot be filled so that a facilitator can no longer be removed by another."""

from __future__ import annotations

import os

from alcove_protocol import limits
from alcove_protocol.frames import Done, EndRoom, Publish, RequestRefused
from alcove_protocol.roster import Change, Op, Role, Seat
from alcove_protocol.statements import Signed
from alcove_server.rooms.chain_space import OWN, REMOVALS, ChainSpace
from hypothesis import given
from hypothesis import strategies as st

from tests.server.scene import Person, Scene

ANN, BEN, TIM = (bytes([number]) * 32 for number in range(3))
BOTH = frozenset({ANN, BEN})


def filled(space: ChainSpace, signer: bytes, size: int, listed: frozenset[bytes]) -> ChainSpace:
    """Entries of one signer until none fits."""
    while space.fits(signer, listed, size, False):
        space = space.after(signer, listed, listed, size)
    return space


def test_each_facilitator_has_a_part_that_no_other_can_use() -> None:
    space = filled(ChainSpace.begin(300), ANN, 600, BOTH)
    used = 0
    while space.fits(BEN, BOTH, 600, False):
        space, used = space.after(BEN, BOTH, BOTH, 600), used + 604
    assert OWN - 604 < used < OWN + 604  # and what was left of the shared part


def test_when_all_is_full_each_can_still_remove_members() -> None:
    space = ChainSpace.begin(300)
    for signer in (ANN, BEN):
        space = filled(space, signer, 600, BOTH)
    for signer in (ANN, BEN):
        removals = 0
        while space.fits(signer, BOTH, 450, True):
            space, removals = space.after(signer, BOTH, BOTH, 450), removals + 1
        assert removals == REMOVALS // 454
    assert space.total <= limits.ROSTER_CHAIN


@given(
    st.lists(
        st.tuples(st.sampled_from([ANN, BEN, TIM]), st.integers(300, limits.ENTRY), st.booleans()),
        max_size=80,
    )
)
def test_no_order_of_entries_takes_a_removal_from_another(
    entries: list[tuple[bytes, int, bool]],
) -> None:
    listed = frozenset({ANN, BEN, TIM})
    space = ChainSpace.begin(300)
    for signer, size, removes in entries:
        if space.fits(signer, listed, size, removes):
            space = space.after(signer, listed, listed, size)
        assert space.total <= limits.ROSTER_CHAIN
        for one in listed:
            assert space.beyond.get(one, 0) or space.fits(one, listed, 450, True)


class Full(Scene):
    """A room with two facilitators, of whom one fills the chain."""

    def __init__(self) -> None:
        super().__init__()
        self.open(limits.MEMBERS_MAX)
        self.bob = self.member(self.put_door())
        self.land(self.commit(Change(Op.CHANGE, self.bob.public, self.as_facilitator())))
        seats = [Change(Op.ADD, key, seat) for key, seat in self.room.roster.seats.items()]
        seats += [Change(Op.ADD, os.urandom(32), Seat(bytes(8))) for _ in range(998)]
        self.land(self.commit(Change(Op.RESET, bytes(32)), *seats))

    def as_facilitator(self, paused: bool = False) -> Seat:
        return Seat(role=Role.FACILITATOR, paused=paused)

    def fill(self) -> str:
        """Large entries, then small ones. Return the code with which there is an end."""
        code = ""
        listing = list(self.room.roster.seats.items())
        while not code:
            seats = [Change(Op.ADD, key, seat) for key, seat in listing]
            code = self.tried(self.commit(Change(Op.RESET, bytes(32)), *seats))
        paused, last = False, ""
        while not last:
            paused = not paused
            change = Change(Op.CHANGE, self.bob.public, self.as_facilitator(paused))
            last = self.tried(self.commit(change))
        return last

    def tried(self, frame: Publish, by: Person | None = None) -> str:
        person = by if by is not None else self.host
        person.send(frame)
        refused = [one for one in person.fetch() if isinstance(one, RequestRefused)]
        if refused:
            return refused[0].code
        assert frame.entry is not None
        assert frame.signature is not None
        self.room.take(Signed(frame.entry, frame.signature))
        self.base = self.host.position if by is None else by.position
        return ""


def test_the_culprit_is_removed_though_the_chain_is_full() -> None:
    scene = Full()
    assert scene.fill() == "history_full"
    removal = scene.commit(Change(Op.REMOVE, scene.host.public), signer=scene.bob.key)
    again = Publish(
        scene.bob.next_n(),
        removal.id,
        removal.base,
        removal.blob_class,
        removal.ttl,
        removal.blob,
        removal.entry,
        removal.signature,
    )
    assert scene.tried(again, by=scene.bob) == ""
    assert scene.host.closed is not None
    signed = scene.room.end(scene.bob.key)
    scene.bob.ask(EndRoom(scene.bob.next_n(), signed.body, signed.signature), Done)

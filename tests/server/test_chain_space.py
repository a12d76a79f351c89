"""A room's chain cannot be filled so that a facilitator can no longer be removed by another."""

from __future__ import annotations

import os
from dataclasses import replace
from types import MappingProxyType

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import Done, EndRoom, Publish, RequestRefused
from alcove_protocol.roster import Change, Op, Role, RosterEntry, Seat
from alcove_protocol.statements import Signed
from alcove_server.rooms.chain_space import OWN, ChainSpace
from alcove_server.rooms.roster_history import begin, fits
from hypothesis import given
from hypothesis import strategies as st

from tests.server.keys import Door, Facilitated, public
from tests.server.scene import Person, Scene

ANN, BEN, TIM = (bytes([number]) * 32 for number in range(3))
BOTH = frozenset({ANN, BEN})
MEMBERS = 50


def filled(space: ChainSpace, signer: bytes, size: int, listed: frozenset[bytes]) -> ChainSpace:
    """Entries of one signer until none fits."""
    while space.fits(signer, listed, size, False):
        space = space.after(signer, listed, listed, size)
    return space


def test_each_facilitator_has_a_part_that_no_other_can_use() -> None:
    space = filled(ChainSpace.begin(300, MEMBERS), ANN, 600, BOTH)
    used = 0
    while space.fits(BEN, BOTH, 600, False):
        space, used = space.after(BEN, BOTH, BOTH, 600), used + 604
    assert OWN - 604 < used < OWN + 604  # and what was left of the shared part


def test_when_all_is_full_each_can_still_remove_members() -> None:
    space = ChainSpace.begin(300, MEMBERS)
    for signer in (ANN, BEN):
        space = filled(space, signer, 600, BOTH)
    for signer in (ANN, BEN):
        removals = 0
        while space.fits(signer, BOTH, 450, True):
            space, removals = space.after(signer, BOTH, BOTH, 450), removals + 1
        assert removals == space.removals // 454
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
    space = ChainSpace.begin(300, MEMBERS)
    for signer, size, removes in entries:
        if space.fits(signer, listed, size, removes):
            space = space.after(signer, listed, listed, size)
        assert space.total <= limits.ROSTER_CHAIN
        for one in listed:
            assert space.beyond.get(one, 0) or space.fits(one, listed, 450, True)


def test_removals_of_many_facilitators_one_after_the_other_end_with_the_chain() -> None:
    """One that comes anew has a part of its own again, but no chain grows beyond its frame."""
    space, signer = filled(ChainSpace.begin(300, MEMBERS), ANN, 600, frozenset({ANN})), ANN
    for number in range(3 * limits.FACILITATORS):
        later = bytes([10 + number]) * 32
        while space.fits(signer, frozenset({signer}), 450, True):
            before, after = frozenset({signer}), frozenset({signer, later})
            space = space.after(signer, before, after, 450)
        space = space.after(signer, frozenset({signer, later}), frozenset({later}), 0)
        signer = later
    assert limits.ROSTER_CHAIN - 1000 < space.total <= limits.ROSTER_CHAIN + 100


def test_beyond_what_is_shared_only_removals_have_a_place() -> None:
    space = filled(ChainSpace.begin(300, MEMBERS), ANN, 600, BOTH)
    assert not space.fits(ANN, BOTH, 600, False)
    assert space.fits(ANN, BOTH, 600, True)
    end = limits.ROSTER_CHAIN - limits.FACILITATORS * space.removals - OWN
    assert end - 604 <= space.total <= end


def test_what_one_used_beyond_its_part_gives_others_no_more() -> None:
    listed = frozenset({ANN, BEN, TIM})
    space = filled(ChainSpace.begin(300, MEMBERS), ANN, 600, listed)
    used = 0
    while space.fits(BEN, listed, 600, False):
        space, used = space.after(BEN, listed, listed, 600), used + 604
    assert used < OWN + 604


def test_an_entry_without_changes_is_no_removal() -> None:
    room = Facilitated()
    first = begin(room.chain[0], room.id)
    signer, listed = public(room.relay_key), first.roster.facilitators()
    history = replace(first, space=filled(ChainSpace.begin(300, MEMBERS), signer, 600, listed))
    entry = room.entry((), base=bytes(16), commit=b"")
    assert not fits(history, RosterEntry.decode(entry.body, limit=limits.ENTRY), 600)


@pytest.mark.parametrize("admits", [False, True])
def test_what_takes_nobody_away_is_no_removal(admits: bool) -> None:
    """A pause, and an admission beside a removal."""
    room = Facilitated()
    first = begin(room.chain[0], room.id)
    signer, listed = public(room.relay_key), first.roster.facilitators()
    seats = MappingProxyType({**first.roster.seats, BEN: Seat(), TIM: Seat()})
    full = replace(first, space=filled(ChainSpace.begin(300, MEMBERS), signer, 600, listed))
    history = replace(full, roster=replace(first.roster, seats=seats))
    pause = Change(Op.CHANGE, BEN, Seat(paused=True))
    changes = (Change(Op.REMOVE, TIM), Change(Op.ADD, bytes([9]) * 32, Seat(bytes(8))))
    body = replace(
        RosterEntry.decode(room.entry((), base=bytes(16), commit=b"").body, limit=limits.ENTRY),
        changes=b"".join(change.encode() for change in (changes if admits else (pause,))),
    )
    assert not fits(history, body, 600)
    assert fits(history, replace(body, changes=Change(Op.REMOVE, TIM).encode()), 600)


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

    def by_bob(self, *changes: Change) -> str:
        frame = self.commit(*changes, signer=self.bob.key)
        return self.tried(replace(frame, n=self.bob.next_n()), by=self.bob)

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
    assert scene.by_bob(Change(Op.REMOVE, scene.host.public)) == ""
    assert scene.host.closed is not None
    signed = scene.room.end(scene.bob.key)
    scene.bob.ask(EndRoom(scene.bob.next_n(), signed.body, signed.signature), Done)


def test_the_culprit_is_demoted_though_the_chain_is_full_and_its_list_is_another() -> None:
    """Bob has used all that is kept for him, and what the chain lists is not the group. An honest
    client demotes, and never removes a facilitator, and restates the whole list of 1,000."""
    scene = Full()
    rules = scene.relay.relay.rooms.loaded[scene.room.id]
    used = MappingProxyType({**rules.history.space.used, scene.bob.public: OWN})
    rules.history = replace(rules.history, space=replace(rules.history.space, used=used))
    assert scene.fill() == "history_full"
    listing = [Change(Op.ADD, key, seat) for key, seat in scene.room.roster.seats.items()]
    demotion = Change(Op.CHANGE, scene.host.public, Seat())
    assert scene.by_bob(Change(Op.RESET, bytes(32)), *listing) == "history_full"
    assert scene.by_bob(Change(Op.RESET, bytes(32)), *listing, demotion) == ""
    assert scene.room.roster.facilitators() == {scene.bob.public}


def test_an_entry_that_has_no_place_in_the_chain_is_refused(scene: Scene, door: Door) -> None:
    newcomer = scene.newcomer(door)
    newcomer.knock()
    room = scene.relay.relay.rooms.loaded[scene.room.id]
    listed = room.history.roster.facilitators()
    full = filled(ChainSpace.begin(300, MEMBERS), scene.host.public, 600, listed)
    room.history = replace(room.history, space=full)
    assert scene.host.refused(scene.admission(newcomer)) == "history_full"

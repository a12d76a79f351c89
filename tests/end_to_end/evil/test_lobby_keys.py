"""A new lobby key: in the chain, compared with the group, and found by members after an absence."""

from dataclasses import replace
from functools import partial

import pytest
from alcove import mls
from alcove.facilitation.lobby_keys import (
    COMING_MOST,
    KEYS_MOST,
    KNOCKS_KEPT,
    REJOINS_KEPT,
    LobbyKeys,
)
from alcove.group.keys import ROOM_SUITE
from alcove_protocol.frames import BlobIs, LobbyItem, LobbyRequest, Settle
from alcove_protocol.labels import Label
from alcove_protocol.roster import Change, Op, RosterEntry, Seat
from alcove_protocol.sealed import RequestKind

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    change,
    committer_of,
    context,
    demote,
    group_of,
    relay_key,
    roster_of,
    state_of,
)
from tests.end_to_end.evil.rogue_requests import rejoin_of, tell
from tests.end_to_end.evil.rooms import (
    a_commit,
    authenticators,
    commit_by,
    forget,
    goes_on,
    problems,
    three,
    two_facilitators,
)
from tests.end_to_end.evil.test_standby_on_the_list import burn_with_entry
from tests.end_to_end.world import Client

HPKE = mls.ciphersuite(ROOM_SUITE)


def new_key(world: EvilWorld, *facilitators: Client) -> bytes:
    """The first facilitator commits a fresh lobby key, which all of these have."""
    keys = HPKE.hpke_keypair(world.random)
    for client in facilitators:
        copy = mls.HpkeKeyPair(keys.private.copy(), keys.public)
        committer_of(client).lobby_keys.add(copy)
    by = facilitators[0]
    change(world, by, lambda m: (context(replace(m.state, lobby_key=keys.public)),))
    return keys.public


def test_the_entry_names_a_new_lobby_key_and_every_member_knows_it() -> None:
    world, ann, bob, cleo = two_facilitators()
    forget(ann, bob, cleo)
    first = state_of(ann).lobby_key
    counter = roster_of(ann).counter
    key = new_key(world, ann, bob)
    entry = RosterEntry.decode(committer_of(ann)._membership.chain[-1].body)
    assert (entry.counter, entry.lobby) == (counter + 1, key)
    for client in (ann, bob, cleo):
        assert roster_of(client).lobby == state_of(client).lobby_key == key != first
        assert problems(client) == []
    goes_on(world, ann, bob, cleo)
    assert RosterEntry.decode(committer_of(ann)._membership.chain[-1].body).lobby in (None, key)
    dora = world.join(ann, "Dora")  # by a card with the first key, which is still taken
    assert roster_of(dora).lobby == key
    assert problems(dora) == []


def entry_with_lobby(world: EvilWorld, client: Client, by: Client, lobby: bytes | None) -> None:
    """The next commit's entry tells `client` this lobby key, rightly signed."""

    def changed(blob: BlobIs) -> BlobIs:
        assert blob.entry is not None
        body = replace(RosterEntry.decode(blob.entry), lobby=lobby)
        signed = by.engine.identity.relay.sign(Label.ROSTER, body)
        return replace(blob, entry=signed.body, signature=signed.signature)

    world.alter(client, BlobIs, changed, a_commit, most=1)


@pytest.mark.parametrize("named", ["none", "another"])
def test_an_entry_that_hides_a_new_lobby_key_is_an_alarm(named: str) -> None:
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    entry_with_lobby(world, cleo, ann, None if named == "none" else bytes([9]) * 32)
    new_key(world, ann)
    assert problems(cleo) == ["roster_mismatch"]
    assert problems(bob) == []
    assert len(authenticators(ann, bob, cleo)) == 1


def test_an_entry_with_a_lobby_key_that_the_group_has_not_is_an_alarm() -> None:
    world, ann, bob, cleo = three()
    forget(ann, bob, cleo)
    entry_with_lobby(world, cleo, ann, bytes([9]) * 32)
    key = relay_key(bob)
    change(world, ann, lambda m: (), Change(Op.CHANGE, key, Seat(paused=True)))
    assert problems(cleo) == ["roster_mismatch"]


def test_after_a_burned_entry_with_a_false_lobby_key_the_next_names_the_groups() -> None:
    world, ann, bob, cleo = two_facilitators()
    burn_with_entry(world, bob, lobby=bytes([9]) * 32)
    assert roster_of(cleo).lobby == bytes([9]) * 32
    assert cleo.engine.require_member().membership.lobby_key == state_of(cleo).lobby_key
    forget(ann, cleo)
    goes_on(world, ann, cleo)
    assert roster_of(cleo).lobby == state_of(cleo).lobby_key
    assert problems(cleo) == []


# --- held and away ----------------------------------------------------------------------------


def miss_a_new_key(world: EvilWorld, ann: Client, cleo: Client) -> bytes:
    missed = world.drop(cleo, BlobIs, a_commit, most=1)
    commit_by(world, ann)
    assert missed.hits
    return state_of(ann).lobby_key


def test_a_held_member_finds_the_new_lobby_key_in_the_chain() -> None:
    """The first facilitator's old key is gone, so only the new one opens."""
    world, ann, bob, cleo = three()
    first = miss_a_new_key(world, ann, cleo)
    kept = world.keep_back(ann, LobbyItem)
    key = new_key(world, ann)
    membership = cleo.engine.require_member().membership
    assert (membership.state.lobby_key, membership.lobby_key) == (first, key)
    committer_of(ann).lobby_keys._forget(first)
    world.release(kept)
    world.settle()
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def without_entries(blob: BlobIs) -> BlobIs:
    return replace(blob, entry=None, signature=None)


@pytest.mark.parametrize("hours", [1, 23])
def test_a_member_with_the_old_key_only_is_let_in_for_a_day(hours: int) -> None:
    world, ann, bob, cleo = three()
    miss_a_new_key(world, ann, cleo)
    first = state_of(ann).lobby_key
    cleo.cut()
    new_key(world, ann)
    new_key(world, ann)
    world.advance(hours * 3600, step=25, stay_away=(cleo,))
    world.alter(cleo, BlobIs, without_entries, a_commit)
    cleo.back()
    world.settle()
    assert cleo.engine.require_member().membership.lobby_key in (first, state_of(ann).lobby_key)
    world.advance(65)
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def asked_with_the_first_key(world: EvilWorld, ann: Client, cleo: Client, kind: str) -> None:
    """A request of Cleo's that is sealed to the key before the present one."""
    body = replace(rejoin_of(world, cleo), kind=kind)
    if kind == RequestKind.UPDATE:
        body = replace(body, content=group_of(cleo).propose_update(), reply_key=None)
    tell(world, ann, cleo, body, cleo, None)


def test_an_old_key_opens_rejoins_and_nothing_else_of_a_member() -> None:
    world, ann, _bob, cleo = three()
    first = state_of(cleo).lobby_key
    new_key(world, ann)
    membership = ann.engine.require_member().membership
    true_state = membership.state
    for kind, served in ((RequestKind.UPDATE, False), (RequestKind.REJOIN, True)):
        before = group_of(ann).epoch
        membership.state = replace(true_state, lobby_key=first)  # `tell` seals to it
        asked_with_the_first_key(world, ann, cleo, kind)
        assert (group_of(ann).epoch > before) is served
        assert committer_of(ann).committer.updates == []
        # Then Cleo's own client, which did not ask, has the leaf replaced that it was given. It
        # asks for each leaf that it may have.
        assert len(world.seen(Settle, ann)) == (4 if served else 1)


# --- the keys that a facilitator holds ----------------------------------------------------------


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def pair(number: int) -> mls.HpkeKeyPair:
    return HPKE.derive_key_pair(mls.Secret(bytes([number]) * 32))


def test_an_old_key_is_good_for_knocks_then_for_rejoins_and_is_then_wiped() -> None:
    clock = Clock()
    first, second = pair(1), pair(2)
    keys = LobbyKeys(first, clock)
    keys.add(second)
    assert list(keys.for_rejoins()) == list(keys.for_knocks()) == [first]  # no state names it yet
    clock.now = 100.0
    keys.moved(second.public)
    clock.now += KNOCKS_KEPT
    assert list(keys.for_knocks()) == list(keys.for_rejoins()) == [second, first]
    clock.now += 1
    assert list(keys.for_knocks()) == [second]
    clock.now = 100.0 + REJOINS_KEPT
    keys.tick()
    assert list(keys.for_rejoins()) == [second, first]
    clock.now += 1
    assert list(keys.for_rejoins()) == [second]  # also before the next tick
    keys.tick()
    assert first.private.wiped
    assert not second.private.wiped
    keys.moved(second.public)
    clock.now += REJOINS_KEPT + 1
    keys.tick()
    assert list(keys.for_knocks()) == [second]  # the present one does not age


def test_a_key_that_the_state_names_again_ages_no_more() -> None:
    clock = Clock()
    first, second = pair(1), pair(2)
    keys = LobbyKeys(first, clock)
    keys.add(second)
    keys.moved(second.public)
    keys.moved(first.public)
    clock.now = REJOINS_KEPT + 1
    keys.tick()
    assert list(keys.for_knocks()) == [first]
    assert second.private.wiped


def test_a_facilitator_without_the_present_key_opens_with_the_earlier_ones_only() -> None:
    keys = LobbyKeys(first := pair(1), Clock())
    keys.moved(pair(2).public)
    assert list(keys.for_knocks()) == [first]
    assert not keys.is_present(first)


def test_the_keys_that_are_held_are_few_and_the_present_one_stays() -> None:
    keys = LobbyKeys(first := pair(0), Clock())
    more = [pair(number) for number in range(1, KEYS_MOST + 5)]
    for each in more:
        keys.add(each)
    assert not first.private.wiped
    assert [each.private.wiped for each in more] == [True] * 5 + [False] * (KEYS_MOST - 1)
    again = pair(0)
    keys.add(again)
    assert again.private.wiped
    assert list(keys.for_knocks()) == [first]
    keys.wipe()
    assert first.private.wiped
    assert more[-1].private.wiped


def test_keys_that_another_facilitator_sends_push_out_only_keys_of_theirs() -> None:
    keys = LobbyKeys(first := pair(0), Clock())
    own, by_cleo = pair(1), pair(2)
    keys.add(own)
    keys.add(by_cleo, by=b"Cleo")
    by_bob = [pair(number) for number in range(3, 3 + 2 * KEYS_MOST)]
    for each in by_bob:
        keys.add(each, by=b"Bob")
    for kept in (first, own, by_cleo, *by_bob[-COMING_MOST:]):
        assert keys.get(kept.public) is kept
    assert all(each.private.wiped for each in by_bob[:-COMING_MOST])
    keys.moved(by_bob[-1].public)  # a state names it: it is theirs alone no more
    for number in range(100, 100 + COMING_MOST):
        keys.add(pair(number), by=b"Bob")
    assert not by_bob[-1].private.wiped


def test_a_demotion_goes_on_while_its_facilitator_sends_vaults_full_of_keys() -> None:
    """Ann has chosen the next lobby key, and Bob sends her others before her commit."""
    world, ann, bob, _cleo = two_facilitators()
    world.advance(15)
    key = committer_of(ann).vaults.coming_key()
    person = bob.engine.require_member().membership.find_key(ann.engine.identity.signature.public)
    assert person is not None
    vaults = committer_of(bob).vaults
    for _ in range(2 * KEYS_MOST):
        keys = HPKE.hpke_keypair(world.random)
        committer_of(bob).lobby_keys.add(keys)
        sealed = vaults._seal(person, (keys.public, frozenset(), ann.engine.identity.desk.public))
        ask = partial(LobbyRequest, id=world.random(16), blob=sealed, to=person.relay_key)
        bob.engine.link.request(ask, lambda answer: None)
        world.settle()
    demote(world, ann, bob)
    assert state_of(ann).lobby_key == key
    assert committer_of(ann).vaults.complete
    world.join(ann, "Dora")

"""Rooms whose keys also withstand a quantum computer: the same life, and clients without them."""

import alcove
import pytest
from alcove import events, mls
from alcove.errors import InvalidInput, NotNow
from alcove.events import CloseReason, ConnectionState
from alcove.group import keys
from alcove_protocol import limits

from tests.end_to_end.world import Client, World

SUITE = mls.ciphersuite(mls.POST_QUANTUM)


def post_quantum_room() -> tuple[World, Client]:
    world = World()
    ann = world.client("Ann")
    ann.engine.identity = ann.engine.identity.in_suite(SUITE)
    return world, world.open_with(ann)


def suite_of(client: Client) -> int:
    return client.engine.require_member().membership.group.suite.number


def test_open_join_talk_and_remove() -> None:
    world, ann = post_quantum_room()
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    assert {suite_of(client) for client in (ann, bob, cleo)} == {mls.POST_QUANTUM}
    bob.say("for thirty years")
    world.settle()
    assert ann.texts() == cleo.texts() == ["for thirty years"]
    assert ann.remove("Bob") == []
    world.settle()
    assert ann.members() == cleo.members() == {"Ann", "Cleo"}
    cleo.say("after")
    world.settle()
    assert ann.texts()[-1] == "after"
    assert not [event for client in (ann, cleo) for event in client.of(events.Problem)]


def test_members_come_back_and_keys_are_renewed() -> None:
    world, ann = post_quantum_room()
    bob = world.join(ann, "Bob")
    bob.cut()
    ann.say("while away")
    world.settle()
    bob.back()
    world.advance(10)
    assert bob.texts() == ["while away"]
    states = [event.state for event in bob.of(events.ConnectionChanged)]
    assert states[-1] is ConnectionState.RESUMED
    before = bob.engine.require_member().membership.group.epoch
    world.advance(3600)
    assert bob.engine.require_member().membership.group.epoch > before
    assert suite_of(bob) == mls.POST_QUANTUM


def opened(members: int = 50) -> None:
    """A program's call to open such a room. Nothing is sent yet."""
    relay = "https://relay.example"
    alcove.open_room(
        relay, title="t", agreement="a", name="Ann", members=members, post_quantum=True
    )


def test_a_client_without_the_suite_is_told_which_extra_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, ann = post_quantum_room()
    available = mls.ciphersuite

    def without_ml_kem(number: int) -> mls.CipherSuite:
        if number == mls.POST_QUANTUM:
            raise mls.SuiteUnavailable
        return available(number)

    monkeypatch.setattr(mls, "ciphersuite", without_ml_kem)
    bob = world.knock(ann.invite(), "Bob")
    closed = bob.engine.closed
    assert closed is not None
    assert (closed.reason, closed.code) == (CloseReason.ERROR, "suite_unavailable")
    assert "alcove[suites]" in closed.text
    assert not ann.of(events.Knocked)
    with pytest.raises(NotNow) as caught:
        opened()
    assert caught.value.code == "suite_unavailable"


@pytest.mark.parametrize("number", [0x0001, 0x0002, 0x004E, 0xFFFF])
def test_a_suite_that_no_room_has_is_refused(number: int) -> None:
    with pytest.raises(NotNow) as caught:
        keys.room_suite(number)
    assert caught.value.code == "suite_unavailable"


def test_its_rooms_are_smaller_so_that_a_welcome_fits() -> None:
    most = limits.MEMBERS_POST_QUANTUM
    opened(members=most)
    with pytest.raises(InvalidInput):
        opened(members=most + 1)
    _, ann = post_quantum_room()
    leaf = ann.engine.require_member().membership.group.members()[0].leaf
    public = SUITE.hpke.kem.public_size
    path = SUITE.hpke.kem.output_size + SUITE.size + SUITE.aead.tag_size + 8
    # A Welcome has the whole tree and the roster. A commit has at most one ciphertext a member.
    assert most * (len(leaf.encode()) + 64 + public + 64) < limits.HANDSHAKE_BUCKET
    assert most * path + 20 * public < limits.HANDSHAKE_BUCKET

"""Insiders on an honest relay: what a participant or one of two facilitators sends in the wrong
place, or writes into the room's state, silences nobody, keeps nobody in and blames nobody else."""

from dataclasses import replace

import pytest
from alcove import events, mls
from alcove.errors import NotNow
from alcove.facilitation.doors import new_invite
from alcove.group.admission import make_key_package
from alcove.group.keys import ROOM_SUITE, Identity
from alcove.group.outcomes import Person
from alcove.messages.payload import Heartbeat, Text, Void
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, Publish
from alcove_protocol.records import Record
from alcove_protocol.roster import Change, Op, Role, Seat

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    change,
    committer_of,
    context,
    demote,
    encrypted_again,
    entry_by,
    group_of,
    publish,
    relay_key,
    rogue_beat,
    rogue_message,
    room_of,
    state_of,
)
from tests.end_to_end.evil.rooms import (
    commit_by,
    forget,
    goes_on,
    problems,
    three,
    two_facilitators,
)
from tests.end_to_end.facilitating import hold, let
from tests.end_to_end.world import ORIGIN, Client


def void(client: Client, counter: int) -> bytes:
    return rogue_message(client, Void(), kind="void", counter=counter)


def told(client: Client, code: str) -> list[events.Problem]:
    return [event for event in client.of(events.Problem) if event.code == code]


# --- repeating what another said ------------------------------------------------------------------


def test_a_heartbeat_repeated_as_a_message_costs_its_sender_no_key() -> None:
    """Cleo repeats Ann's heartbeat under Ann's next key, in the class that a participant may
    publish. Bob still reads what Ann says next."""
    world, ann, bob, cleo = three()
    beat = rogue_beat(ann)
    again = encrypted_again(cleo, beat)
    world.take(room_of(ann), beat, BlobClass.BEAT)
    forget(ann, bob)
    publish(world, cleo, again)
    ann.say("Bob, can you hear me?")
    world.settle()
    assert bob.texts() == ["Bob, can you hear me?"]
    assert problems(bob) == []


def test_a_heartbeat_as_a_message_is_no_sign_of_life() -> None:
    """Bob was away when it came. Cleo has its bytes published as a message."""
    world, ann, bob, _cleo = three()
    beat = rogue_beat(ann)
    bob.cut()
    world.take(room_of(ann), beat, BlobClass.BEAT, ttl=10)
    world.advance(12, stay_away=(bob,))
    bob.back()
    world.settle()
    forget(bob)
    heard = dict(bob.engine.require_member().presence.attendance._heard)
    world.take(room_of(ann), beat, BlobClass.APPLICATION)  # and the relay says that it is Ann's
    assert bob.engine.require_member().presence.attendance._heard == heard
    assert problems(bob) == []
    ann.say("Bob, can you hear me?")
    world.settle()
    assert bob.texts() == ["Bob, can you hear me?"]


def test_a_heartbeat_repeated_by_a_facilitator_costs_its_sender_no_key() -> None:
    """As above, by a member who may publish heartbeats."""
    world, ann, bob, cleo = two_facilitators()
    beat = rogue_beat(ann)
    again = encrypted_again(bob, beat)
    world.take(room_of(ann), beat, BlobClass.BEAT)
    forget(ann, cleo)
    world.take(room_of(ann), again, BlobClass.BEAT)
    ann.say("Cleo, can you hear me?")
    world.settle()
    assert cleo.texts() == ["Cleo, can you hear me?"]


# --- how long a message stays ---------------------------------------------------------------------


def test_a_message_stays_no_longer_than_the_room_says_whatever_its_author_writes() -> None:
    world, ann, _bob, cleo = three()
    publish(world, cleo, rogue_message(cleo, Text("for ever"), ttl=limits.TTL_MAX))
    (message,) = ann.of(events.Message)
    assert message.ttl == state_of(ann).ttl == 1800


@pytest.mark.usefixtures("commands_to_come")
def test_a_facilitator_who_changes_how_long_messages_stay_is_told_by_name() -> None:
    world, ann, bob, cleo = two_facilitators()
    forget(ann, cleo)
    change(world, bob, lambda m: (context(replace(m.state, ttl=limits.TTL_MAX)),))
    for client in (ann, cleo):
        (problem,) = told(client, "ttl_changed")
        assert problem.sender == "Bob"
        assert "86400 seconds" in problem.text
    commit_by(world, ann)
    assert len(told(cleo, "ttl_changed")) == 1


# --- the room's state -----------------------------------------------------------------------------


@pytest.mark.parametrize("meanwhile", [False, True])
def test_a_full_list_of_invites_keeps_no_member_in(meanwhile: bool) -> None:
    """Bob fills the list, and takes the invite off it by which Cleo came. Ann removes her."""
    world, ann, bob, cleo = two_facilitators()
    full = b"".join(bytes([9] * 7 + [number]) for number in range(limits.DOORS))
    result: list[Exception | None] = []
    if meanwhile:
        hold(ann, Publish)
        result = ann.remove("Cleo")
        world.settle()
    change(world, bob, lambda m: (context(replace(m.state, doors=full)),))
    if meanwhile:
        let(ann)
        ann.cut()
    else:
        result = ann.remove("Cleo")
    world.advance(5)
    assert result == [None]
    assert ann.members() == bob.members() == {"Ann", "Bob"}
    assert cleo.engine.closed is not None
    goes_on(world, ann, bob)


def test_a_full_list_of_invites_keeps_nobody_from_inviting() -> None:
    """Bob fills the list with doors of which all facilitators have the secrets, and is demoted."""
    world, ann, bob, cleo = two_facilitators()
    doors = committer_of(bob).doors
    invites = [new_invite(room_of(bob), ORIGIN, world.random) for _ in range(limits.DOORS)]
    for invite in invites:
        doors.learn(room_of(bob), invite.secret, [])
    full = b"".join(invite.door for invite in invites)
    change(world, bob, lambda m: (context(replace(m.state, doors=full)),))
    world.advance(2)
    demote(world, ann, bob)
    world.advance(120)
    assert state_of(ann).doors == full  # nothing of it is missing at Ann's
    made: list[tuple[str | None, Exception | None]] = []
    ann.engine.commands.invite(lambda link, error: made.append((link, error)))
    world.advance(2)
    ((link, error),) = made
    assert error is None
    assert state_of(ann).door_ids()[:-1] == tuple(invite.door for invite in invites[1:])
    assert [problem.code for problem in told(ann, "oldest_invite_closed")] == [
        "oldest_invite_closed"
    ]
    assert link is not None
    world.knock(link, "Dora")
    assert ann.of(events.Knocked)[-1].name == "Dora"
    goes_on(world, ann, bob, cleo)


def test_an_invite_is_still_replaced_when_the_list_has_a_place() -> None:
    world, ann, _bob, _cleo = two_facilitators()
    before = ann.invite()
    ann.remove("Cleo")
    world.advance(2)
    assert ann.invite() != before
    assert len(state_of(ann).door_ids()) == 1


# --- false words about others ---------------------------------------------------------------------


def beat_with_roster(client: Client, roster: bytes) -> bytes:
    group, log = group_of(client), client.engine.require_member().stream.log.current
    assert log is not None
    body: Record = Heartbeat(
        group.epoch, group.epoch_authenticator, roster, leaving=False, started=False
    )
    at, value = log
    return rogue_message(client, body, kind="heartbeat", counter=0, ttl=90, at=at, log=value)


def test_a_facilitator_who_names_another_list_in_a_heartbeat_is_told_by_name() -> None:
    """It is that facilitator's word against the relay's, so nobody is told that the relay lies."""
    world, ann, bob, cleo = two_facilitators()
    forget(ann, cleo)
    for _ in range(3):
        publish(world, bob, beat_with_roster(bob, bytes(32)), BlobClass.BEAT)
    for client in (ann, cleo):
        (problem,) = client.of(events.Problem)
        assert (problem.code, problem.sender) == ("roster_mismatch", "Bob")
        assert "or Bob is wrong" in problem.text
    goes_on(world, ann, bob, cleo)


def add_twin(world: EvilWorld, by: Client, name: str) -> None:
    """A facilitator with a changed client lets in a leaf with this name."""
    twin = Identity.generate(name, mls.ciphersuite(ROOM_SUITE), world.random)
    bundle = make_key_package(twin, state_of(by).agreement, world.wall(), world.random)
    change(world, by, lambda m: (mls.Add(bundle.key_package),))


@pytest.mark.parametrize("name", ["Cleo", "C1eo", "\N{CYRILLIC CAPITAL LETTER ES}leo"])
def test_a_newcomer_who_looks_like_a_member_is_told_to_all_with_who_let_them_in(name: str) -> None:
    world, ann, bob, cleo = two_facilitators()
    forget(ann, cleo)
    add_twin(world, bob, name)
    for client in (ann, cleo):
        (problem,) = told(client, "name_taken")
        assert problem.sender == "Bob"
    world.join(ann, "Dora")
    assert len(told(ann, "name_taken")) == 1


@pytest.mark.parametrize("name", ["Facilitator", "Ann\u202e", "[Dora]", "\u3164"])
def test_a_newcomer_whose_name_can_mislead_is_told_with_who_let_them_in(name: str) -> None:
    world, ann, bob, cleo = two_facilitators()
    forget(ann, cleo)
    add_twin(world, bob, name)
    for client in (ann, cleo):
        (problem,) = told(client, "name_deceptive")
        assert problem.sender == "Bob"
        assert name not in problem.text
    assert ann.remove(name) == []
    world.advance(2)
    assert ann.members() == {"Ann", "Bob", "Cleo"}


def test_a_name_is_found_in_another_spelling() -> None:
    world, ann, bob, cleo = two_facilitators()
    world.join(ann, "Zo\u00eb")
    assert ann.members() == {"Ann", "Bob", "Cleo", "Zo\u00eb"}
    removed = ann.remove(" Zoe\u0308 ")
    world.advance(2)
    assert removed == [None]
    goes_on(world, ann, bob, cleo)


def test_of_two_with_one_name_the_one_who_came_last_is_removed() -> None:
    world, ann, bob, cleo = two_facilitators()
    dora = world.join(ann, "Dora")
    add_twin(world, bob, "Cleo")
    people = ann.engine.require_member().membership.people()
    assert sorted(person.name for person in people) == ["Ann", "Bob", "Cleo", "Cleo", "Dora"]
    removed = ann.remove("Cleo")
    world.advance(2)
    assert removed == [None]
    assert cleo.engine.closed is None
    assert ann.members() == {"Ann", "Bob", "Cleo", "Dora"}
    goes_on(world, ann, bob, cleo, dora)


# --- a commit that the list does not show ---------------------------------------------------------


def test_a_member_whom_a_facilitator_hides_from_the_list_can_be_removed() -> None:
    """Bob's commit adds Mal to the group, and no entry adds him to the list."""
    world, ann, bob, cleo = two_facilitators()
    add_twin(world, bob, "Mal")
    removed = ann.remove("Mal")
    world.advance(2)
    assert removed == [None]
    assert ann.members() == cleo.members() == {"Ann", "Bob", "Cleo"}
    assert not ann.engine.require_member().membership.restate
    goes_on(world, ann, bob, cleo)


def test_whom_a_facilitator_removes_from_the_group_alone_is_on_no_list_afterwards() -> None:
    world, ann, bob, cleo = two_facilitators()
    leaf = group_of(cleo).own_index
    change(world, bob, lambda m: (mls.Remove(leaf),))
    commit_by(world, ann)
    key = relay_key(cleo)
    for client in (ann, bob):
        membership = client.engine.require_member().membership
        assert key not in membership.roster.seats
        assert membership._list_is_the_groups()
    goes_on(world, ann, bob)


def replace_lobby_key(world: EvilWorld, by: Client) -> bytes:
    key = mls.ciphersuite(ROOM_SUITE).hpke_keypair(world.random).public
    change(world, by, lambda m: (context(replace(m.state, lobby_key=key)),))
    return key


def test_a_facilitator_whose_lobby_key_another_replaced_is_told_once() -> None:
    world, ann, bob, _cleo = two_facilitators()
    forget(ann)
    replace_lobby_key(world, bob)
    commit_by(world, ann)
    key = replace_lobby_key(world, bob)
    assert ann.of(events.VaultChanged) == []
    world.advance(12)  # an honest one would have sent a vault
    commit_by(world, bob)
    assert ann.of(events.VaultChanged) == [events.VaultChanged("Ann", False)]
    assert state_of(ann).lobby_key == key


def test_a_change_of_roles_is_told_with_who_made_it() -> None:
    world, ann, bob, cleo = two_facilitators()
    forget(ann, bob, cleo)
    demote(world, bob, ann)
    for client in (ann, bob, cleo):
        assert client.of(events.RoleChanged) == [events.RoleChanged("Ann", False, "Bob")]


def test_a_helper_under_a_facilitators_name_keeps_nobody_from_demoting_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bob's client is changed, and lets another Bob in."""
    world, ann, bob, cleo = two_facilitators()
    for module in ("knock_check", "intents"):
        monkeypatch.setattr(f"alcove.facilitation.{module}.looks_like_any", lambda *_: False)
    twin = world.knock_with(world.client("Bob"), ann.invite())
    bob.admit(bob.of(events.Knocked)[-1])
    world.settle()
    assert [p.name for p in people(cleo)] == ["Ann", "Bob", "Cleo", "Bob"]
    demote(world, ann, bob)
    assert {p.name for p in people(cleo) if p.facilitator} == {"Ann"}
    result: list[object] = []
    ann.engine.commands.appoint("Cleo", result.append)
    ann.engine.commands.remove("Bob", result.append)
    world.advance(2)
    assert result == [None, None]
    assert twin.engine.closed is not None
    goes_on(world, ann, bob, cleo)


def people(client: Client) -> tuple[Person, ...]:
    return client.engine.require_member().membership.people()


def test_who_takes_all_others_off_the_relays_list_is_told_by_name() -> None:
    """Bob's commit is garbage, and its entry lists Bob alone. The relay closes all others."""
    world, ann, bob, cleo = two_facilitators()
    forget(ann, cleo)
    alone = Change(Op.ADD, relay_key(bob), Seat(role=Role.FACILITATOR))
    blob = b"no commit at all"
    entry = entry_by(bob.engine.identity.relay, bob, blob, Change(Op.RESET, bytes(32)), alone)
    base = bob.engine.require_member().membership.base.encode()
    bob.engine.link.request(
        lambda n: Publish(
            n, world.random(16), base, BlobClass.COMMIT, 600, blob, entry.body, entry.signature
        ),
        lambda answer: None,
    )
    world.advance(5)  # a client that is said to be off the list asks once more, as away
    for client in (ann, cleo):
        assert client.engine.closed is not None
        (problem,) = told(client, "roster_mismatch")
        assert problem.sender == "Bob"
        assert "Bob changed the relay's list" in problem.text


@pytest.mark.parametrize("act", ["appoint", "hand_over"])
def test_a_helper_under_a_members_name_is_not_made_facilitator_in_their_place(act: str) -> None:
    world, ann, bob, cleo = two_facilitators()
    add_twin(world, bob, "Cleo")
    before = state_of(ann).facilitators
    with pytest.raises(NotNow) as refused:
        getattr(ann.engine.commands, act)("Cleo", lambda error: None)
    assert refused.value.code == "two_of_one_name"
    world.advance(2)
    assert state_of(ann).facilitators == before
    ann.remove("Cleo")  # the one that came last
    world.advance(2)
    result: list[object] = []
    ann.engine.commands.appoint("Cleo", result.append)
    world.advance(2)
    assert result == [None]
    assert cleo.engine.identity.signature.public in state_of(ann).facilitator_keys()


def test_a_first_in_line_that_keeps_the_lobbys_key_back_closes_the_lobby_for_no_longer() -> None:
    """Ann has the lowest leaf, is heard, and commits a lobby key that Bob does not get."""
    world, ann, bob, cleo = two_facilitators()
    world.advance(15)
    committer_of(ann).vaults._give = lambda key: None  # type: ignore[method-assign]
    kept = replace_lobby_key(world, ann)
    world.advance(125)
    assert state_of(bob).lobby_key != kept
    assert committer_of(bob).vaults.complete
    goes_on(world, ann, bob, cleo)

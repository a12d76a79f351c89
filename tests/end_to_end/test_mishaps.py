"""Mishaps of ordinary use: lost connections, double clicks, refusals, hasty goodbyes."""

import pytest
from alcove import events
from alcove.errors import AlcoveError, NotNow, Refused, RoomClosed
from alcove.events import CloseReason, RoomState
from alcove.facilitation.doors import Door
from alcove.facilitation.facilitator import Facilitator
from alcove.group.admission import leaf_extensions
from alcove.group.framing import handshake_padding
from alcove_protocol import frames

from tests.end_to_end.world import Client, World, kind_of, room_of_three


def facilitator_of(client: Client) -> Facilitator:
    facilitator = client.engine.require_member().facilitator
    assert facilitator is not None
    return facilitator


def propose_update(client: Client) -> None:
    member = client.engine.require_member()
    extensions = leaf_extensions(client.engine.identity, member.membership.state.agreement)
    group = member.membership.group
    message = group.propose_update(leaf_extensions=extensions, padding=handshake_padding)
    member.requests.send("update", message)


def test_a_member_with_two_updates_can_be_removed_all_the_same() -> None:
    world, ann, bob, cleo = room_of_three()
    propose_update(bob)
    propose_update(bob)
    world.settle()
    result = ann.remove("Bob")
    world.settle()
    assert result == [None]
    assert ann.members() == cleo.members() == {"Ann", "Cleo"}


def test_a_member_who_leaves_right_after_an_update_is_let_go() -> None:
    world, ann, bob, cleo = room_of_three()
    propose_update(bob)
    world.settle()
    bob.engine.commands.leave(lambda: None)
    world.settle()
    assert ann.members() == cleo.members() == {"Ann", "Cleo"}


def test_admitting_twice_answers_twice() -> None:
    world = World()
    ann = world.open("Ann", uses=5)
    world.knock(ann.invite(), "Bob")
    knock = ann.of(events.Knocked)[0]
    first, second = ann.admit(knock), ann.admit(knock)
    world.settle()
    assert first == second == [None]
    door = facilitator_of(ann).doors.get(ann.engine.require_member().membership.state.door_ids()[0])
    assert isinstance(door, Door)
    assert door.uses_left == 4


def test_removing_twice_makes_one_new_invite() -> None:
    world, ann, _bob, _cleo = room_of_three()
    first, second = ann.remove("Bob"), ann.remove("Bob")
    world.settle()
    assert first == second == [None]
    assert len(ann.of(events.InviteChanged)) == 1
    world.advance(2)  # the others have their turn after two acts in a row
    assert world.join(ann, "Dora").members() == {"Ann", "Cleo", "Dora"}


def test_ending_without_a_connection_says_so_at_once_and_harms_nothing() -> None:
    world, ann, bob, _cleo = room_of_three()
    ann.cut()
    answers: list[AlcoveError | None] = []
    facilitator_of(ann).end(answers.append)
    assert [type(answer) for answer in answers] == [NotNow]
    world.advance(40)
    assert len([e for e in ann.of(events.ConnectionChanged) if e.state == "reconnecting"]) == 1
    ann.say("still here")
    world.settle()
    assert bob.texts() == ["still here"]


@pytest.mark.parametrize("code", ["rate_limited", "busy", "unavailable"])
def test_a_commit_that_the_relay_cannot_take_now_is_sent_again(code: str) -> None:
    world, ann, bob, _cleo = room_of_three()
    refused: list[int] = []

    def once(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        commit = isinstance(frame, frames.Publish) and frame.blob_class == frames.BlobClass.COMMIT
        if not commit or refused:
            return [data]
        refused.append(frame.n)
        return []

    ann.to_relay = once
    result = ann.remove("Bob")
    world.settle()
    ann.engine.received(frames.RequestRefused(refused[0], code, "Later.").to_bytes())
    world.advance(2)
    assert result == [None]
    assert bob.engine.closed is not None


def test_a_commit_that_the_relay_refuses_fails_and_the_next_one_goes() -> None:
    world, ann, _bob, cleo = room_of_three()
    refused: list[int] = []

    def once(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        if not isinstance(frame, frames.Publish) or refused:
            return [data]
        refused.append(frame.n)
        return []

    ann.to_relay = once
    result = ann.remove("Bob")
    world.settle()
    ann.engine.received(frames.RequestRefused(refused[0], "bad_roster", "No.").to_bytes())
    assert [type(answer) for answer in result] == [Refused]
    again = ann.remove("Bob")
    world.settle()
    assert again == [None]
    assert cleo.members() == {"Ann", "Cleo"}


def test_more_invites_than_a_room_may_have_are_each_answered() -> None:
    world = World()
    ann = world.open("Ann")
    answers: list[str | None] = []
    for _ in range(80):
        facilitator_of(ann).invite(lambda url, error: answers.append(url))
    world.advance(80)  # each is a commit, after which the others have their turn
    assert len(answers) == 80
    assert None in answers
    assert world.join(ann, "Bob").members() == {"Ann", "Bob"}


def test_a_message_still_queued_at_a_leave_is_called_failed() -> None:
    _, _ann, bob, _cleo = room_of_three()
    bob.cut()
    message = bob.say("never sent")
    bob.engine.commands.leave(lambda: None)
    bob.collect()
    assert [event.id for event in bob.of(events.Failed)] == [message]
    assert isinstance(bob.told[-1], events.Closed)


def test_a_number_beyond_all_bounds_from_the_relay_ends_the_connection_and_nothing_else() -> None:
    world, ann, bob, _cleo = room_of_three()

    def absurd(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        if not isinstance(frame, frames.Published):
            return [data]
        client.to_client = lambda client, data: [data]
        return [data.replace(frame.position[8:], b"\xff" * 8)]

    bob.to_client = absurd
    bob.say("hello")
    world.settle()
    world.advance(2)
    assert bob.engine.closed is None
    assert ann.texts() == ["hello"]
    ann.engine.close(CloseReason.LEFT)


def test_a_member_who_is_a_commit_ahead_of_a_forgetful_relay_is_told_no_split() -> None:
    """The relay took a removal and told all but its author. Then it lost its memory."""
    world = World()
    ann = world.open("Ann")
    bob, cleo, dora = (world.join(ann, name) for name in ("Bob", "Cleo", "Dora"))
    ann.to_client = lambda client, data: []
    ann.remove("Dora")
    world.settle()
    assert bob.of(events.Removed)
    world.kill_relay()
    world.start_relay()
    ann.to_client = lambda client, data: [data]
    world.advance(5, stay_away=(bob, cleo))
    ann.say("hello")
    world.advance(95)
    assert bob.texts() == cleo.texts() == ["hello"]
    states = [event.state for client in (ann, bob, cleo) for event in client.of(events.RoomChanged)]
    assert set(states) == {RoomState.OPEN}
    assert dora.engine.closed is not None


def test_a_member_who_is_a_commit_behind_a_forgetful_relay_follows_with_the_roster() -> None:
    """The facilitator brings the room back. Its last commit admitted a newcomer meanwhile."""
    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")
    bob.cut()
    cleo = world.join(ann, "Cleo")
    world.kill_relay()
    world.start_relay()
    world.advance(80)  # what Bob missed he follows when the log is settled
    assert bob.members() == cleo.members() == {"Ann", "Bob", "Cleo"}
    heads = {c.engine.require_member().membership.roster.head for c in (ann, bob, cleo)}
    assert len(heads) == 1
    told = [[event.code for event in client.of(events.Problem)] for client in (ann, bob, cleo)]
    assert told == [["room_forgotten", "room_settled"], ["room_forgotten"], ["room_forgotten"]]
    assert world.join(ann, "Dora").members() == bob.members()


@pytest.mark.parametrize(("behind", "told"), [(2, []), (9, ["held"])])
def test_a_member_who_is_commits_behind_a_forgetful_relay_comes_back_without_an_alarm(
    behind: int, told: list[str]
) -> None:
    """Seven commits before the last one are brought back too. Who lacks more is held until it is
    let in again."""
    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")
    bob.cut()
    names = [f"Guest {number}" for number in range(behind)]
    for name in names:
        world.join(ann, name)
    world.kill_relay()
    world.start_relay()
    world.advance(130)
    assert bob.members() == ann.members() == {"Ann", "Bob", *names}
    assert [event.code for event in bob.of(events.Problem)] == ["room_forgotten", *told]


def test_a_message_that_the_relay_may_have_taken_is_called_unconfirmed_at_the_end() -> None:
    world, ann, bob, cleo = room_of_three()
    bob.to_client = lambda client, data: [] if kind_of(data) == "published" else [data]
    taken = bob.say("they read this")
    waits = bob.say("and not this")
    world.settle()
    assert cleo.texts() == ["they read this"]
    ann.engine.commands.end(lambda error: None)
    world.settle()
    assert [(event.id, event.code) for event in bob.of(events.Failed)] == [
        (taken, "unconfirmed"),
        (waits, "closed"),
    ]
    assert bob.engine.closed is not None
    assert bob.engine.closed.code == ""  # of the room's end, and not of a message's


def said_and_to_be_encrypted_anew() -> tuple[World, Client, str]:
    """Bob's message was read, its answer is lost, and another item takes its counter."""
    world, ann, bob, cleo = room_of_three()
    bob.to_client = lambda client, data: [] if kind_of(data) == "published" else [data]
    taken = bob.say("they read this")
    world.settle()
    world.join(ann, "Dora")  # the epoch moves
    assert cleo.texts() == ["they read this"]
    bob.cut()
    bob.engine.require_member().conversation.probe()  # takes its counter
    return world, bob, taken


def test_what_the_relay_was_given_is_unconfirmed_though_it_is_to_be_encrypted_anew() -> None:
    world, bob, taken = said_and_to_be_encrypted_anew()
    waits = bob.say("and not this")
    bob.engine.close(CloseReason.LEFT)
    world.settle()
    assert [(event.id, event.code) for event in bob.of(events.Failed)] == [
        (taken, "unconfirmed"),
        (waits, "closed"),
    ]


def test_what_the_relay_was_given_is_not_taken_back_as_if_it_was_never_sent() -> None:
    _world, bob, taken = said_and_to_be_encrypted_anew()
    conversation = bob.engine.require_member().conversation
    assert not conversation.unsend(bytes.fromhex(taken))  # they read it
    assert conversation.take_back_later(bytes.fromhex(taken))
    assert conversation.unsend(bytes.fromhex(bob.say("and not this")))


@pytest.mark.parametrize("code", ["rate_limited", "busy", "unavailable"])
def test_a_new_invite_that_the_relay_cannot_take_now_is_put_again(code: str) -> None:
    world, ann, _bob, _cleo = room_of_three()
    old, refused = ann.invite(), [0]

    def once(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        if not isinstance(frame, frames.PutDoor) or refused[-1]:
            return [data]
        refused.append(frame.n)
        return []

    ann.to_relay = once
    ann.remove("Bob")
    world.settle()
    ann.engine.received(frames.RequestRefused(refused[-1], code, "Later.").to_bytes())
    world.advance(2)
    assert ann.invite() != old
    assert world.join(ann, "Dora").members() == {"Ann", "Cleo", "Dora"}
    assert not ann.of(events.Problem)


def test_an_invite_that_is_not_put_yet_is_answered_when_the_room_ends() -> None:
    world, ann, _bob, _cleo = room_of_three()
    answers: list[AlcoveError | None] = []
    ann.to_relay = lambda client, data: (
        [] if isinstance(frames.from_client(data), frames.PutDoor) else [data]
    )
    facilitator_of(ann).invite(lambda link, error: answers.append(error))
    world.settle()
    ann.cut()
    ann.engine.commands.leave(lambda: None)
    assert [type(answer) for answer in answers] == [RoomClosed]

"""A room from its opening to its end, on a fake clock."""

import pytest
from alcove import events
from alcove.events import CloseReason, RoomState
from alcove.messages.payload import Retract
from alcove_protocol import frames

from tests.end_to_end.world import AGREEMENT, Client, World, closed, room_of_three
from tests.randomness import seeded


def test_open_join_talk() -> None:
    world, ann, bob, cleo = room_of_three()
    assert ann.members() == bob.members() == cleo.members() == {"Ann", "Bob", "Cleo"}
    ann.say("hello")
    bob.say("hi")
    world.settle()
    assert bob.texts() == ["hello"]
    assert ann.texts() == ["hi"]
    assert cleo.texts() == ["hello", "hi"]
    assert cleo.of(events.Joined)[0].members == ("Ann", "Bob", "Cleo")
    assert not [event for client in (ann, bob, cleo) for event in client.of(events.Problem)]


def test_all_members_know_a_message_by_the_id_of_its_sent_event() -> None:
    world, ann, bob, _ = room_of_three()
    message = bob.say("hi")
    world.settle()
    assert [event.id for event in bob.of(events.Sent)] == [message]
    assert [event.id for event in ann.of(events.Message)] == [message]


def test_a_newcomer_sees_the_agreement_and_knocks_only_after_accepting() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.knock(ann.invite(), "Bob", accept=False)
    assert bob.of(events.AgreementShown)[0].text == AGREEMENT
    assert not ann.of(events.Knocked)
    assert bob.engine.newcomer is not None
    bob.engine.newcomer.accept()
    world.settle()
    assert ann.of(events.Knocked)[0].name == "Bob"
    assert ann.of(events.Knocked)[0].code == bob.of(events.Waiting)[0].code


def test_a_late_joiner_reads_nothing_from_before() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")
    bob.say("before")
    world.settle()
    cleo = world.join(ann, "Cleo")
    bob.say("after")
    world.settle()
    assert cleo.texts() == ["after"]
    assert not cleo.of(events.Gap)


def test_a_waiting_newcomer_receives_nothing_of_the_room() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")
    cleo = world.knock(ann.invite(), "Cleo")
    seen: list[bytes] = []

    def watch(client: Client, data: bytes) -> list[bytes]:
        seen.append(data)
        return [data]

    cleo.to_client = watch
    bob.say("not for Cleo")
    world.settle()
    assert seen == []
    assert cleo.engine.member is None


def test_a_refused_newcomer_is_told() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.knock(ann.invite(), "Bob")
    facilitator = ann.engine.require_member().facilitator
    assert facilitator is not None
    facilitator.lobby.refuse(bytes.fromhex(ann.of(events.Knocked)[0].id))
    world.settle()
    assert closed(bob).reason is CloseReason.REFUSED
    assert closed(bob).code == "refused"


def test_a_name_that_looks_taken_is_refused_with_its_reason() -> None:
    world = World()
    ann = world.open("Ann")
    world.join(ann, "Bob")
    again = world.knock(ann.invite(), "Вob")  # a Cyrillic letter
    assert closed(again).code == "name_taken"
    assert len(ann.of(events.Knocked)) == 1


def test_a_full_room_refuses_with_its_reason() -> None:
    world = World()
    ann = world.open("Ann", members=2)
    world.join(ann, "Bob")
    cleo = world.knock(ann.invite(), "Cleo")
    assert closed(cleo).reason is CloseReason.REFUSED
    assert closed(cleo).code == "room_full"


def test_a_used_up_invite_is_refused_with_its_reason() -> None:
    world = World()
    ann = world.open("Ann", uses=1)
    world.join(ann, "Bob")
    cleo = world.knock(ann.invite(), "Cleo")
    assert closed(cleo).code == "door_used"


def test_a_removed_member_reads_nothing_more_and_cannot_return() -> None:
    world, ann, bob, cleo = room_of_three()
    old_invite = ann.invite()
    result = bob_gone = ann.remove("Bob")
    world.settle()
    assert result == bob_gone == [None]
    assert closed(bob).reason is CloseReason.REMOVED
    ann.say("after")
    world.settle()
    assert cleo.texts() == ["after"]
    assert bob.texts() == []
    assert [event.name for event in cleo.of(events.Removed)] == ["Bob"]
    assert not cleo.of(events.Left)
    assert ann.of(events.InviteChanged)
    assert ann.invite() != old_invite
    again = world.knock(old_invite, "Rob")
    assert closed(again).reason is CloseReason.REFUSED
    assert closed(again).code == "door_revoked"
    fresh = world.join(ann, "Dora")
    assert fresh.members() == {"Ann", "Cleo", "Dora"}


def test_leaving() -> None:
    world, ann, bob, cleo = room_of_three()
    bob.engine.commands.leave(lambda: None)
    world.settle()
    assert closed(bob).reason is CloseReason.LEFT
    assert [event.name for event in cleo.of(events.Left)] == ["Bob"]
    assert not cleo.of(events.Removed)
    assert ann.members() == cleo.members() == {"Ann", "Cleo"}
    # The door that Bob came by stays: leaving is no offence.
    assert world.join(ann, "Bob").members() == {"Ann", "Bob", "Cleo"}


def test_who_leaves_without_the_relay_is_told_that_others_may_still_see_them() -> None:
    world, ann, bob, cleo = room_of_three()
    bob.cut()
    bob.say("never sent")
    bob.engine.commands.leave(lambda: None)
    world.settle()
    assert (closed(bob).reason, closed(bob).code) == (CloseReason.LEFT, "unconfirmed")
    assert "may see your name" in closed(bob).text
    assert [event.text for event in bob.of(events.Failed)] == [
        "You left the room before this was sent."
    ]
    cleo.to_client = lambda client, data: []
    cleo.engine.commands.leave(lambda: None)
    world.settle()
    cleo.cut()
    assert (closed(cleo).reason, closed(cleo).code) == (CloseReason.LEFT, "unconfirmed")
    assert "Bob" in ann.members()
    assert world.knock(ann.invite(), "Dora").engine.closed is None


def test_who_waits_and_leaves_without_the_relay_was_in_no_list() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.knock(ann.invite(), "Bob")
    bob.cut()
    bob.engine.commands.leave(lambda: None)
    world.settle()
    assert closed(bob) == events.Closed(CloseReason.LEFT)


def test_ending() -> None:
    world, ann, bob, cleo = room_of_three()
    cleo.cut()
    facilitator = ann.engine.require_member().facilitator
    assert facilitator is not None
    done: list[object] = []
    facilitator.end(done.append)
    world.settle()
    assert done == [None]
    assert closed(bob).reason is CloseReason.ENDED
    world.advance(2)
    assert closed(cleo).reason is CloseReason.ENDED  # the tombstone tells absent members
    late = world.knock(ann.invite(), "Dora")
    assert closed(late).code == "ended"


def test_a_room_is_read_only_when_its_last_facilitator_has_left() -> None:
    world, ann, bob, cleo = room_of_three()
    ann.engine.commands.leave(lambda: None)
    world.settle()
    assert closed(ann).reason is CloseReason.LEFT
    assert bob.of(events.RoomChanged)[-1].state is RoomState.READ_ONLY
    (told,) = bob.of(events.Problem)
    assert (told.code, told.sender) == ("last_facilitator_left", "Ann")
    assert told.text.startswith("Ann has left, and no other facilitator is here.")
    bob.say("anybody?")
    world.settle()
    assert bob.of(events.Queued)
    assert cleo.texts() == []


def test_messages_expire_everywhere() -> None:
    world = World()
    ann = world.open("Ann", ttl=10)
    bob = world.join(ann, "Bob")
    message = bob.say("soon gone")
    world.settle()
    world.advance(11)
    assert [event.id for event in ann.of(events.Expired)] == [message]
    assert [event.id for event in bob.of(events.Expired)] == [message]


def test_a_member_retracts_their_own_messages_only() -> None:
    world, ann, bob, cleo = room_of_three()
    message = bytes.fromhex(bob.say("oops"))
    world.settle()
    assert not ann.engine.require_member().conversation.may_retract(message)
    ann.engine.require_member().conversation.compose(Retract(message))
    ann.engine.require_member().pump()
    world.settle()
    assert not cleo.of(events.Retracted)  # not hers to take back
    bob.engine.require_member().conversation.compose(Retract(message))
    bob.engine.require_member().pump()
    world.settle()
    for client in (ann, bob, cleo):
        assert [event.id for event in client.of(events.Retracted)] == [message.hex()]


def test_a_room_without_a_facilitator_is_deleted_and_called_lost() -> None:
    world, ann, bob, _ = room_of_three()
    ann.cut()
    world.advance(31 * 60, step=10, stay_away=(ann,))
    world.advance(40 * 60, step=10, stay_away=(ann,))
    assert closed(bob).reason is CloseReason.LOST


def test_scheduled_updates_give_all_members_fresh_keys() -> None:
    world, ann, bob, cleo = room_of_three()
    before = {
        client.name: client.engine.require_member().membership.group.member(
            client.engine.require_member().membership.group.own_index
        )
        for client in (ann, bob, cleo)
    }
    world.advance(15 * 60, step=5)
    group = ann.engine.require_member().membership.group
    for client in (bob, cleo):
        member = client.engine.require_member()
        old = before[client.name]
        new = group.member(member.membership.group.own_index)
        assert old is not None
        assert new is not None
        assert old.encryption_key != new.encryption_key
        assert old.signature_key == new.signature_key
        assert member.membership.group.epoch_authenticator == group.epoch_authenticator
    bob.say("still here")
    world.settle()
    assert cleo.texts() == ["still here"]
    assert not [event for client in world.clients for event in client.of(events.Problem)]


def own_key(client: Client) -> bytes:
    group = client.engine.require_member().membership.group
    leaf = group.member(group.own_index)
    assert leaf is not None
    return leaf.encryption_key


def test_an_update_that_no_commit_took_is_proposed_again() -> None:
    draw = seeded()
    world = World(lambda size: draw(size) if size > 1 else bytes(1))  # all are due in one moment
    ann = world.open("Ann")
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    late: list[bytes] = []

    def too_late(client: Client, data: bytes) -> list[bytes]:
        if frames.from_client(data).KIND == frames.LobbyRequest.KIND and not late:
            late.append(data)
            return []
        return [data]

    cleo.to_relay = too_late
    keys = own_key(bob), own_key(cleo)
    world.advance(5 * 60 + 20, step=5)
    assert late
    assert own_key(bob) != keys[0], "a commit took Bob's"
    assert own_key(cleo) == keys[1], "and not Cleo's"
    assert cleo.link is not None
    cleo.link.receive(late[0])  # of the old epoch: void
    world.advance(2 * 60, step=5)
    assert own_key(cleo) != keys[1]
    taken = own_key(bob), own_key(cleo)
    world.advance(20 * 60, step=5)
    assert (own_key(bob), own_key(cleo)) == taken, "what was taken is not proposed again"


def test_an_update_that_was_lost_with_the_connection_goes_again() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")
    lost: list[bytes] = []

    def break_off(client: Client, data: bytes) -> list[bytes]:
        if frames.from_client(data).KIND == frames.LobbyRequest.KIND and not lost:
            lost.append(data)
            client.cut()
            return []
        return [data]

    bob.to_relay = break_off
    key = own_key(bob)
    world.advance(12 * 60, step=5)
    assert lost
    assert own_key(bob) != key
    assert not [event for client in world.clients for event in client.of(events.Problem)]


def test_a_removal_while_away_is_believed_with_its_proof() -> None:
    world, ann, bob, _ = room_of_three()
    bob.cut()
    ann.remove("Bob")
    world.settle()
    world.advance(2)
    assert closed(bob).reason is CloseReason.REMOVED


def test_a_removal_that_no_facilitator_signed_is_not_believed() -> None:
    world, _ann, bob, cleo = room_of_three()

    def lie(client: Client, data: bytes) -> list[bytes]:
        said = "You were removed from this room."
        return [frames.Bye("removed", said).to_bytes()]

    bob.to_client = lie
    cleo.say("hello")
    world.settle()
    assert closed(bob).reason is CloseReason.LOST


def test_a_history_that_is_nearly_full_is_told_once_and_long_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, ann, _, _ = room_of_three()
    world.settle()
    assert not [one for one in ann.of(events.Problem) if one.code == "history_nearly_full"]
    monkeypatch.setattr("alcove.facilitation.facilitator.NEARLY_FULL", 100)
    ann.remove("Bob")
    world.settle()
    ann.remove("Cleo")
    world.settle()
    told = [one for one in ann.of(events.Problem) if one.code == "history_nearly_full"]
    assert len(told) == 1

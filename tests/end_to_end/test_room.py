"""A room from its opening to its end, on a fake clock."""

import pytest
from alcove import events
from alcove.events import CloseReason, ConnectionState, RoomState
from alcove.messages.payload import Retract
from alcove_protocol import frames

from tests.end_to_end.world import AGREEMENT, Client, World
from tests.randomness import seeded


def closed(client: Client) -> events.Closed:
    assert client.engine.closed is not None, client.told
    assert client.told[-1] == client.engine.closed
    return client.engine.closed


def room_of_three() -> tuple[World, Client, Client, Client]:
    world = World()
    ann = world.open("Ann")
    return world, ann, world.join(ann, "Bob"), world.join(ann, "Cleo")


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


def test_reconnecting_resumes_without_loss_or_duplicate() -> None:
    world, ann, bob, cleo = room_of_three()
    cleo.cut()
    ann.say("one")
    bob.say("two")
    queued = cleo.say("three")
    world.settle()
    assert [event.id for event in cleo.of(events.Queued)] == [queued]
    world.advance(2)
    assert cleo.texts() == ["one", "two"]
    assert ann.texts() == ["two", "three"]
    assert [event.id for event in cleo.of(events.Sent)] == [queued]
    states = [event.state for event in cleo.of(events.ConnectionChanged)]
    assert states[-2:] == [ConnectionState.RECONNECTING, ConnectionState.RESUMED]
    assert not cleo.of(events.Gap)


def test_a_lost_acknowledgement_sends_once() -> None:
    world, ann, bob, _ = room_of_three()

    def lose(client: Client, data: bytes) -> list[bytes]:
        client.to_client = lambda client, data: []
        return []

    bob.to_client = lose
    message = bob.say("once")
    world.settle()
    bob.to_client = lambda client, data: [data]
    bob.cut()
    world.advance(2)
    assert ann.texts() == ["once"]
    assert [event.id for event in bob.of(events.Sent)] == [message]


def test_a_gap_is_announced_when_messages_expired_meanwhile() -> None:
    world = World()
    ann = world.open("Ann", ttl=10)
    bob = world.join(ann, "Bob")
    bob.cut()
    ann.say("missed")
    world.settle()
    world.advance(15, stay_away=(bob,))
    world.advance(2)
    assert bob.texts() == []
    assert [event.missed for event in bob.of(events.Gap)] == [None]
    ann.say("here")
    world.settle()
    assert bob.texts() == ["here"]
    assert len(bob.of(events.Gap)) == 1


def test_missed_heartbeats_are_no_gap() -> None:
    world, ann, bob, _ = room_of_three()
    bob.cut()
    world.advance(300, step=5, stay_away=(bob,))
    world.advance(2)
    ann.say("here")
    world.settle()
    assert bob.texts() == ["here"]
    assert not bob.of(events.Gap)


def test_the_relay_dies_and_the_room_goes_on() -> None:
    world, ann, bob, cleo = room_of_three()
    ann.say("before")
    world.settle()
    world.kill_relay()
    waiting = bob.say("while away")
    world.start_relay()
    world.advance(5)
    for client in (bob, cleo):
        assert client.of(events.ConnectionChanged)[-1].state is ConnectionState.RESUMED
        assert [event.missed for event in client.of(events.Gap)] == [None]
    assert [event.id for event in bob.of(events.Sent)] == [waiting]
    assert ann.texts() == ["while away"]
    assert cleo.texts() == ["before", "while away"]
    dora = world.join(ann, "Dora")
    assert dora.members() == {"Ann", "Bob", "Cleo", "Dora"}
    cleo.say("welcome")
    world.settle()
    assert dora.texts() == ["welcome"]
    for client in world.clients:
        assert not client.of(events.Problem), client.told


def test_a_newcomer_waiting_while_the_relay_dies_is_still_let_in() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.knock(ann.invite(), "Bob")
    world.kill_relay()
    world.start_relay()
    world.advance(5)
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert bob.of(events.Joined)


def test_a_silent_facilitator() -> None:
    world, ann, bob, cleo = room_of_three()
    ann.cut()
    world.advance(100, step=5, stay_away=(ann,))
    assert [event.state for event in bob.of(events.RoomChanged)][1:] == [RoomState.READ_ONLY]
    message = bob.say("hello?")
    world.settle()
    assert [event.id for event in bob.of(events.Queued)] == [message]
    world.advance(35)
    assert bob.of(events.RoomChanged)[-1].state is RoomState.OPEN
    assert cleo.texts() == ["hello?"]


def test_heartbeats_kept_from_one_member_show_as_not_heard() -> None:
    world, _ann, bob, cleo = room_of_three()

    def keep_beats(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        beat = isinstance(frame, frames.BlobIs) and frame.blob_class == frames.BlobClass.BEAT
        return [] if beat else [data]

    bob.to_client = keep_beats
    world.advance(120, step=5)
    assert [event.state for event in bob.of(events.RoomChanged)][1:] == [RoomState.NOT_HEARD]
    assert [event.state for event in cleo.of(events.RoomChanged)] == [RoomState.OPEN]


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


def test_a_relay_of_another_version_is_told_apart() -> None:
    world = World()
    ann = world.client("Ann")

    def later_version(client: Client, data: bytes) -> list[bytes]:
        return [data.replace(b"\xa7version\x01", b"\xa7version\x02")]

    ann.to_client = later_version
    world.open_with(ann)
    assert closed(ann).code == "version"


def test_a_wrong_clock_is_told_before_anything_is_sent() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.client("Bob", wall=lambda: world.wall() + 3 * 24 * 3600)
    world.knock_with(bob, ann.invite())
    assert closed(bob).code == "clock_wrong"
    assert not ann.of(events.Knocked)


def test_a_commit_whose_acknowledgement_was_lost_is_merged_before_what_follows_it() -> None:
    world, ann, bob, cleo = room_of_three()

    def lose(client: Client, data: bytes) -> list[bytes]:
        client.to_client = lambda client, data: []
        return []

    ann.to_client = lose
    ann.remove("Cleo")
    world.settle()
    bob.say("in the new epoch")
    world.settle()
    ann.to_client = lambda client, data: [data]
    ann.cut()
    world.advance(2)
    assert ann.members() == bob.members() == {"Ann", "Bob"}
    assert ann.texts() == ["in the new epoch"]
    assert not ann.of(events.Problem)
    assert not ann.of(events.Gap)
    assert closed(cleo).reason is CloseReason.REMOVED


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


def test_a_restarting_relay_says_when_to_come_back() -> None:
    world, ann, bob, _ = room_of_three()

    def restarting(client: Client, data: bytes) -> list[bytes]:
        return [frames.Bye("draining", "The relay is restarting.", delay=7).to_bytes()]

    bob.to_client = restarting
    ann.say("hello")
    world.settle()
    assert bob.engine.closed is None
    assert bob.engine.come_back_after == 7


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

"""Connections that come and go: resuming, gaps, a relay that dies, facilitators not heard."""

from alcove import events
from alcove.events import CloseReason, ConnectionState, RoomState
from alcove_protocol import frames

from tests.end_to_end.world import Client, World, closed, room_of_three


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
    world.advance(70)  # until the log is settled nobody is let in
    dora = world.join(ann, "Dora")
    assert dora.members() == {"Ann", "Bob", "Cleo", "Dora"}
    cleo.say("welcome")
    world.settle()
    assert dora.texts() == ["welcome"]
    for client in world.clients:
        codes = [event.code for event in client.of(events.Problem)]
        told = {ann: ["room_forgotten", "room_settled"], dora: []}
        assert codes == told.get(client, ["room_forgotten"]), client.told


def test_each_is_told_at_once_that_the_relay_lost_the_room_and_what_follows() -> None:
    world, ann, bob, cleo = room_of_three()
    dora = world.knock(ann.invite(), "Dora")
    world.kill_relay()
    world.start_relay()
    world.advance(3, stay_away=(ann, cleo))
    for client, follows in ((bob, "A member's client brings it back"), (dora, "asks again")):
        (lost,) = client.of(events.Problem)
        assert lost.code == "room_forgotten"
        assert lost.text.startswith("The relay says that it does not know this room any more")
        assert follows in lost.text
    world.advance(3, stay_away=(cleo,))
    (lost,) = ann.of(events.Problem)
    assert "Your client brings it back now" in lost.text
    world.advance(5)
    (lost,) = cleo.of(events.Problem)
    assert lost.text.startswith("The relay had lost this room")
    assert lost.text.endswith("brought it back. You need to do nothing.")
    world.advance(90)
    settled = ann.of(events.Problem)[-1]
    assert (settled.code, settled.text[:18]) == ("room_settled", "The room is back f")
    assert [event.code for event in bob.of(events.Problem)] == ["room_forgotten"]


def test_a_newcomer_waiting_while_the_relay_dies_is_still_let_in() -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.knock(ann.invite(), "Bob")
    world.kill_relay()
    world.start_relay()
    world.advance(5)
    ann.admit(ann.of(events.Knocked)[-1])
    world.advance(70)
    assert bob.of(events.Joined)


def test_a_network_that_drops_everything_is_told_before_it_is_given_up() -> None:
    world, ann, bob, _ = room_of_three()
    kept: list[bytes] = []

    def dropped(client: Client, data: bytes) -> list[bytes]:
        kept.append(data)
        return []

    bob.to_relay = bob.to_client = dropped
    bob.say("are you there?")
    world.advance(5)
    assert bob.of(events.ConnectionChanged)[-1].state is not ConnectionState.SILENT
    world.advance(3)
    silent = bob.of(events.ConnectionChanged)[-1]
    assert silent.state is ConnectionState.SILENT
    assert silent.unanswered in (6, 7)
    assert [event.state for event in ann.of(events.ConnectionChanged)] == [
        ConnectionState.CONNECTED
    ]
    bob.to_relay = bob.to_client = lambda client, data: [data]
    assert bob.link is not None
    bob.link.receive(kept[0])
    world.settle()
    world.advance(2)
    assert ann.texts() == ["are you there?"]
    states = [event.state for event in bob.of(events.ConnectionChanged)]
    assert states[-2:] == [ConnectionState.SILENT, ConnectionState.CONNECTED]


def test_a_ping_that_nothing_answers_is_told_and_then_ends_the_connection() -> None:
    """Who only reads asks for nothing else."""
    world, _ann, bob, _ = room_of_three()
    bob.to_client = lambda client, data: []
    bob.engine.link.pinged()
    world.advance(8)
    assert bob.of(events.ConnectionChanged)[-1].state is ConnectionState.SILENT
    bob.engine.link.ponged()
    world.advance(1)
    assert bob.of(events.ConnectionChanged)[-1].state is ConnectionState.CONNECTED
    bob.engine.link.pinged()
    world.advance(19)
    assert bob.of(events.ConnectionChanged)[-1].state is ConnectionState.SILENT
    world.advance(2)
    assert ConnectionState.RECONNECTING in [e.state for e in bob.of(events.ConnectionChanged)]


def test_a_program_that_stood_still_calls_no_relay_silent() -> None:
    world, _ann, bob, _ = room_of_three()
    bob.engine.link.pinged()
    world.clock.advance(8)
    bob.engine.tick()  # what came meanwhile is read right after this
    bob.engine.link.ponged()
    world.advance(3)
    assert bob.of(events.ConnectionChanged)[-1].state is not ConnectionState.SILENT


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


def test_a_restarting_relay_says_when_to_come_back() -> None:
    world, ann, bob, _ = room_of_three()

    def restarting(client: Client, data: bytes) -> list[bytes]:
        return [frames.Bye("draining", "The relay is restarting.", delay=7).to_bytes()]

    bob.to_client = restarting
    ann.say("hello")
    world.settle()
    assert bob.engine.closed is None
    assert bob.engine.come_back_after == 7

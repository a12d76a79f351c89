"""Signs of life by the private line: here, away, and never by the relay's word alone."""

from itertools import pairwise

import pytest
from alcove import events
from alcove.group.desk_settings import desk_settings
from alcove_protocol import frames, limits
from alcove_protocol.frames import from_client, from_relay

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.facilitating import do
from tests.end_to_end.standing_by import orphaned
from tests.end_to_end.test_whereabouts import whereabouts
from tests.end_to_end.world import Client, World, kind_of, room_of_three


def told(client: Client, name: str) -> list[str]:
    return [e.presence for e in client.of(events.PresenceChanged) if e.name == name]


def kept_frames(client: Client) -> list[bytes]:
    """What this client sends to the private line from now on. It reaches the relay all the same."""
    kept: list[bytes] = []

    def note(_: Client, data: bytes) -> list[bytes]:
        kept.extend([data] if isinstance(from_client(data), frames.SendDesk) else [])
        return [data]

    client.to_relay = note
    return kept


def test_a_facilitator_knows_who_is_here_and_participants_do_not() -> None:
    world, ann, bob, cleo = room_of_three()
    world.advance(40)
    assert whereabouts(ann) == {"Ann": "here", "Bob": "here", "Cleo": "here"}
    assert whereabouts(bob) == {"Ann": "here", "Bob": "here", "Cleo": "unknown"}
    assert told(ann, "Bob") == ["here"]
    assert cleo.of(events.PresenceChanged) == []


def test_who_dies_is_away_after_ninety_seconds_and_here_again_when_back() -> None:
    world, ann, bob, _ = room_of_three()
    world.advance(40)
    bob.cut()
    world.advance(85, stay_away=(bob,))
    assert whereabouts(ann)["Bob"] == "here"
    world.advance(10, stay_away=(bob,))
    assert whereabouts(ann) == {"Ann": "here", "Bob": "away", "Cleo": "here"}
    bob.back()
    world.advance(10)
    assert whereabouts(ann)["Bob"] == "here"
    assert told(ann, "Bob") == ["here", "away", "here"]


def test_only_ones_own_connected_time_counts() -> None:
    """A facilitator cut off for ten minutes calls nobody away, and begins anew when back."""
    world, ann, bob, _ = room_of_three()
    world.advance(40)
    ann.cut()
    bob.cut()
    world.advance(600, stay_away=(ann, bob))
    assert whereabouts(ann) == {"Ann": "here", "Bob": "unknown", "Cleo": "unknown"}
    ann.back()
    world.advance(10, stay_away=(bob,))
    assert whereabouts(ann) == {"Ann": "here", "Bob": "unknown", "Cleo": "here"}
    world.advance(85, stay_away=(bob,))
    assert whereabouts(ann)["Bob"] == "away"


def test_a_short_loss_of_ones_own_connection_begins_the_count_anew_too() -> None:
    world, ann, bob, _ = room_of_three()
    world.advance(40)
    bob.cut()
    world.advance(60, stay_away=(bob,))
    ann.cut()
    world.advance(5, stay_away=(ann, bob))
    ann.back()
    world.advance(60, stay_away=(bob,))
    assert whereabouts(ann)["Bob"] == "unknown"
    world.advance(35, stay_away=(bob,))
    assert whereabouts(ann)["Bob"] == "away"


def test_a_held_and_a_paused_member_are_here() -> None:
    world, ann, _, cleo = room_of_three()
    do(world, ann, "pause", "Bob")
    cleo.to_client = lambda client, data: [] if kind_of(data) == "welcome" else [data]
    cleo.engine.require_member()._following.hold()
    world.advance(200)
    assert whereabouts(ann) == {"Ann": "here", "Bob": "here", "Cleo": "here"}


def test_frames_that_the_relay_kept_prove_no_life_after_ninety_seconds() -> None:
    world, ann, bob, _ = room_of_three()
    world.advance(40)
    kept = kept_frames(bob)
    world.advance(60)
    bob.cut()
    assert len(kept) > 10
    world.advance(100, stay_away=(bob,))
    assert whereabouts(ann)["Bob"] == "away"
    for data in kept:
        sent = from_client(data)
        assert isinstance(sent, frames.SendDesk)
        key = bob.engine.identity.relay.public
        replayed = frames.DeskIs(key, sent.epoch, sent.tick, sent.blob)
        ann.engine.received(replayed.to_bytes())
    world.advance(1, stay_away=(bob,))
    assert whereabouts(ann)["Bob"] == "away"


@pytest.mark.parametrize("changed", ["key", "epoch", "tick", "slot", "first body", "second body"])
def test_a_frame_that_the_relay_changed_is_no_sign_of_life(changed: str) -> None:
    """Nor one that it gives another member's name."""
    world, ann, bob, cleo = room_of_three()

    def change(_: Client, data: bytes) -> list[bytes]:
        frame = from_relay(data)
        if not isinstance(frame, frames.DeskIs):
            return [data]
        key, epoch, tick, blob = frame.key, frame.epoch, frame.tick, bytearray(frame.blob)
        if changed == "key":
            key = bob.engine.identity.relay.public
        elif changed == "epoch":
            epoch = max(0, epoch - 1)
        elif changed == "tick":
            tick += 1
        else:
            blob[{"slot": 40, "first body": 100, "second body": 700}[changed]] ^= 1
        return [frames.DeskIs(key, epoch, tick, bytes(blob)).to_bytes()]

    ann.to_client = change
    if changed == "key":
        bob.cut()
    world.advance(100, stay_away=(bob,) if changed == "key" else ())
    gone = whereabouts(ann)
    assert (gone["Bob"], gone["Cleo"]) == ("away", "away")
    assert cleo.online


def test_a_relay_that_takes_no_heartbeat_makes_nobody_away() -> None:
    """Members cannot name what did not reach them."""
    world = EvilWorld()
    ann = world.open("Ann")
    world.join(ann, "Bob")
    world.advance(40)

    def refuse(publish: frames.Publish) -> frames.RequestRefused:
        return frames.RequestRefused(publish.n, "busy", "")

    world.answer(ann, frames.Publish, refuse, lambda one: one.blob_class == frames.BlobClass.BEAT)
    world.advance(300)
    assert whereabouts(ann)["Bob"] == "unknown"
    assert "away" not in told(ann, "Bob")


def test_every_member_sends_one_frame_of_one_size_at_each_tick() -> None:
    world, ann, bob, cleo = room_of_three()
    series: dict[str, list[tuple[float, int]]] = {}

    def note(client: Client, data: bytes) -> list[bytes]:
        frame = from_client(data)
        if isinstance(frame, frames.SendDesk):
            series.setdefault(client.name, []).append((world.clock(), len(frame.blob)))
        return [data]

    for client in (ann, bob, cleo):
        client.to_relay = note
    do(world, ann, "pause", "Cleo")
    bob.engine.require_member()._following.hold()
    world.advance(100)
    for name, each in (("Ann", 2), ("Bob", 1), ("Cleo", 1)):
        assert {size for _, size in series[name]} == {limits.DESK_SMALL}
        assert 20 * each <= len(series[name]) <= 21 * each
        times = sorted({at for at, _ in series[name]})
        assert all(4.0 <= after - at <= 6.0 for at, after in pairwise(times))


def test_the_settings_follow_the_members_and_the_facilitators() -> None:
    assert desk_settings(1, 1) == desk_settings(20, 4) == (5, limits.DESK_SMALL)
    assert desk_settings(21, 5) == desk_settings(200, 8) == (30, limits.DESK_LARGE)
    assert desk_settings(201, 1) == desk_settings(1000, 1) == (120, limits.DESK_SMALL)
    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")
    for number in range(18):
        world.join(ann, f"Guest {number}")
    state = bob.engine.require_member().membership.state
    assert (state.desk_interval, state.desk_size) == (5, limits.DESK_SMALL)
    last = world.join(ann, "Last")
    state = bob.engine.require_member().membership.state
    assert (state.desk_interval, state.desk_size) == (30, limits.DESK_SMALL)
    for number in range(4):
        do(world, ann, "appoint", f"Guest {number}")
    state = last.engine.require_member().membership.state
    assert (state.desk_interval, state.desk_size) == (30, limits.DESK_LARGE)
    world.advance(120, step=5)
    assert whereabouts(ann)["Last"] == whereabouts(ann)["Bob"] == "here"
    do(world, ann, "remove", "Last")
    do(world, ann, "demote", "Guest 0")
    state = bob.engine.require_member().membership.state
    assert (state.desk_interval, state.desk_size) == (5, limits.DESK_SMALL)


def test_who_entered_by_a_link_sends_no_frame_before_it_is_listed() -> None:
    """The relay refused each. They were no sign of life to anybody, and seemed to be one."""
    world, link, bob, _cleo = orphaned()
    world.advance(95)
    dora = world.knock(link, "Dora")
    kept, entered = kept_frames(dora), False
    while not (dora.engine.member is not None and dora.engine.member.facilitator is not None):
        world.advance(1)
        entered |= dora.engine.member is not None
        assert not kept
    assert entered
    world.advance(35)
    assert len(kept) > 10
    assert whereabouts(bob)["Dora"] == "here"

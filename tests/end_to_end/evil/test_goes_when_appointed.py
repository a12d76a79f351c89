"""A member leaves while their appointment is on its way. They leave no facilitator behind."""

from alcove import events
from alcove.errors import AlcoveError
from alcove_protocol import frames
from alcove_protocol.frames import BlobClass, Publish

from tests.end_to_end.evil.rogue import state_of
from tests.end_to_end.evil.rogue_updates import four
from tests.end_to_end.evil.rooms import authenticators, forget, goes_on, problems
from tests.end_to_end.world import Client


def test_who_leaves_before_the_appointment_is_taken_is_let_go() -> None:
    """The others waited for the heartbeats of a facilitator who was gone for good."""
    world, ann, mal, bob, cleo = four()
    done: list[AlcoveError | None] = []
    forget(ann, mal, bob, cleo)
    kept: list[bytes] = []
    passes = ann.to_relay

    def hold(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        if isinstance(frame, Publish) and frame.blob_class == BlobClass.COMMIT:
            kept.append(data)
            return []
        return passes(client, data)

    ann.to_relay = hold
    ann.engine.commands.appoint("Mal", done.append)
    world.settle()
    mal.engine.commands.leave(lambda: None)
    world.settle()
    key = state_of(ann).lobby_key
    ann.to_relay = passes
    assert len(kept) == 1
    assert ann.link is not None
    ann.link.receive(kept[0])
    world.settle()
    world.advance(60, step=5)
    assert done == [None]
    assert ann.members() == {"Ann", "Bob", "Cleo"}
    assert [event.name for event in cleo.of(events.Left)] == ["Mal"]
    assert state_of(ann).lobby_key != key
    for client in (ann, bob, cleo):
        assert problems(client) == []
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)

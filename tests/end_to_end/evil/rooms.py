"""Rooms to attack, and assertions that many tests share."""

from collections.abc import Callable

from alcove import events
from alcove.events import RoomState
from alcove_protocol.frames import BlobClass, BlobIs, LobbyItem, LobbyKind

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import Making, appoint, committer_of, group_of
from tests.end_to_end.world import Client

INVITES = (events.Opened, events.InviteChanged)
Room = tuple[EvilWorld, Client, Client, Client]


SECOND = ""
"""Who facilitates too in the room of `three`: Bob, or Cleo where Bob's part is a participant's."""


def three() -> Room:
    """Ann facilitates, Bob and Cleo take part. All three have an anchor for the log hash."""
    room = _ann_bob_and_cleo()
    if SECOND:
        _facilitates_too(room, SECOND)
    return room


def begins_with_three(test: Callable[..., None]) -> bool:
    return three.__name__ in test.__code__.co_names


def two_facilitators() -> Room:
    """Ann and Bob facilitate, Cleo takes part."""
    room = _ann_bob_and_cleo()
    _facilitates_too(room, "Bob")
    return room


def _ann_bob_and_cleo() -> Room:
    world = EvilWorld()
    ann = world.open("Ann")
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    world.advance(31, step=31)
    return world, ann, bob, cleo


def _facilitates_too(room: Room, name: str) -> None:
    world, ann, *others = room
    (appointee,) = [client for client in others if client.name == name]
    appoint(world, ann, appointee)
    world.advance(1)


def with_dora(room: Room) -> tuple[EvilWorld, Client, Client, Client, Client]:
    """Dora takes part too, with an anchor for the log hash. What was told before is forgotten."""
    world, ann, bob, cleo = room
    dora = world.join(ann, "Dora")
    world.advance(31, step=31)
    forget(ann, bob, cleo, dora)
    return world, ann, bob, cleo, dora


def epochs(*clients: Client) -> set[int]:
    return {group_of(client).epoch for client in clients}


def authenticators(*clients: Client) -> set[bytes]:
    return {group_of(client).epoch_authenticator for client in clients}


def problems(client: Client) -> list[str]:
    return [event.code for event in client.of(events.Problem)]


def named(client: Client, code: str) -> list[str | None]:
    """Of whom the problems with this code were told."""
    return [event.sender for event in client.of(events.Problem) if event.code == code]


def gaps(client: Client) -> list[int | None]:
    return [event.missed for event in client.of(events.Gap)]


def state(client: Client) -> RoomState:
    return client.engine.require_member().presence.state


def forget(*clients: Client) -> None:
    """Drop the events so far, but keep the invites."""
    for client in clients:
        client.told[:] = [e for e in client.told if isinstance(e, INVITES)]


def commit_by(world: EvilWorld, host: Client) -> None:
    """A commit by an honest facilitator. Other clients need not follow it."""
    result: list[object] = []
    committer_of(host).committer.want(Making(result.append))
    world.settle()
    assert result == [None]


def a_commit(blob: BlobIs) -> bool:
    return blob.blob_class == BlobClass.COMMIT


def a_request(item: LobbyItem) -> bool:
    return item.kind == LobbyKind.REQUEST


def miss_a_commit(world: EvilWorld, ann: Client, cleo: Client) -> None:
    """Cleo does not receive a commit by Ann."""
    dropped = world.drop(cleo, BlobIs, a_commit, most=1)
    commit_by(world, ann)
    assert len(dropped.hits) == 1


def goes_on(world: EvilWorld, host: Client, *others: Client) -> None:
    """The room works: all clients follow a commit by `host`, and all hear each other."""
    before = group_of(host).epoch
    commit_by(world, host)
    clients = (host, *others)
    assert epochs(*clients) == {before + 1}
    assert len(authenticators(*clients)) == 1
    for client in clients:
        said = f"{client.name} in {before + 1}"
        client.say(said)
        world.settle()
        for other in clients:
            if other is not client:
                assert other.texts()[-1] == said

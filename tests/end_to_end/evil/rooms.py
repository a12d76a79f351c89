"""Rooms to attack, and assertions that many tests share."""

from alcove import events

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import Making, appoint, committer_of, group_of
from tests.end_to_end.world import Client

INVITES = (events.Opened, events.InviteChanged)
Room = tuple[EvilWorld, Client, Client, Client]


def three() -> Room:
    """Ann facilitates, Bob and Cleo take part. All three have an anchor for the log hash."""
    world = EvilWorld()
    ann = world.open("Ann")
    bob, cleo = world.join(ann, "Bob"), world.join(ann, "Cleo")
    world.advance(31, step=31)
    return world, ann, bob, cleo


def two_facilitators() -> Room:
    """Ann and Bob facilitate, Cleo takes part."""
    world, ann, bob, cleo = three()
    appoint(world, ann, bob)
    world.advance(1)
    return world, ann, bob, cleo


def epochs(*clients: Client) -> set[int]:
    return {group_of(client).epoch for client in clients}


def authenticators(*clients: Client) -> set[bytes]:
    return {group_of(client).epoch_authenticator for client in clients}


def problems(client: Client) -> list[str]:
    return [event.code for event in client.of(events.Problem)]


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


def goes_on(world: EvilWorld, host: Client, *others: Client) -> None:
    """The room works: all clients follow a commit by `host`, and all hear each other."""
    before = group_of(host).epoch
    result: list[object] = []
    committer_of(host).committer.want(Making(result.append))
    world.settle()
    assert result == [None]
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

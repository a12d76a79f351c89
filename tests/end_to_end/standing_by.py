"""Steps of tests about the standby: its link is made, and its holder comes in."""

from alcove import events
from alcove.errors import AlcoveError

from tests.end_to_end.world import Client, World, room_of_three


def make_link(world: World, by: Client) -> str:
    """A standby's link, made by this facilitator."""
    done: list[AlcoveError | None] = []
    by.engine.commands.standby(True, done.append)
    world.settle()
    assert done == [None], done
    return by.of(events.StandbyLink)[-1].invite


def close_link(world: World, by: Client) -> None:
    done: list[AlcoveError | None] = []
    by.engine.commands.standby(False, done.append)
    world.settle()
    assert done == [None], done
    assert by.of(events.StandbyLink)[-1].invite == ""


def dies(world: World, *clients: Client) -> None:
    """These clients are gone for good."""
    for client in clients:
        client.cut()
        world.clients.remove(client)


def orphaned() -> tuple[World, str, Client, Client]:
    """A room whose only facilitator made a link and died; Bob and Cleo are left."""
    world, ann, bob, cleo = room_of_three()
    link = make_link(world, ann)
    world.advance(31)
    dies(world, ann)
    return world, link, bob, cleo


def comes(world: World, link: str, name: str = "Dora", *, wait: float = 130) -> Client:
    """The holder of the link comes, and waits so long."""
    dora = world.knock(link, name)
    world.advance(wait)
    return dora

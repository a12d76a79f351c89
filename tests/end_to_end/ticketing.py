"""Steps of tests about tickets: one is asked for, its program ends, and its holder comes back."""

from alcove import events
from alcove.errors import AlcoveError
from alcove_protocol.ticket import Ticket

from tests.end_to_end.world import Client, World


def ticket_of(world: World, client: Client) -> str:
    """A ticket of this client, which the relay has."""
    done: list[AlcoveError | None] = []
    ticket = client.engine.commands.ticket(done.append)
    world.settle()
    assert done == [None], done
    assert client.of(events.TicketMade)[-1].ticket == ticket.text()
    return ticket.text()


def crashes(world: World, client: Client) -> None:
    """The process is killed: it says nothing more, and its connection is closed."""
    client.cut()
    world.clients.remove(client)


def resumes(
    world: World, ticket: str, name: str, *, wait: float = 5, stay_away: tuple[Client, ...] = ()
) -> Client:
    """The holder of a ticket comes back. `name` is of the test's."""
    client = world.client(name)
    client.engine.begin_resuming(Ticket.parse(ticket))
    world.settle()
    world.advance(wait, stay_away=stay_away)
    return client


def codes(client: Client) -> list[str]:
    return [problem.code for problem in client.of(events.Problem)]

"""What facilitators do by the real commands, and what is true afterwards."""

from collections.abc import Callable, Iterable

from alcove import events
from alcove.errors import AlcoveError
from alcove.facilitation.facilitator import Facilitator
from alcove_protocol import frames
from alcove_protocol.frames import LobbyKind

from tests.end_to_end.world import Client, World

Result = list[AlcoveError | None]


Act = tuple[int, str, str | bool]
"""Which facilitator does what, and about whom or what."""


def away(who: Client) -> tuple[str, ...]:
    """As `Room.away`."""
    facilitator = who.engine.require_member().facilitator
    return () if facilitator is None else facilitator.removals.away


def part(client: Client) -> Facilitator:
    found = client.engine.require_member().facilitator
    assert found is not None
    return found


def ask(client: Client, what: str, *args: str | int) -> Result:
    """A command whose result comes into the list."""
    result: Result = []
    getattr(client.engine.commands, what)(*args, result.append)
    return result


def do(world: World, client: Client, what: str, *args: str | int) -> None:
    """A command that succeeds at once."""
    result = ask(client, what, *args)
    world.settle()
    assert result == [None]


def both(world: World, acts: Iterable[Callable[[], Result]], *, at_once: bool) -> list[Result]:
    """The acts at once, or one after the other. What is refused without asking is a result too."""
    results: list[Result] = []
    for act in acts:
        try:
            results.append(act())
        except AlcoveError as error:
            results.append([error])
        if not at_once:
            world.advance(2)
    return results


def codes(result: Result) -> list[str | None]:
    return [None if error is None else error.code for error in result]


def state(client: Client) -> tuple[bytes, bytes]:
    membership = client.engine.require_member().membership
    return membership.group.epoch_authenticator, membership.roster.head


def facilitators(client: Client) -> set[str]:
    people = client.engine.require_member().membership.people()
    return {person.name for person in people if person.facilitator}


def all_agree(*clients: Client) -> None:
    assert len({state(client) for client in clients}) == 1
    for client in clients:
        member = client.engine.require_member()
        assert (member.facilitator is not None) is (client.name in facilitators(client))
        assert member.membership.alarm is None


def goes_on(world: World, *clients: Client) -> None:
    """Each is heard by all others, and a newcomer is let in by each facilitator."""
    for client in clients:
        client.say(f"from {client.name}")
    world.advance(1)
    for client in clients:
        heard = {f"from {other.name}" for other in clients if other is not client}
        assert heard <= set(client.texts()), client.name
    all_agree(*clients)


def newcomer(world: World, invite: str, name: str, by: Client) -> Client:
    """A newcomer by this invite, whom this facilitator admits."""
    client = world.knock(invite, name)
    knock = next(one for one in reversed(by.of(events.Knocked)) if one.name == name)
    result = by.admit(knock)
    world.advance(1)
    assert result == [None]
    assert client.of(events.Joined)
    return client


def new_link(world: World, by: Client) -> str:
    made: list[str | None] = []
    by.engine.commands.invite(lambda url, error: made.append(url))
    world.settle()
    assert made[0] is not None
    return made[0]


def hold(client: Client, kind: type[frames.Frame]) -> list[bytes]:
    """What this client sends of a kind comes into the list and not to the relay, until `let`."""
    held: list[bytes] = []

    def take(client: Client, data: bytes) -> list[bytes]:
        if not isinstance(frames.from_client(data), kind):
            return [data]
        held.append(data)
        return []

    client.to_relay = take
    return held


def lose_vaults(client: Client) -> None:
    """No vault comes to this client, until `let`."""

    def lose(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        vault = isinstance(frame, frames.LobbyItem) and frame.kind == LobbyKind.VAULT
        return [] if vault else [data]

    client.to_client = lose


def let(client: Client) -> None:
    """All that this client sends arrives, and all that is sent to it."""
    client.to_relay = client.to_client = lambda client, data: [data]


def kill(world: World, client: Client) -> None:
    """The process dies: nothing of it comes any more."""
    client.cut()
    world.clients.remove(client)

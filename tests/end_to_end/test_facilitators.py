"""Several facilitators, by the real commands and over the real relay."""

from collections.abc import Callable

import pytest
from alcove import events
from alcove.errors import AlcoveError
from alcove.events import RoomState
from alcove.facilitation.facilitator import Facilitator
from alcove_protocol import frames
from alcove_protocol.frames import LobbyKind, LobbyRequest

from tests.end_to_end.world import Client, World, room_of_three

Result = list[AlcoveError | None]


def part(client: Client) -> Facilitator:
    found = client.engine.require_member().facilitator
    assert found is not None
    return found


def ask(client: Client, what: str, *args: str) -> Result:
    """A command whose result comes into the list."""
    result: Result = []
    getattr(client.engine.commands, what)(*args, result.append)
    return result


def do(world: World, client: Client, what: str, *args: str) -> None:
    result = ask(client, what, *args)
    world.settle()
    assert result == [None]


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


def test_an_appointed_facilitator_does_all_that_the_first_does() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    for client in (ann, bob, cleo):
        assert client.of(events.RoleChanged) == [events.RoleChanged("Bob", True, "Ann")]
    assert ann.of(events.VaultChanged) == [events.VaultChanged("Bob", True)]
    assert bob.of(events.VaultChanged) == [events.VaultChanged("Bob", True)]
    assert not cleo.of(events.VaultChanged)
    dora = newcomer(world, ann.invite(), "Dora", bob)  # by the invite that Ann made
    do(world, bob, "appoint", "Cleo")
    eve = newcomer(world, ann.invite(), "Eve", cleo)
    world.advance(31)
    goes_on(world, ann, bob, cleo, dora, eve)


def test_a_knock_that_waits_is_told_to_the_appointed() -> None:
    world, ann, bob, cleo = room_of_three()
    dora = world.knock(ann.invite(), "Dora")
    do(world, ann, "appoint", "Bob")
    assert [knock.name for knock in bob.of(events.Knocked)] == ["Dora"]
    assert bob.admit(bob.of(events.Knocked)[0]) == []
    world.settle()
    assert dora.of(events.Joined)
    assert ann.of(events.KnockGone)[-1].id == ann.of(events.Knocked)[-1].id
    all_agree(ann, bob, cleo, dora)


def test_a_demoted_facilitator_stays_and_keeps_no_key_of_the_lobby() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    keys, lobby_key = part(ann).lobby_keys, bob.engine.require_member().membership.lobby_key
    do(world, bob, "demote", "Ann")
    for client in (ann, bob, cleo):
        assert client.of(events.RoleChanged)[-1] == events.RoleChanged("Ann", False, "Bob")
    assert keys.get(lobby_key) is None
    membership = ann.engine.require_member().membership
    assert keys.get(membership.state.lobby_key) is None
    assert membership.state.lobby_key == membership.roster.lobby != lobby_key
    with pytest.raises(AlcoveError, match="Only a facilitator"):
        ann.engine.commands.appoint("Cleo", lambda error: None)
    newcomer(world, ann.invite(), "Dora", bob)  # the card at Ann's door has the new lobby key
    assert [knock.name for knock in ann.of(events.Knocked)] == ["Bob", "Cleo"]
    world.advance(31)
    goes_on(world, ann, bob, cleo)
    do(world, bob, "appoint", "Ann")
    assert newcomer(world, ann.invite(), "Eve", ann).members() == bob.members()


def test_a_knock_to_the_lobby_key_of_before_is_opened_for_a_while() -> None:
    world, ann, bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    dora = world.client("Dora")
    held: list[bytes] = []

    def hold_knock(client: Client, data: bytes) -> list[bytes]:
        if isinstance(frames.from_client(data), frames.Knock) and not held:
            held.append(data)
            return []
        return [data]

    dora.to_relay = hold_knock
    world.knock_with(dora, ann.invite())
    do(world, bob, "demote", "Ann")
    assert held
    assert dora.link is not None
    dora.link.receive(held[0])
    world.settle()
    assert bob.admit(bob.of(events.Knocked)[-1]) == []
    world.settle()
    assert dora.of(events.Joined)


def test_stepping_down_is_confirmed_by_another_facilitator() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    result = ask(ann, "step_down")
    world.advance(1)
    assert result == [None]
    assert cleo.of(events.RoleChanged)[-1] == events.RoleChanged("Ann", False, "Bob")
    assert facilitators(cleo) == {"Bob"}
    newcomer(world, ann.invite(), "Dora", bob)
    goes_on(world, ann, bob, cleo)


def test_the_last_facilitator_does_not_step_down() -> None:
    world, ann, bob, _cleo = room_of_three()
    with pytest.raises(AlcoveError, match="only facilitator"):
        ann.engine.commands.step_down(lambda error: None)
    do(world, ann, "appoint", "Bob")
    results = ask(ann, "step_down"), ask(bob, "step_down")
    world.advance(120)
    assert sorted(map(codes, results), key=str) == [["last_facilitator"], [None]]
    assert len(facilitators(ann)) == 1


def test_handing_over_waits_for_what_the_successor_needs() -> None:
    world, ann, bob, cleo = room_of_three()

    def keep_vault(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        vault = isinstance(frame, frames.LobbyItem) and frame.kind == LobbyKind.VAULT
        return [] if vault else [data]

    bob.to_client = keep_vault
    result = ask(ann, "hand_over", "Bob")
    world.advance(30)
    assert facilitators(cleo) == {"Ann", "Bob"}
    assert result == []
    assert bob.of(events.VaultChanged) == [events.VaultChanged("Bob", False)]
    bob.to_client = lambda client, data: [data]
    bob.cut()
    world.advance(5)
    assert result == [None]
    assert facilitators(cleo) == {"Bob"}
    newcomer(world, ann.invite(), "Dora", bob)
    goes_on(world, ann, bob, cleo)


def test_a_successor_who_leaves_meanwhile_leaves_the_room_held() -> None:
    world, ann, bob, cleo = room_of_three()
    bob.to_client = lambda client, data: []
    result = ask(ann, "hand_over", "Bob")
    world.settle()
    bob.to_client = lambda client, data: [data]
    bob.engine.commands.leave(lambda: None)
    world.advance(2)
    assert codes(result) == ["unknown_name"]
    assert facilitators(cleo) == {"Ann"}


def test_a_successor_who_never_opens_the_vault_holds_nobody() -> None:
    """The successor's client is changed: it says for ever that it has not what it needs."""
    world, ann, bob, cleo = room_of_three()
    bob.to_client = lambda client, data: []
    first = ask(ann, "hand_over", "Bob")
    world.advance(5)
    assert facilitators(cleo) == {"Ann", "Bob"}
    do(world, ann, "demote", "Bob")
    assert codes(first) == ["no_facilitator"]
    second = ask(ann, "hand_over", "Bob")
    world.advance(5)
    assert second == []
    third = ask(ann, "hand_over", "Cleo")
    world.advance(5)
    assert (codes(second), third) == (["handing_over"], [None])
    assert facilitators(cleo) == {"Bob", "Cleo"}


Act = tuple[int, str, str]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((0, "demote", "Bob"), (1, "demote", "Ann")),
        ((0, "demote", "Cleo"), (1, "demote", "Cleo")),
        ((0, "demote", "Cleo"), (1, "demote", "Ann")),
        ((0, "appoint", "Dora"), (1, "appoint", "Dora")),
        ((0, "appoint", "Dora"), (1, "demote", "Ann")),
        ((0, "appoint", "Dora"), (1, "appoint", "Eve")),
        ((0, "appoint", "Dora"), (1, "remove", "Dora")),
        ((0, "demote", "Cleo"), (1, "hand_over", "Dora")),
        ((0, "demote", "Bob"), (1, "hand_over", "Dora")),
        ((0, "demote", "Bob"), (1, "step_down", "")),
        ((0, "hand_over", "Dora"), (1, "hand_over", "Eve")),
        ((0, "step_down", ""), (1, "step_down", "")),
        ((0, "remove", "Dora"), (1, "demote", "Ann")),
        ((0, "step_down", ""), (1, "remove", "Dora")),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_two_facilitators_at_a_time(one: Act, other: Act, first: int, at_once: bool) -> None:
    """In both orders and at once: one state everywhere, one answer each, and the room goes on."""
    world, ann, bob, cleo = room_of_three()
    dora, eve = world.join(ann, "Dora"), world.join(ann, "Eve")
    do(world, ann, "appoint", "Bob")
    do(world, ann, "appoint", "Cleo")
    world.advance(31)
    people = (ann, bob, cleo)
    results: list[Result] = []
    for who, what, name in (one, other) if first == 0 else (other, one):
        try:
            results.append(ask(people[who], what, *([name] if name else [])))
        except AlcoveError as error:
            results.append([error])
        if not at_once:
            world.advance(2)
    world.advance(130)
    for result in results:
        assert len(result) == 1
    allowed = {
        "demoted",
        "not_facilitator",
        "unknown_name",
        "no_facilitator",
        "already_facilitator",
    }
    assert {error.code for result in results for error in result if error is not None} <= allowed
    here = [client for client in (*people, dora, eve) if client.engine.closed is None]
    assert 1 <= len(facilitators(ann)) <= 5
    goes_on(world, *here)
    by = next(client for client in here if client.name in facilitators(client))
    finn = newcomer(
        world, ann.invite() if "Dora" in ann.members() else new_link(world, by), "Finn", by
    )
    goes_on(world, *here, finn)


def new_link(world: World, by: Client) -> str:
    made: list[str | None] = []
    by.engine.commands.invite(lambda url, error: made.append(url))
    world.settle()
    assert made[0] is not None
    return made[0]


def test_a_new_invite_is_served_by_every_facilitator() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    link = new_link(world, ann)
    world.advance(1)
    newcomer(world, link, "Dora", bob)
    ann.cut()
    world.advance(31, stay_away=(ann,))
    newcomer(world, new_link(world, bob), "Eve", bob)
    world.advance(31)
    goes_on(world, ann, bob, cleo)
    newcomer(world, link, "Finn", ann)


def test_a_facilitator_who_leaves_takes_the_lobby_key_along() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    do(world, ann, "appoint", "Cleo")
    before = cleo.engine.require_member().membership.lobby_key
    ann.engine.commands.leave(lambda: None)
    world.advance(3)
    assert facilitators(cleo) == {"Bob", "Cleo"}
    assert cleo.engine.require_member().membership.lobby_key != before
    dora = newcomer(world, ann.invite(), "Dora", cleo)
    world.advance(31)
    goes_on(world, bob, cleo, dora)


def test_the_second_in_line_lets_the_first_go_when_nobody_before_does() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    do(world, ann, "appoint", "Cleo")
    world.advance(31)
    bob.cut()
    ann.engine.commands.leave(lambda: None)
    world.advance(70, stay_away=(bob,))
    assert facilitators(cleo) == {"Bob", "Cleo"}
    newcomer(world, ann.invite(), "Dora", cleo)
    world.advance(40)
    goes_on(world, bob, cleo)


def test_after_90_seconds_without_a_vault_the_first_in_line_begins_anew() -> None:
    """The appointer dies, and its vault is lost with the relay's store."""
    world, ann, bob, cleo = room_of_three()

    def lose_vault(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        vault = isinstance(frame, frames.LobbyItem) and frame.kind == LobbyKind.VAULT
        return [] if vault else [data]

    bob.to_client = lose_vault
    do(world, ann, "appoint", "Bob")
    before = cleo.engine.require_member().membership.lobby_key
    ann.cut()
    world.advance(20, stay_away=(ann,))
    world.knock(ann.invite(), "Dora")
    assert not bob.of(events.Knocked)  # he serves no lobby yet
    world.advance(100, stay_away=(ann,))
    assert cleo.engine.require_member().membership.lobby_key != before
    assert bob.of(events.VaultChanged)[-1] == events.VaultChanged("Bob", True)
    newcomer(world, new_link(world, bob), "Eve", bob)
    bob.to_client = lambda client, data: [data]
    world.advance(60)
    goes_on(world, ann, bob, cleo)
    newcomer(world, new_link(world, ann), "Finn", bob)


def test_invites_that_nobody_here_can_serve_are_dropped_once_over_a_slow_line() -> None:
    """Bob's commit is under way for five seconds, and his client looks twice a second."""
    world, ann, bob, _cleo = room_of_three()
    held: list[bytes] = []

    def lose_vault(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        vault = isinstance(frame, frames.LobbyItem) and frame.kind == LobbyKind.VAULT
        return [] if vault else [data]

    def hold_commit(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_client(data)
        commit = isinstance(frame, frames.Publish) and frame.blob_class == frames.BlobClass.COMMIT
        held.extend([data] if commit else [])
        return [] if commit else [data]

    bob.to_client = lose_vault
    do(world, ann, "appoint", "Bob")
    bob.to_relay = hold_commit
    ann.cut()
    while not held:
        world.advance(1, stay_away=(ann,))
    world.advance(5, stay_away=(ann,))
    assert bob.link is not None
    bob.link.receive(held[0])
    bob.to_relay = lambda client, data: [data]
    world.advance(30, stay_away=(ann,))
    assert [one.code for one in bob.of(events.Problem)].count("invites_dropped") == 1


def test_vaults_are_put_anew_after_the_relay_lost_its_memory() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.kill_relay()
    world.start_relay()
    world.advance(120)
    newcomer(world, new_link(world, ann), "Dora", bob)
    do(world, bob, "demote", "Ann")
    newcomer(world, new_link(world, bob), "Eve", bob)
    goes_on(world, ann, bob, cleo)


def test_a_facilitator_who_was_let_in_again_gets_the_vault_of_the_new_epoch() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(31)
    bob.engine.require_member()._hold()
    world.advance(20)
    states = [event.state for event in bob.of(events.ConnectionChanged)]
    assert events.ConnectionState.REJOINED in states
    newcomer(world, new_link(world, ann), "Dora", bob)
    world.advance(31)
    goes_on(world, ann, bob, cleo)


@pytest.mark.parametrize("what", ["appoint", "demote"])
def test_a_change_of_part_reaches_a_member_who_was_away(what: str) -> None:
    world, ann, bob, cleo = room_of_three()
    if what == "demote":
        do(world, ann, "appoint", "Bob")
        world.advance(31)
    bob.cut()
    result = ask(ann, what, "Bob")
    world.advance(40, stay_away=(bob,))
    assert result == [None]
    world.advance(5)
    assert (facilitators(bob) == {"Ann", "Bob"}) is (what == "appoint")
    goes_on(world, ann, bob, cleo)
    if what == "appoint":
        newcomer(world, ann.invite(), "Dora", bob)


@pytest.mark.parametrize("what", ["appoint", "demote"])
def test_a_change_of_part_reaches_a_member_who_was_held(what: str) -> None:
    world, ann, bob, cleo = room_of_three()
    if what == "demote":
        do(world, ann, "appoint", "Bob")
        world.advance(31)
    bob.engine.require_member()._hold()
    result = ask(ann, what, "Bob")
    world.advance(70)
    assert result == [None]
    assert (facilitators(bob) == {"Ann", "Bob"}) is (what == "appoint")
    goes_on(world, ann, bob, cleo)
    if what == "appoint":
        newcomer(world, new_link(world, ann), "Dora", bob)


def test_acts_that_cannot_be_done_say_why() -> None:
    world, ann, _bob, _cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    for what, name, code in (
        ("appoint", "Nobody", "unknown_name"),
        ("appoint", "Bob", "already_facilitator"),
        ("demote", "Ann", "not_oneself"),
        ("demote", "Cleo", "no_facilitator"),
        ("hand_over", "Ann", "not_oneself"),
        ("remove", "Bob", "not_facilitator"),
    ):
        with pytest.raises(AlcoveError) as refused:
            ask(ann, what, name)
        assert refused.value.code == code, what
    for what in ("appoint", "demote"):
        do(world, ann, "demote" if what == "appoint" else "appoint", "Bob")


def test_a_room_appoints_at_most_32_times() -> None:
    world, ann, _bob, _cleo = room_of_three()
    for _ in range(32):
        do(world, ann, "appoint", "Bob")
        do(world, ann, "demote", "Bob")
    with pytest.raises(AlcoveError) as refused:
        ask(ann, "appoint", "Bob")
    assert refused.value.code == "too_many_appointments"


def kill(world: World, client: Client) -> None:
    """The process dies: nothing of it comes any more."""
    client.cut()
    world.clients.remove(client)


STEPS: tuple[Callable[[frames.Frame], bool], ...] = (
    lambda frame: isinstance(frame, LobbyRequest) and frame.to is not None,
    lambda frame: isinstance(frame, frames.Publish) and frame.entry is not None,
    lambda frame: isinstance(frame, frames.PutDoor),
    lambda frame: isinstance(frame, frames.Settle),
)


@pytest.mark.parametrize("reaches", [True, False])
@pytest.mark.parametrize("step", range(len(STEPS)))
@pytest.mark.parametrize(
    "what", ["appoint", "demote", "hand_over", "step_down", "invite", "remove"]
)
def test_a_facilitator_who_dies_at_a_step_of_an_act(what: str, step: int, reaches: bool) -> None:
    """Dead before a frame of the act leaves, or right after it. The others hold the room."""
    world, ann, bob, cleo = room_of_three()
    dora = world.join(ann, "Dora")
    do(world, ann, "appoint", "Bob")
    do(world, ann, "appoint", "Cleo")
    world.advance(31)
    dead: list[bool] = []

    def dies(client: Client, data: bytes) -> list[bytes]:
        if dead:
            return []
        if STEPS[step](frames.from_client(data)):
            dead.append(True)
            return [data] if reaches else []
        return [data]

    ann.to_relay = dies
    name = {"appoint": "Dora", "hand_over": "Dora", "demote": "Cleo", "remove": "Dora"}.get(what)
    if what == "invite":
        ann.engine.commands.invite(lambda url, error: None)
    else:
        ask(ann, what, *([name] if name else []))
    world.settle()
    kill(world, ann)
    world.advance(200)
    here = [client for client in (bob, cleo, dora) if client.engine.closed is None]
    goes_on(world, *here)
    by = next(client for client in here if client.name in facilitators(client))
    finn = newcomer(world, new_link(world, by), "Finn", by)
    world.advance(31)
    goes_on(world, *here, finn)


# --- how many facilitators a room needs -----------------------------------------------------------


def quorum_room(start: int, stay: int) -> tuple[World, Client, Client, Client]:
    world = World()
    ann = world.open_with(world.client("Ann"), start=start, stay=stay)
    return world, ann, world.join(ann, "Bob"), world.join(ann, "Cleo")


def room_states(client: Client) -> list[tuple[RoomState, int]]:
    return [(event.state, event.missing) for event in client.of(events.RoomChanged)]


def test_a_room_begins_with_as_many_facilitators_as_it_needs() -> None:
    world, ann, bob, cleo = quorum_room(2, 1)
    world.advance(31)
    cleo.say("too early")
    ann.say("a facilitator may")
    world.advance(5)
    assert room_states(cleo)[-1] == (RoomState.READ_ONLY, 1)
    assert ann.texts() == []
    assert cleo.texts() == ["a facilitator may"]
    do(world, ann, "appoint", "Bob")
    world.advance(40)
    assert ann.texts() == ["too early"]
    assert room_states(cleo)[-1] == (RoomState.OPEN, 0)
    bob.cut()
    world.advance(150, stay_away=(bob,))
    cleo.say("one is enough to go on")
    world.advance(5, stay_away=(bob,))
    assert ann.texts()[-1] == "one is enough to go on"
    dora = world.join(ann, "Dora")  # she saw one facilitator only, and hears that it has begun
    cleo.say("hello")
    world.advance(31, stay_away=(bob,))
    dora.say("hello too")
    world.advance(5, stay_away=(bob,))
    assert ann.texts()[-1] == "hello too"


def test_a_room_that_needs_two_to_go_on_waits_and_opens_by_itself() -> None:
    world, ann, bob, cleo = quorum_room(2, 2)
    do(world, ann, "appoint", "Bob")
    world.advance(40)
    assert room_states(cleo)[-1] == (RoomState.OPEN, 0)
    bob.cut()
    world.advance(95, stay_away=(bob,))
    assert room_states(cleo)[-1] == (RoomState.READ_ONLY, 1)
    cleo.say("later")
    world.advance(5, stay_away=(bob,))
    assert ann.texts() == []
    world.advance(40)
    assert room_states(cleo)[-1] == (RoomState.OPEN, 0)
    assert "later" in ann.texts()
    assert "later" in bob.texts()


def test_a_lobby_key_that_a_former_facilitator_read_is_not_used() -> None:
    """Ann demotes Bob, and Cleo has Ann's next lobby key for it. Bob's demotion of Cleo is first.
    Then Ann's act goes on with another key, because Cleo may have kept that one."""
    world, ann, bob, cleo = room_of_three()
    dora = world.join(ann, "Dora")
    for name in ("Bob", "Cleo"):
        do(world, ann, "appoint", name)
    world.advance(31)
    held: list[bytes] = []

    def hold_commit(client: Client, data: bytes) -> list[bytes]:
        if isinstance(frames.from_client(data), frames.Publish):
            held.append(data)
            return []
        return [data]

    ann.to_relay = hold_commit
    result = ask(ann, "demote", "Bob")
    world.settle()
    assert held
    known = set(part(cleo).lobby_keys._held)
    do(world, bob, "demote", "Cleo")
    ann.to_relay = lambda client, data: [data]
    for data in held:
        assert ann.link is not None
        ann.link.receive(data)
    world.advance(15)
    assert result == [None]
    assert facilitators(dora) == {"Ann"}
    assert dora.engine.require_member().membership.lobby_key not in known
    newcomer(world, new_link(world, ann), "Eve", ann)
    goes_on(world, ann, bob, cleo, dora)


@pytest.mark.parametrize("meanwhile", ["invite", "new log"])
def test_the_next_lobby_key_is_kept_from_whom_its_commit_demotes(meanwhile: str) -> None:
    """Ann's commit waits, and other reasons come to put vaults for all."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(31)
    keys, held = part(bob).lobby_keys, list[bytes]()

    def hold_commit(client: Client, data: bytes) -> list[bytes]:
        if isinstance(frames.from_client(data), frames.Publish):
            held.append(data)
            return []
        return [data]

    ann.to_relay = hold_commit
    result = ask(ann, "demote", "Bob")
    world.settle()
    if meanwhile == "invite":
        ann.engine.commands.invite(lambda url, error: None)
        world.settle()
    else:
        world.kill_relay()
        world.start_relay()
        world.advance(120)
    known = set(keys._held)
    ann.to_relay = lambda client, data: [data]
    ann.cut()
    world.advance(30)
    assert held
    assert result == [None]
    assert facilitators(cleo) == {"Ann"}
    assert cleo.engine.require_member().membership.lobby_key not in known
    goes_on(world, ann, bob, cleo)


def test_a_next_lobby_key_that_one_has_is_not_the_next_without_them() -> None:
    """Ann is about to demote Bob, and Cleo has the key for it. Then Ann demotes Cleo too."""
    world, ann, bob, cleo = room_of_three()
    for name in ("Bob", "Cleo"):
        do(world, ann, "appoint", name)
    vaults = part(ann).vaults
    others = {
        one: client.engine.identity.signature.public for one, client in (("B", bob), ("C", cleo))
    }
    vaults.keep_from(others["B"])
    first = vaults.coming_key()
    vaults.offer(vaults.others(others["B"]), lambda: None)
    world.settle()
    assert part(cleo).lobby_keys.get(first) is not None
    assert part(bob).lobby_keys.get(first) is None
    vaults.keep_from(others["C"])
    assert vaults.coming_key() != first

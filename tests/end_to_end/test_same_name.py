"""Back without keys: a knock under the name of a member who is silent, which a person decides."""

from alcove import events
from alcove_server.store.memory.store import MemoryStore

from tests.end_to_end.facilitating import ask, do, newcomer
from tests.end_to_end.test_absent import ABSENT, a_room, lose
from tests.end_to_end.test_invites import make
from tests.end_to_end.test_outside import uses_left
from tests.end_to_end.world import Client, World, closed


def knock_of(ann: Client) -> events.Knocked:
    return ann.of(events.Knocked)[-1]


def relay_uses(world: World, ann: Client) -> list[int]:
    """What the relay keeps of the room's doors."""
    assert world.relay is not None
    assert isinstance(world.relay.store, MemoryStore)
    room = world.relay.store._rooms[ann.engine.room]
    return [door.uses_left for door in room.doors._doors.values()]


def admitted(world: World, ann: Client) -> None:
    assert ann.admit(knock_of(ann)) == []
    world.settle()


def test_who_lost_the_keys_comes_back_under_the_same_name_by_a_persons_decision() -> None:
    world, ann, bob, cleo = a_room()
    invite = ann.invite()
    before = uses_left(ann), relay_uses(world, ann)
    bob.cut()
    world.advance(180, stay_away=(bob,))
    again = world.knock(invite, "Bob")
    world.advance(2, stay_away=(bob,))
    knock = knock_of(ann)
    assert (knock.name, knock.again) == ("Bob", "Bob")
    assert 175 <= knock.away <= 190
    admitted(world, ann)
    assert ann.members() == cleo.members() == again.members() == {"Ann", "Bob", "Cleo"}
    assert len(ann.engine.require_member().membership.people()) == 3
    for client in (ann, cleo):
        assert client.of(events.NewKeys) == [events.NewKeys("Bob", "Ann")]
        assert client.of(events.Removed) == []
        acts = [(act.act, act.name) for act in client.engine.require_member().act_log.acts()]
        assert ("rejoin", "Bob") in acts
        assert ("remove", "Bob") not in acts  # nobody was taken out
        assert [event.name for event in client.of(events.Joined)].count("Bob") <= 1
    assert ann.invite() == invite
    assert ann.of(events.InviteChanged) == []
    assert (uses_left(ann), relay_uses(world, ann)) == before
    again.say("it is me")
    world.settle()
    assert cleo.texts()[-1] == "it is me"
    world.join(ann, "Dora")  # by the same invite: nobody else's was revoked
    bob.back()
    world.advance(5)
    assert closed(bob).reason is events.CloseReason.REMOVED


def test_the_name_of_a_member_who_is_there_is_taken() -> None:
    world, ann, bob, _ = a_room()
    twin = world.knock(ann.invite(), "Bob")
    world.advance(10)
    assert closed(twin).code == "name_taken"
    assert bob.engine.closed is None
    assert knock_of(ann).name == "Cleo"


def test_a_knock_waits_until_it_is_known_whether_the_member_is_there() -> None:
    world, ann, bob, _ = a_room()
    bob.cut()
    world.advance(12, stay_away=(bob,))
    again = world.knock(ann.invite(), "Bob")
    assert again.engine.closed is None
    assert knock_of(ann).name == "Cleo"
    world.advance(12, stay_away=(bob,))
    assert (knock_of(ann).name, knock_of(ann).again) == ("Bob", "Bob")


def test_a_member_who_comes_back_meanwhile_keeps_the_place() -> None:
    world, ann, bob, cleo = a_room()
    bob.cut()
    world.advance(60, stay_away=(bob,))
    world.knock(ann.invite(), "Bob")
    world.advance(2, stay_away=(bob,))
    knock = knock_of(ann)
    bob.back()
    world.advance(10)
    result = ann.admit(knock)
    world.settle()
    assert [getattr(error, "code", None) for error in result] == ["name_taken"]
    assert ann.members() == cleo.members() == {"Ann", "Bob", "Cleo"}
    assert bob.engine.closed is None


def test_a_client_that_was_away_itself_calls_no_name_free_or_taken() -> None:
    """Bob may have come back while Ann's client heard nothing. The knock waits, and nobody is told
    that the name is taken."""
    world, ann, bob, cleo = a_room()
    bob.cut()
    world.advance(60, stay_away=(bob,))
    again = world.knock(ann.invite(), "Bob")
    world.advance(2, stay_away=(bob,))
    knock = knock_of(ann)
    ann.cut()
    world.advance(5, stay_away=(ann, bob))
    world.advance(3, stay_away=(bob,))
    result = ann.admit(knock)
    world.settle()
    assert [getattr(error, "code", None) for error in result] == ["not_known_yet"]
    assert again.engine.closed is None
    world.advance(25, stay_away=(bob,))
    result = ann.admit(knock)
    world.settle()
    assert result == [None]
    assert ann.members() == cleo.members() == again.members() == {"Ann", "Bob", "Cleo"}


def test_who_was_let_go_and_lost_the_keys_is_asked_about_too() -> None:
    world, ann, bob, cleo = a_room()
    do(world, ann, "pause", "Bob")
    lose(world, bob, ABSENT + 60.0)
    again = world.knock(ann.invite(), "Bob")
    world.advance(1, stay_away=(bob,))
    assert knock_of(ann).again == "Bob"
    admitted(world, ann)
    assert cleo.of(events.NewKeys) == [events.NewKeys("Bob", "Ann")]
    state = ann.engine.require_member().membership.state
    assert state.paused_keys() == (again.engine.identity.signature.public,)
    bob.back()
    world.advance(20)
    assert ann.members() == {"Ann", "Bob", "Cleo"}
    assert len(ann.engine.require_member().membership.people()) == 3


def test_a_pause_carries_over_to_new_keys() -> None:
    world, ann, bob, _ = a_room()
    do(world, ann, "pause", "Bob")
    bob.cut()
    world.advance(100, stay_away=(bob,))
    again = world.knock(ann.invite(), "Bob")
    world.advance(2, stay_away=(bob,))
    admitted(world, ann)
    membership = ann.engine.require_member().membership
    assert membership.state.paused_keys() == (again.engine.identity.signature.public,)
    assert membership.alarm is None


def test_a_pause_that_ended_while_they_waited_does_not_carry_over() -> None:
    world, ann, bob, _ = a_room()
    do(world, ann, "pause", "Bob")
    bob.cut()
    world.advance(100, stay_away=(bob,))
    world.knock(ann.invite(), "Bob")
    world.advance(2, stay_away=(bob,))
    do(world, ann, "unpause", "Bob")
    admitted(world, ann)
    assert ann.engine.require_member().membership.state.paused_keys() == ()


def test_a_pause_of_one_who_was_let_go_carries_over_to_new_keys() -> None:
    world, ann, bob, _ = a_room()
    do(world, ann, "pause", "Bob")
    lose(world, bob)
    again = world.knock(ann.invite(), "Bob")
    world.advance(2, stay_away=(bob,))
    assert knock_of(ann).again == "Bob"
    admitted(world, ann)
    state = ann.engine.require_member().membership.state
    assert state.paused_keys() == (again.engine.identity.signature.public,)


def test_nobody_takes_a_facilitators_place_so() -> None:
    world, ann, bob, _ = a_room()
    do(world, ann, "appoint", "Bob")
    bob.cut()
    world.advance(200, stay_away=(bob,))
    twin = world.knock(ann.invite(), "Bob")
    world.advance(2, stay_away=(bob,))
    assert closed(twin).code == "name_taken"


def test_a_personal_link_that_was_used_says_how_its_person_comes_back() -> None:
    """It takes no knock after its use (decision 0027). The one it was for, whose client died, comes
    back under the same name by any other link: for one use of that, and nobody's link closes."""
    world = World()
    ann = world.open("Ann")
    shared, (before,) = ann.invite(), uses_left(ann)
    link = make(world, ann, 1, uses=1)[0]
    bob = newcomer(world, link, "Bob", ann)
    bob.cut()
    again = world.knock_with(world.client("Bob"), link)
    (told,) = again.of(events.Closed)
    assert (told.reason, told.code) == (events.CloseReason.REFUSED, "door_used")
    assert "come back by another link, under the same name" in told.text
    world.advance(40, stay_away=(bob,))
    back = world.knock(shared, "Bob")
    world.advance(2, stay_away=(bob,))
    knock = knock_of(ann)
    assert (knock.name, knock.again) == ("Bob", "Bob")
    admitted(world, ann)
    assert back.members() == ann.members() == {"Ann", "Bob"}
    assert ann.of(events.NewKeys) == [events.NewKeys("Bob", "Ann")]
    assert uses_left(ann) == [before - 1]
    assert ann.invite() == shared
    assert not ann.of(events.InviteRevoked)


def hands_over(world: World, by: Client, to: Client, *, stay_away: tuple[Client, ...] = ()) -> None:
    result = ask(by, "hand_over", to.name)
    world.advance(2, stay_away=stay_away)
    assert result == [None]
    assert to.engine.require_member().facilitator is not None
    assert by.engine.require_member().facilitator is None


def handed_over_while_bob_waits(silent: float) -> tuple[World, Client, Client, Client, Client]:
    """Bob's device died, and Bob waits at the door. Ann hands over to Cleo, who never opened a
    frame of Bob's."""
    world, ann, bob, cleo = a_room()
    bob.say("my battery is low")
    world.settle()
    bob.cut()
    world.advance(silent, stay_away=(bob,))
    again = world.knock(ann.invite(), "Bob")
    world.advance(2, stay_away=(bob,))
    assert knock_of(ann).again == "Bob"
    hands_over(world, ann, cleo, stay_away=(bob,))
    return world, ann, bob, cleo, again


def test_a_new_facilitator_calls_no_name_taken_before_a_sign_of_life_could_come() -> None:
    world, _ann, bob, cleo, again = handed_over_while_bob_waits(60)
    assert again.engine.closed is None
    assert cleo.of(events.Knocked) == []  # it waits for Bob's frames, as Ann's client did
    world.advance(25, stay_away=(bob,))
    knock = knock_of(cleo)
    assert (knock.name, knock.again) == ("Bob", "Bob")
    assert knock.away <= 30  # so long Cleo's client has heard nothing; before, it could not hear
    admitted(world, cleo)
    assert again.members() == {"Ann", "Bob", "Cleo"}


def test_a_new_facilitator_hears_that_the_member_of_a_name_is_there() -> None:
    world, _ann, bob, _cleo, again = handed_over_while_bob_waits(60)
    bob.back()
    world.advance(15)
    assert closed(again).code == "name_taken"
    assert bob.engine.closed is None


def test_who_facilitates_again_counts_no_silence_of_when_frames_were_not_for_them() -> None:
    """Cleo takes over for less than a minute, while Bob speaks to her in frames alone."""
    world, ann, bob, cleo = a_room()
    hands_over(world, ann, cleo)
    world.advance(22)
    hands_over(world, cleo, ann)
    twin = world.knock(ann.invite(), "Bob")
    world.advance(1)
    assert [knock for knock in ann.of(events.Knocked) if knock.again] == []
    world.advance(15)
    assert closed(twin).code == "name_taken"
    assert bob.engine.closed is None


def test_no_more_silence_is_told_than_could_be_heard() -> None:
    """Bob's frames were for Cleo meanwhile, and his device dies as Ann facilitates again."""
    world, ann, bob, cleo = a_room()
    hands_over(world, ann, cleo)
    world.advance(22)
    hands_over(world, cleo, ann)
    bob.cut()
    world.knock(ann.invite(), "Bob")
    world.advance(25, stay_away=(bob,))
    assert knock_of(ann).again == "Bob"
    assert knock_of(ann).away <= 27


# --- at the door ----------------------------------------------------------------------------------


def knocks(ann: Client, since: int) -> list[tuple[str, str]]:
    return [(knock.name, knock.again) for knock in ann.of(events.Knocked)[since:]]


def dies_at_the_door(name: str = "Dora") -> tuple[World, Client, Client, int]:
    """A newcomer's program died while it waited, and another knocks under its name or one like it.
    Return Ann, that one, and how many knocks there were before."""
    world, ann, _bob, _cleo = a_room()
    before = len(ann.of(events.Knocked))
    dead = world.knock(ann.invite(), "Dora")
    dead.cut()
    world.clients.remove(dead)
    again = world.knock(ann.invite(), name)
    world.advance(10)
    assert again.engine.closed is None  # no member has the name
    assert knocks(ann, before) == [("Dora", "")]
    return world, ann, again, before


def test_who_died_at_the_door_knocks_again_when_the_first_knock_is_refused() -> None:
    world, ann, again, before = dies_at_the_door()
    ann.engine.commands.refuse(knock_of(ann).id)
    world.advance(2)
    assert knocks(ann, before) == [("Dora", ""), ("Dora", "")]
    admitted(world, ann)
    assert again.of(events.Joined)


def test_who_died_at_the_door_takes_the_place_that_the_first_knock_was_given() -> None:
    """The dead program was let in, and never gave a sign of life."""
    world, ann, again, before = dies_at_the_door()
    admitted(world, ann)
    world.advance(10)
    assert again.engine.closed is None
    world.advance(20)
    assert knocks(ann, before) == [("Dora", ""), ("Dora", "Dora")]
    admitted(world, ann)
    assert again.of(events.Joined)
    assert ann.members() == again.members() == {"Ann", "Bob", "Cleo", "Dora"}
    assert len(ann.engine.require_member().membership.people()) == 4


def test_of_two_at_the_door_the_second_is_told_that_the_name_is_taken_when_it_is() -> None:
    world, ann, _bob, _cleo = a_room()
    dora, twin = (world.knock(ann.invite(), name) for name in ("Dora", "D0ra"))
    assert twin.engine.closed is None
    assert knock_of(ann).name == "Dora"
    admitted(world, ann)
    world.advance(2)
    assert dora.of(events.Joined)
    assert closed(twin).code == "name_taken"


def test_of_two_programs_of_one_person_the_second_goes_when_the_first_is_in() -> None:
    world, ann, _bob, _cleo = a_room()
    dora, other = (world.knock(ann.invite(), "Dora") for _ in range(2))
    admitted(world, ann)
    world.advance(12)
    assert dora.of(events.Joined)
    assert closed(other).code == "name_taken"
    assert knock_of(ann).again == ""

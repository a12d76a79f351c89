"""Today's word: chosen at the door, and held against a knock under the name of a silent member."""

import pytest
from alcove import events
from alcove.errors import InvalidInput, NotNow
from alcove.facilitation.todays_words import COMMIT_MAY_COME, GONE_MOST, WRONG_MOST, TodaysWords
from alcove.joining import todays_word
from alcove.joining.newcomer import Newcomer
from alcove.joining.todays_word import NO_WORD, clean_word, word_key
from alcove.members import WordCheck
from alcove_protocol import frames, limits

from tests.end_to_end.facilitating import do, hold, part
from tests.end_to_end.test_absent import ABSENT, lose
from tests.end_to_end.test_outside import inside, outside
from tests.end_to_end.test_same_name import admitted, knock_of
from tests.end_to_end.world import Client, World, closed

ROOM = bytes(range(32))
WORD = "blue kettle"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vectors have the true number of rounds."""
    monkeypatch.setattr(todays_word, "ROUNDS", 10)


def at_door(world: World, host: Client, name: str, word: str = "") -> Client:
    """A newcomer that accepts with this word."""
    client = world.knock(host.invite(), name, accept=False)
    commands = client.engine.commands
    commands.accept(word=commands.word_key(word))
    world.settle()
    return client


def joins(world: World, host: Client, name: str, word: str = "") -> Client:
    client = at_door(world, host, name, word)
    admitted(world, host)
    assert client.of(events.Joined)
    return client


def a_room(word: str = WORD) -> tuple[World, Client, Client]:
    """Ann facilitates, and Bob chose this word."""
    world = World()
    ann = world.open_with(world.client("Ann"), absent=ABSENT)
    bob = joins(world, ann, "Bob", word)
    world.advance(40)
    return world, ann, bob


def says(world: World, ann: Client, word: str, *away: Client) -> WordCheck | None:
    """What Ann is told of a knock as Bob with this word, which goes again."""
    twin = at_door(world, ann, "Bob", word)
    world.advance(2, stay_away=away)
    knock = knock_of(ann)
    assert knock.again == "Bob"
    twin.engine.commands.leave(lambda: None)
    world.settle()
    return knock.word


def test_the_word_of_before_fits_and_others_do_not() -> None:
    world, ann, bob = a_room()
    bob.cut()
    world.advance(100, stay_away=(bob,))
    assert says(world, ann, "red kettle", bob) == "differs"
    assert says(world, ann, "", bob) == "missing"
    assert says(world, ann, "  Blue\tKETTLE ", bob) == "fits"


def test_nobody_is_told_of_a_word_who_does_not_come_back() -> None:
    world, ann, _ = a_room()
    at_door(world, ann, "Cleo", WORD)
    assert (knock_of(ann).again, knock_of(ann).word) == ("", None)


def test_the_name_of_a_member_who_is_there_says_nothing_of_their_word() -> None:
    """And it is no guess: else a stranger uses them up before anything has happened."""
    world, ann, bob = a_room()
    for number in range(WRONG_MOST + 1):
        twin = at_door(world, ann, "Bob", f"wrong {number}")
        world.advance(10)
        assert closed(twin).code == "name_taken"
    bob.cut()
    world.advance(100, stay_away=(bob,))
    assert says(world, ann, WORD, bob) == "fits"


def test_a_member_that_chose_no_word_is_told_as_that() -> None:
    world, ann, bob = a_room("")
    bob.cut()
    world.advance(100, stay_away=(bob,))
    assert says(world, ann, WORD, bob) == "none"


def test_after_five_different_wrong_words_a_word_says_nothing_any_more() -> None:
    """Also the right one: else the sixth guess would be as good as the first."""
    world, ann, bob = a_room()
    bob.cut()
    world.advance(100, stay_away=(bob,))
    for number in range(WRONG_MOST):
        for _ in range(2):  # the same again is no new guess
            assert says(world, ann, f"wrong {number}", bob) == "differs"
    assert says(world, ann, WORD, bob) == "spent"
    assert says(world, ann, "", bob) == "spent"


def test_who_was_let_go_is_known_by_their_word_for_two_hours() -> None:
    world, ann, bob = a_room()
    lose(world, bob, ABSENT + 60.0)
    assert ann.members() == {"Ann"}
    assert says(world, ann, WORD, bob) == "fits"
    words = part(ann).same_names.words
    world.advance(limits.AWAY, step=60, stay_away=(bob,))
    words._forget_old()
    assert not words._chosen
    assert not words._brought


def test_the_word_stays_with_who_comes_back_with_their_keys() -> None:
    world, ann, bob = a_room()
    lose(world, bob, ABSENT + 60.0)
    bob.back()
    world.advance(15)
    assert ann.members() == {"Ann", "Bob"}
    bob.cut()
    world.advance(100, stay_away=(bob,))
    assert says(world, ann, WORD, bob) == "fits"


def test_the_word_stays_with_who_stepped_outside() -> None:
    world, ann, bob = a_room()
    outside(world, bob)
    assert inside(world, bob) == [None]
    bob.cut()
    world.advance(100, stay_away=(bob,))
    assert says(world, ann, WORD, bob) == "fits"


@pytest.mark.parametrize(("second", "then"), [("", WORD), ("red cup", "red cup")])
def test_who_comes_back_with_new_keys_has_the_new_word_or_the_one_from_before(
    second: str, then: str
) -> None:
    """The true person can tell of a stranger that was let in without a word."""
    world, ann, bob = a_room()
    bob.cut()
    world.advance(100, stay_away=(bob,))
    again = at_door(world, ann, "Bob", second)
    world.advance(2, stay_away=(bob,))
    admitted(world, ann)
    assert again.of(events.Joined)
    again.cut()
    world.advance(100, stay_away=(bob, again))
    assert says(world, ann, then, bob, again) == "fits"
    assert says(world, ann, "no word of anybody", bob, again) == "differs"


def test_the_word_of_who_left_is_forgotten_and_so_is_that_of_who_was_refused() -> None:
    world, ann, bob = a_room()
    bob.engine.commands.leave(lambda: None)
    twin = at_door(world, ann, "Dora", "green door")
    world.advance(5)
    part(ann).lobby.refuse(bytes.fromhex(knock_of(ann).id))
    world.advance(COMMIT_MAY_COME + 10, step=10)
    words = part(ann).same_names.words
    words._forget_old()
    assert not words._chosen
    assert not words._brought
    assert closed(twin).code == "refused"


def test_knocks_that_come_and_go_without_end_leave_few_words() -> None:
    """Of a holder of the link and a relay that counts no knocks. What waits is kept."""
    words = TodaysWords(lambda: 0.0)
    words.brought(b"waits", b"a word")
    keys = [number.to_bytes(4) for number in range(3 * GONE_MOST)]
    for key in keys:
        words.brought(key, b"a word")
        words.waits_no_more(key)
        words.waits_no_more(key)
    assert len(words._brought) == GONE_MOST + 1
    assert b"waits" in words._brought
    assert keys[-1] in words._brought


def test_every_facilitator_that_saw_the_knock_knows_whether_the_word_fits() -> None:
    """One that was appointed later does not, and says so."""
    world = World()
    ann = world.open_with(world.client("Ann"), absent=ABSENT)
    cleo = world.join(ann, "Cleo")
    do(world, ann, "appoint", "Cleo")
    world.advance(40)
    bob = joins(world, ann, "Bob", WORD)
    dora = world.join(ann, "Dora")
    do(world, ann, "appoint", "Dora")
    world.advance(40)
    bob.cut()
    world.advance(100, stay_away=(bob,))
    says(world, ann, WORD, bob)
    told = [knock_of(client).word for client in (ann, cleo, dora)]
    assert told == ["fits", "fits", "unknown"]


def test_who_was_demoted_keeps_no_word() -> None:
    world, ann, _ = a_room()
    cleo = world.join(ann, "Cleo")
    do(world, ann, "appoint", "Cleo")
    world.advance(40)
    words = part(ann).same_names.words
    do(world, cleo, "demote", "Ann")
    assert not words._chosen


def test_a_knock_with_a_word_has_the_size_of_one_without() -> None:
    world = World()
    ann = world.open("Ann")
    sizes: set[int] = set()
    for word in ("", WORD, "x" * todays_word.MOST):
        client = world.knock(ann.invite(), "Bob", accept=False)
        sent = hold(client, frames.Knock)
        client.engine.commands.accept(word=client.engine.commands.word_key(word))
        world.settle()
        sizes.update(len(data) for data in sent)
        client.engine.commands.leave(lambda: None)
        world.settle()
    assert len(sizes) == 1


def test_the_word_itself_is_in_no_knock_and_at_no_facilitator() -> None:
    _, ann, bob = a_room("a word like no other")
    newcomer = bob.engine.newcomer
    assert isinstance(newcomer, Newcomer)
    assert newcomer.word not in (NO_WORD, b"")
    assert WORD not in repr(part(ann).same_names.words._chosen)
    (chosen,) = part(ann).same_names.words._chosen.values()
    assert chosen.word == newcomer.word
    assert newcomer.word.hex() not in repr(chosen)


@pytest.mark.parametrize(
    "word", ["abc", "", " \t ", "x" * 65, "x" * 10_000, "\ud800word", "Bob ey"]
)
def test_what_is_no_word(word: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        word_key(ROOM, "bob EY", word)
    assert caught.value.code == "bad_word"


def test_a_word_is_bound_to_room_and_name() -> None:
    key = word_key(ROOM, "Bob", WORD)
    assert key == word_key(ROOM, "Bob", "BLUE \n kettle")
    assert key != word_key(bytes(32), "Bob", WORD)
    assert key != word_key(ROOM, "Rob", WORD)
    assert clean_word("\uff22lue") == "blue"
    assert clean_word("\u5e0c\u671b") == "\u5e0c\u671b"


def test_a_word_is_chosen_at_the_door_alone() -> None:
    _, ann, bob = a_room()
    for client in (ann, bob):
        with pytest.raises(NotNow) as caught:
            client.engine.commands.word_key(WORD)
        assert caught.value.code == "no_door"
        assert client.engine.commands.word_key("") == NO_WORD

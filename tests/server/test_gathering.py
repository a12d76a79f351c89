"""However a turn of the loop is cut, everybody hears the same in the same order."""

import os
from collections.abc import Callable

from alcove_protocol.frames import BlobIs, Published, Resume
from alcove_server.embedded import embedded
from alcove_server.outlet import Message
from alcove_server.runner import Immediate
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.scene import Scene


class InTurns(Immediate):
    """Work runs at once; what was to be done later waits for `turn`."""

    def __init__(self) -> None:
        self._later: list[Callable[[], None]] = []

    def later(self, act: Callable[[], None]) -> None:
        self._later.append(act)

    def turn(self) -> None:
        later, self._later = self._later, []
        for act in later:
            act()


class SlowScene(Scene):
    """The scene whose relay gathers what comes until the test ends the turn."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = InTurns()
        self.relay = embedded(self.clock, os.urandom, wall=self.clock, runner=self.turns)


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["say", "say", "say", "turn", "resume", "beat"]), st.integers(0, 3)),
    max_size=40,
)


@given(ACTIONS)
@settings(max_examples=80, deadline=None)
def test_one_order_for_all_however_turns_are_cut(actions: list[tuple[str, int]]) -> None:
    scene = SlowScene()
    scene.open()
    door = scene.put_door()
    people = [scene.host, *(scene.member(door) for _ in range(3))]
    scene.turns.turn()
    for person in people:
        person.fetch()
        person.heard.clear()
    first = int.from_bytes(scene.base[8:], "big")
    sent = 0
    for action, who in actions:
        person = people[who]
        if action == "say":
            person.send(person.blob())
            sent += 1
        elif action == "beat":
            scene.host.beat()
            sent += 1
        elif action == "resume":
            person.fetch()
            person.send(Resume(person.next_n(), person.position, 0))
        else:
            scene.turns.turn()
    scene.turns.turn()
    for person in people:
        person.fetch()
        heard = [one.position for one in person.heard if isinstance(one, BlobIs | Published)]
        numbers = [int.from_bytes(position[8:], "big") for position in heard]
        assert numbers == list(range(first + 1, first + sent + 1))


def test_a_turn_is_joined_once_for_all_who_need_all_of_it() -> None:
    scene = SlowScene()
    scene.open()
    door = scene.put_door()
    ann, ben = scene.member(door), scene.member(door)
    scene.turns.turn()
    for one in (ann, ben):
        one.fetch()
    scene.host.say(b"one")
    scene.host.say(b"two")
    assert ann.link.outgoing() == []
    scene.turns.turn()
    to_ann, to_ben = ann.link.outgoing(), ben.link.outgoing()
    assert len(to_ann) == 2
    assert all(mine is theirs for mine, theirs in zip(to_ann, to_ben, strict=True))


def test_several_messages_are_framed_as_each_alone() -> None:
    payloads = [b"x" * size for size in (1, 125, 126, 65_535, 65_536)]
    messages = [Message(payload) for payload in payloads]
    joined = Message.joined(messages)
    assert joined.framed == b"".join(message.framed for message in messages)
    assert joined.payloads == tuple(payloads)
    assert Message.joined(messages[:1]) is messages[0]
    assert messages[0].framed == b"\x82\x01x"
    assert messages[2].framed[:4] == b"\x82\x7e\x00\x7e"
    assert messages[4].framed[:10] == b"\x82\x7f" + (65_536).to_bytes(8, "big")

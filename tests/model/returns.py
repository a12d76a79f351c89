"""A room whose devices die: who is let go, held, or without keys, and how all are in it again.

Three persons and the holder of a standby's link. The facilitators may die one after the other, and
a person whose device died comes again with another. The relay may withhold a commit from a client,
and one member may answer the link falsely. Time is an order: whoever may let go waits long enough.

Left out: the link's own keys (link.py), vaults (vaults.py), the relay's lost memory (reseat.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.model.search import Step

PEOPLE: Final = "ABC"
HOLDER: Final = "D"
ALIVE: Final = ("here", "away")
MISHAPS: Final = 3
"""Failures of a world. Each rule is needed within so many."""


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One rule of presence, return, and the standby."""

    says: str


NEVER: Final = Rule("no facilitator is let go for a lost connection")
RETURN: Final = Rule("who kept the keys comes back without a decision")
SILENT: Final = Rule("nobody takes the place of a member who gives signs of life")
REJOIN: Final = Rule("a held member asks, and a facilitator who follows lets it in")
GOES_ON: Final = Rule("a held facilitator goes on when no other is heard")
QUIET: Final = Rule("the link lets nobody in while a facilitator is heard")
REPLACE: Final = Rule("a false answer spends nothing of the link")
HELD_TOO: Final = Rule("a held member answers the link")
HELD_LAST: Final = Rule("a held member's answer counts when nobody who follows answered")
RULES: Final = frozenset(rule for rule in globals().values() if isinstance(rule, Rule))


class Person(NamedTuple):
    """`where`: here, away, out (let go, with keys), asks (the same, connected), dead, or door (with
    another device, without keys). `leaf`: in the group. `follows`: in step with it. `epoch`: who is
    left that has the secrets of an epoch of this member's, by one of which a request is sealed.
    Who came by the link later has none."""

    where: str = "here"
    leaf: bool = True
    follows: bool = True
    epoch: frozenset[str] = frozenset()


class State(NamedTuple):
    """`people`: A, B, C and D. `listed`: facilitators. `link`: set, misled (by a false answer),
    wasted, spent or none; A made it. `knows`: who saw ABSENT commits. `wrong`: what must not be."""

    people: tuple[Person, ...]
    listed: frozenset[str]
    link: str
    knows: frozenset[str] = frozenset()
    mishaps: int = MISHAPS
    wrong: str = ""

    def of(self, name: str) -> Person:
        return self.people[(PEOPLE + HOLDER).index(name)]

    def put(self, name: str, person: Person) -> State:
        at = (PEOPLE + HOLDER).index(name)
        return self._replace(people=(*self.people[:at], person, *self.people[at + 1 :]))

    def serving(self) -> frozenset[str]:
        """The facilitators who are here and follow."""
        return frozenset(name for name in self.listed if self.of(name) == Person())


class Action(NamedTuple):
    kind: str
    about: str = ""


FAILURES: Final = frozenset({"cut", "dies", "misses", "lies", "poses"})
BY_THEMSELVES: Final = frozenset({"back", "rejoins", "returns", "goes on"})
"""What clients do without a person."""


def start(link: str) -> State:
    """A facilitates, B and C take part."""
    return State((Person(), Person(), Person(), Person("door", leaf=False)), frozenset("A"), link)


class Machine:
    """All that can happen, with these rules."""

    def __init__(self, rules: Collection[Rule] = RULES) -> None:
        self.rules = frozenset(rules)

    def successors(self, state: State) -> Iterator[Step[State, Action]]:
        for name in PEOPLE + HOLDER:
            if name == HOLDER and HOLDER not in state.listed:
                continue
            yield from self._by_itself(state, name)
            yield from self._decided(state, name)
            if state.mishaps:
                yield from self._fails(state, name)
        yield from self._link(state)

    # --- what fails ----------------------------------------------------------------------------

    def _fails(self, state: State, name: str) -> Iterator[Step[State, Action]]:
        less, person = state._replace(mishaps=state.mishaps - 1), state.of(name)
        epoch = person.epoch if not person.follows else _members(state) - {name}
        if person.where == "here":
            cut = person._replace(where="away", epoch=epoch)
            yield Step(Action("cut", name), less.put(name, cut))
        if person.where in ("here", "away", "out", "asks"):
            dead = Person("dead", person.leaf, follows=False)
            yield Step(Action("dies", name), _forgotten(less, name).put(name, dead))
        if person == Person() and state.serving() - {name}:
            held = person._replace(follows=False, epoch=epoch)
            yield Step(Action("misses", name), less.put(name, held))
        if person == Person() and state.serving() - {name} and SILENT not in self.rules:
            yield Step(Action("poses", name), less._replace(wrong="somebody here was replaced"))

    # --- what clients do -----------------------------------------------------------------------

    def _by_itself(self, state: State, name: str) -> Iterator[Step[State, Action]]:
        person, serving = state.of(name), state.serving()
        if person.where in ("away", "out"):
            where = {"away": "here", "out": "asks"}[person.where]
            back = Person() if person.leaf and person.follows else person._replace(where=where)
            yield Step(Action("back", name), state.put(name, back))
        if person.where == "here" and not person.follows:
            if serving & person.epoch and REJOIN in self.rules:
                # What was missed may have removed whom the client would let in again.
                knows = state.knows - {name}
                after = state.put(name, Person())._replace(knows=knows)
                yield Step(Action("rejoins", name), after)
            if serving:  # a leave by wish, which takes a facilitator off the list
                after = state.put(name, _door(leaf=False))._replace(listed=state.listed - {name})
                yield Step(Action("gives up", name), _cleared(after, name))
            if name in state.listed and not serving and GOES_ON in self.rules:
                yield Step(Action("goes on", name), _branch(state, follows=False))
        if person.where == "asks":
            if serving & state.knows & person.epoch and RETURN in self.rules:
                yield Step(Action("returns", name), state.put(name, Person()))
            yield Step(Action("is told", name), state.put(name, _door(leaf=False)))
        may_go = name not in state.listed or NEVER not in self.rules
        if person.where in ("away", "dead", "door") and person.leaf and may_go and serving:
            where = "out" if person.where == "away" else person.where
            gone = Person(where, leaf=False, follows=False, epoch=person.epoch)
            after = state.put(name, gone)._replace(knows=serving)
            yield Step(Action("is let go", name), after)

    # --- what persons do -----------------------------------------------------------------------

    def _decided(self, state: State, name: str) -> Iterator[Step[State, Action]]:
        person, serving = state.of(name), state.serving()
        if person.where == "dead":
            yield Step(Action("comes again", name), state.put(name, _door(leaf=person.leaf)))
        if person.where == "door" and name not in state.listed and serving:
            yield Step(Action("is admitted", name), state.put(name, Person()))
        if serving and person == Person() and name not in state.listed and len(state.listed) < 2:
            listed = state.listed | {name}
            yield Step(Action("is appointed", name), state._replace(listed=listed))
        if serving - {name} and name in state.listed and person.where in ("dead", "door"):
            after = state._replace(listed=state.listed - {name})
            yield Step(Action("is demoted", name), _cleared(after, name))

    # --- the link ------------------------------------------------------------------------------

    def _link(self, state: State) -> Iterator[Step[State, Action]]:
        if state.link not in ("set", "misled") or (state.serving() and QUIET in self.rules):
            return
        answering = [
            name
            for name in PEOPLE
            if state.of(name).where == "here" and state.of(name).leaf and name not in state.listed
        ]
        if answering and state.mishaps:
            link = "misled" if REPLACE in self.rules else "wasted"
            after = state._replace(mishaps=state.mishaps - 1, link=link)
            yield Step(Action("lies"), after)
        following = [name for name in answering if state.of(name).follows]
        for name in answering:
            follows = state.of(name).follows
            if not follows and (
                HELD_TOO not in self.rules or (following and HELD_LAST in self.rules)
            ):
                continue
            after = _branch(state, follows=follows).put(HOLDER, Person())
            after = after._replace(listed=state.listed | {HOLDER}, link="spent")
            if state.serving():
                after = after._replace(wrong="the link was used while a facilitator was there")
            if following and not follows:
                after = after._replace(wrong="those who followed were left behind")
            yield Step(Action("enters", name), after)


def _door(*, leaf: bool) -> Person:
    return Person("door", leaf, follows=False)


def _members(state: State) -> frozenset[str]:
    """Who has the secrets of an epoch of all who are members now: each keeps them for a day."""
    return frozenset(
        name for name in PEOPLE + HOLDER if state.of(name).leaf and state.of(name).where in ALIVE
    )


def _forgotten(state: State, name: str) -> State:
    """The device of this person is gone, with all that it had."""
    people = (one._replace(epoch=one.epoch - {name}) for one in state.people)
    return state._replace(people=tuple(people))


def _cleared(state: State, name: str) -> State:
    """The link goes with its maker."""
    there = name == "A" and state.link in ("set", "misled")
    return state._replace(link="none") if there else state


def _branch(state: State, *, follows: bool) -> State:
    """The group goes on with those who are in step, or with those who are not."""
    if follows:
        return state
    step = _members(state)

    def turned(name: str) -> Person:
        one = state.of(name)
        if one.where not in ALIVE:
            return one
        if one.follows:
            return one._replace(follows=False, epoch=step - {name})
        return Person() if one.where == "here" else one._replace(follows=True)

    return state._replace(people=tuple(map(turned, PEOPLE + HOLDER)))


# --- what must hold ----------------------------------------------------------------------------


def is_whole(state: State) -> bool:
    """Somebody serves the room, and each of the three is in it and follows."""
    return bool(state.serving()) and all(state.of(name) == Person() for name in PEOPLE)


def lost_its_leaf(state: State) -> bool:
    """A facilitator is listed and not in the group: no commit could be made any more."""
    return any(not state.of(name).leaf for name in state.listed)


def may_be_saved(state: State) -> bool:
    """A facilitator has a device with keys, or there is the link and a member with keys."""
    keys = {name for name in PEOPLE + HOLDER if state.of(name).where in ("here", "away")}
    keys = {name for name in keys if state.of(name).leaf}
    return bool(keys & state.listed) or (bool(keys) and state.link in ("set", "misled", "wasted"))


def needs_no_person(state: State) -> bool:
    """Nobody lost keys, and a facilitator who serves has the last epoch of whoever is held or was
    let go, and saw the letting go."""
    serving, people = state.serving(), [state.of(name) for name in PEOPLE]
    if any(one.where in ("dead", "door") for one in people) or not serving:
        return False
    out = [one for one in people if not one.leaf]
    held = [one for one in people if one.leaf and not one.follows]
    return all(serving & state.knows & one.epoch for one in out) and all(
        serving & one.epoch for one in held
    )


def without(rule: Rule) -> frozenset[Rule]:
    """All rules but one."""
    return RULES - {rule}

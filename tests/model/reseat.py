"""The relay lost its memory, and a stale or malicious facilitator comes first (decision 0018).

A chain is a word: one letter for each entry. Honest members know a beginning of the true chain, the
holder knows all of it, and the villain brings whatever they can sign. The relay is honest, since a
forking relay is for the evil relay's tests.

Left out: the tombstone of an ended room, and what clients do with a commit that was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.model.search import Step

MINUTE, TEN_MINUTES = 1, 2
"""Ages of a log: under a minute is 0."""


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One rule of decision 0018."""

    says: str


LEAST: Final = Rule("no log is settled in its first minute")
FACILITATORS: Final = Rule("a head that was not named exactly asks for every facilitator")
BOTH: Final = Rule("who signed entries of both branches has no vote")
AT_FORK: Final = Rule("only who stands on the last common list has a vote")
FOLLOW: Final = Rule("no client follows a commit in an unsettled log")
BRANCH: Final = Rule("a branch with most votes takes the place of the seated one")
RULES: Final = frozenset({LEAST, FACILITATORS, BOTH, AT_FORK, FOLLOW, BRANCH})


@dataclass(frozen=True, slots=True)
class Listed:
    """Who stands on the list after a chain."""

    members: frozenset[str]
    facilitators: frozenset[str]


@dataclass(frozen=True, slots=True)
class World:
    """`lists`: the list after each chain. `signers`: who signed each entry. Only the villain can
    bring the `lies`, which list the `puppets`. The honest others may start with what is in
    `knows`."""

    lists: Mapping[str, Listed]
    signers: Mapping[str, str]
    truth: str
    holder: str
    villain: str
    lies: tuple[str, ...]
    puppets: tuple[str, ...]
    honest: tuple[str, ...]
    knows: tuple[str, ...]

    def starts(self) -> list[State]:
        """Every start: what each honest member knows."""
        known: list[tuple[str, ...]] = [()]
        for _ in self.honest:
            known = [(*some, one) for some in known for one in self.knows]
        return [State("", frozenset(), 0, False, one, False) for one in known]

    def chain_of(self, state: State, key: str) -> str:
        """What an honest key knows."""
        if key == self.holder:
            return self.truth
        return state.known[self.honest.index(key)]


class Vote(NamedTuple):
    """The head that a key named first in this log."""

    key: str
    head: str
    void: bool


class State(NamedTuple):
    """`seat` is empty while the relay knows no chain. `late` says that a log was settled without
    the holder, who came later than the wait: what follows is the declared residue."""

    seat: str
    votes: frozenset[Vote]
    age: int
    settled: bool
    known: tuple[str, ...]
    late: bool


class Action(NamedTuple):
    """`kind`: brings, names, waits, follows, commits, forgets."""

    kind: str
    key: str = ""
    chain: str = ""

    def __str__(self) -> str:
        return " ".join(word for word in self if word)


def common(one: str, other: str) -> str:
    """What two chains share."""
    size = 0
    while size < min(len(one), len(other)) and one[size] == other[size]:
        size += 1
    return one[:size]


class Machine:
    """The relay and the clients, with these rules."""

    def __init__(self, world: World, rules: Collection[Rule] = RULES) -> None:
        self.world = world
        self.rules = rules

    # --- votes ---------------------------------------------------------------------------------

    def fork(self, state: State) -> str | None:
        """The last chain that all brought ones share, or None when there is only one."""
        others = [vote for vote in state.votes if not state.seat.startswith(vote.head) or vote.void]
        shared = [common(state.seat, vote.head) for vote in others]
        return min(shared, key=len, default=None)

    def _voters(self, state: State, chain: str) -> frozenset[str]:
        if AT_FORK in self.rules:
            return self.world.lists[chain].members
        return frozenset(vote.key for vote in state.votes)

    def _cast(self, state: State, voters: frozenset[str]) -> list[Vote]:
        return [vote for vote in state.votes if vote.key in voters and not vote.void]

    def _ours(self, state: State, voters: frozenset[str], fork: str) -> int:
        cast = self._cast(state, voters)
        return sum(state.seat.startswith(vote.head) and len(vote.head) > len(fork) for vote in cast)

    def _beyond(self, state: State, voters: frozenset[str], branch: str) -> int:
        cast = [vote for vote in self._cast(state, voters) if not state.seat.startswith(vote.head)]
        return sum(branch.startswith(vote.head) for vote in cast)

    def is_settled(self, state: State) -> bool:
        """Whether the log is settled now, with the seated chain."""
        if not state.seat or (state.age < MINUTE and LEAST in self.rules):
            return False
        fork = self.fork(state)
        late = state.age >= TEN_MINUTES
        if fork is None:
            return late or self._named(state) or self._all_on_the_chain(state)
        voters = self._voters(state, fork)
        ours = self._ours(state, voters, fork)
        cast = self._cast(state, voters)
        theirs = sum(not state.seat.startswith(vote.head) for vote in cast)
        return 2 * ours > len(voters) or (late and ours > theirs)

    def _named(self, state: State) -> bool:
        voters = self.world.lists[state.seat].members
        exact = sum(vote.key in voters and vote.head == state.seat for vote in state.votes)
        return 2 * exact > len(voters)

    def _all_on_the_chain(self, state: State) -> bool:
        first = min((vote.head for vote in state.votes), key=len, default="")
        if not first:
            return False
        return self._most_are_here(state, first) and self._most_are_here(state, state.seat)

    def _most_are_here(self, state: State, head: str) -> bool:
        listed = self.world.lists[head]
        here = {vote.key for vote in state.votes} & listed.members
        if FACILITATORS in self.rules and not listed.facilitators <= here:
            return False
        return 2 * len(here) > len(listed.members)

    def _wins(self, state: State, fork: str, branch: str) -> bool:
        if BRANCH not in self.rules or (state.age < MINUTE and LEAST in self.rules):
            return False
        voters = self._voters(state, fork)
        theirs = self._beyond(state, voters, branch)
        ours = self._ours(state, voters, fork)
        return 2 * theirs > len(voters) or (state.age >= TEN_MINUTES and theirs > ours)

    # --- actions -------------------------------------------------------------------------------

    def successors(self, state: State) -> Iterator[Step[State, Action]]:
        """All that anybody can do."""
        for key in (self.world.holder, *self.world.honest):
            yield from self._comes(state, key, self.world.chain_of(state, key))
        for chain in (self.world.truth, *self.world.lies, *self.world.knows):
            yield from self._comes(state, self.world.villain, chain)
        for key, lie in [(key, lie) for key in self.world.puppets for lie in self.world.lies]:
            if key in self.world.lists[lie].members:
                yield from self._comes(state, key, lie)
        if state.seat:
            yield Step(Action("forgets"), State("", frozenset(), 0, False, state.known, state.late))
            if state.age < TEN_MINUTES and not state.settled:
                yield self._step(Action("waits"), state._replace(age=state.age + 1))
        yield from self._follows(state)
        yield from self._commits(state)

    def _comes(self, state: State, key: str, chain: str) -> Iterator[Step[State, Action]]:
        """Name the own head, or bring the own chain when the relay lacks it."""
        seat, listed = state.seat, self.world.lists
        if seat.startswith(chain) and seat:
            if key in listed[seat].members and not state.settled and not _has_voted(state, key):
                yield self._step(Action("names", key, chain), _voted(state, key, chain))
            return
        if key not in listed[chain].members:
            return
        action = Action("brings", key, chain)
        if chain.startswith(seat):  # a relay that knows nothing, or an earlier part
            yield self._step(action, self._seated(state, key, chain))
        elif not state.settled:
            yield self._step(action, self._conflicts(state, key, chain))

    def _seated(self, state: State, key: str, chain: str) -> State:
        votes = frozenset({Vote(key, chain, False)})
        return State(chain, votes, 0, False, state.known, state.late)

    def _conflicts(self, state: State, key: str, chain: str) -> State:
        state = _voted(state, key, chain)
        fork = common(state.seat, chain)
        if BOTH in self.rules:
            for signer in self._signers(state.seat, fork) & self._signers(chain, fork):
                others = frozenset(vote for vote in state.votes if vote.key != signer)
                state = state._replace(votes=others | {Vote(signer, chain, True)})
        if self._wins(state, fork, chain):
            return self._seated(state, key, chain)
        return state

    def _signers(self, chain: str, after: str) -> set[str]:
        return {self.world.signers[entry] for entry in chain[len(after) :]}

    def _follows(self, state: State) -> Iterator[Step[State, Action]]:
        """An honest member merges the seated commits that it lacks."""
        if not state.settled and FOLLOW in self.rules:
            return
        for place, key in enumerate(self.world.honest):
            known = state.known[place]
            listed = key in self.world.lists[known].members
            if state.seat != known and state.seat.startswith(known) and listed:
                after = (*state.known[:place], state.seat, *state.known[place + 1 :])
                yield Step(Action("follows", key), state._replace(known=after))

    def _commits(self, state: State) -> Iterator[Step[State, Action]]:
        """The villain goes on, when the seated list knows them as a facilitator."""
        villain = self.world.villain
        for lie in self.world.lies:
            may = villain in self.world.lists[state.seat].facilitators if state.seat else False
            if state.settled and may and state.seat == lie[:-1]:
                yield Step(Action("commits", villain, lie), state._replace(seat=lie))

    def _step(self, action: Action, state: State) -> Step[State, Action]:
        """The log is settled as soon as it may be."""
        if state.settled or not self.is_settled(state):
            return Step(action, state)
        came = any(vote.key == self.world.holder for vote in state.votes)
        # A minute is enough for those who name the seated head exactly. Else it takes ten.
        waited = state.age >= (MINUTE if self._named(state) else TEN_MINUTES)
        late = state.late or (not came and waited)
        return Step(action, state._replace(settled=True, votes=frozenset(), late=late))


def _has_voted(state: State, key: str) -> bool:
    return any(vote.key == key for vote in state.votes)


def _voted(state: State, key: str, chain: str) -> State:
    if _has_voted(state, key):
        return state
    return state._replace(votes=state.votes | {Vote(key, chain, False)})


# --- worlds ------------------------------------------------------------------------------------


def _listed(members: str, facilitators: str) -> Listed:
    return Listed(frozenset(members), frozenset(facilitators))


DEMOTED: Final = World(
    lists={
        "0": _listed("AXPQ", "AX"),
        "0d": _listed("AXPQ", "A"),
        "0r": _listed("AXQ", "AX"),
        "0y": _listed("AXPQYZ", "AX"),
    },
    signers={"0": "A", "d": "A", "r": "X", "y": "X"},
    truth="0d",
    holder="A",
    villain="X",
    lies=("0r", "0y"),
    puppets=("Y", "Z"),
    honest=("P", "Q"),
    knows=("0", "0d"),
)
"""A demoted X, and P and Q may not have heard of it. X removes P (r) or adds two
keys of their own (y)."""

FIRST: Final = World(
    lists={
        "o": _listed("A", "A"),
        "oa": _listed("AXPQ", "AX"),
        "oae": _listed("AXPQ", "X"),
        "oz": _listed("AZ", "A"),
    },
    signers={"o": "A", "a": "A", "e": "X", "z": "A"},
    truth="oae",
    holder="X",
    villain="A",
    lies=("oz",),
    puppets=("Z",),
    honest=("P", "Q"),
    knows=("oa", "oae"),
)
"""The first facilitator was demoted, and goes back to when they were alone on the list."""


# --- what must hold ----------------------------------------------------------------------------


def follows_a_lie(world: World) -> Callable[[State], bool]:
    """An honest member merged a commit of the demoted, though the holder came in time."""
    return lambda state: not state.late and any(known in world.lies for known in state.known)


def is_home(world: World) -> Callable[[State], bool]:
    """The true chain is settled, and every honest member follows it."""
    home = {world.truth}
    return lambda state: state.settled and {state.seat, *state.known} == home


def seats_a_lie(world: World) -> Callable[[State], bool]:
    """A branch of the demoted was settled, though the holder came in time."""
    return lambda state: not state.late and state.settled and state.seat in world.lies


def is_residue(world: World) -> Callable[[State], bool]:
    """What decision 0018 says that it does not mend: the holder came later than the wait; nobody
    else saw the demotion and the demoted brought a branch; or it branches off where the demoted
    were alone on the list."""

    def residue(state: State) -> bool:
        alone = world.truth not in state.known
        brought = {state.seat, *(vote.head for vote in state.votes)}
        lies = [chain for chain in brought if chain in world.lies]
        early = any(
            world.lists[common(lie, world.truth)].members == {world.villain} for lie in lies
        )
        return state.late or early or (alone and bool(lies))

    return residue


def without(rule: Rule) -> frozenset[Rule]:
    """All rules but one."""
    return RULES - {rule}

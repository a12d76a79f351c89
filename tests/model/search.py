"""All states that a machine reaches, the shortest way to each, and what they can lead to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")


class Broken(Exception):
    """The first thing that does not hold."""


@dataclass(frozen=True, slots=True)
class Step(Generic[S, A]):
    """One action, and the state after it."""

    action: A
    after: S


@dataclass(frozen=True, slots=True)
class Found(Generic[S, A]):
    """Every reachable state, in the order of the shortest way to it."""

    came_by: Mapping[S, tuple[S, A] | None]
    steps: Mapping[S, tuple[Step[S, A], ...]]

    def trace(self, state: S) -> list[A]:
        """The actions of a shortest way to a state."""
        actions: list[A] = []
        while (came := self.came_by[state]) is not None:
            state, action = came
            actions.append(action)
        return actions[::-1]

    def start(self, state: S) -> S:
        """Where the shortest way to a state begins."""
        while (came := self.came_by[state]) is not None:
            state = came[0]
        return state

    def leading_to(self, good: Callable[[S], bool], allowed: Callable[[A], bool]) -> set[S]:
        """The states from which allowed actions can lead to a good one."""
        back: dict[S, list[S]] = {}
        for state, steps in self.steps.items():
            for step in steps:
                if allowed(step.action):
                    back.setdefault(step.after, []).append(state)
        reach = {state for state in self.steps if good(state)}
        todo = list(reach)
        while todo:
            new = [one for one in back.get(todo.pop(), ()) if one not in reach]
            reach.update(new)
            todo += new
        return reach

    def require(
        self,
        needs: Callable[[S], bool],
        good: Callable[[S], bool],
        allowed: Callable[[A], bool],
        otherwise: str,
    ) -> None:
        """Raise `Broken` unless allowed actions can lead to a good state from each that needs it.
        `otherwise` says what does not hold then."""
        reach = self.leading_to(good, allowed)
        if any(needs(state) and state not in reach for state in self.steps):
            raise Broken(otherwise)


def explore(starts: Iterable[S], successors: Callable[[S], Iterator[Step[S, A]]]) -> Found[S, A]:
    """Breadth first, from all starts."""
    came_by: dict[S, tuple[S, A] | None] = dict.fromkeys(starts)
    steps: dict[S, tuple[Step[S, A], ...]] = {}
    todo = deque(came_by)
    while todo:
        state = todo.popleft()
        steps[state] = tuple(successors(state))
        for step in steps[state]:
            if step.after not in came_by:
                came_by[step.after] = (state, step.action)
                todo.append(step.after)
    return Found(came_by, steps)


def explore_holding(
    starts: Iterable[S],
    successors: Callable[[S], Iterator[Step[S, A]]],
    broken: Callable[[S], str | None],
) -> Found[S, A]:
    """As `explore`. Raise `Broken` at the first state of which `broken` says what does not hold."""

    def holding(state: S) -> Iterator[Step[S, A]]:
        if (found := broken(state)) is not None:
            raise Broken(found)
        yield from successors(state)

    return explore(starts, holding)

"""The keys of a standby's link: on the list, in the group, and in the hands of two holders.

The members are honest but for one, who may answer falsely. A holder cannot tell a true answer from
a false one. The facilitator comes and goes, and may die. A copy of the link is in a second hand.
Time is an order: the minute between two tries is over when there is another.

Left out: the psk and what is sealed by it, and the relay's lost memory, which `reseat` has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.model.search import Step

TRIES: Final = 4
"""Fresh keys in all. A way out must not need more than one beyond those that were used."""


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One rule of the standby."""

    says: str


KEEP: Final = Rule("the link's key stays on the list until it is spent or cleared")
REPLACE: Final = Rule("the link's key puts another fresh key in the place of one")
PROOF: Final = Rule("a fresh key lists itself after a proof that a member followed")
ANOTHER: Final = Rule("the proof is another member's than led here")
QUIET: Final = Rule("nothing of the link is taken while a facilitator is there")
SPENT: Final = Rule("the listing takes the link's key off the list")
BOTH: Final = Rule("who clears the link takes the fresh key off the list")
LEAF: Final = Rule("who clears the link removes the leaf that came by it")
RULES: Final = frozenset({KEEP, REPLACE, PROOF, ANOTHER, QUIET, SPENT, BOTH, LEAF})


class Holder(NamedTuple):
    """One that has the link. `key`: the fresh key of their last try. `true`: as the answer was."""

    key: int = 0
    true: bool = False


class State(NamedTuple):
    """`group`: base, in, listed, cleared. `leaf`: whose leaf came by the link. `link`, `fresh` and
    `named`: the relay's list (0 is none). `late`: a leaf came while a facilitator was there.
    `twice`: the link made two facilitators. `after`: one came in by a link that was cleared."""

    group: str = "base"
    leaf: int = 0
    link: bool = True
    fresh: int = 0
    named: int = 0
    facilitator: str = "away"
    tries: int = 0
    holders: tuple[Holder, Holder] = (Holder(), Holder())
    late: bool = False
    twice: bool = False
    after: bool = False


class Action(NamedTuple):
    kind: str
    holder: int = -1


FAILURES: Final = frozenset({"lie", "back", "removes", "clears"})
"""What no way out may need: a false answer, or the facilitator."""


class Machine:
    """All that can happen, with these rules."""

    def __init__(self, rules: Collection[Rule] = RULES) -> None:
        self.rules = frozenset(rules)

    def successors(self, state: State) -> Iterator[Step[State, Action]]:
        for at in range(len(state.holders)):
            yield from self._enters(state, at)
            yield from self._lists(state, at)
        yield from self._facilitator(state)

    def _open(self, state: State) -> bool:
        return state.facilitator != "here" or QUIET not in self.rules

    def _enters(self, state: State, at: int) -> Iterator[Step[State, Action]]:
        if not self._open(state) or not state.link or state.tries >= TRIES:
            return
        if state.fresh and REPLACE not in self.rules:
            return
        key = state.tries + 1
        after = state._replace(fresh=key, tries=key, link=KEEP in self.rules)
        yield Step(Action("lie", at), after._replace(holders=_with(state, at, Holder(key))))
        if state.group in ("base", "in"):
            yield Step(
                Action("enters", at),
                after._replace(
                    group="in",
                    leaf=key,
                    holders=_with(state, at, Holder(key, true=True)),
                    late=state.late or state.facilitator == "here",
                ),
            )

    def _lists(self, state: State, at: int) -> Iterator[Step[State, Action]]:
        holder = state.holders[at]
        if not holder.key or state.fresh != holder.key:
            return
        taken = state._replace(
            fresh=0,
            named=holder.key,
            link=state.link and SPENT not in self.rules,
            twice=state.twice or bool(state.named),
            after=state.after or state.group == "cleared",
        )
        if holder.true and state.leaf == holder.key:
            group = state.group if state.group == "cleared" else "listed"
            yield Step(Action("lists", at), taken._replace(group=group))
        elif not holder.true and not self.rules >= {PROOF, ANOTHER}:
            yield Step(Action("lists", at), taken)  # the relay alone knows this facilitator

    def _facilitator(self, state: State) -> Iterator[Step[State, Action]]:
        if state.facilitator == "away":
            yield Step(Action("back"), state._replace(facilitator="here"))
            yield Step(Action("dies"), state._replace(facilitator="dead"))
        if state.facilitator != "here":
            return
        yield Step(Action("goes"), state._replace(facilitator="away"))
        if state.group == "in":
            yield Step(Action("removes"), state._replace(group="base", leaf=0, fresh=0))
        if state.group in ("base", "in"):
            yield Step(
                Action("clears"),
                state._replace(
                    group="cleared",
                    leaf=0 if LEAF in self.rules else state.leaf,
                    link=False,
                    fresh=0 if BOTH in self.rules else state.fresh,
                ),
            )


def _with(state: State, at: int, holder: Holder) -> tuple[Holder, Holder]:
    first, second = state.holders
    return (holder, second) if at == 0 else (first, holder)


def broken(state: State) -> str | None:
    """What must not be, if it is."""
    if state.named and state.group != "listed":
        return "the relay names a facilitator whom the group does not"
    if state.link is not (state.group in ("base", "in")):
        return "the list has another link than the group"
    if state.late:
        return "a leaf came by the link while a facilitator was there"
    if state.twice:
        return "a link was used twice"
    if state.after:
        return "a cleared link let its holder in"
    if state.group == "cleared" and (state.leaf or state.fresh):
        return "something of a cleared link stays"
    return None


def is_saved(state: State) -> bool:
    """A facilitator that all know came by the link."""
    return state.group == "listed" and state.named == state.leaf


def needs_saving(state: State) -> bool:
    """Whether the link must still be of use: it was neither spent nor cleared, no facilitator is
    there, and another fresh key is left within the bounds."""
    named = state.group in ("base", "in")
    return named and state.facilitator != "here" and state.tries < TRIES


def without(*rules: Rule) -> frozenset[Rule]:
    """All rules but these."""
    return RULES - set(rules)

"""A facilitator's ticket: at the relay, in the hands of two programs, and on the way back.

The members are honest but for one, who may answer falsely. A holder cannot tell a true answer from
a false one. Another facilitator comes and goes, may die, and may remove the one whom the ticket is
of. A thief has a copy of the ticket. Time is an order: the minutes of a ticket may be over at any
time, and so may the sixty seconds after a fetch.

Of the epochs it has one question: whether the members that are left know one that the ticket can
ask under. A commit that lets somebody in, of whichever facilitator, may be followed by the end of
all other programs. Then only newcomers are left, who know no epoch before it.

Left out: what else is sealed and by which key, the epoch that is parked before a commit, by which
such newcomers answer too, and the relay's lost memory, which takes the ticket along.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.model.search import Step

RETURNS: Final = 3
"""External commits in all, and programs that come back."""


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One rule of tickets."""

    says: str


GONE: Final = Rule("nothing is handed out while the program of the ticket is connected")
SEATED: Final = Rule("what is parked goes with its key")
SPENT: Final = Rule("what was fetched is dropped, and the next ticket has another secret")
OWN_LEAF: Final = Rule("an external commit removes the own leaf, in whose place it comes")
QUIET: Final = Rule("members answer while no other facilitator is heard")
PROOF: Final = Rule("who came back facilitates after a proof that members followed")
REPLACE: Final = Rule("who was misled comes back once more")
LEAF: Final = Rule("a member that knows no parked epoch answers by the leaf")
RULES: Final = frozenset({GONE, SEATED, SPENT, OWN_LEAF, QUIET, PROOF, REPLACE, LEAF})


class State(NamedTuple):
    """`owner`: in, dead, back. `parked`: none, here, fetched (of the first ticket). `holders`: the
    programs that fetched it and did not come in yet. `seated`: on the list, with a leaf. `leaves`:
    how many the key has. `true`: whether the last return led into the members' group.
    `facilitates`: whether it does so there, or alone in another branch. `other`: the second
    facilitator. `known`: whether the members that are left know an epoch that is parked. The rest
    is what must not be."""

    owner: str = "in"
    parked: str = "here"
    holders: int = 0
    seated: bool = True
    leaves: int = 1
    true: bool = True
    facilitates: bool = True
    other: str = "away"
    known: bool = True
    returns: int = 0
    uses: int = 0
    twice: bool = False
    removed: bool = False
    intruded: bool = False


class Action(NamedTuple):
    kind: str


FAILURES: Final = frozenset({"lie", "back", "removes", "over", "thief", "other lets in"})
"""What no way back may need: a false answer, the other facilitator, or a second program."""


class TicketMachine:
    """All that can happen, with these rules."""

    def __init__(self, rules: Collection[Rule] = RULES) -> None:
        self.rules = frozenset(rules)

    def successors(self, state: State) -> Iterator[Step[State, Action]]:
        yield from self._relay(state)
        yield from self._returns(state)
        yield from self._other(state)

    def _relay(self, state: State) -> Iterator[Step[State, Action]]:
        if state.owner == "in":
            yield Step(Action("dies"), state._replace(owner="dead", facilitates=False))
            # The relay keeps the order: the commit, and then what is parked in the epoch it makes.
            yield Step(Action("lets in"), state._replace(known=False))
            yield Step(Action("parks"), state._replace(known=True))
        if state.parked == "here":
            yield Step(Action("over"), state._replace(parked="none"))
        if state.parked == "fetched" and SPENT in self.rules:
            yield Step(Action("over"), state._replace(parked="none"))
        may = state.parked != "none" and (state.owner != "in" or GONE not in self.rules)
        may = may and (state.seated or SEATED not in self.rules) and state.uses < RETURNS
        if may:
            again = state.parked == "fetched" and state.owner == "back" and not state.holders
            after = state._replace(
                parked="fetched",
                holders=min(2, state.holders + 1),
                uses=state.uses + 1,
                twice=state.twice or state.owner == "in" or (again and SPENT not in self.rules),
            )
            yield Step(Action("fetches" if state.owner == "dead" else "thief"), after)
        if state.parked == "fetched" and state.holders and state.owner == "dead" and state.seated:
            yield Step(Action("parks again"), state._replace(parked="here"))
        if state.holders and state.owner == "dead":
            yield Step(Action("dies again"), state._replace(holders=state.holders - 1))

    def _returns(self, state: State) -> Iterator[Step[State, Action]]:
        if not state.holders or state.returns >= RETURNS:
            return
        if state.owner == "back" and not state.true and REPLACE not in self.rules:
            return
        if not state.seated and SEATED in self.rules:
            return
        asked = state.other != "here" and (state.known or LEAF in self.rules)
        if state.other == "here":  # it grants a rejoin: the same leaf, and nobody is misled
            yield Step(Action("granted"), self._in(state, true=True, leaves=1))
        if asked or QUIET not in self.rules:
            leaves = 1 if OWN_LEAF in self.rules else state.leaves + 1
            back = self._in(state, true=True, leaves=min(3, leaves))
            back = back._replace(
                returns=state.returns + 1,
                intruded=state.intruded or state.other == "here",
                facilitates=True,
            )
            yield Step(Action("returns"), back)
            misled = state._replace(
                returns=state.returns + 1,
                owner="back",
                true=False,
                facilitates=PROOF not in self.rules,
            )
            yield Step(Action("lie"), misled)

    def _in(self, state: State, *, true: bool, leaves: int) -> State:
        spent = state.parked == "here" and SPENT in self.rules  # the next ticket has its place
        return state._replace(
            owner="back",
            parked="none" if spent else state.parked,
            holders=state.holders - 1,
            true=true,
            leaves=leaves,
            facilitates=True,
            removed=state.removed or not state.seated,
        )

    def _other(self, state: State) -> Iterator[Step[State, Action]]:
        if state.other == "away":
            yield Step(Action("back"), state._replace(other="here"))
            yield Step(Action("other dies"), state._replace(other="dead"))
        if state.other != "here":
            return
        yield Step(Action("goes"), state._replace(other="away"))
        yield Step(Action("other lets in"), state._replace(known=False))
        if state.seated:
            gone = state._replace(seated=False, leaves=0, facilitates=False, holders=0)
            parked = "none" if SEATED in self.rules else state.parked
            owner = "dead" if state.owner == "in" else state.owner
            yield Step(Action("removes"), gone._replace(parked=parked, owner=owner))


def broken(state: State) -> str | None:
    """What must not be, if it is."""
    if state.twice:
        return "a second program came by a ticket whose first one is connected or came in"
    if state.removed:
        return "a member that was removed came back by a ticket"
    if state.leaves > 1:
        return "a facilitator is in the group twice"
    if state.intruded:
        return "an external commit came while another facilitator was there"
    if state.facilitates and not state.true:
        return "somebody facilitates in a group that nobody else is in"
    return None


def is_saved(state: State) -> bool:
    """Somebody facilitates where the members are."""
    return state.facilitates and state.true


def needs_saving(state: State) -> bool:
    """Whether the ticket must still be of use: no facilitator is there, what it fetches is here or
    was fetched, and the bounds leave one more. Whoever let in those that are left."""
    has = state.parked != "none" or state.holders > 0
    left = state.returns < RETURNS and state.uses < RETURNS
    alone = state.other != "here"
    return state.seated and not is_saved(state) and alone and has and left


def without(*rules: Rule) -> frozenset[Rule]:
    """All rules but these."""
    return RULES - set(rules)

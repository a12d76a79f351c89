"""What facilitators share when they die, are demoted, and race each other (docs/protocol.md 7).

The clients are honest, but a former facilitator may keep all that they ever read. Persons appoint
and demote in two steps, since the vaults go before the commit, so two acts race. The relay may
lose its memory. One door is listed. Time is an order: a vault that comes is opened before the next
commit, and whoever can share does so before 90 s are over.

Left out: standby, tickets, and the age of earlier lobby keys, which has tests of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.model.search import Step

PEOPLE: Final = "ABC"
MOST: Final = 8
"""Lobby keys of a room. With all rules fewer are made."""


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One rule of what facilitators share."""

    says: str


FIRST: Final = Rule("a vault precedes the commit that needs it")
AGAIN: Final = Rule("whoever has all puts vaults again for those who may lack it")
RENEWED: Final = Rule("a list that loses a key brings a new lobby key")
UNSEEN: Final = Rule("a lobby key that was made before the list lost one is not used")
KEPT: Final = Rule("the next lobby key is kept from whom its commit takes off the list")
TOLD: Final = Rule("the relay tells a vault to a facilitator only")
REPAIR: Final = Rule("who lacks something for 90 s begins anew")
WAIT: Final = Rule("who lacks something waits for the others")
RULES: Final = frozenset({FIRST, AGAIN, RENEWED, UNSEEN, KEPT, TOLD, REPAIR, WAIT})


class Vault(NamedTuple):
    """At the relay: the newest of a sender for a recipient."""

    sender: str
    to: str
    key: int
    door: bool


class Plan(NamedTuple):
    """An act whose vaults are put, and whose commit is to come. `key` is the next lobby key, made
    while the list had the key `at`."""

    by: str
    kind: str
    about: str
    key: int
    at: int


class Holds(NamedTuple):
    """A lobby key by its number."""

    person: str
    key: int


class State(NamedTuple):
    """`holds`, `secret`: what each client has, of lobby keys and of the door. `read`: which keys a
    person was ever given. `forgot`: the relay lost its memory."""

    listed: frozenset[str]
    alive: frozenset[str]
    lobby: int
    door: bool
    holds: frozenset[Holds]
    read: frozenset[Holds]
    secret: frozenset[str]
    vaults: frozenset[Vault]
    plans: frozenset[Plan]
    keys: int
    acts: int
    forgot: bool
    dropped: str = ""

    def there(self) -> frozenset[str]:
        return self.listed & self.alive

    def is_complete(self, person: str) -> bool:
        return Holds(person, self.lobby) in self.holds and (not self.door or person in self.secret)


class Action(NamedTuple):
    """`kind`: appoints, demotes (the vaults go), commits, opens, shares, repairs, dies, forgets."""

    kind: str
    by: str = ""
    about: str = ""

    def __str__(self) -> str:
        return " ".join(word for word in self if word)


BY_THEMSELVES: Final = {"opens", "shares", "repairs"}
"""What clients do without a person."""


def start(acts: int, listed: str = "A") -> State:
    """A room whose listed facilitators have all. So many acts of persons follow."""
    everybody, there = frozenset(PEOPLE), frozenset(listed)
    holds = frozenset(Holds(person, 0) for person in there)
    none: frozenset[Vault] = frozenset()
    return State(there, everybody, 0, True, holds, holds, there, none, frozenset(), 0, acts, False)


class Machine:
    """All clients and the relay, with these rules."""

    def __init__(self, rules: Collection[Rule] = RULES) -> None:
        self.rules = frozenset(rules)

    def successors(self, state: State) -> Iterator[Step[State, Action]]:
        """All that can happen."""
        for by in sorted(state.there()):
            yield from self._persons(state, by)
            yield from self._shares(state, by)
            yield from self._repairs(state, by)
        for by in sorted(state.alive):
            yield from self._opens(state, by)
        coming = any(vault.to in state.there() for vault in state.vaults)
        for plan in sorted(state.plans):
            if plan.by in state.alive and not coming:
                yield Step(Action("commits", plan.by, plan.about), self._committed(state, plan))
        for by in sorted(state.listed & state.alive):
            if len(state.alive) > 1:
                plans = frozenset(plan for plan in state.plans if plan.by != by)
                alive = state.alive - {by}
                yield Step(Action("dies", by), state._replace(alive=alive, plans=plans))
        if state.vaults and not state.forgot:
            none: frozenset[Vault] = frozenset()
            yield Step(Action("forgets"), state._replace(vaults=none, forgot=True))

    # --- persons -------------------------------------------------------------------------------

    def _persons(self, state: State, by: str) -> Iterator[Step[State, Action]]:
        waits = any(vault.to == by for vault in state.vaults)
        if not state.acts or waits or any(plan.by == by for plan in state.plans):
            return  # a vault is opened as soon as it comes
        for about in sorted(state.alive - {by}):
            if about in state.listed:
                key = state.keys + 1
                others = state.listed - {by, about}
                made = self._made(state, by, key)
                kind = "demotes"
            elif state.is_complete(by):
                key, others, made, kind = state.lobby, frozenset({about}), state, "appoints"
            else:
                continue
            if FIRST in self.rules:
                made = self._put(made, by, others, key)
            plans = made.plans | {Plan(by, kind, about, key, state.lobby)}
            after = made._replace(plans=plans, acts=state.acts - 1)
            yield Step(Action(kind, by, about), after)

    def _made(self, state: State, by: str, key: int) -> State:
        """A new key's private half is its maker's."""
        new = {Holds(by, key)}
        return state._replace(holds=state.holds | new, read=state.read | new, keys=key)

    def _put(self, state: State, by: str, others: Collection[str], key: int) -> State:
        if Holds(by, key) not in state.holds:
            return state
        kept = {one for one in state.vaults if one.sender != by or one.to not in others}
        new = {Vault(by, to, key, by in state.secret) for to in others if to in state.alive}
        return state._replace(vaults=frozenset(kept | new))

    def _committed(self, state: State, plan: Plan) -> State:
        """The relay takes the commit, or the act is dropped: it looks at its right again."""
        state = state._replace(plans=state.plans - {plan})
        by, about, key = plan.by, plan.about, plan.key
        if by not in state.listed or (about in state.listed) is (plan.kind == "appoints"):
            return state
        if plan.kind == "appoints":
            return state._replace(listed=state.listed | {about})
        if plan.at != state.lobby and UNSEEN in self.rules:
            key = state.keys + 1
            state = self._made(state, by, key)
        if RENEWED not in self.rules:
            key = state.lobby
        holds = frozenset(one for one in state.holds if one.person != about)
        plans = frozenset(one for one in state.plans if one.by != about)
        vaults = frozenset(one for one in state.vaults if about not in (one.sender, one.to))
        return state._replace(
            listed=state.listed - {about},
            lobby=key,
            holds=holds,
            secret=state.secret - {about},
            plans=plans,
            vaults=vaults,
        )

    # --- clients by themselves -----------------------------------------------------------------

    def _opens(self, state: State, by: str) -> Iterator[Step[State, Action]]:
        if by not in state.listed and TOLD in self.rules:
            return
        for vault in sorted(state.vaults):
            if vault.to == by:
                new = {Holds(by, vault.key)}
                after = state._replace(
                    vaults=state.vaults - {vault},
                    holds=state.holds | new,
                    read=state.read | new,
                    secret=state.secret | ({by} if vault.door else set()),
                )
                yield Step(Action("opens", by, vault.sender), after)

    def _shares(self, state: State, by: str) -> Iterator[Step[State, Action]]:
        if AGAIN not in self.rules or not state.is_complete(by):
            return
        for plan in state.plans:
            if plan.by == by and plan.kind == "demotes" and KEPT not in self.rules:
                after = self._put(state, by, plan.about, plan.key)
                if after != state:
                    yield Step(Action("shares", by, plan.about), after)
        lack = {one for one in state.there() - {by} if not state.is_complete(one)}
        after = self._put(state, by, lack, state.lobby)
        if after != state:
            yield Step(Action("shares", by), after)

    def _repairs(self, state: State, by: str) -> Iterator[Step[State, Action]]:
        if REPAIR not in self.rules or state.is_complete(by) or state.keys == MOST:
            return
        helped = any(vault.to == by for vault in state.vaults)
        helped |= any(state.is_complete(one) for one in state.there())
        if helped and WAIT in self.rules:
            return
        after = state
        if Holds(by, state.lobby) not in state.holds:
            after = self._made(after, by, state.keys + 1)._replace(lobby=state.keys + 1)
        if state.door and by not in state.secret:
            had = "in vain" if helped or not state.forgot else "for good"
            after = after._replace(door=False, dropped=had)
        yield Step(Action("repairs", by), after)


# --- what must hold ----------------------------------------------------------------------------


def knows_too_much(state: State) -> bool:
    """A member who is no facilitator was given the private half of the lobby key in use."""
    return any(one.key == state.lobby and one.person not in state.listed for one in state.read)


def closes_a_door_in_vain(state: State) -> bool:
    """A door was dropped though a facilitator who is there has all, or the relay forgot nothing.

    After the relay forgot, of two who lack different things the first in line drops the door, also
    when only the other has its secret."""
    return state.dropped == "in vain"


def is_open(state: State) -> bool:
    """Every facilitator who is there can open what comes."""
    return all(map(state.is_complete, state.there()))


def without(rule: Rule) -> frozenset[Rule]:
    """All rules but one."""
    return RULES - {rule}

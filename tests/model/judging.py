"""What a commit may do to a room's facilitators: the rules of `judge` (docs/protocol.md 11).

One group and one order of commits. Every member is malicious and stages any edits, alone or two at
a time. Every member signs any appointment in their own name at any time, so one that lost its race
is among them. A facilitator can tell the lobby's private key to others, which no rule prevents.

Left out: the standby, and a facilitator's return. Their rules are shown one by one in
test_standby_rights.py and test_return_rights.py of tests/end_to_end/evil, and a link's keys and a
ticket have models of their own (link.py, ticket.py). Here their external commits would belong into
`EXTERNAL`, its leaf into `APPOINTED_LEAF`, and its listing into `EACH_LISTS` and
`BY_COMMITTER`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple

from tests.model.search import Step


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One rule of `judge`, and the code that it refuses with."""

    code: str
    says: str


NOT_EMPTY: Final = Rule("bad_field", "the list of facilitators is not empty")
CAP: Final = Rule("bad_field", "a room appoints a limited number of times")
EXTERNAL: Final = Rule("committer", "nobody commits from outside")
AUTHOR: Final = Rule("committer", "only facilitators commit")
ONLY_UPDATES: Final = Rule("proposal_by_reference", "only an Update comes by reference")
OWN_UPDATES: Final = Rule("proposal_by_reference", "a facilitator proposes no Update")
KINDS: Final = Rule("proposal_kind", "a commit adds, removes and sets the state only")
APPOINTED_LEAF: Final = Rule("leaf_appointment", "no leaf holds an appointment")
SAME_MEMBER: Final = Rule("leaf_identity", "a member's keys and name stay")
RELAY_KEY: Final = Rule("relay_key_twice", "no two leaves have one relay key")
ACCEPTED: Final = Rule("agreement_not_accepted", "a newcomer accepted the agreement")
CONTEXT: Final = Rule("context_extensions", "the group's context holds the room's state alone")
STAYS: Final = Rule("committer_steps_down", "the committer is a facilitator afterwards")
VERSION: Final = Rule("agreement_version", "the version counts the agreements")
CORRECTED: Final = Rule("agreement_corrected", "only a correction leaves earlier agreements good")
FIXED: Final = Rule("not_offered", "what the opening fixed stays")
LOBBY: Final = Rule("lobby_key_kept", "a list that loses a key brings a new lobby key")
KEPT: Final = Rule("appointments_rewritten", "the appointments grow, or lose all that nobody needs")
BY_COMMITTER: Final = Rule("appointment", "the committer is the appointer")
THIS_ROOM: Final = Rule("appointment", "an appointment is of this room")
SIGNED: Final = Rule("bad_signature", "an appointment is signed by its appointer")
EACH_LISTS: Final = Rule("appointment", "each appended appointment lists a facilitator")
EACH_LISTED: Final = Rule("appointment", "each newly listed key has an appended appointment")
PRESENT: Final = Rule("facilitator_not_member", "every facilitator has a leaf with their relay key")
RULES: Final = frozenset(rule for rule in globals().values() if isinstance(rule, Rule))


class Leaf(NamedTuple):
    """A member. `agreed` is the agreement that they accepted."""

    key: str
    relay: str
    agreed: int = 0
    appointed: bool = False


class Keys(NamedTuple):
    """A facilitator on the list."""

    key: str
    relay: str


class Appointed(NamedTuple):
    """One appointment. `fault`: forged, elsewhere (of another room)."""

    by: str
    key: str
    relay: str
    fault: str = ""


class State(NamedTuple):
    """`knows`: who was given the private half of the present lobby key. `past`: every agreement
    that the room had. `context`: what the group's context holds beside the state."""

    leaves: frozenset[Leaf]
    listed: frozenset[Keys]
    chain: tuple[Appointed, ...]
    knows: frozenset[str]
    agreement: int = 0
    version: int = 1
    corrected: tuple[int, ...] = ()
    past: frozenset[int] = frozenset({0})
    context: frozenset[str] = frozenset()

    def good(self) -> frozenset[int]:
        return frozenset((self.agreement, *self.corrected))

    def members(self) -> frozenset[str]:
        return frozenset(leaf.key for leaf in self.leaves)

    def facilitators(self) -> frozenset[str]:
        return frozenset(keys.key for keys in self.listed)


def kept_of(chain: tuple[Appointed, ...], after: State) -> tuple[Appointed, ...]:
    """With which appointments the state after a commit has to begin."""
    if after.chain[: len(chain)] == chain:
        return chain
    wanted, kept = set(after.facilitators()), list[Appointed]()
    for one in reversed(chain):
        if one.key in wanted:
            wanted = wanted - {one.key} | {one.by}
            kept.insert(0, one)
    return tuple(kept)


class Edit(NamedTuple):
    """One thing that a commit does. `value` is a relay key, or what the kind says."""

    kind: str
    key: str = ""
    value: str = ""
    by: str = ""


class Commit(NamedTuple):
    author: str
    edits: tuple[Edit, ...]

    def __str__(self) -> str:
        words = (" ".join(word for word in edit if word) for edit in self.edits)
        return f"{self.author}: {', '.join(words)}"


ON_LEAVES: Final = {"remove", "refer", "add", "rejoin", "update", "path", "enter"}
ONCE: Final = ({"add", "rejoin", "enter"}, {"update", "path"}, {"remove", "refer", "rejoin"})
"""Kinds of which a commit has one at most. The rest of a commit's form is for MLS to refuse."""
AGREEMENTS: Final = {
    "correct": (1, 1, "more"),
    "rule": (1, 1, "none"),
    "reword": (1, 0, "none"),
    "count": (0, 1, "same"),
    "lend": (1, 1, "other"),
    "forget": (0, 0, "none"),
    "revive": (1, 1, "first"),
}
"""What an edit adds to the agreement's number and to the version, and whom it leaves good."""
OWN: Final = {key: key.lower() for key in "ABCD"}
LAST_VERSION: Final = 4


def edited(state: State, commit: Commit) -> State | None:
    """The state that a commit leads to. None: MLS refuses it, or it says nothing."""
    if len(commit.edits) > 1 and any(edit.kind == "end" for edit in commit.edits):
        return None
    leaves = {leaf.key: leaf for leaf in state.leaves}
    touched = [edit.key or commit.author for edit in commit.edits if edit.kind in ON_LEAVES]
    if len(set(touched)) < len(touched):
        return None
    for edit in commit.edits:
        if edit.kind in ON_LEAVES and not _on_leaves(leaves, commit.author, edit):
            return None
    listed, chain, knows = set(state.listed), state.chain, state.knows
    context, new_key = set(state.context), False
    text, version, corrected = state.agreement, state.version, state.corrected
    for kind, key, value, by in commit.edits:
        if kind in ("list", "appoint"):
            listed.add(Keys(key, value))
        if kind in ("unlist", "demote"):
            listed -= {keys for keys in state.listed if keys.key == key}
        if kind == "append":
            chain = (*chain, Appointed(by, key, OWN[key], value))
        if kind == "appoint":
            chain = (*chain, Appointed(commit.author, key, value))
        if kind == "strip":
            chain = chain[:-1]
        if kind in ("lobby", "demote"):
            new_key = True
        if kind in ("senders", "fixed", "end"):
            context.add(kind)
        if kind in AGREEMENTS:
            more, count, left = AGREEMENTS[kind]
            text, version = text + more, version + count
            corrected = {
                "more": (*state.corrected, state.agreement),
                "none": (),
                "same": state.corrected,
                "other": (-1,),
                "first": (0,),
            }[left]
    if version > LAST_VERSION:
        return None
    present = frozenset(keys.key for keys in listed)
    knows = present | {commit.author} if new_key else knows | present
    past = state.past | {text}
    now = frozenset(leaves.values())
    return State(
        now, frozenset(listed), chain, knows, text, version, corrected, past, frozenset(context)
    )


def _on_leaves(leaves: dict[str, Leaf], author: str, edit: Edit) -> bool:
    """Change the tree. False when MLS refuses it."""
    kind, key, value, _ = edit
    if kind in ("remove", "refer"):
        return key != author and leaves.pop(key, None) is not None
    if kind in ("add", "enter"):
        if key in leaves:
            return False
        relay = value if len(value) == 1 else OWN[key]
        leaves[key] = Leaf(key, relay, -1 if value == "unasked" else 0, value == "appointed")
        return True
    own = kind == "path"
    if own is (key != author) or key not in leaves:
        return False
    relay = value if len(value) == 1 else leaves[key].relay
    leaves[key] = leaves[key]._replace(relay=relay, appointed=value == "appointed")
    return True


class Machine:
    """All members, with these rules."""

    def __init__(self, edits: Collection[Edit], cap: int, rules: Collection[Rule] = RULES) -> None:
        self.rules, self.cap, self.refused = frozenset(rules), cap, set[Rule]()
        edits = sorted(edits)
        pairs = [
            pair
            for pair in combinations(edits, 2)
            if not any(pair[0].kind in kinds and pair[1].kind in kinds for kinds in ONCE)
            and not (pair[0].kind in AGREEMENTS and pair[1].kind in AGREEMENTS)
        ]
        self._edits: list[tuple[Edit, ...]] = [(), *((edit,) for edit in edits), *pairs]

    def commits(self, state: State) -> Iterator[Commit]:
        """All that anybody stages. Only an outsider's commit enters, and it does nothing else."""
        for author in sorted(OWN):
            inside = author in state.members()
            early = inside and author not in state.facilitators() and AUTHOR in self.rules
            for edits in self._edits[:1] if early else self._edits:
                enters = any(edit.kind == "enter" for edit in edits)
                if enters is inside or (enters and len(edits) > 1):
                    continue
                if not enters or edits[0].key == author:
                    yield Commit(author, edits)

    def successors(self, state: State) -> Iterator[Step[State, Commit]]:
        """What members follow. Nothing follows where something is broken."""
        if "end" in state.context:
            return
        for commit in self.commits(state):
            after = edited(state, commit)
            if after is None:
                continue
            rule = self.judge(state, commit, after)
            if rule is None:
                yield Step(commit, after)
            else:
                self.refused.add(rule)

    def judge(self, before: State, commit: Commit, after: State) -> Rule | None:
        """The rule that refuses a commit, in the order of `alcove.group.rights.judge`."""
        broken = self._broken(before, commit, after)
        return next((rule for rule in broken if rule in self.rules), None)

    def _broken(self, before: State, commit: Commit, after: State) -> Iterator[Rule]:
        if not after.listed:
            yield NOT_EMPTY
        if len(after.chain) > self.cap:
            yield CAP
        if commit.author not in before.members():
            yield EXTERNAL
        elif commit.author not in before.facilitators():
            yield AUTHOR
        for kind, key, _, _ in commit.edits:
            if kind == "refer":
                yield ONLY_UPDATES
            if kind == "update" and key in before.facilitators():
                yield OWN_UPDATES
        if "end" in after.context:
            yield KINDS
        yield from self._leaves(before, commit, after)
        if "senders" in after.context:
            yield CONTEXT
        yield from self._state(before, commit, after)
        leaves = {Keys(leaf.key, leaf.relay) for leaf in after.leaves}
        if not after.listed <= leaves:
            yield PRESENT

    def _leaves(self, before: State, commit: Commit, after: State) -> Iterator[Rule]:
        old, new = ({leaf.key: leaf for leaf in one.leaves} for one in (before, after))
        for kinds in ({"update", "path"}, {"rejoin"}, {"add", "enter"}):
            for kind, key, _, _ in commit.edits:
                if kind not in kinds:
                    continue
                if new[key].appointed:
                    yield APPOINTED_LEAF
                if key in old and new[key].relay != old[key].relay:
                    yield SAME_MEMBER
                if key not in old and new[key].agreed not in after.good():
                    yield ACCEPTED
            if kinds == {"update", "path"}:
                relays = [leaf.relay for leaf in after.leaves]
                if len(set(relays)) < len(relays):
                    yield RELAY_KEY

    def _state(self, before: State, commit: Commit, after: State) -> Iterator[Rule]:
        if commit.author not in after.facilitators():
            yield STAYS
        same = before.agreement == after.agreement
        if after.version != before.version + (not same):
            yield VERSION
        more = (*before.corrected, before.agreement)
        if after.corrected not in ([before.corrected] if same else [(), more]):
            yield CORRECTED
        if "fixed" in after.context:
            yield FIXED
        renewed = any(edit.kind in ("lobby", "demote") for edit in commit.edits)
        if before.facilitators() - after.facilitators() and not renewed:
            yield LOBBY
        kept = kept_of(before.chain, after)
        if after.chain[: len(kept)] != kept:
            yield KEPT
        appended = after.chain[len(kept) :]
        for one in appended:
            if one.fault == "elsewhere":
                yield THIS_ROOM
            if one.by != commit.author:
                yield BY_COMMITTER
            if one.fault == "forged":
                yield SIGNED
        named = sorted(Keys(one.key, one.relay) for one in appended)
        new = sorted(after.listed - before.listed)
        if len(named) > len(set(named)) or set(named) - set(new):
            yield EACH_LISTS
        if set(new) - set(named):
            yield EACH_LISTED


# --- worlds ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class World:
    """A start, what commits are made of, and how many appointments there are."""

    start: State
    edits: tuple[Edit, ...]
    cap: int


def _members(keys: str) -> frozenset[Leaf]:
    return frozenset(Leaf(key, OWN[key]) for key in keys)


def _start(members: str, facilitators: str) -> State:
    chain = tuple(Appointed("A", key, OWN[key]) for key in facilitators if key != "A")
    listed = frozenset(Keys(key, OWN[key]) for key in facilitators)
    return State(_members(members), listed, chain, frozenset(facilitators))


ROLES: Final = World(
    _start("ABC", "A"),
    (
        *(Edit(kind, key, OWN[key]) for kind in ("list", "appoint") for key in "ABC"),
        *(Edit("list", key, "x") for key in "BC"),
        *(Edit("appoint", key, "x") for key in "BC"),
        *(Edit(kind, key) for kind in ("unlist", "demote", "remove") for key in "ABC"),
        *(Edit("append", key, "", by) for key in "BC" for by in "ABC"),
        *(Edit("append", "B", fault, "A") for fault in ("forged", "elsewhere")),
        Edit("strip"),
        Edit("lobby"),
    ),
    cap=3,
)
"""Lists, appointments and the lobby key. Each of three may become one, and be none."""

LEAVES: Final = World(
    _start("ABC", "AB"),
    (
        *(Edit("remove", key) for key in "ABC"),
        Edit("refer", "B"),
        *(Edit("add", "D", value) for value in ("d", "c", "unasked", "appointed")),
        *(Edit("rejoin", key, value) for key in "BC" for value in ("", "x", "a", "appointed")),
        *(Edit("path", key, value) for key in "AB" for value in ("", "x", "c", "appointed")),
        *(Edit("update", key, value) for key in "BC" for value in ("", "x", "appointed")),
        *(Edit("enter", "D", value) for value in ("d", "appointed")),
        *(Edit(kind, key) for kind in ("unlist", "demote") for key in "AB"),
        Edit("appoint", "C", "c"),
    ),
    cap=2,
)
"""The tree: who comes, comes back, renews their leaf and goes."""

AGREED: Final = World(
    _start("AB", "A"),
    (
        *(Edit(kind) for kind in (*AGREEMENTS, "senders", "fixed", "end")),
        *(Edit("add", "D", value) for value in ("d", "unasked")),
        Edit("remove", "D"),
    ),
    cap=1,
)
"""The agreement, and what else a commit can say."""

WORLDS: Final = (ROLES, LEAVES, AGREED)


def without(*rules: Rule) -> frozenset[Rule]:
    """All rules but these."""
    return RULES - set(rules)

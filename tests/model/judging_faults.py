"""What must hold after each commit of `judging` that members followed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.model.judging import (
    APPOINTED_LEAF,
    CONTEXT,
    EXTERNAL,
    NOT_EMPTY,
    ONLY_UPDATES,
    OWN,
    OWN_UPDATES,
    Appointed,
    Commit,
    Keys,
    State,
    kept_of,
)

SPARE: Final = {
    NOT_EMPTY: "The committer stays on the list, so it is never empty.",
    EXTERNAL: "Nobody on the list commits from outside, and the committer has to stay on it.",
    ONLY_UPDATES: "A facilitator who commits another's wish answers for it.",
    OWN_UPDATES: "An Update keeps the identity, whoever commits it.",
    APPOINTED_LEAF: "Only the standby's commits read a leaf's appointment, and they are left out.",
    CONTEXT: "What an outsider proposes, only a facilitator commits.",
}
"""Rules without which nothing here breaks, not even without all of them, and why. The code keeps
them: they make what a commit can say small, and the standby needs some."""


def faults(before: State, commit: Commit, after: State, cap: int) -> Iterator[str]:
    """What is broken after a commit that members followed."""
    may = commit.author in before.facilitators()
    if not may and after.facilitators() - before.facilitators():
        yield "a facilitator by nobody's right"
    if not may and after.members() ^ before.members():
        yield "a member comes or goes by nobody's right"
    if not after.listed:
        yield "nobody facilitates"
    if not after.listed <= {Keys(leaf.key, leaf.relay) for leaf in after.leaves}:
        yield "a facilitator is not in the tree"
    known = verified(after.chain, cap)
    if known is None or any(known.get(keys.key) != keys.relay for keys in after.listed):
        yield "a newcomer does not know a facilitator"
    appended = after.chain[len(kept_of(before.chain, after)) :]
    if any(one.key not in after.facilitators() for one in appended):
        yield "a newcomer knows a facilitator who was none"
    if any(one.by != commit.author for one in appended):
        yield "an appointment tells another than appointed"
    if after.knows - after.facilitators():
        yield "a former facilitator knows the lobby key"
    if "end" in after.context:
        yield "the group is over"
    if "fixed" in after.context:
        yield "what the opening fixed has moved"
    yield from _faults_of_members(before, after)


def _faults_of_members(before: State, after: State) -> Iterator[str]:
    old = {leaf.key: leaf for leaf in before.leaves}
    if any(leaf.key in old and leaf.relay != old[leaf.key].relay for leaf in after.leaves):
        yield "a member became another"
    if len({leaf.relay for leaf in after.leaves}) < len(after.leaves):
        yield "the roster cannot tell two members apart"
    if any(leaf.key not in old and leaf.agreed not in after.good() for leaf in after.leaves):
        yield "a newcomer agreed to nothing that is good"
    changed = before.agreement != after.agreement
    if changed is (before.version == after.version):
        yield "one version of the agreement is two texts, or two versions one"
    if not changed and before.corrected != after.corrected:
        yield "who agreed has to agree again to the same text"
    if after.good() - before.good() - {after.agreement}:
        yield "an agreement is good that was not the room's, or is no more"


def verified(chain: tuple[Appointed, ...], cap: int) -> dict[str, str] | None:
    """Whom newcomers know as facilitators, by `chained_facilitators`. None: they refuse it all."""
    known = {"A": OWN["A"]}
    for one in chain:
        if one.by not in known or one.fault:
            return None
        known[one.key] = one.relay
    return known if len(chain) <= cap else None

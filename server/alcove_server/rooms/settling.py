"""When a log that a client brought back is settled. docs/protocol.md section 9.

The relay has lost its memory, and the first who comes may be stale, or was demoted since, or both
and malicious. A facilitator whose list is newer must have the time to show it, and no key more than
one vote. So the log is *unsettled* at first: nothing is committed in it and the room is not ended.

Pure: what the votes say. Whose votes count is the list of the last entry that all chains share,
since a branch can list whom its author wants. A key that signed entries of two branches speaks for
none: else a former first facilitator, alone on the first list, would choose among them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from alcove_protocol import limits
from alcove_protocol.roster import Roster

from alcove_server.store.interface import Unsettled, Vote

RosterAt = Callable[[int], Awaitable[Roster]]
"""The list after the entry with this counter of the seated chain."""

_LEAST: Final = limits.UNSETTLED_LEAST
LOOKS: Final = 20
"""Seconds after which a client asks again, when only more votes can settle the log."""


async def is_over(log: Unsettled, seated: Roster, at: RosterAt) -> bool:
    """Whether the log is settled with the seated chain, by its age and its votes."""
    if log.age < _LEAST:
        return False
    late = log.age >= limits.UNSETTLED
    fork = _fork(log)
    if fork is None:
        return late or _named(log, seated) or await _all_on_the_chain(log, seated, at)
    voters = _members(await at(fork))
    ours, theirs = _count(log, voters, fork), _beyond(log, voters)
    return 2 * ours > len(voters) or (late and ours > theirs)


async def wins(log: Unsettled, fork: int, heads: frozenset[bytes], at: RosterAt) -> bool:
    """Whether a chain that leaves the seated one after the entry `fork` takes its place. `heads`
    are the hashes of its entries after it."""
    if log.age < _LEAST:
        return False
    voters = _members(await at(fork))
    theirs = sum(1 for vote in _cast(log, voters) if vote.beyond and vote.head in heads)
    ours = _count(log, voters, fork)
    return 2 * theirs > len(voters) or (log.age >= limits.UNSETTLED and theirs > ours)


def seconds_left(log: Unsettled) -> int:
    """After how many seconds it is worth to ask again: at least 1."""
    return max(1, int(_LEAST - log.age) + 1) if log.age < _LEAST else LOOKS


def disputed(log: Unsettled) -> bool:
    """Whether two different chains were brought."""
    return _fork(log) is not None


def _fork(log: Unsettled) -> int | None:
    """The last entry that all brought chains share, or None when there is only one."""
    return min((vote.common for vote in log.votes.values() if vote.beyond), default=None)


def _members(roster: Roster) -> frozenset[bytes]:
    return frozenset(key for key in roster.seats if roster.is_member(key))


def _named(log: Unsettled, seated: Roster) -> bool:
    """Whether most members of the seated list named exactly its head."""
    voters = _members(seated)
    exact = sum(1 for key in voters if _is_exact(log.votes.get(key), seated))
    return 2 * exact > len(voters)


def _is_exact(vote: Vote | None, seated: Roster) -> bool:
    return vote is not None and not vote.beyond and vote.head == seated.head


async def _all_on_the_chain(log: Unsettled, seated: Roster, at: RosterAt) -> bool:
    """Whether most members are here, and all facilitators, and each named a head of the seated
    chain: those of the list at the earliest head that was named, and those of the seated list.
    Only a facilitator can have gone another way since, and each names once. So a relay that died
    after it told a commit to one member alone does not keep the others waiting for long. The
    earliest head alone is any member's to choose: of entry 0 the list is one facilitator."""
    first = min((vote.common for vote in log.votes.values()), default=None)
    if first is None:
        return False
    return _most_are_here(log, await at(first)) and _most_are_here(log, seated)


def _most_are_here(log: Unsettled, roster: Roster) -> bool:
    """Whether most members of this list named a head, and all of its facilitators."""
    voters = _members(roster)
    here = voters & log.votes.keys()
    return roster.facilitators() <= here and 2 * len(here) > len(voters)


def _cast(log: Unsettled, voters: frozenset[bytes]) -> list[Vote]:
    found = [log.votes[key] for key in voters if key in log.votes]
    return [vote for vote in found if not vote.void]


def _count(log: Unsettled, voters: frozenset[bytes], fork: int) -> int:
    """The votes for the seated chain beyond what all share."""
    return sum(1 for vote in _cast(log, voters) if not vote.beyond and vote.common > fork)


def _beyond(log: Unsettled, voters: frozenset[bytes]) -> int:
    return sum(1 for vote in _cast(log, voters) if vote.beyond)

"""Answers of members to one that asks to be let in without a facilitator, and the choice of one.

A member may lie, and may answer first, each time. So no single answer ends the way in, and a member
is believed after the others once its answers led nowhere. It counts how often: a member that was
wrongly doubted once has its turn before one that lied twice.
"""

from collections import Counter
from collections.abc import Callable, Set
from typing import Final

from alcove.errors import AlcoveError
from alcove.group.standby_entry import Candidate

OTHERS_FIRST: Final = 2.0
"""Seconds after the first answer in which other members' answers may come."""
HELD_LAST: Final = 10.0
"""Seconds after which the answer of a held member is used, or one without the text of the ground
rules, when there is no other."""
DOUBTED_LAST: Final = 30.0
"""Seconds after which the answer of a member is used that led nowhere before. In a large room the
turn of others may come late, and it would lead astray again by being the first."""
ANSWERS: Final = 16
"""Answers that are kept."""
SAID_BY_ONE: Final = 3
"""How often a single member has to say what ends the way in. Of two members, each has to once."""


class Candidates:
    """Those that came since the last choice, and what is known of the members that gave them.
    `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._found: dict[bytes, Candidate] = {}
        self._decide_at: float | None = None
        self._led_nowhere: Counter[bytes] = Counter()
        self._false: set[bytes] = set()
        self._shown: Counter[bytes] = Counter()
        self._endings: dict[str, Counter[bytes]] = {}

    def add(self, candidate: Candidate) -> None:
        """An answer came that may be true."""
        if len(self._found) < ANSWERS or candidate.by in self._found:
            self._found[candidate.by] = candidate
        wait = OTHERS_FIRST if candidate.texts and not candidate.answer.held else HELD_LAST
        due = self._clock() + (DOUBTED_LAST if self._led_nowhere[candidate.by] else wait)
        self._decide_at = due if self._decide_at is None else min(due, self._decide_at)

    def forget(self) -> None:
        """Those that came are of a log that is over. What is known of their members stays."""
        self._found.clear()
        self._decide_at = None

    @property
    def due(self) -> bool:
        """Whether it is time to choose."""
        return self._decide_at is not None and self._clock() >= self._decide_at

    def best(self, accepted: bytes | None = None) -> Candidate | None:
        """The answer to use, or None; all are forgotten. These count, in this order: how seldom its
        member led nowhere, how seldom the person was asked to accept that member's rules, whether
        it follows, whether the person `accepted` its rules, whether these have a text, and how late
        its epoch is. One without the text takes it of another with the same rules. So no member
        that makes up a group without a text hides the rules that others answer with."""
        self._decide_at = None
        found, self._found = list(self._found.values()), {}
        best = max(
            found,
            key=lambda one: (
                -self._led_nowhere[one.by],
                -self._shown[one.by],
                not one.answer.held,
                one.state.agreement == accepted,
                bool(one.with_texts_of(found).texts),
                one.epoch,
            ),
            default=None,
        )
        return None if best is None else best.with_texts_of(found)

    # --- what became of them -------------------------------------------------------------------

    def led_nowhere(self, by: bytes) -> None:
        """This member's answer was used, and is not of the room as the relay has it."""
        self.misled(by, frozenset())

    def misled(self, by: bytes, followed: Set[bytes]) -> None:
        """This member's answer was used, and those that followed it were not believed. Each of them
        may have lied. The member is sure to have if it did not follow its own answer."""
        if by not in followed:
            self._false.add(by)
        for one in {by, *followed}:
            self._led_nowhere[one] += 1

    @property
    def false(self) -> frozenset[bytes]:
        """Members whose answer was false: their word counts against no other's."""
        return frozenset(self._false)

    def shown(self, by: bytes) -> None:
        """The rules in this member's answer are shown to the person, to be accepted."""
        self._shown[by] += 1

    def ends_by(self, by: bytes, error: AlcoveError) -> bool:
        """By this member's answer the person cannot come in. Return whether it is believed. It may
        be true, so this member's word counts as before against the group of another."""
        said = self._endings.setdefault(error.code, Counter())
        said[by] += 1
        self._led_nowhere[by] += 1
        return len(said) > 1 or said[by] >= SAID_BY_ONE

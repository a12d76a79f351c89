"""Which member's answer the holder of a standby's link goes by.

A member may lie, and may answer first, each time. So no single answer ends the way in, and whose
answers led nowhere is believed after the others. It counts how often: a member that was wrongly
doubted once has its turn before one that lied twice.
"""

from collections import Counter
from collections.abc import Collection
from typing import Final

from alcove.errors import AlcoveError
from alcove.group.standby_entry import Candidate

ANSWERS: Final = 16
"""Answers that are kept."""
OTHERS_FIRST: Final = 2.0
"""Seconds after the first answer in which other members' answers may come."""
OTHERS_LAST: Final = 10.0
"""Seconds after which the answer of a held member, or of one that was believed before and led
nowhere, is used when there is no other."""
SAID_BY_ONE: Final = 3
"""How often a single member has to say what ends the way in. Of two members, each has to once."""


class Choice:
    """The answers to one link, and what is known of the members that gave them."""

    def __init__(self) -> None:
        self._answers: dict[bytes, Candidate] = {}
        self._led_nowhere: Counter[bytes] = Counter()
        self._false: set[bytes] = set()
        self._shown: Counter[bytes] = Counter()
        self._endings: dict[str, Counter[bytes]] = {}

    def came(self, answer: Candidate) -> float:
        """Take an answer. Return after how many seconds there may be a choice."""
        if len(self._answers) < ANSWERS or answer.by in self._answers:
            self._answers[answer.by] = answer
        last = answer.answer.held or self._led_nowhere[answer.by]
        return OTHERS_LAST if last else OTHERS_FIRST

    def best(self, accepted: bytes | None) -> Candidate | None:
        """Take the best answer, and drop the others: of a member that led nowhere the least often,
        whose rules were to be accepted the least often, that follows, with the rules that the
        person `accepted`, and of the latest epoch."""
        found, self._answers = list(self._answers.values()), {}
        return max(
            found,
            key=lambda one: (
                -self._led_nowhere[one.by],
                -self._shown[one.by],
                not one.answer.held,
                one.state.agreement == accepted,
                one.epoch,
            ),
            default=None,
        )

    def led_nowhere(self, by: bytes) -> None:
        """This member's answer was used, and nobody followed, not even this member; or it was not
        of the room as the relay has it."""
        self._led_nowhere[by] += 1
        self._false.add(by)

    def misled(self, by: bytes, followed: Collection[bytes]) -> None:
        """This member's answer was used, and those that followed it were not believed. Any of them
        may lie; one that did not follow its own answer did."""
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
        """By this member's answer the person cannot come in. Return whether it is believed."""
        said = self._endings.setdefault(error.code, Counter())
        said[by] += 1
        self.led_nowhere(by)
        return len(said) > 1 or said[by] >= SAID_BY_ONE

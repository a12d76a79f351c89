"""What the relay did not take, and what goes again: its answer was lost, or it was busy.

Not all of it goes at once. A relay that is busy with many clients ends a connection that goes on
asking, and the commits of this facilitator go over the same one.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from alcove_protocol import frames
from alcove_protocol.frames import RelayAnswer

from alcove.errors import PASSING

T = TypeVar("T")
AGAIN: Final = 5.0
"""Seconds between two rounds."""
AT_ONCE: Final = 32
"""What goes in one round: a third of what the relay takes from a connection in that time."""
UNSENT_MOST: Final = 1024
"""What is kept. One more takes the place of the oldest, which ends by the relay's own time. A relay
that answers nothing grows no list here."""


class NotTaken(Generic[T]):
    """Those of one kind, the oldest first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: deque[T] = deque(maxlen=UNSENT_MOST)
        self._again_at = 0.0

    def answered(self, answer: RelayAnswer | None, sent: T) -> None:
        """The relay answered what was sent, or never will."""
        self.goes_again(answer, sent)

    def goes_again(self, answer: RelayAnswer | None, sent: T) -> bool:
        """As `answered`. Return whether it goes again. Any refusal that does not pass is final: the
        relay has done it before, or knows nothing of it any more."""
        passing = isinstance(answer, frames.RequestRefused) and answer.code in PASSING
        if answer is not None and not passing:
            return False
        if not self._kept:
            self._again_at = self._clock() + AGAIN
        self._kept.append(sent)
        return True

    def due(self) -> list[T]:
        """What goes now, if it is time. It is kept no more."""
        if not self._kept or self._clock() < self._again_at:
            return []
        self._again_at = self._clock() + AGAIN
        return [self._kept.popleft() for _ in range(min(AT_ONCE, len(self._kept)))]

    def resumed(self) -> None:
        """Connected again: it is time."""
        self._again_at = self._clock()

    def take_all(self) -> list[T]:
        """All that is kept, which goes no more: the relay knows nothing of it any more."""
        kept = list(self._kept)
        self._kept.clear()
        return kept

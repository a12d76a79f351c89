"""How far this client follows the group's commits.

    in step ──the relay's base never came──▶ held ──Welcome, or right after all──▶ in step

A client that is *held* keeps its epoch, sends nothing and asks to be let in again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.position import Position

BASE_PATIENCE: Final = 10.0
"""Seconds after `resume` in which the missed commits must come."""


@dataclass(frozen=True, slots=True)
class LateBase:
    """The relay's last commit, which did not come. `resumed` tells that it was asked for."""

    base: Position
    resumed: bool


class Following:
    """State only. Its owner acts on it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.in_step = True
        """Whether this client's last commit is the relay's last one."""
        self.held = False
        self.skipped = False
        """Whether a message came while this client was held or ahead, and was not read."""
        self.new_log = False
        """Whether the relay's log began anew after this client's first `resume`."""
        self.ahead = b""
        """The hash of the log's last commit, while the log began anew with one that this client had
        merged before its last one. Empty when it is not ahead."""
        self.waits = False
        """Whether the log is unsettled and has a commit that this client had not merged before. It
        handles nothing until the log is settled."""
        self._expected: tuple[LateBase, float] | None = None
        self._others_at = 0.0

    def expect(self, base: Position) -> None:
        """`resume` said that this is the relay's last commit. It is here, or it follows soon."""
        self._expected = (LateBase(base, resumed=True), self._clock() + BASE_PATIENCE)

    def expect_nothing(self) -> None:
        """What is lacking is not missed yet: the log is unsettled, or the connection is gone."""
        self._expected = None

    def expect_of_stale(self, refused: frames.RequestRefused) -> None:
        """The relay refused something as `stale`: its last commit is another. It may be on its way,
        or it is one of this client's own, which the relay said that it did not take. In a log that
        is unsettled, and that this client does not follow yet, it is another for long."""
        if refused.base is not None and self._expected is None and not self.waits:
            late = LateBase(Position.decode(refused.base), resumed=False)
            self._expected = (late, self._clock() + BASE_PATIENCE)

    def overdue(self) -> LateBase | None:
        """The expected base when its time is over, once."""
        if self._expected is None or self._clock() < self._expected[1]:
            return None
        late, self._expected = self._expected[0], None
        return late

    def lacks(self, base: Position, own: Position) -> bool:
        """Whether the relay's base is a commit that never came to a client whose base is `own`."""
        missing = base.generation == own.generation and base.number > own.number
        return (missing or not self.in_step) and not self.held

    @property
    def lacks_entries(self) -> bool:
        """Whether this client's list of members cannot be compared with the log's: it is held, or
        the log began anew with another commit than its own. A restored room can be older than it.
        """
        return self.held or (self.new_log and not self.in_step)

    def hold(self) -> None:
        """A commit was missed."""
        self.held, self.skipped = True, False
        self._others_at = self._clock()

    def pass_over(self, *, said: bool) -> None:
        """A blob of an epoch before this client's came. What is `said` in it, while this client is
        ahead of the log, is missed: others said it after the gap at the start of the log."""
        self.skipped |= said and bool(self.ahead)

    def caught_up(self) -> bool:
        """The log has this client's last commit again. Return whether messages of the epoch before
        came meanwhile, which it could not read."""
        missed = bool(self.ahead) and self.skipped
        self.in_step, self.ahead, self.skipped = True, b"", False
        return missed

    def release(self) -> None:
        """Held no more, in the epoch that was kept."""
        self.held, self.in_step, self.ahead = False, True, b""

    def restart(self) -> None:
        """In the group anew."""
        self.release()
        self.new_log = self.waits = False

    def others_heard(self) -> None:
        """A beat came that this client cannot read: a facilitator is in the new epoch."""
        self._others_at = self._clock()

    @property
    def others_silent(self) -> bool:
        """Whether no beat of the new epoch came for `limits.READ_ONLY_AFTER` seconds."""
        return self._clock() - self._others_at > limits.READ_ONLY_AFTER

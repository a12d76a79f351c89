"""Whether this program stood still, as in a stopped process or on a device that slept."""

from collections.abc import Callable


class Standstill:
    """Is told, once a second and with all that comes, that this program runs."""

    def __init__(self, clock: Callable[[], float], after: float) -> None:
        self._clock = clock
        self._after = after
        self._ran_at = clock()

    def is_over(self) -> bool:
        """Note that the program runs. Return whether it stood still since the last note."""
        before, self._ran_at = self._ran_at, self._clock()
        return self._ran_at - before > self._after

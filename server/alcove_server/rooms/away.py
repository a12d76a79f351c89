"""Keys that an ABSENT took off a room's list, and since when this node knows it."""

from collections.abc import Callable, Iterable

from alcove_protocol import limits


class AwayKeys:
    """One room's. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float], absent: Iterable[bytes]) -> None:
        self._clock = clock
        self._since = dict.fromkeys(absent, clock())

    def learn(self, absent: Iterable[bytes]) -> None:
        """The list is another: these keys are absent now."""
        now = self._clock()
        self._since = {key: self._since.get(key, now) for key in absent}

    def may_return(self, key: bytes) -> bool:
        """Whether it went less than `limits.AWAY` ago."""
        since = self._since.get(key)
        return since is not None and self._clock() - since <= limits.AWAY

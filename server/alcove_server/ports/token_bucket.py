"""A token bucket: a burst at once, a rate a second, in two numbers."""


class TokenBucket:
    """Holds at most `burst` tokens and gains `rate` a second. A rate of 0 is no limit."""

    __slots__ = ("_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._at = now

    def take(self, now: float, cost: float = 1.0) -> bool:
        """Take tokens. False, and then none are taken, when there are too few."""
        if not self.rate:
            return True
        tokens = self._tokens + (now - self._at) * self.rate
        if tokens > self.burst:
            tokens = self.burst
        self._at = now
        if tokens < cost:
            self._tokens = tokens
            return False
        self._tokens = tokens - cost
        return True

    def owe(self, now: float, cost: float) -> bool:
        """Take tokens while there are any, and more than there are if need be: later ones pay.
        A quarter of the burst at most is taken at once. False, and none are taken, otherwise."""
        if not self.take(now, 0.0):
            return False
        if self.rate:
            self._tokens -= min(cost, self.burst / 4)
        return True

    def full(self, now: float) -> bool:
        """Whether it is as new, so that it can be forgotten."""
        return not self.rate or self._tokens + (now - self._at) * self.rate >= self.burst

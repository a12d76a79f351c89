"""Counts of what the relay refused, by code.

A code is one of the protocol's, or an HTTP status: never an address, a room or a time of its own.
So the counts tell an operator of a flood, and nothing of a client.
"""


class Tally:
    """Counts that are taken together, once in a while."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def count(self, code: str) -> None:
        """One more of this code. The caller's codes are a closed list, so they need no bound."""
        self._counts[code] = self._counts.get(code, 0) + 1

    def take(self) -> dict[str, int]:
        """Return the counts since the last call."""
        counts, self._counts = self._counts, {}
        return counts

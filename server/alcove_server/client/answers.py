"""The publishes of one client that wait for their answer.

`Published` stands in the room's stream where its blob stands for the other members, so the answer
comes by one of three ways, and only once:

    told        the client is live, and the room tells the blob: the answer takes its place
    replayed    the client resumes, and its replay comes to the blob: the same
    at once     the blob stands before what the client has been told: the request answers itself

The request expects an answer before it asks the store. Where the answer is gone when the store
returns, one of the other ways gave it.
"""

from __future__ import annotations

from collections.abc import Callable


class Answers:
    """Request numbers, by the id of the publish or by the number of its blob."""

    __slots__ = ("_expected", "_owed", "_then")

    def __init__(self) -> None:
        self._expected: dict[bytes, int] = {}
        self._owed: dict[int, list[int]] | None = None
        self._then: Callable[[], None] | None = None

    def __len__(self) -> int:
        """The publishes that wait for an answer."""
        return len(self._expected) + len(self._owed or ())

    def expect(self, id: bytes, n: int) -> None:
        """Request `n` publishes a blob with this id."""
        self._expected[id] = n

    def pop(self, id: bytes) -> int | None:
        """The request that published this id, if it still waits. The caller answers it."""
        n = self._expected.pop(id, None)
        if self._then is not None and not self._expected:
            then, self._then = self._then, None
            then()
        return n

    @property
    def expecting(self) -> bool:
        """Whether a publish waits for its answer, those apart that a replay is to answer."""
        return len(self._expected) > 0

    def expected(self, id: bytes) -> int | None:
        """The request that published this id, if it still waits. It goes on waiting."""
        return self._expected.get(id)

    def when_given(self, act: Callable[[], None] | None) -> None:
        """Act once, when the last expected answer was popped. None: do not act any more."""
        self._then = act

    def owe(self, number: int, n: int) -> None:
        """Request `n` is to be answered when the client's replay comes to blob `number`. A repeated
        id makes more than one request for one blob."""
        if self._owed is None:
            self._owed = {}
        self._owed.setdefault(number, []).append(n)

    @property
    def owing(self) -> bool:
        """Whether requests wait for the replay."""
        return self._owed is not None and len(self._owed) > 0

    def owes(self, number: int) -> bool:
        """Whether requests wait for this blob of the replay."""
        return self._owed is not None and number in self._owed

    def due(self, up_to: int | None = None) -> list[tuple[int, int]]:
        """Blob numbers up to a number (None: all), in order, with the requests that the caller now
        answers."""
        owed = self._owed
        if not owed:
            return []
        numbers = sorted([number for number in owed if up_to is None or number <= up_to])
        return [(number, n) for number in numbers for n in owed.pop(number)]

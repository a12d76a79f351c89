"""The measurements: floor, Alcove and ts-mls in turns, so that a mood of the machine meets all."""

from __future__ import annotations

import statistics
import sys
from dataclasses import asdict, dataclass, field

from bench.mls import joining
from bench.mls.floor import Floor
from bench.mls.joining import Joining
from bench.mls.operations import Scene
from bench.mls.peer import Peer, Unavailable
from bench.mls.primitives import X_WING, Primitives

OPERATIONS = ("build", "join", "update", "process", "encrypt", "decrypt")
MESSAGES = 100
"""Application messages of one measurement."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: members of the groups, and rounds for each."""

    sizes: tuple[int, ...]
    rounds: tuple[int, ...]
    joined: tuple[int, ...]
    """Leaves of the trees of `joining.py`."""


FULL = Scale((2, 10, 50, 100, 500, 1000), (11, 11, 7, 9, 5, 5), (250, 500, 1000, 2000))
QUICK = Scale((2, 10, 100), (5, 5, 3), (250, 500, 1000))


@dataclass(slots=True)
class Row:
    """One operation in one suite and group size. Milliseconds, medians."""

    suite: int
    members: int
    operation: str
    floor: float
    alcove: float
    ts_mls: float | None

    @property
    def to_floor(self) -> float:
        return self.alcove / self.floor

    @property
    def to_ts_mls(self) -> float | None:
        return None if self.ts_mls is None else self.alcove / self.ts_mls


@dataclass(slots=True)
class Sizes:
    """Bytes of what was sent in one suite and group size."""

    suite: int
    members: int
    alcove: dict[str, int]
    ts_mls: dict[str, int]


@dataclass(slots=True)
class Result:
    rows: list[Row] = field(default_factory=list)
    sizes: list[Sizes] = field(default_factory=list)
    joined: list[Joining] = field(default_factory=list)
    no_peer: str = ""
    """Why there are no figures of ts-mls."""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


class _Samples:
    """All measurements of one suite and group size."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], list[float]] = {}

    def add(self, who: str, operation: str, milliseconds: float) -> None:
        self._of.setdefault((who, operation), []).append(milliseconds)

    def median(self, who: str, operation: str) -> float | None:
        found = self._of.get((who, operation))
        return statistics.median(found) if found else None


def _alcove(scene: Scene, samples: _Samples) -> None:
    for operation in OPERATIONS:
        took = scene.encrypt(MESSAGES) if operation == "encrypt" else getattr(scene, operation)()
        samples.add("alcove", operation, took)


def _peer(peer: Peer, samples: _Samples, sizes: dict[str, int]) -> None:
    names = {"build": "welcome", "update": "commit", "encrypt": "message"}
    for operation in OPERATIONS:
        took, made = peer.ask(operation, times=MESSAGES)
        samples.add("ts-mls", operation, took)
        if operation in names:
            sizes[names[operation]] = made


def _one(result: Result, peer: Peer | None, suite: int, members: int, rounds: int) -> None:
    scene, primitives, samples = Scene(suite, members), Primitives(suite), _Samples()
    theirs: dict[str, int] = {}
    if suite == X_WING:
        peer = None  # ts-mls has X-Wing with other hashes, under other numbers
    if peer is not None:
        theirs["key_package"] = peer.ask("setup", number=suite, members=members)[1]
    _alcove(scene, _Samples())  # warm, and the sizes that the floor is counted for
    again = 3 if members <= 50 else 1  # short ones also warm, as the floor is
    for turn in range(rounds):
        _progress(f"suite {suite:#06x}, {members} members, round {turn + 1} of {rounds}")
        for _ in range(again):
            _alcove(scene, samples)
        primitives.again()
        floor = Floor(suite, members, scene.sizes)
        for operation in OPERATIONS:
            samples.add("floor", operation, floor.milliseconds(operation, primitives))
        for _ in range(again if peer is not None else 0):
            assert peer is not None
            _peer(peer, samples, theirs)
    for operation in OPERATIONS:
        lowest, ours = samples.median("floor", operation), samples.median("alcove", operation)
        assert lowest is not None
        assert ours is not None
        other = samples.median("ts-mls", operation)
        result.rows.append(Row(suite, members, operation, lowest, ours, other))
    result.sizes.append(Sizes(suite, members, dict(scene.sizes), theirs))


def measure(scale: Scale) -> Result:
    """Everything, for suites 1 and 3 and X-Wing."""
    result = Result()
    peer: Peer | None = None
    try:
        _progress("installing ts-mls")
        peer = Peer()
    except Unavailable as error:
        result.no_peer = str(error)
    try:
        for suite in (0x0003, 0x0001, X_WING):
            for members, rounds in zip(scale.sizes, scale.rounds, strict=True):
                _one(result, peer, suite, members, rounds)
    finally:
        if peer is not None:
            peer.__exit__(None, None, None)
    _progress("joining trees of many leaves")
    try:
        result.joined = joining.measure(scale.joined, rounds=5)
    finally:
        _progress("")
    return result


def _progress(text: str) -> None:
    """One line that is written over on a terminal. Elsewhere only changes are printed."""
    if sys.stderr.isatty():
        print(f"\r{text:<70}", end="" if text else "\r", file=sys.stderr, flush=True)
    elif text and (" round 1 " in text or "round" not in text):
        print(text, file=sys.stderr, flush=True)

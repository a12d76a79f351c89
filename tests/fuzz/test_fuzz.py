"""The short run: some thousands of inputs for each parser."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from alcove import mls
from alcove.mls.codec import Struct, opaque
from alcove.mls.proposals import Commit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import __main__ as command
from tests.fuzz.judge import GROWTH, SLACK, Finding, judge, peak_of
from tests.fuzz.mutation import mutated
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS, by_name

EXAMPLES, MUTATIONS = 60, 40
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_seeds_are_taken_and_their_mutations_are_taken_or_refused_by_name(target: Target) -> None:
    for seed in target.seeds:
        judge(target, seed, memory=True)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.binary(max_size=200), number=st.integers(0, 2**32))
    def run(data: bytes, number: int) -> None:
        rng = random.Random(number)
        judge(target, data)
        for _ in range(MUTATIONS):
            judge(target, mutated(target.seeds, rng))
        judge(target, mutated(target.seeds, rng), memory=number % 4 == 0)

    run()


def _structures() -> list[Target]:
    return [target for target in TARGETS if target.name.removeprefix("mls.")[0].isupper()]


@pytest.mark.parametrize("target", _structures(), ids=lambda target: target.name)
def test_the_seeds_are_real(target: Target) -> None:
    """Otherwise nothing behind the first check would ever be reached."""
    taken = 0
    for seed in target.seeds[1:]:
        try:
            target.run(seed)
        except target.refusals:
            continue
        taken += 1
    assert taken


# -- dense inputs: a megabyte of the smallest elements there are

_MEGABYTE = 1 << 20
_EXTENSIONS = b"\x01\x00\x07" + opaque(b"\xf0\x01\x00" * 10_000)
_UPDATE = b"\x01\x00\x02" + bytes(4) + b"\x00" + bytes(5) + b"\x02" + bytes(2)


def _commit(element: bytes, most: int = 32_000) -> bytes:
    return opaque(element * min(most, _MEGABYTE // len(element))) + b"\x00"


DENSE: dict[str, tuple[type[Struct], bytes]] = {
    "tiny extensions": (Commit, _commit(_EXTENSIONS)),
    "tiny proposals": (Commit, _commit(b"\x01\x00\x03" + bytes(4))),
    "tiny leaves": (Commit, _commit(_UPDATE)),
    "empty references": (Commit, _commit(b"\x02\x00")),
    "integers": (mls.Capabilities, opaque(b"\xf0\x01" * (_MEGABYTE // 2)) + bytes(4)),
    "certificates": (mls.Credential, b"\x00\x02" + opaque(b"\x00" * _MEGABYTE)),
    "path nodes": (Commit, b"\x00\x01" + _UPDATE[3:] + opaque(bytes(_MEGABYTE))),
}


@pytest.mark.parametrize("name", DENSE)
def test_a_megabyte_of_small_elements_costs_little_memory(name: str) -> None:
    kind, data = DENSE[name]
    target = Target(name, kind.decode, (mls.MLSError,), list)
    assert peak_of(target, data) <= GROWTH * len(data) + SLACK


def test_honest_trees_and_commits_stay_within_the_budget() -> None:
    (leaves,) = by_name("mls.LeafNode")
    (parents,) = by_name("mls.ParentNode")
    leaf, parent = leaves.seeds[1], parents.seeds[1]
    count = 3 * _MEGABYTE // (len(leaf) + len(parent) + 4)
    nodes = (b"\x01\x01" + leaf + b"\x01\x02" + parent) * count + b"\x01\x01" + leaf
    tree = mls_tree(opaque(nodes))
    assert tree == 2 * count + 1


def mls_tree(data: bytes) -> int:
    """How many nodes a tree has that was read."""
    from alcove.mls.ratchet_tree import RatchetTree

    nodes = RatchetTree.decode(data, 16_384).nodes
    return sum(node is not None for node in nodes)


# -- the harness finds what it looks for


def _broken(data: bytes) -> None:
    if data[:1] == b"\x01":
        raise KeyError("a bug")
    if data[:1] == b"\x02":
        sum(range(20_000_000))
    if data[:1] == b"\x03":
        bytearray(16 * _MEGABYTE)


@pytest.mark.parametrize(
    ("data", "what"), [(b"\x01", "KeyError"), (b"\x02", "ms"), (b"\x03", "memory")]
)
def test_a_crash_a_slow_input_and_a_large_one_are_found(data: bytes, what: str) -> None:
    target = Target("broken", _broken, (mls.MLSError,), list)
    judge(target, b"", memory=True)
    with pytest.raises(Finding, match=what):
        judge(target, data, memory=True)


def test_the_command_runs_and_says_what_it_did(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "tests.fuzz", "--target", "mls.Lifetime", "--mutate"]
    done = subprocess.run(
        [*line, "--inputs", "200", "--folder", str(tmp_path / "found")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "200 inputs, 0 targets with findings" in done.stdout
    assert not (tmp_path / "found").exists()


def test_a_finding_is_saved_and_ends_the_run_with_status_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = Target("broken", _broken, (mls.MLSError,), lambda: [b"\x01"])
    monkeypatch.setattr(command, "by_name", lambda _name: [target])
    arguments = ["fuzz", "--mutate", "--inputs", "1000", "--folder", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", arguments)
    assert command.main() == 1
    (saved,) = tmp_path.iterdir()
    shown = capsys.readouterr().out
    assert str(saved) in shown
    with pytest.raises(Finding):
        judge(target, saved.read_bytes(), memory=True)

"""The second client's types, and the test vectors that it is held to."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from tests.second_client.driver import HERE, run

VECTORS = HERE.parents[1] / "protocol" / "vectors"


def test_its_types_hold() -> None:
    done = run("node_modules/typescript/bin/tsc", "-p", ".")
    assert done.returncode == 0, done.stdout


@cache
def results() -> dict[str, dict[str, Any]]:
    done = run("src/vectors.ts")
    assert done.returncode == 0, done.stderr
    return {one["file"]: one for one in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("file", sorted(path.stem for path in VECTORS.glob("*.json")))
def test_it_takes_and_refuses_what_the_vectors_say(file: str) -> None:
    result = results()[file]
    assert result["failures"] == []
    assert result["cases"] == len(json.loads((VECTORS / f"{file}.json").read_text())["cases"])

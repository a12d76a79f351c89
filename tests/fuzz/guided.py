"""One target under atheris: `python -m tests.fuzz.guided NAME CORPUS [libFuzzer's options]`."""

from __future__ import annotations

import importlib
import sys
from typing import Any


def main() -> None:
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["alcove", "alcove_protocol"]):
        targets: Any = importlib.import_module("tests.fuzz.targets")
        judging: Any = importlib.import_module("tests.fuzz.judge")
    name = sys.argv.pop(1)
    (target,) = (target for target in targets.TARGETS if target.name == name)
    judging.SECONDS = 1.0  # instrumented code is many times slower
    atheris.Setup(sys.argv, lambda data: judging.judge(target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""The reference has every code of `Problem`, of `Failed` and of the relay, and no other."""

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import Final

import alcove
from alcove.engine.standing import Standing
from alcove.messages.muted import muted
from alcove_protocol.errors import REFUSALS

from tests.client_sdk.test_refusals import codes_given

SDK: Final = Path(alcove.__file__).parent
PAGE: Final = SDK.parents[1] / "docs" / "sdk" / "reference.md"
CODE: Final = re.compile(r"[a-z]+(?:_[a-z]+)*")
PROBLEMS: Final = {"Problem", "problem", "_problem"}
"""What is called with the code of a problem as its first argument."""
PASSING: Final = {
    "facilitation/card_watch.py": {"_tell"},
    "joining/door_watch.py": {"_tell"},
    "joining/newcomer.py": {"_tell_once"},
    "joining/standby_comer.py": {"_tell_once"},
}
"""And what is so in one file. A new one is found, because it computes a code for `Problem`."""
UNSHOWN: Final = {"not_facilitator"}
"""Of an item that is no text of a person: no event tells that it failed."""
COMPUTED: Final = {
    # passed on: the code is a constant where these are called
    "shell.py": set[str](),
    "facilitation/card_watch.py": set(),
    "messages/alarms.py": set(),
    "joining/standby_comer.py": set(),
    # `door_used` is compared with before; the rest is passed on
    "joining/door_watch.py": {"door_used"},
    # `_not_opened` has the first; the rest is passed on
    "joining/newcomer.py": {"cannot_open"},
    # what `Rejoining.open` raises
    "engine/held_member.py": {"cannot_open", "bad_welcome"},
    # of `Doors.put`, beside the codes of the relay
    "facilitation/removals.py": {"no_agreement"},
}
"""Where the code of a problem is no constant, and which ones it can be."""


def calls(names: set[str], *, passing: bool = False) -> dict[str, list[ast.Call]]:
    """The calls of these names in the SDK without its command line, by file."""
    found = defaultdict[str, list[ast.Call]](list)
    for path in SDK.rglob("*.py"):
        where = path.relative_to(SDK).as_posix()
        wanted = names | PASSING.get(where, set()) if passing else names
        if not where.startswith("cli/"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in wanted:
                    found[where].append(node)
    return found


def table(title: str) -> dict[str, str]:
    """The rows below this heading: the code, and what is said of it."""
    part = PAGE.read_text().split(f"### {title}\n", 1)[1].split("\n## ")[0].split("\n### ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", part, re.M)
    assert len(rows) == len(dict(rows)) > 0
    return dict(rows)


def test_every_code_of_a_problem_is_in_the_reference() -> None:
    known, computed = set[str](), set[str]()
    for where, found in calls(PROBLEMS, passing=True).items():
        for call in found:
            match call.args:
                case [ast.Constant(str(code)), *_] if CODE.fullmatch(code):
                    known.add(code)
                case [ast.Constant(), *_] | []:
                    pass  # another function of this name
                case _:
                    computed.add(where)
    assert {"held", "unreadable", "handler_failed", "knock_dropped", "nobody_there"} <= known
    assert computed == set(COMPUTED)
    assert table("Codes of `Problem`").keys() == known.union(*COMPUTED.values())


def test_every_code_of_a_failed_message_is_in_the_reference() -> None:
    given = codes_given(muted, "NotNow")
    for call in calls({"give_up"})["engine/publisher.py"]:
        match call.args:
            case [_, ast.Constant(str(code)), *_]:
                given.add(code)
            case _:
                pass
    source = ast.parse((SDK / "engine" / "standing.py").read_text())
    (closing,) = (
        node
        for node in ast.walk(source)
        if isinstance(node, ast.FunctionDef) and node.name == Standing._fail_waiting_texts.__name__
    )
    constants = {
        node.value
        for node in ast.walk(closing)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert "unconfirmed" in given & constants
    assert table("Codes of `Failed`").keys() == (given | constants) - UNSHOWN


def test_every_code_of_the_relay_is_in_the_reference_with_its_sentence() -> None:
    assert table("Codes of the relay") == dict(REFUSALS)

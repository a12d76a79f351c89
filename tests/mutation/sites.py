"""Where a rule may stand in the source: every condition of the functions that are watched.

The rules of `docs/mls-validation.md` have numbers. Those of rights, roster and order have not, so
they are counted in the source itself: each `if`, each conditional expression, and each refusal in
an `except`. A new one without a mutant is found by `test_mutation.py`.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tests.mutation.mutant import ROOT, find, path_of


@dataclass(frozen=True, slots=True)
class Site:
    """One condition. `name` is its place and its text; `lines` count from 0."""

    name: str
    path: str
    lines: frozenset[int]


def _lines(*nodes: ast.stmt | ast.expr) -> frozenset[int]:
    return frozenset(
        line for node in nodes for line in range(node.lineno - 1, node.end_lineno or node.lineno)
    )


def sites_of(where: str) -> Iterator[Site]:
    """Every condition in one function, named by dotted path."""
    module, _, name = where.partition(":")
    path = path_of(module)
    for node in ast.walk(find((ROOT / path).read_text(), name)):
        if isinstance(node, ast.If):
            # The condition, or the one statement that it guards.
            guarded = node.body if len(node.body) == 1 else []
            yield Site(f"{where}: {ast.unparse(node.test)}", path, _lines(node.test, *guarded))
        elif isinstance(node, ast.IfExp):
            yield Site(f"{where}: {ast.unparse(node.test)}", path, _lines(node))
        elif isinstance(node, ast.ExceptHandler):
            refusals = [item for item in node.body if isinstance(item, ast.Raise)]
            if refusals:
                text = "except" if node.type is None else f"except {ast.unparse(node.type)}"
                lines = _lines(*refusals) | {node.lineno - 1}
                yield Site(f"{where}: {text}", path, lines)

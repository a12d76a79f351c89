"""Every sentence of the client's source that a person can meet."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.client_sdk.cli.process import ROOT

_CLIENT: Final = ROOT / "client_sdk" / "alcove"
_PROTOCOL: Final = ROOT / "protocol" / "alcove_protocol" / "errors.py"
_SENTENCE: Final = re.compile(
    r"[A-Za-z{][^\n]*[ ,][^\n]*[.:?!…]\s*$|^(?=.* .* ).*[.?!] [A-Z{]", re.S
)


def sentences() -> set[str]:
    """Return the texts. What is filled in stands as `{}`."""
    found: set[str] = set()
    for path in [_PROTOCOL, *sorted(_CLIENT.rglob("*.py"))]:
        if "mls" not in path.relative_to(ROOT).parts:
            found |= set(_of(path))
    return found


def _of(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    skipped = _docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in ast.walk(node) if part is not node}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        text = _text(node)
        if text is not None and "\\x" not in text and _SENTENCE.search(text.strip()):
            yield text.strip()


def _docstrings(tree: ast.AST) -> set[int]:
    """Strings that stand alone: docstrings, and those behind an attribute."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        return "".join(str(part) for part in parts)
    return None

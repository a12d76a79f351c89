"""Count in docstrings and comments what makes a sentence need a second reading.

    python scripts/plain_english.py PATH…      folders and files, a line for each

The figures are per 1,000 words: *who*, *whoever* and *whatever* (a subject that is no noun),
*somebody*, *nobody* and their kin where the field has a noun, and semicolons (two sentences in
one). Code in backticks, indented examples and directives for tools do not count.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

KINDS: Final = {
    "who": re.compile(r"\b(?:who|whoever|whatever)\b", re.IGNORECASE),
    "somebody": re.compile(r"\b(?:some|no|any|every)(?:body|one)\b|\bno one\b", re.IGNORECASE),
    "semicolons": re.compile(r";(?=\s|$)"),
}
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z'’-]*")
_CODE: Final = re.compile(r"``.*?``|`[^`]*`", re.DOTALL)
_EXAMPLE: Final = re.compile(r"^(?: {4,}|\t).*$", re.MULTILINE)
_DIRECTIVE: Final = re.compile(r"#\s*(?:noqa|type:|pragma|mypy:|ruff:|fmt:|!).*")


@dataclass(frozen=True)
class Figures:
    """How many words there are, and how often each kind occurs in 1,000 of them."""

    words: int
    per_thousand: dict[str, float]

    def __str__(self) -> str:
        kinds = "  ".join(f"{kind} {value:5.2f}" for kind, value in self.per_thousand.items())
        return f"{self.words:7} words  {kinds}"


def docstrings(tree: ast.Module) -> Iterator[str]:
    """Of the module, its classes and functions, and of attributes: a string below an assignment."""
    for node in ast.walk(tree):
        for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
            for one in body if isinstance(body, list) else ():
                match one:
                    case ast.Expr(ast.Constant(str(text))):
                        yield _dedented(text, one.col_offset)


def comments(source: str) -> Iterator[str]:
    """Every comment, without its sign."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not _DIRECTIVE.match(token.string):
            yield token.string.lstrip("# ")


def prose(source: str) -> str:
    """What the docstrings and comments of a module say in sentences."""
    said = "\n".join([*docstrings(ast.parse(source)), *comments(source)])
    return _CODE.sub("x", _EXAMPLE.sub("", said))


def figures(texts: Iterable[str]) -> Figures:
    """Of all these texts together."""
    said = "\n".join(texts)
    words = len(_WORD.findall(said))
    counts = {kind: len(pattern.findall(said)) for kind, pattern in KINDS.items()}
    return Figures(words, {kind: 1000 * n / max(1, words) for kind, n in counts.items()})


def measured(path: Path) -> Figures:
    """Of a file, or of all Python files below a folder."""
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return figures(prose(file.read_text()) for file in files)


def _dedented(text: str, margin: int) -> str:
    """Without the spaces that stand before each line because the code is indented."""
    first, *rest = text.expandtabs().split("\n")
    return "\n".join([first, *(line[margin:] if line.strip() else "" for line in rest)])


def main() -> int:
    """The exit status: 2 without a path."""
    if not sys.argv[1:]:
        print(__doc__)
        return 2
    for name in sys.argv[1:]:
        print(f"{measured(Path(name))}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

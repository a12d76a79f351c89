"""What a mutant is: an edit of the source that takes one rule away, and the test that must fail.

A place in the source is named by dotted path, `alcove.mls.nodes:check_leaf`, so that moving a file
costs one word here. `old` occurs exactly once in that function, or an edit is refused: a mutant
that no longer fits the source is a failure and never a silent success.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("client_sdk", "protocol", "server")
"""Where packages lie, below the root of the tree."""


class DoesNotFit(Exception):
    """An edit names a place or a text that the source does not have, or has twice."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `old` by `new` in one function, or in the whole module when `where` has no colon."""

    where: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One way to lose a rule. `test` is the node id of the test that must notice.

    `equivalent` is set when no test can notice, and says why. Such a mutant is run too: once a test
    does notice, the reason is wrong and has to go.
    """

    rule: str
    edits: tuple[Edit, ...]
    test: str
    equivalent: str = ""

    @property
    def name(self) -> str:
        """The rule, and a short number that tells its mutants apart in every run."""
        return f"{self.rule} ({self.edits[0].old.strip().splitlines()[0][:40]})"


@dataclass(frozen=True, slots=True)
class Span:
    """Lines of a file, the first counted from 0, the last not included."""

    first: int
    end: int


@cache
def path_of(module: str) -> str:
    """The file of a module, below the root of the tree. Raises `DoesNotFit`."""
    parts = module.split(".")
    for source in SOURCES:
        stem = Path(source, *parts)
        for candidate in (stem.with_name(stem.name + ".py"), stem / "__init__.py"):
            if (ROOT / candidate).is_file():
                return str(candidate)
    raise DoesNotFit(f"there is no module {module}")


def find(source: str, name: str) -> ast.AST:
    """The function, class, method or top-level assignment of that name. Raises `DoesNotFit`."""
    body: list[ast.stmt] = ast.parse(source).body
    found: ast.stmt | None = None
    for part in name.split("."):
        found = next((node for node in body if part in _names(node)), None)
        if found is None:
            raise DoesNotFit(f"there is no {name}")
        body = found.body if isinstance(found, ast.ClassDef) else []
    assert found is not None
    return found


def _names(node: ast.stmt) -> tuple[str, ...]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return (node.name,)
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return (node.target.id,)
    if isinstance(node, ast.Assign):
        return tuple(target.id for target in node.targets if isinstance(target, ast.Name))
    return ()


def span_of(source: str, name: str) -> Span:
    """The lines of a named place, decorators left out; of the whole file when `name` is empty."""
    if not name:
        return Span(0, len(source.splitlines()))
    node = find(source, name)
    assert isinstance(node, ast.stmt)
    return Span(node.lineno - 1, node.end_lineno or node.lineno)


def apply(source: str, edit: Edit) -> str:
    """The source with the edit in it. Raises `DoesNotFit`, also when what results is no Python."""
    _module, _, name = edit.where.partition(":")
    span = span_of(source, name)
    lines = source.splitlines(keepends=True)
    inside = "".join(lines[span.first : span.end])
    if inside.count(edit.old) != 1:
        raise DoesNotFit(f"{inside.count(edit.old)} times in {edit.where}: {edit.old!r}")
    changed = inside.replace(edit.old, edit.new)
    result = "".join([*lines[: span.first], changed, *lines[span.end :]])
    try:
        ast.parse(result)
    except SyntaxError as error:
        raise DoesNotFit(f"no Python any more, in {edit.where}: {edit.new!r}") from error
    return result


def mutate(mutant: Mutant, root: Path = ROOT) -> Mapping[str, str]:
    """The changed files, by path below the root. Raises `DoesNotFit`."""
    changed: dict[str, str] = {}
    for edit in mutant.edits:
        path = path_of(edit.where.partition(":")[0])
        source = changed.get(path)
        changed[path] = apply((root / path).read_text() if source is None else source, edit)
    return changed


def edited_lines(mutant: Mutant) -> frozenset[tuple[str, int]]:
    """(path, line from 0) of every line of the source that the mutant's edits touch."""
    lines: set[tuple[str, int]] = set()
    for edit in mutant.edits:
        module, _, name = edit.where.partition(":")
        path = path_of(module)
        source = (ROOT / path).read_text()
        span = span_of(source, name)
        text = "".join(source.splitlines(keepends=True)[span.first : span.end])
        before, found, _after = text.partition(edit.old)
        if found:
            first = span.first + before.count("\n")
            lines.update((path, first + extra) for extra in range(edit.old.count("\n") + 1))
    return frozenset(lines)

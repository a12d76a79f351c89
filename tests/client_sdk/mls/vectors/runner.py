"""Recognise a file of vectors by the shape of its cases, run them, and tell what came of it."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from alcove.mls.errors import MLSError, SuiteUnavailable, UnknownSuite

from tests.client_sdk.mls.vectors import basics, messages, passive, trees
from tests.client_sdk.mls.vectors.case import Case, suite_of

# Name, the keys that only cases of this format have, and the check.
_FORMATS: tuple[tuple[str, frozenset[str], Callable[[Case], None]], ...] = (
    ("tree-math", frozenset({"n_leaves", "n_nodes", "root"}), basics.tree_mathematics),
    ("crypto-basics", frozenset({"ref_hash", "expand_with_label"}), basics.crypto_basics),
    ("secret-tree", frozenset({"sender_data", "leaves"}), basics.secret_tree),
    ("message-protection", frozenset({"proposal_priv", "membership_key"}), messages.protection),
    ("key-schedule", frozenset({"initial_init_secret", "epochs"}), basics.schedule),
    ("psk_secret", frozenset({"psks", "psk_secret"}), basics.psks),
    ("transcript-hashes", frozenset({"interim_transcript_hash_before"}), basics.transcript),
    ("passive-client", frozenset({"initial_epoch_authenticator"}), passive.passive_client),
    ("welcome", frozenset({"signer_pub", "welcome"}), messages.welcome),
    ("tree-operations", frozenset({"tree_before", "proposal"}), trees.operations),
    ("tree-validation", frozenset({"tree", "resolutions"}), trees.validation),
    ("treekem", frozenset({"update_paths", "leaves_private"}), trees.treekem),
    ("messages", frozenset({"mls_welcome", "mls_group_info"}), messages.messages),
    ("deserialization", frozenset({"vlbytes_header", "length"}), basics.deserialization),
)


@dataclass
class FileResult:
    """What came of one file. `failures` and `reasons` are sentences."""

    path: Path
    format: str = "unknown"
    passed: int = 0
    failures: list[str] = field(default_factory=list)
    skipped: int = 0
    reasons: set[str] = field(default_factory=set)

    def line(self) -> str:
        text = f"{self.path.name} ({self.format}): {self.passed} passed, "
        text += f"{len(self.failures)} failed, {self.skipped} skipped"
        return f"{text}: {'; '.join(sorted(self.reasons))}" if self.reasons else text


def recognise(case: object) -> tuple[str, Callable[[Case], None]] | None:
    """The format that a case has, and its check."""
    if isinstance(case, dict):
        for name, keys, check in _FORMATS:
            if keys <= case.keys():
                return name, check
    return None


def run_file(path: Path) -> FileResult:
    """Run every case of one file."""
    result = FileResult(path)
    try:
        cases = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        result.failures.append(f"not readable: {error}")
        return result
    cases = cases if isinstance(cases, list) else [cases]
    for number, case in enumerate(cases):
        known = recognise(case)
        if known is None:
            result.skipped += 1
            result.reasons.add("not a format of the MLS test vectors")
            continue
        result.format, check = known
        try:
            if "cipher_suite" in case:
                suite_of(case)
        except (SuiteUnavailable, UnknownSuite) as error:
            result.skipped += 1
            result.reasons.add(f"suite {case['cipher_suite']}: {error}")
            continue
        try:
            check(case)
        except Exception as error:  # every error is this case's failure
            if not isinstance(error, AssertionError | MLSError):
                traceback.print_exc()
            result.failures.append(f"case {number}: {type(error).__name__}: {error}")
        else:
            result.passed += 1
    return result


def files_of(arguments: list[str]) -> list[Path]:
    """The files named, and the JSON files of folders named."""
    files: list[Path] = []
    for argument in arguments:
        path = Path(argument)
        files.extend(sorted(path.rglob("*.json")) if path.is_dir() else [path])
    return files


def main(arguments: list[str]) -> int:
    """Run files or folders; 1 when anything failed, 2 when there was nothing to run."""
    files = files_of(arguments)
    if not files:
        print("usage: python -m tests.client_sdk.mls.vectors FILE_OR_FOLDER…", file=sys.stderr)
        return 2
    passed = failed = 0
    for path in files:
        result = run_file(path)
        print(result.line(), flush=True)
        for failure in result.failures:
            print(f"    {failure}")
        passed += result.passed
        failed += len(result.failures)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0

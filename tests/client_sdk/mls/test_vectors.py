"""Every official test vector, through the same code as the runner."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.client_sdk.mls.vectors import runner
from tests.client_sdk.mls.vectors.folder import MISSING, OFFICIAL, vector_folder


def _file(name: str) -> Path:
    folder = vector_folder()
    if folder is None or not (folder / f"{name}.json").is_file():
        pytest.fail(MISSING, pytrace=False)
    return folder / f"{name}.json"


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_file_passes(name: str) -> None:
    result = runner.run_file(_file(name))
    assert result.failures == []
    assert (result.passed, result.skipped) == (OFFICIAL[name], 0)


def test_there_are_785_cases() -> None:
    assert sum(OFFICIAL.values()) == 785


# -- the runner itself: one that always said "passed" would be worse than none


def _flip(value: str) -> str:
    return f"{int(value[-1], 16) ^ 1:x}".join((value[:-1], ""))


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("crypto-basics", lambda c: c["derive_secret"].update(out="00")),
        ("deserialization", lambda c: c.update(length=c["length"] + 1)),
        ("key-schedule", lambda c: c["epochs"][-1].update(external_pub="00")),
        ("message-protection", lambda c: c.update(application_priv=_flip(c["application_priv"]))),
        ("messages", lambda c: c.update(commit=c["commit"] + "00")),
        ("passive-client-welcome", lambda c: c.update(initial_epoch_authenticator="00")),
        (
            "passive-client-handling-commit",
            lambda c: c["epochs"][-1].update(commit=_flip(c["epochs"][-1]["commit"])),
        ),
        ("psk_secret", lambda c: c.update(psk_secret="00")),
        ("secret-tree", lambda c: c["leaves"][0][-1].update(handshake_nonce="00")),
        ("transcript-hashes", lambda c: c.update(interim_transcript_hash_after="00")),
        ("tree-math", lambda c: c.update(root=c["root"] + 1)),
        ("tree-operations", lambda c: c.update(tree_hash_after="00")),
        ("tree-validation", lambda c: c["tree_hashes"].__setitem__(-1, "00")),
        ("treekem", lambda c: c["update_paths"][0].update(commit_secret="00")),
        ("welcome", lambda c: c.update(signer_pub=_flip(c["signer_pub"]))),
    ],
)
def test_runner_notices_a_spoiled_case(
    name: str,
    spoil: Callable[[dict[str, object]], object],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    case = json.loads(_file(name).read_text())[0]
    spoil(case)
    spoiled = tmp_path / "renamed.json"
    spoiled.write_text(json.dumps([case]))
    assert runner.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.endswith("0 passed, 1 failed\n")


def test_runner_skips_what_it_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.json").write_text('[{"something": "else"}]')
    case = json.loads(_file("crypto-basics").read_text())[0]
    (tmp_path / "suite.json").write_text(json.dumps([{**case, "cipher_suite": 0x0A0A}]))
    assert runner.main([str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("other.json (unknown): 0 passed, 0 failed, 1 skipped: not a format")
    assert "1 skipped: suite 2570" in lines[1]
    assert lines[-1] == "0 passed, 0 failed"


def test_runner_fails_on_what_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("[")
    assert runner.main([str(tmp_path / "broken.json")]) == 1
    assert runner.main([str(tmp_path / "absent.json")]) == 1


def test_missing_vectors_are_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ALCOVE_MLS_VECTORS", str(tmp_path / "nowhere"))
    with pytest.raises(pytest.fail.Exception, match="The MLS test vectors are missing: run"):
        _file("welcome")

"""The peers' own ground: what is installed is what the lock file says, or a sentence why not."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from tests.client_sdk.mls.interop.driver import HERE, NotInstalled, Peer, PeerFault, install


def test_without_node_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(NotInstalled, match=r"^[^.]+: install node 20 and npm\.$"):
        install()


def test_versions_are_exact_and_come_from_the_public_registry() -> None:
    package = json.loads((HERE / "package.json").read_text())
    exact = re.compile(r"(npm:ts-mls@)?\d+\.\d+\.\d+(-rc\.\d+)?")
    assert all(exact.fullmatch(version) for version in package["dependencies"].values())
    lock = json.loads((HERE / "package-lock.json").read_text())
    for path, locked in lock["packages"].items():
        if path:
            assert locked["integrity"].startswith("sha512-")
            origin = locked.get("resolved", "https://registry.npmjs.org/")
            assert origin.startswith("https://registry.npmjs.org/")


def test_a_fault_is_an_answer_and_the_next_question_is_answered(peer: Peer) -> None:
    with pytest.raises(PeerFault):
        peer.ask("no such question")
    assert peer.ask("hello") == peer.version

"""Laws of the architecture that are about what the code names, walked over the source itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

from alcove_protocol.errors import FAULTS, REFUSALS

ROOT = Path(__file__).resolve().parents[2]
RELAY = ROOT / "server" / "alcove_server"
WORDS = ROOT / "protocol" / "alcove_protocol"
SDK = ROOT / "client_sdk" / "alcove"

VERIFIES_ONLY = {
    "nacl.bindings": {"crypto_sign_open"},
    "nacl.exceptions": {"BadSignatureError", "CryptoError"},
}
"""All that the relay and the words it shares may name of PyNaCl: what verifies a signature."""


def imports(source: str) -> Iterator[tuple[str, str]]:
    """Every (module, name) that a source imports. The name is "" for a whole module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.module or "", alias.name


def forbidden(source: str) -> list[tuple[str, str]]:
    """Imports by which a program could decrypt or make keys."""
    found = []
    for module, name in imports(source):
        root = module.split(".")[0]
        if root == "nacl" and name not in VERIFIES_ONLY.get(module, set()):
            found.append((module, name))
        if root in {"cryptography", "alcove", "secrets", "Crypto", "importlib"}:
            found.append((module, name))
    return found


def sources(package: Path) -> list[Path]:
    files = sorted(package.rglob("*.py"))
    assert files, package
    return files


def test_the_relay_names_nothing_that_decrypts() -> None:
    found = {
        str(path.relative_to(ROOT)): wrong
        for package in (RELAY, WORDS)
        for path in sources(package)
        if (wrong := forbidden(path.read_text()))
    }
    assert found == {}


def test_the_walk_would_find_one() -> None:
    assert forbidden("from nacl.public import SealedBox") == [("nacl.public", "SealedBox")]
    assert forbidden("import nacl.secret") == [("nacl.secret", "")]
    assert forbidden("from nacl.bindings import crypto_box_open")
    assert forbidden("from alcove.mls import Group")
    assert forbidden("def f():\n    from cryptography.hazmat.primitives import hpke")
    assert forbidden("from nacl.bindings import crypto_sign_open") == []


def test_only_the_codec_imports_msgpack() -> None:
    """One place reads hostile msgpack. The Redis store reads what its own scripts wrote."""
    users = [
        path.relative_to(ROOT).as_posix()
        for package in (RELAY, WORDS, SDK)
        for path in sources(package)
        if any(module.split(".")[0] == "msgpack" for module, _ in imports(path.read_text()))
    ]
    assert users == [
        "server/alcove_server/store/redis/records.py",
        "protocol/alcove_protocol/codec.py",
    ]


def test_only_the_transport_knows_sockets() -> None:
    """The engine is sans-I/O: nothing below the shell names a socket, a loop or the wall clock."""
    shells = {"transport.py", "dialing.py", "steady_clock.py"}
    above = {"room.py", "shell.py", "feed.py", "handlers.py", "running.py", "surroundings.py"}
    for path in sources(SDK):
        inside = path.relative_to(SDK)
        if (
            path.name in shells
            or inside.as_posix() in above
            or inside.parts[0] in ("cli", "testing")
        ):
            continue
        for module, _ in imports(path.read_text()):
            assert module.split(".")[0] not in {"asyncio", "socket", "websockets", "time"}, path


UNVERIFIED = ("CERT_NONE", "CERT_OPTIONAL", "check_hostname", "_create_unverified_context")


def test_the_client_has_nothing_that_switches_verification_off() -> None:
    found = [
        (str(path.relative_to(ROOT)), name)
        for path in sources(SDK)
        for name in UNVERIFIED
        if name in path.read_text()
    ]
    assert found == []


def faults(source: str) -> list[tuple[str, str]]:
    """The code and the first words of the sentence of every `Malformed` that a source makes."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Malformed":
            code, text = node.args
            assert isinstance(code, ast.Constant)
            found.append((str(code.value), ast.unparse(text).lstrip("f\"'")))
    return found


def test_every_fault_has_a_code_of_the_tables_and_a_sentence() -> None:
    """The protocol's tests ask the same of the protocol, and MLS has faults of its own."""
    found = [
        (path.relative_to(ROOT).as_posix(), code, text)
        for package in (RELAY, SDK)
        for path in sources(package)
        if "mls" not in path.relative_to(package).parts
        for code, text in faults(path.read_text())
    ]
    assert len(found) > 10
    assert [one for one in found if one[1] not in {**FAULTS, **REFUSALS}] == []
    assert [one for one in found if not (one[2][0].isupper() and one[2][-2] == ".")] == []

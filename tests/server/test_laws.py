"""Laws that the relay's code itself must show."""

import ast
from collections.abc import Iterator
from pathlib import Path

import alcove_server
from alcove_protocol.errors import REFUSALS
from alcove_protocol.frames import (
    FROM_CLIENT,
    AskMembers,
    LobbyRequest,
    Publish,
    ReadCard,
    ReadChain,
    Reseat,
    Resume,
)
from alcove_server.client.states import ClientState
from alcove_server.session.handlers import HANDLERS
from alcove_server.wire.fast_in import Post

SOURCE = Path(alcove_server.__file__).parent


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path, ast.parse(path.read_text())


def test_the_relay_imports_nothing_that_decrypts() -> None:
    """One file reads MessagePack: what the store's own scripts wrote on Redis."""
    imported = set()
    for path, tree in sources():
        file = path.relative_to(SOURCE).as_posix()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                imported |= {(alias.name.partition(".")[0], file) for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                imported.add((node.module.partition(".")[0], file))
    forbidden = {"alcove", "nacl", "cryptography", "msgpack", "secrets"}
    found = {(module, file) for module, file in imported if module in forbidden}
    assert found == {("msgpack", "store/redis/records.py")}
    assert any(module == "alcove_protocol" for module, _ in imported)


def test_every_refusal_has_a_code_of_the_registry() -> None:
    codes = set()
    for _, tree in sources():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id in ("Refusal", "bye") and node.args:
                for part in ast.walk(node.args[0]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        codes.add(part.value)
    assert codes
    assert codes <= REFUSALS.keys()


def test_every_kind_of_request_has_one_handler() -> None:
    handled = [kind for kinds in HANDLERS.values() for kind in kinds]
    kinds = [Post, *FROM_CLIENT.values()]
    kinds += [LobbyRequest]  # of a member, and to be let in again
    kinds += [Reseat]  # to bring the room, and as a member to name the own chain
    kinds += [ReadCard, LobbyRequest]  # of a newcomer, and of a member
    kinds += [Resume, ReadChain, Publish]  # of a standby too
    kinds += [AskMembers]  # and of a facilitator that comes back by a ticket
    assert sorted(map(repr, handled)) == sorted(map(repr, kinds))
    assert HANDLERS.keys() == set(ClientState)


def test_files_and_functions_can_be_read_in_one_sitting() -> None:
    for path, tree in sources():
        assert len(path.read_text().splitlines()) <= 400, path.name
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                assert node.end_lineno - node.lineno < 60, (path.name, node.name)

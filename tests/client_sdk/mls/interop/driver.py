"""Clients of ts-mls in Node, driven over pipes: one process for each version of the library."""

from __future__ import annotations

import hashlib
import json
import os
import selectors
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from alcove import mls

HERE: Final = Path(__file__).parent / "peer"
ANSWER_CAP: Final = 30.0
"""Seconds for one answer."""

INSTALL_CAP: Final = 100.0
"""Seconds for `npm ci`: six small packages."""


class NotInstalled(Exception):
    """Why the peers cannot run, in one sentence."""


class PeerFault(Exception):
    """The library refused, or threw."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.message = name, message


def install(folder: Path = HERE) -> None:
    """`npm ci`, unless what the lock file names is there already. Raises `NotInstalled`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotInstalled("Interoperation is tested against Node: install node 20 and npm.")
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    marker = folder / "node_modules" / ".installed-lock"
    if marker.exists() and marker.read_text() == lock:
        return
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_CAP, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"npm ci in {folder} took more than {INSTALL_CAP:.0f} s.") from None
    if done.returncode != 0:
        raise NotInstalled(f"npm ci in {folder} failed: {done.stderr.strip()[-500:]}")
    marker.write_text(lock)


class Peer:
    """One Node process with clients of one version."""

    def __init__(self, major: int) -> None:
        self._process = subprocess.Popen(
            ["node", "peer.js", str(major)],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)
        self._left = b""
        self.version: str = self.ask("hello")
        self.candidate = self.version.startswith("2")
        """Whether it is the release candidate, whose flaws bar a few steps (test_flaws.py)."""

    def ask(self, op: str, **fields: Any) -> Any:
        """Raises `PeerFault` with what the library threw, `TimeoutError`, or `EOFError`."""
        line = json.dumps({"op": op, **fields}).encode() + b"\n"
        self._in.write(line)
        self._in.flush()
        answer = json.loads(self._read_line())
        if "error" in answer:
            raise PeerFault(**answer["error"])
        return answer["result"]

    def _read_line(self) -> bytes:
        deadline, parts = time.monotonic() + ANSWER_CAP, [self._left]
        while b"\n" not in parts[-1]:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                self._process.kill()  # an answer that came late would be taken for another's
                raise TimeoutError("the peer does not answer")
            part = os.read(self._out.fileno(), 1 << 20)
            if not part:
                raise EOFError("the peer has ended")
            parts.append(part)
        line, _, self._left = b"".join(parts).partition(b"\n")
        return line

    def close(self) -> None:
        self._selector.close()
        self._in.close()
        try:
            self._process.wait(ANSWER_CAP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._out.close()


# -- what one can ask a client to put into effect


@dataclass(frozen=True)
class Adding:
    key_package: bytes
    """An `MLSMessage`."""


@dataclass(frozen=True)
class Removing:
    leaf: int


@dataclass(frozen=True)
class Psk:
    id: bytes
    nonce: bytes


@dataclass(frozen=True)
class Extensions:
    extensions: tuple[mls.Extension, ...]


@dataclass(frozen=True)
class Updating:
    """One's own leaf; None keeps its extensions."""

    own: tuple[mls.Extension, ...] | None = None


Change = Adding | Removing | Psk | Extensions | Updating


def as_json(extensions: Sequence[mls.Extension]) -> list[list[object]]:
    return [[extension.type, extension.data.hex()] for extension in extensions]


def _change_as_json(change: Change) -> dict[str, Any]:
    match change:
        case Adding(key_package):
            return {"type": "add", "key_package": key_package.hex()}
        case Removing(leaf):
            return {"type": "remove", "leaf": leaf}
        case Psk(psk_id, nonce):
            return {"type": "psk", "id": psk_id.hex(), "nonce": nonce.hex()}
        case Extensions(extensions):
            return {"type": "gce", "extensions": as_json(extensions)}
        case Updating(own):
            return {"type": "update", "own": None if own is None else as_json(own)}


@dataclass(frozen=True)
class Sent:
    """A commit, which is not merged yet."""

    message: bytes
    welcome: bytes | None


@dataclass(frozen=True)
class Received:
    plaintext: bytes | None = None
    removed: bool = False
    fields: tuple[str, ...] = ()
    """What the library's answer consists of."""


class TsClient:
    """A client of ts-mls, with a fresh KeyPackage. Its group is what `create` or `join` makes."""

    def __init__(
        self,
        peer: Peer,
        name: str,
        suite: int,
        *,
        own: tuple[mls.Extension, ...] = (),
        gives: tuple[int, ...] = (),
        grease: bool = False,
        signer: str | None = None,
        config: dict[str, Any] | None = None,
    ) -> None:
        self.peer, self.name, self.suite = peer, name, suite
        self._handle = f"{name} {os.urandom(6).hex()}"
        self.key_package = bytes.fromhex(
            peer.ask(
                "key_package",
                who=self._handle,
                suite=suite,
                identity=name.encode().hex(),
                own=as_json(own),
                gives=gives,
                grease=grease,
                signer=signer,
                config=config,
            )
        )
        self.state: dict[str, Any] = {}
        self.info_extensions: dict[int, bytes] = {}

    def ask(self, op: str, **fields: Any) -> Any:
        return self.peer.ask(op, who=self._handle, **fields)

    def renew(self, **options: Any) -> TsClient:
        """A client with the same signature key and a new KeyPackage."""
        return TsClient(self.peer, self.name, self.suite, signer=self._handle, **options)

    # -- the group

    @property
    def epoch(self) -> int:
        return int(self.state["epoch"])

    @property
    def leaf(self) -> int:
        return int(self.state["leaf"])

    @property
    def authenticator(self) -> bytes:
        return bytes.fromhex(self.state["authenticator"])

    @property
    def tree(self) -> bytes:
        return bytes.fromhex(self.state["tree"])

    def create(self, group_id: bytes, extensions: tuple[mls.Extension, ...] = ()) -> None:
        fields = {"group_id": group_id.hex(), "group_extensions": as_json(extensions)}
        self.state = self.ask("create", **fields)

    def join(self, welcome: bytes, tree: bytes | None = None) -> None:
        extra = {} if tree is None else {"tree": tree.hex()}
        self.state = self.ask("join", welcome=welcome.hex(), **extra)
        listed = self.state["info_extensions"]
        self.info_extensions = {kind: bytes.fromhex(data) for kind, data in listed}

    def commit(
        self,
        changes: Sequence[Change] = (),
        public: bool = False,
        info_extensions: tuple[mls.Extension, ...] = (),
    ) -> Sent:
        made = self.ask(
            "commit",
            proposals=[_change_as_json(change) for change in changes],
            as_public=public,
            info_extensions=as_json(info_extensions),
        )
        welcome = made["welcome"]
        return Sent(
            bytes.fromhex(made["message"]), None if welcome is None else bytes.fromhex(welcome)
        )

    def merge(self) -> None:
        self.state = self.ask("merge")

    def propose(self, change: Change, public: bool = False) -> bytes:
        proposal = _change_as_json(change)
        return bytes.fromhex(self.ask("propose", proposal=proposal, as_public=public))

    def send(self, plaintext: bytes, aad: bytes = b"") -> bytes:
        return bytes.fromhex(self.ask("send", plaintext=plaintext.hex(), aad=aad.hex()))

    def receive(
        self, message: bytes, *, narrow: bool = True, takes_update: bool = False
    ) -> Received:
        fields = {"message": message.hex(), "narrow": narrow, "takes_update": takes_update}
        self.state = self.ask("receive", **fields)
        plain = self.state["plaintext"]
        return Received(
            None if plain is None else bytes.fromhex(plain),
            self.state["active"] == "removedFromGroup",
            tuple(self.state["fields"]),
        )

    def know(self, psk_id: bytes, value: bytes) -> None:
        self.ask("know_psk", id=psk_id.hex(), value=value.hex())

    def export(self, label: str, context: bytes, length: int) -> bytes:
        return bytes.fromhex(self.ask("export", label=label, context=context.hex(), length=length))

    def group_info(self, *, mended: bool) -> bytes:
        return bytes.fromhex(self.ask("group_info", mended=mended))

    def join_externally(self, group_info: bytes, *, mended: bool, resync: bool = False) -> bytes:
        fields = {"group_info": group_info.hex(), "mended": mended, "resync": resync}
        self.state = self.ask("join_externally", **fields)
        return bytes.fromhex(self.state["message"])

"""The command `alcove-server`, as a process."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alcove_server.command import load

from tests.certificates import Certificates, make

COMMAND = [sys.executable, "-m", "alcove_server"]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("ALCOVE_")}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        env={**CLEAN, **environment},
        timeout=60,
        check=False,
    )


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=CLEAN,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        found = re.fullmatch(r"alcove-server is ready at (https?://\S+:\d+)\n", line)
        assert found, line
        yield process, found[1]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--port", "x"), "port: Input should be a valid integer"),
        (("--port", "70000"), "port: Input should be less than or equal to 65535"),
        (("--store", "floppy"), "store: there is no store of that scheme; there is memory:"),
        (("--store", "tape://u:canary@host"), "store: there is no store of that scheme; there is"),
        (("--store", "memory:here"), "store: nothing follows memory:"),
        (("--store-replicas", "2"), "settings: store-replicas is for a store on Redis"),
        (
            ("--store", "rediss://host", "--store-key", "key.pem"),
            "settings: store-certificate and store-key go together",
        ),
        (
            ("--store", "redis://host", "--store-certificate", "c", "--store-key", "k"),
            "settings: store-certificate is for a store over TLS (rediss://…)",
        ),
        (
            ("--store", "rediss://host", "--store-certificate", "/no", "--store-key", "/no"),
            "store-certificate: /no cannot be read: No such file or directory",
        ),
        (
            ("--store", "redis://ann:pass/word@host"),
            "store: a database of Redis is a number: redis://host:port/0; in a password / is %2F",
        ),
        (
            ("--store", "redis://ann@host"),
            "store: a user of Redis has a password: redis://user:password@host:port",
        ),
        (("--store", "redis://host:0"), "store: a server of Redis is host or host:port"),
        (("--store", "redis://host", "--rooms", "5"), "settings: rooms is counted in memory only"),
        (("--origin", "chat.test"), "origin: an origin is http(s)://host, without a path"),
        (
            ("--origin", "https://chat.test/a"),
            "origin: an origin is http(s)://host, without a path",
        ),
        (("--web-origin", "*"), "web-origin: an origin is http(s)://host, without a path"),
        (("--host", "0.0.0.0"), "origin: the relay listens on every address, so it must be told"),
        (("--host", "::"), "origin: the relay listens on every address, so it must be told"),
        (("--management", "8401"), "management: it is HOST:PORT, such as 127.0.0.1:8401"),
        (("--management", "localhost:x"), "management: it is HOST:PORT, such as 127.0.0.1:8401"),
        (("--shared-address", "notanip"), "shared-address: each is an address or a network"),
        (("--shared-address", "10.0.0.1/8"), "shared-address: each is an address or a network"),
        (("--trusted-proxy", "proxy.test"), "trusted-proxy: each is an address or a network"),
        (("--connections", "99999999"), "connections: 99999999 connections need 100000255 open f"),
        (("--log-level", "loud"), "log-level: it is one of debug, info, warning, error"),
        (("--colour", "red"), "unrecognized arguments: --colour red"),
        (("--config", "/nonexistent.toml"), "/nonexistent.toml cannot be read"),
        (("--tls-key", "/key.pem"), "settings: tls-certificate and tls-key go together"),
        (("--tls-certificate", "/c.pem"), "settings: tls-certificate and tls-key go together"),
        (
            ("--tls-certificate", "/nonexistent.pem", "--tls-key", "/nonexistent.pem"),
            "tls-certificate: /nonexistent.pem cannot be read: No such file or directory",
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(arguments: tuple[str, ...], sentence: str) -> None:
    ended = run(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"alcove-server: {sentence}")
    assert ended.stderr.count("\n") == 1
    assert "canary" not in ended.stderr


def test_settings_are_checked_without_serving(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text('port = 8401\norigin = ["https://chat.test"]\n')
    bad.write_text("port = \n")
    assert run("--check-config", "--config", str(good)).stdout == "the settings are good\n"
    assert run("--check-config", "--config", str(bad)).returncode == 2
    bad.write_text("prot = 1\n")
    assert "prot" in run("--check-config", "--config", str(bad)).stderr
    assert run("--check-config", ALCOVE_PORT="many").returncode == 2
    assert run("--check-config", ALCOVE_HOST="0.0.0.0").returncode == 2
    shared = "10.0.0.0/8, ::ffff:127.0.0.1, 0:0:0:0:0:0:0:1"
    assert run("--check-config", "--shared-address", shared).returncode == 0
    pem = make(tmp_path)
    tls = {"ALCOVE_TLS_CERTIFICATE": str(pem.certificate), "ALCOVE_TLS_KEY": str(pem.key)}
    assert run("--check-config", **tls).returncode == 0
    pem.key.write_text("nonsense")
    assert run("--check-config", **tls).returncode == 2


def test_flags_come_before_the_environment_and_it_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "alcove.toml"
    file.write_text('port = 1\nrooms = 2\nhost = "::1"\n')
    monkeypatch.setenv("ALCOVE_ROOMS", "3")
    monkeypatch.setenv("ALCOVE_HOST", "0.0.0.0")
    settings, check = load(["--config", str(file), "--host", "127.0.0.2"])
    assert (settings.port, settings.rooms, settings.host) == (1, 3, "127.0.0.2")
    assert not check


def test_the_defaults() -> None:
    settings, _ = load([])
    assert (settings.host, settings.port, settings.store) == ("127.0.0.1", 8400, "memory:")


def test_help_has_a_line_for_each_setting() -> None:
    ended = run("--help")
    assert ended.returncode == 0
    lines = [line for line in ended.stdout.splitlines() if line.startswith("  --")]
    assert len(lines) >= 15
    assert all(len(line.split(maxsplit=2)) == 3 for line in lines)


def test_a_port_in_use_is_one_sentence_and_status_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("--port", str(port))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"alcove-server: cannot listen on 127.0.0.1 port {port}: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_says_so_and_stops_when_told(stop: signal.Signals) -> None:
    with started("--log-level", "debug") as (process, address):
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert raw.recv(12) == b"HTTP/1.1 200"
        process.send_signal(stop)
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_with_a_certificate_it_speaks_tls_and_takes_another_when_told(tmp_path: Path) -> None:
    pem = make(tmp_path)
    files = ("--tls-certificate", str(pem.certificate), "--tls-key", str(pem.key))
    with started(*files, "--log-level", "info") as (process, address):
        host, port = address.removeprefix("https://").split(":")
        assert _healthy(host, int(port), pem)
        other = make(tmp_path)
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        assert "read again" in process.stderr.readline()
        assert _healthy(host, int(port), other)
        # A client in the middle of a handshake does not hold up the end.
        with socket.create_connection((host, int(port))):
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        assert process.stderr.read() == ""


def _healthy(host: str, port: int, pem: Certificates) -> bool:
    bare = socket.create_connection((host, port), 60)
    with pem.trust().wrap_socket(bare, server_hostname=host) as link:
        link.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        return link.recv(12) == b"HTTP/1.1 200"

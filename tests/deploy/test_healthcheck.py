"""The container's health check, against a relay process with and without TLS."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.certificates import make

ROOT: Final = Path(__file__).resolve().parents[2]
SCRIPT: Final = ROOT / "deploy" / "container" / "healthcheck.py"
WITHIN: Final = 30.0
"""Seconds that anything may take on a machine that is busy."""


@contextmanager
def relay(environment: dict[str, str]) -> Iterator[str]:
    """The port of a relay process with these settings in its environment."""
    command = [sys.executable, "-m", "alcove_server"]
    given = os.environ | {"ALCOVE_PORT": "0"} | environment
    with subprocess.Popen(command, env=given, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r":(\d+)\n", process.stdout.readline())
            assert found is not None
            yield found.group(1)
        finally:
            process.terminate()
            process.wait(WITHIN)


def check(environment: dict[str, str]) -> int:
    command = [sys.executable, str(SCRIPT)]
    given = os.environ | environment
    return subprocess.run(command, env=given, check=False, timeout=WITHIN).returncode


def test_a_relay_that_runs_is_healthy() -> None:
    with relay({}) as port:
        assert check({"ALCOVE_PORT": port}) == 0


def test_a_relay_with_tls_is_healthy(tmp_path: Path) -> None:
    made = make(tmp_path)
    settings = {"ALCOVE_TLS_CERTIFICATE": str(made.certificate), "ALCOVE_TLS_KEY": str(made.key)}
    with relay(settings) as port:
        assert check(settings | {"ALCOVE_PORT": port}) == 0
        # Asked in plain HTTP, the port for TLS gives no answer.
        assert check({"ALCOVE_PORT": port}) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_relay_with_a_port_for_health_is_asked_there(host: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings = {"ALCOVE_MANAGEMENT": f"{host}:{probe.getsockname()[1]}"}
    with relay(settings) as port:
        assert check(settings | {"ALCOVE_PORT": port}) == 0
        # The port for clients has no health then.
        assert check({"ALCOVE_PORT": port}) == 1


def test_a_port_without_a_relay_is_not_healthy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        assert check({"ALCOVE_PORT": str(taken.getsockname()[1])}) == 1

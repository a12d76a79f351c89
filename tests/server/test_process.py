"""The relay as a process of the system: its signals, streams, descriptors and memory."""

import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from alcove_server.process.hardening import SPARE_DESCRIPTORS, check_descriptors
from alcove_server.process.signals import IGNORED, STOPPING
from alcove_server.settings import Settings

COMMAND = [sys.executable, "-m", "alcove_server", "--port", "0"]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("ALCOVE_")}
WITHIN = 60.0
"""Seconds that anything may take on a machine that is busy."""


class Relay:
    """A relay process."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), WITHIN)

    def healthy(self) -> bool:
        with self.connect() as link:
            link.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            return link.recv(12) == b"HTTP/1.1 200"

    def stop(self) -> tuple[int, str]:
        """Its exit status, and what it said."""
        self.process.terminate()
        assert self.process.stderr is not None
        said = self.process.stderr.read()
        return self.process.wait(WITHIN), said

    def line(self) -> str:
        """The next line of its log."""
        assert self.process.stderr is not None
        return self.process.stderr.readline()


@contextmanager
def started(
    *flags: str,
    before: Callable[[], None] | None = None,
    command: Sequence[str] = COMMAND,
) -> Iterator[Relay]:
    with subprocess.Popen(
        [*command, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=CLEAN,
        preexec_fn=before,
    ) as process:
        assert process.stdout is not None
        try:
            found = re.search(r":(\d+)\n", process.stdout.readline())
            assert found is not None
            yield Relay(process, int(found[1]))
        finally:
            process.kill()


# --- signals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", STOPPING, ids=lambda one: signal.Signals(one).name)
def test_a_signal_that_says_stop_stops_it_in_order(stop: signal.Signals) -> None:
    with started() as relay:
        relay.process.send_signal(stop)
        assert relay.process.wait(WITHIN) == 0


START = """
import importlib.abc, os, sys

class Interrupted(importlib.abc.MetaPathFinder):
    "Sends the process a signal when it is about to import a module."
    def find_spec(self, name, path, target=None):
        if name == moment:
            sys.meta_path.remove(self)
            for number in numbers.split(","):
                os.kill(os.getpid(), int(number))

moment, numbers = sys.argv[1:3]
sys.argv[1:3] = []
sys.meta_path.insert(0, Interrupted())
from alcove_server.__main__ import main
main()
"""
MOMENTS = ["alcove_server.command", "pydantic", "alcove_server.process.serving", "uvicorn"]
"""Modules that are imported at the start, from its first line to its last."""


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("stop", STOPPING, ids=lambda one: signal.Signals(one).name)
def test_a_signal_that_says_stop_ends_a_start(moment: str, stop: signal.Signals) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", START, moment, str(int(stop)), "--port", "0"],
        capture_output=True,
        text=True,
        env=CLEAN,
        check=False,
        timeout=WITHIN,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize("moment", MOMENTS)
def test_no_other_signal_ends_a_start_and_none_is_lost(moment: str) -> None:
    numbers = ",".join(str(int(one)) for one in sorted({*IGNORED, signal.SIGHUP, signal.SIGUSR1}))
    with started(command=[sys.executable, "-c", START, moment, numbers, "--port", "0"]) as relay:
        assert "there is no certificate to read again" in relay.line()
        assert relay.healthy()
        assert relay.stop()[0] == 0


def test_no_other_signal_ends_it() -> None:
    handled = {*STOPPING, signal.SIGHUP, signal.SIGUSR1}
    by_system = {  # docs: job control, crashes, and what nothing can handle
        *(signal.SIGKILL, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
        *(signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV),
        *(signal.SIGSYS, signal.SIGTRAP),
    }
    harmless = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH}
    assert set(signal.valid_signals()) - handled - by_system - harmless == IGNORED
    with started("--log-level", "error") as relay:
        for number in sorted(IGNORED | harmless | {signal.SIGHUP, signal.SIGUSR1}):
            relay.process.send_signal(number)
        assert relay.healthy()
        assert relay.stop() == (0, "")


def test_without_a_certificate_sighup_reads_nothing_and_says_so() -> None:
    with started() as relay:
        relay.process.send_signal(signal.SIGHUP)
        assert "there is no certificate to read again" in relay.line()
        assert relay.healthy()
        assert relay.stop()[0] == 0


def test_sigusr1_logs_what_was_refused() -> None:
    with started() as relay:
        for host in ("evil.example", "other.example"):
            with relay.connect() as link:
                link.sendall(f"GET /v1/connect HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                assert link.recv(12) == b"HTTP/1.1 421"
        relay.process.send_signal(signal.SIGUSR1)
        assert re.search(r"refused in \d+ s: http 421 2$", relay.line().rstrip())


# --- standard streams -------------------------------------------------------------------------


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (1, 2), (0, 1, 2)], ids=str)
def test_closed_standard_streams_end_in_no_abort(closed: tuple[int, ...]) -> None:
    """Otherwise a listener takes such a number, and libuv aborts when it closes it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def close() -> None:
        for number in closed:
            os.close(number)

    command = [*COMMAND[:-1], str(port)]
    with subprocess.Popen(command, env=CLEAN, preexec_fn=close) as process:
        try:
            relay = Relay(process, port)  # type: ignore[arg-type]  # its streams are not read
            assert _answers(relay)
            process.send_signal(signal.SIGHUP)  # something to log
            process.terminate()
            assert process.wait(WITHIN) == 0
        finally:
            process.kill()


def _answers(relay: Relay) -> bool:
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        try:
            return relay.healthy()
        except ConnectionError:
            continue
    return False


def test_a_log_that_no_reader_takes_ends_in_status_0() -> None:
    with started() as relay:
        for stream in (relay.process.stdout, relay.process.stderr):
            assert stream is not None
            stream.close()
        relay.process.send_signal(signal.SIGHUP)
        assert relay.healthy()
        relay.process.terminate()
        assert relay.process.wait(WITHIN) == 0


# --- memory -----------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no /proc")
def test_its_memory_is_for_no_core_dump_and_no_other_program() -> None:
    def cores() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    with started(before=cores) as relay:
        of_process = Path(f"/proc/{relay.process.pid}")
        (line,) = [
            line for line in (of_process / "limits").read_text().splitlines() if "core" in line
        ]
        assert line.split()[4:6] == ["0", "0"]
        # The files of a process that is not dumpable belong to root.
        assert (of_process / "mem").stat().st_uid == 0
        if os.getuid() != 0:
            with pytest.raises(PermissionError):
                (of_process / "environ").read_bytes()


# --- descriptors ------------------------------------------------------------------------------


def _limits(soft: int, hard: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("check", [(), ("--check-config",)])
def test_too_few_descriptors_are_one_sentence_and_status_2(check: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [*COMMAND, *check, "--connections", "800"],
        env=CLEAN,
        preexec_fn=_limits(400, 1000),
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "alcove-server: connections: 800 connections need 1056 open files, and the system allows"
        " 1000; set --connections to at most 744 or raise the hard limit (LimitNOFILE=, ulimit"
        " -Hn)\n"
    )


def test_what_the_sentence_says_is_enough() -> None:
    check_descriptors(Settings(connections=744), 744 + SPARE_DESCRIPTORS)
    check_descriptors(Settings(connections=10**9), None)
    with pytest.raises(ValueError, match=r"allows 100; raise the hard limit"):
        check_descriptors(Settings(connections=1), 100)


def test_the_soft_limit_is_raised() -> None:
    with started("--connections", "500", before=_limits(300, 1000)) as relay:
        found = Path(f"/proc/{relay.process.pid}/limits").read_text()
        (line,) = [line for line in found.splitlines() if "open files" in line]
        assert line.split()[3:5] == ["1000", "1000"]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="elsewhere no limit can be taken")
def test_used_up_descriptors_are_logged_once_and_waited_for() -> None:
    with started() as relay, ExitStack() as held:
        assert relay.healthy()
        resource.prlimit(relay.process.pid, resource.RLIMIT_NOFILE, (30, 30))
        links = [held.enter_context(relay.connect()) for _ in range(40)]
        assert "new connections wait: Too many open files" in relay.line()
        for link in links[:30]:
            link.close()
        # It closed no connection for which it had no descriptor.
        for link in links[30:]:
            link.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert link.recv(12) == b"HTTP/1.1 200"
        held.close()
        status, said = relay.stop()
        assert (status, said) == (0, "")

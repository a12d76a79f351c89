"""A client whose terminal is gone is gone, in every mode and phase, whatever it waits for."""

import asyncio
import os
import select
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from alcove.cli.ui.driver import ScreenWriter
from alcove.cli.watchdog import GRACE, STATUS_OF_SIGNAL, Watchdog

from tests.client_sdk.cli.fake_room import INVITE
from tests.client_sdk.cli.process import FAKE, ROOT, WITHIN
from tests.client_sdk.cli.terminal import ENTER, QUICK_EXIT, Terminal

AGREEMENT = str(ROOT / "tests" / "client_sdk" / "cli" / "agreement.txt")
OPEN = ("open", "--relay", "http://127.0.0.1:1", "--title", "T", "--agreement-file", AGREEMENT)
MARA = (*OPEN, "--name", "Mara")
ROBIN = ("join", INVITE, "--name", "Robin")
PASTING = ("join", "-", "--name", "Robin")
PHASES = (
    ("rules", PASTING, "Paste the invite", "Paste the invite", '{"'),
    ("enter-hangs", ROBIN, "connecting", None, None),
    ("rules", ROBIN, "Before you go in", "Type /accept", '"agreement"'),
    ("waiting", (*ROBIN, "--accept"), "lamp river", "lamp river", '"waiting"'),
    ("knock", MARA, "Robin (code lamp river)", "Robin (code lamp river)", '"knock"'),
    ("leave-hangs", MARA, "Mara [you]", "You are in", '"joined"'),
)
"""The scene, the arguments, and what shows the phase in full screen, plain and JSON mode."""
MODES = ((), ("--plain",), ("--json",))
CASES = [
    pytest.param(scene, (*arguments, *mode), shown, id=f"{''.join(mode) or '--screen'}-{scene}-{n}")
    for n, (scene, arguments, *shows) in enumerate(PHASES)
    for mode, shown in zip(MODES, shows, strict=True)
    if shown is not None
]


async def until_gone(screen: Terminal) -> int:
    """The exit status. The cap is generous: the promise of 3 s is that of `Watchdog`."""
    return await asyncio.to_thread(screen.process.wait, WITHIN)


@pytest.mark.parametrize(("scene", "arguments", "shown"), CASES)
@pytest.mark.parametrize("cause", ["closed", "SIGHUP", "SIGTERM"])
async def test_the_process_ends(
    scene: str, arguments: tuple[str, ...], shown: str, cause: str
) -> None:
    if "-" in arguments and "--json" in arguments:
        shown = "Paste the invite"
    async with Terminal(scene, *arguments) as screen:
        await screen.see(shown)
        if scene == "leave-hangs":
            screen.type('{"do": "leave"}\n' if "--json" in arguments else "/leave" + ENTER)
        if cause == "closed":
            screen.hang_up()
        else:
            screen.process.send_signal(getattr(signal, cause))
        number = signal.SIGTERM if cause == "SIGTERM" else signal.SIGHUP
        assert await until_gone(screen) in (0, STATUS_OF_SIGNAL + number)


def stall(screen: Terminal) -> None:
    """Read nothing any more, and have the process paint more than the terminal takes."""
    screen.stop_reading()
    for _ in range(100):
        screen.type("/dance" + ENTER)


@pytest.mark.parametrize("mode", MODES, ids=["screen", "plain", "json"])
async def test_a_stalled_screen_cannot_hold_the_process(mode: tuple[str, ...]) -> None:
    async with Terminal("talk" if not mode else "flood", *MARA, *mode) as screen:
        await screen.see("/appoint NAME makes" if not mode else "xxxx")
        stall(screen)
        screen.process.terminate()
        assert await until_gone(screen) in (0, STATUS_OF_SIGNAL + signal.SIGTERM)


async def test_the_quick_exit_works_on_a_stalled_screen() -> None:
    async with Terminal("talk", *MARA) as screen:
        await screen.see("/appoint NAME makes")
        stall(screen)
        screen.type(QUICK_EXIT)
        assert await until_gone(screen) == 0


def test_a_screen_that_stalls_never_blocks_and_is_painted_anew() -> None:
    reading, writing = os.pipe()
    painted = []
    writer = ScreenWriter(writing, lambda: painted.append(True))
    for _ in range(1000):
        writer.write("x" * 1000)  # a pipe holds 64 KiB: this would block for ever
    os.set_blocking(reading, False)
    got = 0
    while not painted:
        # It is painted anew a moment after the last bytes were taken, with nothing to read.
        if select.select([reading], [], [], 0.05)[0]:
            got += len(os.read(reading, 65536))
    assert got < 1000 * 1000
    writer.write("again")
    writer.close(WITHIN)
    rest = b""
    while not rest.endswith(b"again"):
        rest += os.read(reading, 65536)
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("ask", ["leaves", "hangs", "raises"])
def test_the_watchdog_asks_and_then_ends_the_process_in_time(ask: str) -> None:
    told: list[object] = []
    watchdog = Watchdog(sleep=told.append, end=told.append)

    def asked() -> None:
        told.append("leave")
        if ask == "raises":
            raise RuntimeError("the loop has stopped")

    watchdog.when_asked(asked)
    watchdog.alarm(143)
    assert told == ["leave", GRACE, 143]
    assert GRACE < 3


def test_before_there_is_a_room_the_watchdog_ends_the_process_at_once() -> None:
    told: list[object] = []
    Watchdog(sleep=told.append, end=told.append).alarm(143)
    assert told == [143]


def test_a_program_that_runs_a_part_of_the_command_is_not_ended() -> None:
    told: list[object] = []
    Watchdog(sleep=told.append, end=told.append).bound(0)
    assert told == []


BUSY = """
import threading
from alcove.cli.last_act import exit_now

def spin():
    while True:
        bytes(1000)

for work in (spin, spin, threading.Event().wait):
    threading.Thread(target=work, daemon=True).start()
"""


@pytest.mark.parametrize("status", [0, 3, 143])
@pytest.mark.parametrize(
    "end", ["exit_now({})", "threading.Thread(target=exit_now, args=({},)).start()\nspin()"]
)
def test_the_last_act_gives_the_status_while_other_threads_run(status: int, end: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BUSY + end.format(status)], timeout=WITHIN, check=False
    )
    assert done.returncode == status


TMUX: tuple[Callable[[str], list[str]], ...] = ()
if shutil.which("tmux"):
    TMUX = (lambda name: ["tmux", "-L", name, "-f", "/dev/null"],)


@pytest.mark.parametrize("tmux", TMUX, ids=["tmux"][: len(TMUX)])
@pytest.mark.parametrize("mode", MODES, ids=["screen", "plain", "json"])
def test_killing_tmux_ends_the_process(
    tmux: Callable[[str], list[str]], mode: tuple[str, ...], tmp_path: Path
) -> None:
    command = tmux(f"alcove-test-{uuid.uuid4().hex}")
    pipe = tmp_path / "screen"
    os.mkfifo(pipe)
    program = " ".join(f"'{part}'" for part in (sys.executable, *FAKE, "knock", *MARA, *mode))
    line = f"{' '.join(command)} wait-for go; exec {program}"

    def run(*arguments: str) -> str:
        whole = [*command, *arguments]
        return subprocess.run(
            whole, cwd=ROOT, check=True, timeout=WITHIN, capture_output=True, text=True
        ).stdout

    run("new-session", "-d", "-x", "100", "-y", "30", line)
    try:
        run("pipe-pane", f"cat > '{pipe}'")
        process = os.pidfd_open(int(run("list-panes", "-F", "#{pane_pid}")))
        with pipe.open("rb", buffering=0) as output:
            run("wait-for", "-S", "go")
            seen = b""
            while b"lamp river" not in seen:
                seen += output.read(4096)
    finally:
        run("kill-server")
    poll = select.poll()
    poll.register(process, select.POLLIN)
    assert poll.poll(WITHIN * 1000), "the process lives on"
    os.close(process)

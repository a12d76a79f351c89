"""Right before its end, the memory of a process holds no key where it kept one.

Libraries may leave copies in freed memory, which Python cannot overwrite. So the test looks where
each key was kept. It reads the memory from outside, after the last act and before the exit.
"""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.cli.terminal import ENTER, Terminal
from tests.client_sdk.cli.test_together import mara

STOPPING = """
import ctypes, gc, os, signal, sys, threading
from alcove.cli import main
from alcove.mls.secret import Secret

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGHUP, signal.SIGTERM])
path = sys.argv.pop(1)

def show_keys():
    signal.sigwait([signal.SIGUSR1])
    secrets = [item for item in gc.get_objects() if type(item) is Secret and not item.wiped]
    with open(path, "w") as file:
        for item in secrets:
            address = ctypes.addressof(ctypes.c_char.from_buffer(item._buffer))
            print(address, item.expose().hex(), file=file)
    os.kill(os.getpid(), signal.SIGSTOP)

def stop_in_the_place_of_exit(status):
    os.kill(os.getpid(), signal.SIGSTOP)

os._exit = stop_in_the_place_of_exit
threading.Thread(target=show_keys, daemon=True).start()
main()
"""
"""The command line. On SIGUSR1 it writes where its keys are, and stops. At its end it stops too."""


def still_there(pid: int, keys: dict[int, bytes]) -> set[int]:
    """Return the addresses at which a process holds the key of that address."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        return {at for at, key in keys.items() if os.pread(memory.fileno(), len(key), at) == key}


async def stopped(screen: Terminal) -> None:
    """Wait until the process has stopped."""
    _, status = await asyncio.to_thread(os.waitpid, screen.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), f"it ended: {status}"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("end", ["closed", "stalled", "left"])
@pytest.mark.parametrize("mode", [(), ("--plain",)], ids=["screen", "plain"])
async def test_no_key_is_in_memory_at_the_end(
    mode: tuple[str, ...], end: str, tmp_path: Path
) -> None:
    keys_file = tmp_path / "keys"
    program = ("-c", STOPPING, str(keys_file))
    async with RelayProcess() as relay, mara(relay) as (facilitator, invite):
        robin = ("join", "--name", "Robin", "--accept", *mode)
        environment = {"ALCOVE_INVITE": invite}
        async with Terminal(*robin, run=program, environment=environment) as screen:
            knock = await facilitator.until("knock", name="Robin")
            await facilitator.do("admit", id=knock["id"])
            await screen.see("You are in")
            await facilitator.do("send", text="Good evening")
            await screen.see("Good evening")

            screen.process.send_signal(signal.SIGUSR1)
            await stopped(screen)
            lines = [line.split() for line in keys_file.read_text().splitlines()]
            keys = {int(at): bytes.fromhex(key) for at, key in lines}
            keys = {at: key for at, key in keys.items() if len(set(key)) > 8}  # some are zero
            assert len(keys) > 8
            assert still_there(screen.process.pid, keys) == set(keys)
            screen.process.send_signal(signal.SIGCONT)

            if end == "closed":
                screen.hang_up()
            elif end == "stalled":
                screen.stop_reading()
                for _ in range(100):
                    screen.type("/dance" + ENTER)
                screen.process.terminate()
            else:
                screen.type("/leave" + ENTER)
            await stopped(screen)
            assert still_there(screen.process.pid, keys) == set()


HUNG = """
import os
from alcove.cli.last_act import exit_now
from alcove.mls.secret import Secret

key = Secret(b"a key that nothing gave up")
os._exit = lambda status: print(status, key.wiped)
exit_now(143)
"""


def test_the_last_act_wipes_keys_that_no_part_of_the_client_gave_up() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HUNG], timeout=60, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["143", "True"]

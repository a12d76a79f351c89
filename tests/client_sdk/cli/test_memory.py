"""Right before its end, the memory of a process holds no key of the room."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.cli.terminal import ENTER, Terminal
from tests.client_sdk.cli.test_together import mara

CANARY = "canary-text-of-the-evening"
STOPPING = """
import gc, os, signal, sys, threading
from alcove.cli import main
from alcove.mls.ciphersuite import SignatureKeyPair
from alcove.mls.key_schedule import EpochSecrets
from alcove.mls.secret import Secret

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGHUP, signal.SIGTERM])
path = sys.argv.pop(1)

def show_keys():
    signal.sigwait([signal.SIGUSR1])
    alive = gc.get_objects()
    copied = {id(item.private) for item in alive if type(item) is SignatureKeyPair}
    copied |= {id(item.epoch_authenticator) for item in alive if type(item) is EpochSecrets}
    secrets = [item for item in alive if type(item) is Secret and not item.wiped]
    secrets = [item for item in secrets if id(item) not in copied]
    with open(path, "w") as file:
        file.write("\\n".join(item.expose().hex() for item in secrets))
    os.kill(os.getpid(), signal.SIGSTOP)

def stop_in_the_place_of_exit(status):
    os.kill(os.getpid(), signal.SIGSTOP)

os._exit = stop_in_the_place_of_exit
threading.Thread(target=show_keys, daemon=True).start()
main()
"""
"""The command line, which stops on SIGUSR1, with its keys in a file, and stops again at its end.

Two secrets are not looked for, because copies of them stay in freed memory that Python cannot
overwrite. libsodium is given the signature key in `bytes`. The epoch authenticator is what
heartbeats carry.
"""


def found(pid: int, needles: Iterable[bytes]) -> set[bytes]:
    """The needles that the memory of a process holds."""
    pattern = re.compile(b"|".join(re.escape(needle) for needle in needles))
    hits = set()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            first, end = (int(address, 16) for address in span.split("-"))
            if rights.startswith("r") and "[v" not in line:
                hits.update(pattern.findall(os.pread(memory.fileno(), end - first, first)))
    return hits


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
            await facilitator.do("send", text=CANARY)
            await screen.see(CANARY)

            screen.process.send_signal(signal.SIGUSR1)
            await stopped(screen)
            keys = [bytes.fromhex(line) for line in keys_file.read_text().split()]
            keys = [key for key in keys if len(set(key)) > 8]  # some are zero by definition
            needles = [CANARY.encode(), CANARY.encode("utf-32-le"), *keys]
            before = found(screen.process.pid, needles)
            assert CANARY.encode() in before
            assert set(keys) <= before
            assert len(keys) > 8
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
            assert found(screen.process.pid, keys) == set()

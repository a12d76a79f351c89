"""`alcove resume -`, over a real relay with its rooms in memory."""

import pytest

from tests.client_sdk.cli.process import REAL, start
from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.cli.resuming import a_participant_is_back, the_only_facilitator_is_back


async def test_a_participant_that_was_killed_is_back_by_its_ticket() -> None:
    async with RelayProcess() as relay:
        seconds = await a_participant_is_back(relay)
    print(f"a participant was back after {seconds:.1f} s")


async def test_the_only_facilitator_that_was_killed_is_back_by_its_ticket() -> None:
    async with RelayProcess() as relay:
        seconds = await the_only_facilitator_is_back(relay)
    print(f"the only facilitator was back after {seconds:.1f} s")


async def test_what_is_no_ticket_is_said_before_anything_is_sent() -> None:
    room = await start("resume", "-", "--json", run=REAL)
    async with room:
        await room.write(b"alcove-ticket-AAAA\n")
        error = await room.until("error")
        assert error["code"] == "bad_ticket"
        assert (await room.end())[0] == 1


async def test_a_ticket_that_is_pasted_for_an_invite_is_called_one_and_so_is_an_invite() -> None:
    """A facilitator whose program has crashed reads "not complete", and believes it lost."""
    other = (("join", "alcove resume - "), ("resume", "alcove join - "))
    given = ("alcove-ticket-AAAA", "https://relay.example/join#AAAA")
    for (command, names), text in zip(other, given, strict=True):
        name = ("--name", "Mara") if command == "join" else ()
        room = await start(command, "-", *name, "--json", run=REAL)
        async with room:
            await room.write(text.encode() + b"\n")
            error = await room.until("error")
            assert error["code"] == ("bad_invite" if command == "join" else "bad_ticket")
            assert names in str(error["message"])
            assert (await room.end())[0] == 1


@pytest.mark.parametrize("where", [("alcove-ticket-canary",), ("-", "alcove-ticket-canary")])
async def test_a_ticket_is_never_an_argument(where: tuple[str, ...]) -> None:
    room = await start("resume", *where, "--json", run=REAL)
    async with room:
        said, errors = await room.process.communicate()
    assert room.process.returncode == 2
    assert b"canary" not in said
    assert b"canary" not in errors

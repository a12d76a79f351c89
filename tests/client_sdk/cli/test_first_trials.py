"""What the first people that tried the command line met, over a real relay."""

import asyncio
from typing import Final

from tests.client_sdk.cli.process import REAL, Process, start
from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.cli.test_together import AGREEMENT, knocking, mara

PASTED: Final = 300
TWIN: Final = "Robin\u3164"
ANY_NAME: Final = (
    "-c",
    "from alcove import entering; entering.clean_name = str; from alcove.cli import main; main()",
)
"""A command whose client was changed to take any name."""
BLANK: Final = ("\u2800", "\u200b", "\u3164", "\u00ad", "   ", "\u00a0")


async def printed(program: Process, until: str) -> list[str]:
    """The lines of a program in plain mode, to the one that has `until` in it."""
    assert program.process.stdout is not None
    lines: list[str] = []
    while not lines or until not in lines[-1]:
        line = await asyncio.wait_for(program.process.stdout.readline(), 120)
        assert line, lines
        lines.append(line.decode().rstrip("\n"))
    return lines


async def test_a_paste_of_300_lines_arrives_whole_and_in_order() -> None:
    async with RelayProcess() as relay, mara(relay) as (facilitator, invite):
        options = ("join", "-", "--name", "Bob", "--accept", "--plain")
        async with await start(*options, run=REAL) as bob:
            await bob.write(invite.encode() + b"\n")
            knock = await facilitator.until("knock", name="Bob")
            await facilitator.do("admit", id=knock["id"])
            await printed(bob, "You are in")
            await bob.write("".join(f"line {i}\n" for i in range(PASTED)).encode())
            async with asyncio.timeout(240):
                got = [(await facilitator.until("message"))["text"] for _ in range(PASTED)]
            assert got == [f"line {i}" for i in range(PASTED)]
            for text in BLANK:
                await facilitator.do("send", text=text, ref="blank")
                assert (await facilitator.until("error", ref="blank"))["code"] == "text_empty"
            await facilitator.do("send", text="x" + "\n" * 8190 + "y", ref="long")
            await facilitator.until("sent", ref="long")
            await facilitator.do("send", text="the last", ref="last")
            lines = await printed(bob, "the last")
            begun = next(at for at, line in enumerate(lines) if line == "[facilitator] Mara: x")
            assert len(lines) - begun < 20
            assert "[room] This message has 8179 more lines. /show shows more of it." in lines


async def test_an_invisible_letter_makes_no_second_robin() -> None:
    """The twin's own client refuses the name, and so does Mara's where a client was changed. So
    what Mara types in plain mode means the only Robin there is."""
    where = ("--title", "T", "--agreement-file", AGREEMENT, "--name", "Mara", "--plain")
    async with (
        RelayProcess() as relay,
        await start("open", "--relay", relay.url, *where, run=REAL) as mara_plain,
    ):
        invite = (await printed(mara_plain, "http"))[-1].split()[-1]
        async with (
            knocking(invite, "Robin") as robin,
            knocking(invite, TWIN) as twin,
        ):
            assert (await twin.end())[0] == 1
            assert twin.seen[0]["code"] == "name_deceptive"
            await printed(mara_plain, "asks to be let in")
            await mara_plain.write(b"/admit\n")
            await robin.until("joined", you=True)
            async with await start(
                "join", "-", "--name", TWIN, "--accept", "--json", run=ANY_NAME
            ) as changed:
                await changed.write(invite.encode() + b"\n")
                assert (await changed.end())[0] == 3
                assert changed.seen[-1]["code"] == "name_deceptive"
            await mara_plain.write(b"/remove Robin\n")
            await printed(mara_plain, "Remove Robin?")
            await mara_plain.write(b"/remove Robin\n")
            assert (await robin.end())[0] == 4

"""What a facilitator sees first on the full screen: hold, talk to, remove."""

import pytest

from tests.client_sdk.cli.terminal import ENTER, F3, F4, F5, Terminal
from tests.client_sdk.cli.test_screen import MARA, ROBIN

SIZES = [(80, 24), (40, 20)]
CONTROLS = "F3 hold · F4 talk to · F5 remove"


@pytest.mark.parametrize(("columns", "rows"), SIZES)
async def test_three_controls_stand_above_everything_and_begin_a_line(
    columns: int, rows: int
) -> None:
    async with Terminal("knock", *MARA, columns=columns, rows=rows) as screen:
        await screen.see(CONTROLS, "Robin")
        assert CONTROLS in screen.shown.splitlines()[1]  # the first is title and state
        for key, line in ((F3, "/hold"), (F4, "/door"), (F5, "/remove")):
            screen.type(key)
            await screen.see(line)
            screen.type(key)
            await screen.see_no(line)


@pytest.mark.parametrize(("columns", "rows"), SIZES)
async def test_a_stray_key_decides_nothing_and_loses_no_draft(columns: int, rows: int) -> None:
    async with Terminal("knock", *MARA, columns=columns, rows=rows) as screen:
        await screen.see(CONTROLS)
        screen.type("half a sentence" + F3)
        await screen.see("/hold")
        await screen.see_no("half a sentence")
        screen.type(F5)
        await screen.see("/remove")
        screen.type(F5)
        await screen.see("half a sentence", CONTROLS)  # held, it would say resume
        screen.type(F3 + ENTER)
        await screen.see("F3 resume", "half a sentence")
        screen.type(F3 + ENTER)
        await screen.see(CONTROLS, "half a sentence")
        screen.type(ENTER)
        await screen.see("[you] Mara  half a sentence")


async def test_who_does_not_facilitate_has_no_controls() -> None:
    async with Terminal("rules", *ROBIN, columns=80, rows=24) as screen:
        await screen.see("Accept (A)")
        screen.type("a" + ENTER)
        await screen.see("You are not in yet")
        screen.type(F3 + F5 + "hello")
        await screen.see("hello")
        await screen.see_no("F3", "/hold", "/remove")

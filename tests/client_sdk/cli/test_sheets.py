"""The sheets of the full screen, alone: what they say at each order of keys and redraws."""

from alcove import events
from alcove.cli.ui.sheets import AgreementScreen
from textual.app import App
from textual.widgets import Button, Input, Static

RULES = events.AgreementShown(
    1, "What is said here stays here.", "Evening circle", "en", asked=True
)


class Sheets(App[None]):
    """Shows one sheet."""

    def __init__(self, sheet: AgreementScreen) -> None:
        super().__init__()
        self._sheet = sheet

    def on_mount(self) -> None:
        self.push_screen(self._sheet)


async def test_why_a_word_is_refused_stays_when_the_text_is_drawn_again() -> None:
    """The place of the text changes with what stands below it, so it is drawn after the refusal."""
    sheet = AgreementScreen(RULES)
    async with Sheets(sheet).run_test(size=(40, 20)) as pilot:
        await pilot.press("tab", *"abc", "enter", "a", "enter")
        await pilot.pause()
        sheet._tell_of_more()
        assert "Choose a longer word" in str(sheet.query_one("#explain", Static).render())
        await pilot.press(*"blue kettle".replace(" ", ""), "enter", "a")
        await pilot.pause()
        sheet._tell_of_more()
        assert "Enter accepts" in str(sheet.query_one("#explain", Static).render())


async def test_enter_counts_also_right_behind_one_that_was_refused() -> None:
    """Textual drops it while a button looks pressed, for a fifth of a second."""
    sheet = AgreementScreen(RULES)
    async with Sheets(sheet).run_test(size=(40, 20)) as pilot:
        await pilot.press("tab", *"abc", "enter", "a")
        await pilot.pause()
        word, accept = sheet.query_one("#word", Input), sheet.query_one("#accept", Button)
        assert sheet.focused is accept
        accept.action_press()
        assert not accept.has_class("-active")  # else the next one is dropped
        await pilot.pause()
        word.value = "blue kettle"
        accept.action_press()
        await pilot.pause()
        assert not sheet.is_current


async def test_the_sheet_says_what_enter_does_wherever_tab_leads() -> None:
    """Tab moves from Accept to Leave. Enter leaves then, and must not be said to accept."""
    sheet = AgreementScreen(RULES)

    def explained() -> str:
        return str(sheet.query_one("#explain", Static).render())

    async with Sheets(sheet).run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
        await pilot.pause()
        assert explained() == "Enter accepts. L, Enter leaves."
        await pilot.press("tab")
        await pilot.pause()
        assert explained() == "Enter leaves. A and then Enter accepts."
        sheet._tell_of_more()
        assert explained() == "Enter leaves. A and then Enter accepts."
        await pilot.press("tab")
        await pilot.pause()
        assert explained().startswith("Press A and then Enter to accept, or L")
        await pilot.press("l")
        await pilot.pause()
        assert explained() == "Enter leaves. A and then Enter accepts."
        await pilot.press("shift+tab")
        await pilot.pause()
        assert explained() == "Enter accepts. L, Enter leaves."


async def test_the_sheet_speaks_of_a_word_only_when_one_is_typed() -> None:
    sheet = AgreementScreen(RULES)
    async with Sheets(sheet).run_test(size=(40, 20)) as pilot:
        await pilot.press("tab", "enter")
        await pilot.pause()
        assert "with this word" not in str(sheet.query_one("#explain", Static).render())
        await pilot.press("tab", *"bluekettle", "enter")
        await pilot.pause()
        assert "accept with this word" in str(sheet.query_one("#explain", Static).render())

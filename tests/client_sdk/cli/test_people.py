"""The list of those that wait: what a letter chose stays until the person decides otherwise."""

import asyncio
from collections.abc import Sequence

from alcove import events
from alcove.cli.ui.people import KEYS, People, WaitingList
from textual.app import App, ComposeResult

from tests.client_sdk.cli.fake_room import FakeMember

MARA = (FakeMember("Mara", facilitator=True, you=True),)
SAM, KIM, LEE = (events.Knocked(id, name, "lamp", door_revoked=False) for id, name in
    (("a1", "Sam"), ("a2", "Kim"), ("a3", "Lee")))  # fmt: skip


class Desk(App[None]):
    """The side panel alone."""

    def __init__(self) -> None:
        super().__init__()
        self.people = People(lambda text: None)
        self.decided: list[tuple[str, str]] = []
        self.hint = ""

    def compose(self) -> ComposeResult:
        yield self.people

    def on_waiting_list_decided(self, event: WaitingList.Decided) -> None:
        self.decided.append((event.id, event.act))

    def on_waiting_list_hinted(self, event: WaitingList.Hinted) -> None:
        self.hint = event.text

    def wait(self, *knocks: events.Knocked) -> None:
        """Those that wait now. The panel is shown anew with each sign of life, too."""
        self.people.show(MARA, knocks)


async def _decided(before: Sequence[events.Knocked], after: Sequence[events.Knocked]) -> Desk:
    """A facilitator chooses the first one, and the list is shown anew before Enter."""
    desk = Desk()
    async with asyncio.timeout(60), desk.run_test() as pilot:
        desk.wait(before[0])
        desk.wait(*before)
        await pilot.press("tab")
        await pilot.pause()
        assert desk.hint == KEYS
        await pilot.press("a")
        await pilot.pause()
        assert desk.hint.startswith("Let Sam in?")
        desk.wait(*after)
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
    return desk


async def test_a_list_that_is_shown_anew_keeps_what_was_chosen() -> None:
    assert (await _decided([SAM], [SAM])).decided == [("a1", "admit")]
    assert (await _decided([SAM, KIM], [KIM, SAM, LEE])).decided == [("a1", "admit")]


async def test_who_has_gone_is_chosen_no_more_and_the_keys_say_so() -> None:
    desk = await _decided([SAM, KIM, LEE], [KIM, LEE])
    assert desk.decided == []
    assert desk.hint == "Choose a person first, with ↑ and ↓. Tab goes back."


async def test_another_choice_takes_the_place_of_the_first() -> None:
    desk = Desk()
    async with asyncio.timeout(60), desk.run_test() as pilot:
        desk.wait(SAM)
        desk.wait(SAM, KIM)
        await pilot.press("tab", "a", "down")
        await pilot.pause()
        assert desk.hint == KEYS
        await pilot.press("enter")
        await pilot.press("r", "enter")
        await pilot.pause()
    assert desk.decided == [("a2", "refuse")]

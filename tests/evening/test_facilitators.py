"""A room that several people hold, for an evening: three facilitators, nine participants."""

from pathlib import Path
from typing import Final

from tests.evening.evening import Evening, all_of
from tests.evening.person import Person

FIRST: Final = ("Ash", "Birch", "Cedar", "Dune", "Elm", "Fern", "Gale", "Hazel")
GERMAN: Final = frozenset({"Birch", "Elm", "Hazel", "Ro"})
HERE: Final = Path(__file__).resolve().parent
RULES: Final = HERE / "rules.toml"


async def opened(evening: Evening) -> tuple[Person, str]:
    kim = await evening.comes("Kim")
    await kim.open(evening.relay.url, "--title", "Evening", "--agreement-file", str(RULES), "--uses", "20")
    invite = (await kim.until("opened"))["invite"]
    await kim.until("joined", you=True)
    evening.here.add("Kim")
    return kim, invite


async def test_it() -> None:
    import time
    t=time.time()
    async with Evening() as evening:
        kim, invite = await opened(evening)
        print("opened", time.time()-t)
        first = [await evening.comes(n, "de" if n in GERMAN else "en") for n in ("Ro", *FIRST)]
        await all_of(*(one.join(invite, "--accept") for one in first))
        await evening.let_in(kim, *first)
        print("in", time.time()-t)
        await evening.all_talk(evening.those(), "hello")
        print("talk", time.time()-t)
        await evening.clock.advance(60)
        print("60", time.time()-t)
        await evening.all_talk(evening.those(), "hello 2")
        print("talk", time.time()-t)
        evening.histories_agree(kim)
        print(evening.told("error"), evening.told("gap"), evening.told("room"))

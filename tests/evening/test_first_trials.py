"""What the first people that tried the command line met, each whole, with real programs."""

import signal
from typing import Final

import pytest

from tests.evening.acts import knock, opens
from tests.evening.evening import Evening

SILENT: Final = 60
"""Seconds after which a lost connection is no short one."""
PUTS_OUT: Final = {"left", "removed", "absent", "invite", "revoked"}


@pytest.mark.timeout(200)
async def test_who_died_comes_again_by_the_same_invite_under_the_same_name() -> None:
    """A member, and a newcomer while it waits, whose dead program is let in. No ghost is left, and
    the invite that the others hold lets in the next one."""
    async with Evening() as evening:
        mara, invite = await opens(evening, "Mara")
        robin, sam = await knock(evening, invite, "Robin", "Sam")
        await evening.let_in(mara, robin, sam)
        evening.step()
        await sam.kill()
        [sam] = await knock(evening, invite, "Sam")
        await sam.until("waiting")
        await evening.clock.advance(SILENT)
        asked = await mara.until("knock", name="Sam")
        assert asked["again"] == "Sam"
        await mara.do("admit", id=asked["id"])
        await sam.until("joined", you=True)
        for person in (mara, robin):
            await person.until("new_keys", name="Sam", by="Mara")

        [kim] = await knock(evening, invite, "Kim")
        first = await mara.until("knock", name="Kim")
        await kim.kill()
        [kim] = await knock(evening, invite, "Kim")
        await kim.until("waiting")
        await evening.clock.advance(10)
        assert not kim.ever("closed")  # no member has this name
        await mara.do("admit", id=first["id"])
        await robin.until("joined", name="Kim")
        await evening.clock.advance(SILENT)
        asked = await mara.until("knock", name="Kim", again="Kim")
        await mara.do("admit", id=asked["id"])
        assert set((await kim.until("joined", you=True))["members"]) == evening.here | {"Kim"}
        for person in (mara, robin, sam):
            await person.until("new_keys", name="Kim", by="Mara")
            assert not PUTS_OUT & {event["event"] for event in person.new}
        evening.here.add("Kim")
        [zoe] = await knock(evening, invite, "Zoe")
        await evening.let_in(mara, zoe)
        await evening.all_talk(evening.those(), "we are all here")


@pytest.mark.timeout(200)
async def test_a_program_that_was_stopped_shows_nothing_that_was_over() -> None:
    async with Evening() as evening:
        mara, invite = await opens(evening, "Mara", "--ttl", "10")
        [robin] = await knock(evening, invite, "Robin")
        await evening.let_in(mara, robin)
        evening.step()
        robin.signal(signal.SIGSTOP)
        sent = await mara.until("sent", ref=await mara.do("send", text="in confidence"))
        await evening.clock.advance(15)
        await mara.until("expired", id=sent["id"])
        await evening.clock.advance(45)
        robin.signal(signal.SIGCONT)
        await robin.until("connection", state="resumed")
        after = await mara.until("sent", ref=await mara.do("send", text="are you back?"))
        await robin.until("message", id=after["id"])
        assert not robin.ever("message", id=sent["id"])
        assert not robin.ever("expired", id=sent["id"])

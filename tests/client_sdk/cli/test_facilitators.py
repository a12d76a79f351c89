"""Several facilitators, each a real command line over a real relay."""

import asyncio

from tests.client_sdk.cli.process import Process
from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.cli.test_together import knocking, let_in_any, mara, say


async def appoint(by: Process, name: str, *others: Process) -> None:
    await by.do("appoint", name=name, ref=f"appoint {name}")
    for process in (by, *others):
        await process.until("role", name=name, role="facilitator")
    await by.until("vault", name=name, complete=True)


async def test_appointed_handed_over_demoted_and_killed() -> None:
    async with (
        RelayProcess() as relay,
        mara(relay) as (mara_, invite),
        knocking(invite, "Robin") as robin,
        knocking(invite, "Sam") as sam,
    ):
        await let_in_any(mara_, robin, "Robin")
        await let_in_any(mara_, sam, "Sam")
        await appoint(mara_, "Robin", robin, sam)
        await robin.until("vault", name="Robin", complete=True)
        async with knocking(invite, "Kim") as kim:  # by the invite that Mara made
            await let_in_any(robin, kim, "Kim")
            await say(kim, "hello", mara_, robin, sam)

            # Both demote each other at once: the first commit counts.
            await asyncio.gather(
                mara_.do("demote", name="Robin", ref="race"),
                robin.do("demote", name="Mara", ref="race"),
            )
            role = await kim.until("role", role="participant")
            winner, loser = (mara_, robin) if role["name"] == "Robin" else (robin, mara_)
            # The other learned it from the log before its own act, or while that was under way.
            error = await loser.until("error", ref="race")
            assert error["code"] in ("demoted", "not_facilitator")
            await say(loser, "still here", winner, kim, sam)

            # The one that is left hands over to Sam, and another one is killed with -9.
            await winner.do("hand_over", name="Sam", ref="over")
            for process in (mara_, robin, sam, kim):
                await process.until("role", name="Sam", role="facilitator")
                await process.until("role", role="participant", by="Sam")
            await appoint(sam, "Kim", kim)
            await kim.until("vault", name="Kim", complete=True)
            sam.process.kill()
            async with knocking(invite, "Lou") as lou:
                await let_in_any(kim, lou, "Lou")
                await say(lou, "made it", kim, mara_, robin)
                await kim.do("words", ref="w")
                assert len((await kim.until("words", ref="w"))["words"]) == 8
                await lou.do("acts", ref="a")
                assert (await lou.until("acts", ref="a"))["acts"] == []
                await kim.do("acts", ref="a")
                acts = (await kim.until("acts", ref="a"))["acts"]
                assert ("appoint", "Sam") in {(one["act"], one.get("name")) for one in acts}


async def test_an_act_without_the_right_says_so_and_disturbs_nobody() -> None:
    async with (
        RelayProcess() as relay,
        mara(relay) as (mara_, invite),
        knocking(invite, "Robin") as robin,
    ):
        await let_in_any(mara_, robin, "Robin")
        for process, do, name, code in (
            (robin, "appoint", "Robin", "not_facilitator"),
            (robin, "demote", "Mara", "not_facilitator"),
            (robin, "step_down", None, "not_facilitator"),
            (robin, "words", None, "not_facilitator"),
            (mara_, "step_down", None, "last_facilitator"),
            (mara_, "demote", "Mara", "not_oneself"),
            (mara_, "demote", "Robin", "no_facilitator"),
            (mara_, "appoint", "Nobody", "unknown_name"),
        ):
            await process.do(do, ref=do, **({} if name is None else {"name": name}))
            assert (await process.until("error", ref=do))["code"] == code
        await say(robin, "as before", mara_)
        await say(mara_, "as before, too", robin)


async def test_a_held_room_and_folded_messages_at_every_client() -> None:
    async with (
        RelayProcess() as relay,
        mara(relay) as (mara_, invite),
        knocking(invite, "Robin") as robin,
        knocking(invite, "Sam") as sam,
    ):
        await let_in_any(mara_, robin, "Robin")
        await let_in_any(mara_, sam, "Sam")
        await say(robin, "abuse", mara_, sam)
        await say(robin, "more", mara_, sam)
        said = [event["id"] for event in sam.seen if event["event"] == "message"]
        await mara_.do("hold", on=True, since=said[0], ref="h")
        for process in (mara_, robin, sam):
            rules = await process.until("rules", by="Mara")
            assert (rules["hold"], rules["locked"], rules["facilitators"]) == (True, True, ["Mara"])
            folded = await process.until("folded", by="Mara")
            assert sorted(folded["ids"]) == sorted(said)
        await sam.do("send", text="hear me", ref="s")
        assert (await sam.until("error", ref="s"))["code"] == "hold"
        await mara_.do("listen_only", on=False, ref="l")
        assert (await mara_.until("error", ref="l"))["code"] == "on_hold"
        await mara_.do("hold", on=False, ref="r")
        for process in (mara_, robin, sam):
            rules = await process.until("rules", hold=False)
            assert (rules["listen_only"], rules["locked"]) == (False, True)
        await mara_.do("fold", name="Robin", ref="f")
        assert (await sam.until("folded", name="Robin"))["on"] is True
        await robin.do("send", text="again", ref="a")
        assert (await sam.until("message", text="again"))["folded"] is True
        await mara_.do("fold", name="Robin", on=False, ref="u")
        assert (await sam.until("folded", name="Robin"))["on"] is False
        await say(sam, "one detail too many", mara_, robin)
        id = next(event["id"] for event in robin.seen if event.get("text", "").startswith("one d"))
        await mara_.do("fold", id=id, ref="i")
        assert (await robin.until("folded", ids=[id]))["by"] == "Mara"
        await sam.do("fold", id=id, ref="no")
        assert (await sam.until("error", ref="no"))["code"] == "not_facilitator"


async def test_a_hard_minute_reaches_those_whom_it_concerns() -> None:
    async with (
        RelayProcess() as relay,
        mara(relay) as (mara_, invite),
        knocking(invite, "Robin") as robin,
        knocking(invite, "Sam") as sam,
    ):
        await let_in_any(mara_, robin, "Robin")
        await let_in_any(mara_, sam, "Sam")
        await mara_.do("pause", name="Robin", ref="p")
        assert await robin.until("paused") == {
            "event": "paused",
            "name": "Robin",
            "by": "Mara",
            "you": True,
        }
        await mara_.until("paused", name="Robin")
        await robin.do("send", text="hear me", ref="s")
        assert (await robin.until("error", ref="s"))["code"] == "paused"
        await say(sam, "go on", mara_, robin)
        await mara_.do("listen_only", on=True, ref="l")
        for process in (mara_, robin, sam):
            rules = await process.until("rules", by="Mara")
            assert (rules["listen_only"], rules["changed"]) == (True, ["listen_only"])
        await sam.do("send", text="hear me", ref="s")
        assert (await sam.until("error", ref="s"))["code"] == "listen_only"
        await mara_.do("unpause", name="Robin", ref="u")
        await robin.until("unpaused", you=True)
        await mara_.do("listen_only", on=False, ref="l2")
        await robin.until("rules", listen_only=False)
        await mara_.do("lock", on=True, ref="k")
        for process in (mara_, robin, sam):
            await process.until("rules", locked=True)
        async with knocking(invite, "Kim") as kim:
            assert (await kim.until("closed"))["code"] == "locked"
        await say(robin, "here again", mara_, sam)
        for do, keys, code in (
            ("pause", {"name": "Nobody"}, "unknown_name"),
            ("pause", {"name": "Mara"}, "is_facilitator"),
        ):
            await mara_.do(do, ref=do, **keys)
            assert (await mara_.until("error", ref=do))["code"] == code
        await robin.do("lock", on=False, ref="no")
        assert (await robin.until("error", ref="no"))["code"] == "not_facilitator"
        await sam.do("acts", ref="a")
        acts = [one["act"] for one in (await sam.until("acts", ref="a"))["acts"]]
        assert acts[-5:] == ["pause", "listen_only", "unpause", "listen_only_off", "lock"]
        assert "paused" not in {event["event"] for event in sam.seen}

"""What the guide promises of every command: it ends, it survives being cancelled, it is bounded."""

import asyncio
import copy
import inspect
from collections.abc import Awaitable, Callable

import alcove
import pytest
from alcove import shell
from alcove.testing import World

from tests.client_sdk.cli.relay import RelayProcess
from tests.client_sdk.test_room import opening

WITHIN = 60.0
"""Seconds. Only a defect takes so long."""
QUEUE = 256
"""Messages that may wait, as the guide says it."""

Act = Callable[[alcove.Room], Awaitable[object]]


def a_door(room: alcove.Room) -> str:
    return room._engine.require_member().membership.state.door_ids()[0].hex()


COMMANDS: dict[str, Act] = {
    "admit": lambda room: room.admit(room.waiting[0].id),
    "appoint": lambda room: room.appoint("Robin"),
    "change_agreement": lambda room: room.change_agreement("Listen well."),
    "demote": lambda room: room.demote("Sam"),
    "door_say": lambda room: room.door_say("Hello", room.waiting[0].id),
    "end": lambda room: room.end(),
    "fold_member": lambda room: room.fold_member("Robin"),
    "hand_over": lambda room: room.hand_over("Robin"),
    "hold": lambda room: room.hold(),
    "invite": lambda room: room.invite(),
    "listen_only": lambda room: room.listen_only(),
    "lock": lambda room: room.lock(),
    "new_invites": lambda room: room.new_invites(2, uses=1),
    "pause": lambda room: room.pause("Robin"),
    "remove": lambda room: room.remove("Robin"),
    "revoke": lambda room: room.revoke(a_door(room)),
    "slow": lambda room: room.slow(60),
    "standby": lambda room: room.standby(),
    "step_down": lambda room: room.step_down(),
    "ticket": lambda room: room.ticket(),
    "unpause": lambda room: room.unpause("Kim"),
}
"""Those that wait for an answer of the relay."""
OTHERS = {
    "accept": "it is sent and not waited for",
    "door_take": "it is sent and not waited for",
    "inside": "as `admit`, for a member that stepped outside",
    "leave": "it ends by itself, in a test of its own",
    "outside": "it is sent and not waited for",
    "refuse": "it is sent and not waited for",
    "send": "it ends as Queued, in a test of its own",
}


def test_every_command_is_here() -> None:
    public = {
        name
        for name, method in inspect.getmembers(alcove.Room, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }
    assert public == set(COMMANDS) | set(OTHERS)


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_command_without_an_answer_ends(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A room of two facilitators, with a paused member and a newcomer, whose relay is gone."""
    async with (
        asyncio.timeout(WITHIN),
        World() as world,
        world.room("Mara", "Robin", "Sam", "Kim") as (mara, *_),
    ):
        await mara.appoint("Sam")
        await mara.pause("Kim")
        knocked = mara.wait_for(alcove.Knocked)
        async with alcove.join(await mara.invite(), name="Lou", accept=True):
            await knocked
            world.stop_relay()
            await world.settle()
            monkeypatch.setattr(shell, "COMMAND_PATIENCE", 0.01)
            with pytest.raises(alcove.NotNow) as ended:
                await COMMANDS[name](mara)
            # An end is not kept for later: it is asked for again by the person.
            expected = "not_connected" if name == "end" else "unavailable"
            assert ended.value.code == expected
            assert len(mara._calls) == (0 if name == "end" else 1)  # what becomes of it is kept
            monkeypatch.setattr(shell, "LEAVE_PATIENCE", 0.01)


async def test_what_waited_too_long_tells_what_became_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A facilitator without a line appointed one that another removed meanwhile, and was told
    nothing after "It may still happen"."""
    async with (
        asyncio.timeout(WITHIN),
        World() as world,
        world.room("Mara", "Robin", "Sam") as (mara, robin, _),
    ):
        await mara.appoint("Robin")
        world.cut(mara)
        await world.settle()
        monkeypatch.setattr(shell, "COMMAND_PATIENCE", 0.01)
        with pytest.raises(alcove.NoAnswerYet) as locked:
            await mara.lock()
        with pytest.raises(alcove.NoAnswerYet) as appointed:
            await mara.appoint("Sam")
        monkeypatch.undo()
        removed = asyncio.create_task(robin.remove("Sam"))
        await world.advance(30)
        await removed
        world.restore(mara)
        await world.advance(30)
        await locked.value.outcome()
        with pytest.raises(alcove.NotNow) as gone:
            await appointed.value.outcome()
        assert gone.value.code == "unknown_name"
        assert not mara._calls


async def test_what_waited_too_long_ends_with_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    async with asyncio.timeout(WITHIN), World() as world, world.room("Mara", "Robin") as (mara, _):
        world.stop_relay()
        await world.settle()
        monkeypatch.setattr(shell, "COMMAND_PATIENCE", 0.01)
        monkeypatch.setattr(shell, "LEAVE_PATIENCE", 0.01)
        with pytest.raises(alcove.NoAnswerYet) as late:
            await mara.lock()
        await mara.leave()
        with pytest.raises(alcove.RoomClosed):
            await late.value.outcome()
        with pytest.raises(alcove.NoAnswerYet):  # a copy knows no more
            await copy.copy(late.value).outcome()


async def test_an_end_without_a_line_says_that_the_room_was_not_ended() -> None:
    async with asyncio.timeout(WITHIN), World() as world, world.room("Mara", "Robin") as (mara, _):
        world.cut(mara)
        await world.settle()
        with pytest.raises(alcove.NotNow, match="so the room was not ended") as nowhere:
            await mara.end()
        assert nowhere.value.code == "not_connected"


async def test_an_end_whose_line_is_lost_says_that_the_room_may_have_ended() -> None:
    async with asyncio.timeout(WITHIN), World() as world, world.room("Mara", "Robin") as (mara, _):
        ending = asyncio.create_task(mara.end())
        await asyncio.sleep(0)
        world.cut(mara)
        await world.settle()
        with pytest.raises(alcove.NotNow, match="the room may have ended"):
            await ending


async def test_leaving_without_an_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async with asyncio.timeout(WITHIN), World() as world, world.room("Mara", "Robin") as (_, robin):
        world.stop_relay()
        await world.settle()
        monkeypatch.setattr(shell, "LEAVE_PATIENCE", 0.01)
        await robin.leave()
        assert robin.closed is not None
        assert robin.closed.reason is alcove.CloseReason.LEFT
        assert robin.closed.code == "unconfirmed"  # others may still see them


async def test_a_cancelled_command_happens_all_the_same() -> None:
    async with (
        asyncio.timeout(WITHIN),
        World() as world,
        world.room("Mara", "Robin") as (mara, robin),
    ):
        removing = asyncio.create_task(mara.remove("Robin"))
        await asyncio.sleep(0)
        removing.cancel()
        await world.settle()
        assert removing.cancelled()
        assert robin.closed is not None
        assert robin.closed.reason is alcove.CloseReason.REMOVED
        assert not mara._calls
        await mara.lock()  # and the next one has its turn


async def test_a_program_that_sends_faster_than_the_relay_takes_is_told() -> None:
    async with asyncio.timeout(WITHIN), World() as world, world.room("Mara", "Robin") as (m, robin):
        world.cut(robin)
        await world.settle()
        heard: list[str] = []
        m.on(alcove.Message, lambda message: heard.append(message.text))
        ids = [robin.post(str(number)) for number in range(QUEUE)]
        with pytest.raises(alcove.NotNow) as full:
            robin.post("one more")
        assert full.value.code == "queue_full"
        with pytest.raises(alcove.NotNow):
            await robin.send("one more")
        sent = robin.wait_for(alcove.Sent, check=lambda event: event.id == ids[-1])
        world.restore(robin)
        await world.advance(400)  # the relay takes some a second
        await sent
        assert heard == [str(number) for number in range(QUEUE)]


async def test_what_was_said_during_an_absence_has_its_age() -> None:
    async with (
        asyncio.timeout(WITHIN),
        World() as world,
        world.room("Mara", "Robin", "Sam") as (_, robin, sam),
    ):
        world.cut(sam)
        await world.settle()
        heard = [room.wait_for(alcove.Message) for room in (robin, sam)]
        await world.advance(3)
        sent = robin.wait_for(alcove.Sent)
        robin.post("while Sam was away")
        await sent
        heard[0].cancel()
        await world.advance(40)
        world.restore(sam)
        late = await heard[1]
        assert late.age == 40
        assert late.time == 1_700_000_000 + world.clock() - 40


async def test_two_rooms_live_in_two_threads() -> None:
    """Each with an event loop of its own."""

    def guest(invite: str) -> str:
        async def talk() -> str:
            async with alcove.join(invite, name="Bob", accept=True) as bob:
                await bob.wait_for(alcove.Joined, check=lambda event: event.you)
                heard = bob.wait_for(alcove.Message)
                await bob.send("from another thread")
                return (await heard).text

        return asyncio.run(talk())

    async with asyncio.timeout(WITHIN), RelayProcess() as relay, opening(relay) as ann:
        invite = (await ann.wait_for(alcove.Opened)).invite
        knocked, heard = ann.wait_for(alcove.Knocked), ann.wait_for(alcove.Message)
        thread = asyncio.create_task(asyncio.to_thread(guest, invite))
        await ann.admit((await knocked).id)
        assert (await heard).text == "from another thread"
        await ann.send("and back")
        assert await thread == "and back"

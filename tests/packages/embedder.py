"""Every public name, as a program on the SDK uses it. It is checked for types and never run.

`test_typed.py` finds a name or a method that has no line here. A type checker finds a type that is
another than what the line says, or that a reader of the installed package cannot know.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import assert_never, assert_type

import alcove
from alcove.testing import World


def tell(event: alcove.AnyEvent) -> str:
    """A `match` over all events is exhaustive, and each has the fields that it says."""
    match event:
        case alcove.Opened(invite):
            return assert_type(invite, str)
        case alcove.InviteChanged(invite, door, uses, hours, question, ref):
            assert_type((uses, hours, ref), tuple[int, int, str | None])
            return invite + door + question
        case alcove.InvitesListed(invites, ref):
            assert_type((invites, ref), tuple[tuple[alcove.OpenInvite, ...], str | None])
            return ", ".join(each.door for each in invites if each.yours)
        case alcove.InviteRevoked(door, by):
            return door + by
        case alcove.Outside(name, you):
            assert_type(you, bool)
            return name
        case alcove.DoorTaken(id, by):
            return id + by
        case alcove.DoorSaid(id, text, sender):
            return id + text + sender
        case alcove.AgreementShown(version, text, title, language, summary, asked, languages):
            assert_type((version, asked, languages), tuple[int, bool, tuple[str, ...]])
            return text + title + language + summary
        case alcove.Accepted(name) | alcove.Left(name):
            return name
        case alcove.Removed(name, by):
            return name + by
        case alcove.Reloaded(name):
            return assert_type(name, str)
        case alcove.TicketMade(ticket):
            return assert_type(ticket, str)
        case alcove.Absent(name, by) | alcove.NewKeys(name, by):
            assert_type(by, str)
            return assert_type(name, str)
        case alcove.Waiting(code):
            return assert_type(code, str)
        case alcove.Knocked(id, name, code, door_revoked, question, outside, again, away, word):
            assert_type((outside, again, away), tuple[bool, str, int])
            assert_type((door_revoked, word), tuple[bool, alcove.WordCheck | None])
            return id + name + code + question
        case alcove.KnockGone(id) | alcove.Retracted(id) | alcove.Expired(id):
            return assert_type(id, str)
        case alcove.Joined(name, you, members, by):
            assert_type((you, members), tuple[bool, tuple[str, ...]])
            return name + by
        case alcove.RoleChanged(name, facilitator, by):
            assert_type(facilitator, bool)
            return name + by
        case alcove.Paused(name, by, you) | alcove.Unpaused(name, by, you):
            assert_type(you, bool)
            return name + by
        case alcove.PresenceChanged(name, presence):
            assert_type(presence, alcove.Whereabouts)
            return name
        case alcove.MemberList(members, ref):
            assert_type((members, ref), tuple[tuple[alcove.Member, ...], str | None])
            return ", ".join(member.name for member in members)
        case alcove.RulesChanged(listen_only, locked, changed, by):
            assert_type((listen_only, locked, changed), tuple[bool, bool, tuple[str, ...]])
            return by
        case alcove.StandbyLink(invite):
            return invite
        case alcove.StandbyChanged(on, by):
            assert_type(on, bool)
            return by
        case alcove.StandbyAsked(admitted):
            assert_type(admitted, bool)
            return ""
        case alcove.VaultChanged(name, complete):
            assert_type((complete, event.claimed), tuple[bool, bool])
            return name
        case alcove.SafetyWords(words, ref):
            assert_type((words, ref), tuple[tuple[str, ...], str | None])
            return ""
        case alcove.PastActs(acts, ref):
            assert_type(acts, tuple[alcove.PastAct, ...])
            return ", ".join(told(act) for act in acts)
        case alcove.Message(id, sender, text, ttl, warning, time, age):
            assert_type((ttl, warning, time, age), tuple[int, str | None, float, int])
            return id + sender + text
        case alcove.Sent(id, ref) | alcove.Queued(id, ref):
            assert_type(ref, str | None)
            return id
        case alcove.Folded(ids, name, by, on, why, yours):
            assert_type((ids, yours, on), tuple[tuple[str, ...], tuple[str, ...], bool])
            assert_type(why, alcove.FoldReason)
            return name + by
        case alcove.Failed(id, code, text, ref):
            assert_type(ref, str | None)
            return id + code + text
        case alcove.ConnectionChanged(connection):
            assert_type(connection, alcove.ConnectionState)
            return connection.value
        case alcove.RoomChanged(state, missing):
            assert_type((state, missing), tuple[alcove.RoomState, int])
            return state.value
        case alcove.Gap(missed, sender):
            assert_type((missed, sender), tuple[int | None, str | None])
            return ""
        case alcove.Problem(code, text, ref, sender):
            assert_type((ref, sender), tuple[str | None, str | None])
            return code + text
        case alcove.Unknown(sender, kind):
            return sender + kind
        case alcove.Closed(reason, code, text):
            assert_type(reason, alcove.CloseReason)
            return code + text
        case _:
            assert_never(event)


def told(act: alcove.PastAct) -> str:
    assert_type(act.act, alcove.FacilitatorAct)
    assert_type(act.age, int)
    return act.name + act.by


def outcome(result: alcove.SendResult) -> str:
    match result:
        case alcove.Sent(id) | alcove.Queued(id):
            return id
        case alcove.Failed(code=code):
            return code
        case _:
            assert_never(result)


async def what_became_of(waits: alcove.NoAnswerYet) -> None:
    """A command that had no answer in its half minute."""
    await waits.outcome()


def advice(error: alcove.AlcoveError) -> str:
    """The tree of errors: each has a code and a sentence."""
    match error:
        case alcove.RoomClosed():
            return assert_type(error.reason, alcove.CloseReason).value
        case alcove.ConnectionFailed():
            return str(assert_type(error.retry_after, float))
        case alcove.InvalidInput() | alcove.Refused() | alcove.NotTrusted() | alcove.NotNow():
            return assert_type(error.code, str)
        case _:
            return assert_type(error.text, str)


def rooms(invite: str) -> Sequence[alcove.Room]:
    route = alcove.TransportOptions(proxy="socks5h://127.0.0.1:9050", ca_file="ca.pem", timeout=9.0)
    rules = alcove.template("grief")
    assert_type(rules, tuple[alcove.AgreementText, ...])
    own = alcove.AgreementText(language="en", summary="", text="Listen.")
    opened = alcove.open_room(
        "https://relay.example",
        title="Circle",
        agreement=[*rules, own],
        name="Mara",
        ttl=600,
        uses=3,
        invite_lifetime=3600,
        members=12,
        languages="en",
        helplines="116 123",
        language="en",
        post_quantum=False,
        facilitators_start=2,
        facilitators_stay=1,
        transport=route,
    )
    joined = alcove.join(invite, name="Robin", accept=True, language="de", transport=route)
    return (opened, joined)


def facts(room: alcove.Room) -> None:
    assert_type(room.title, str)
    assert_type(room.state, alcove.RoomState)
    assert_type(room.connection, alcove.ConnectionState)
    assert_type(room.is_facilitator, bool)
    assert_type(room.agreement, str)
    assert_type(room.agreement_texts, tuple[alcove.AgreementText, ...])
    assert_type(room.closed, alcove.Closed | None)
    assert_type(room.waiting, tuple[alcove.Knocked, ...])
    assert_type(room.members, tuple[alcove.Member, ...])
    assert_type(room.away, tuple[str, ...])
    for member in room.members:
        assert_type((member.name, member.presence), tuple[str, alcove.Whereabouts])
        assert_type(
            (member.facilitator, member.you, member.heard, member.paused),
            tuple[bool, bool, bool, bool],
        )


def handled(room: alcove.Room) -> None:
    """Handlers of both kinds. Each is given the type that it was registered for."""

    async def answer(message: alcove.Message) -> None:
        assert_type(await room.send(message.text, warning=message.warning), alcove.SendResult)

    def note(event: alcove.Event) -> None:
        assert isinstance(event, alcove.Event)

    plain: Callable[[alcove.Event], Awaitable[None] | None] = note
    room.on(alcove.Message, answer, concurrent=True)
    room.on(alcove.Event, plain)
    room.on(alcove.Joined, lambda event: print(event.members))


async def said(room: alcove.Room) -> None:
    heard = room.wait_for(alcove.Message, check=lambda event: event.age < 5, timeout=60)
    assert_type(heard, asyncio.Future[alcove.Message])
    id = room.post("hello", warning="grief", ref="1")
    room.retract(assert_type(id, str), ref="2")
    assert_type(await heard, alcove.Message)
    room.send_anyway()
    room.rejoin()
    ticket: alcove.Ticket = await room.ticket()
    assert_type(alcove.resume(ticket, language="de"), alcove.Room)
    assert_type(alcove.resume(ticket.text()), alcove.Room)
    room.acts(ref="3")
    room.list_members(ref="4")
    await room.accept()
    await room.accept(2, answer="Ann", word="blue kettle")
    await room.outside()
    await room.inside()
    events: AsyncIterator[alcove.AnyEvent] = aiter(room)
    async for event in events:
        tell(event)
    await room.leave()


async def held(room: alcove.Room) -> None:
    """What facilitators do."""
    for knock in room.waiting:
        await room.admit(knock.id)
        await room.refuse(knock.id, "not_tonight")
    for act in (room.remove, room.appoint, room.demote, room.pause, room.unpause, room.hand_over):
        await act("Robin")
    await room.listen_only()
    await room.listen_only(False)
    await room.hold(since="aa")
    await room.hold(False)
    room.fold("aa")
    await room.slow(60)
    await room.standby()
    await room.standby(False)
    await room.fold_member("Robin")
    await room.lock()
    await room.lock(on=False)
    await room.step_down()
    room.safety_words(ref="5")
    assert_type(await room.invite(), str)
    assert_type(await room.new_invites(2, uses=1, question="Who told you?"), tuple[str, ...])
    room.invites(ref="6")
    await room.revoke("0f")
    await room.door_take("aa")
    await room.door_say("Hello", "aa")
    await room.admit("aa", "bb", to_listen=True)
    await room.inside("Robin")
    await room.change_agreement("Listen.", correction=True)
    await room.change_agreement(room.agreement_texts)
    await room.end()


async def tested() -> None:
    async with World() as world, world.room("Mara", "Robin") as (mara, robin):
        assert_type(mara, alcove.Room)
        assert_type(world.url, str)
        assert_type(world.clock(), float)
        assert_type(world.time(), float)
        await asyncio.gather(world.sleep(90), world.advance(90))
        world.cut(robin)
        world.restore(robin)
        world.fire(mara, alcove.RoomChanged(alcove.RoomState.SPLIT))
        world.stop_relay()
        world.start_relay()
        await world.settle()
        assert world.relay is not None


def main(invite: str) -> None:
    opened, joined = rooms(invite)
    handled(joined)
    assert_type(alcove.run(joined), alcove.Closed)
    assert_type(alcove.run(opened, held), alcove.Closed)
    print(alcove.__version__)

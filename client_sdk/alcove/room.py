"""A room, for asyncio programs.

    async with alcove.open_room("https://relay.example", title=…, agreement=…, name=…) as room:
        async for event in room:
            match event:
                case alcove.Knocked(id=id):
                    await room.admit(id)

`async with` enters the room and leaves it: at its end the client has left and every key is wiped.
The engine decides everything, and `shell.py` joins it to an event loop. Every command ends: within
30 s, or 5 s for `leave`.

A room belongs to the thread and the event loop that entered it. A command from another thread
raises `RuntimeError`. A cancelled command is not undone: what it asked for may still happen.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from alcove_protocol.card import AgreementText
from alcove_protocol.ticket import Ticket

from alcove import events
from alcove.agreeing import checked_agreement
from alcove.door_room import RoomAtDoor
from alcove.events import Closed, ConnectionState, Knocked, RoomState
from alcove.joining.todays_word import NO_WORD
from alcove.members import Member
from alcove.messages.agreements import in_language
from alcove.shell import COMMAND_PATIENCE, SendResult

_END_UNANSWERED: Final = (
    "The relay has not answered, and may have ended the room. An end is not sent again by itself: "
    "if the room is still there once you are connected again, end it again (/end)."
)


_UNCONFIRMED: Final = (
    "You still facilitate. It goes on by itself: the relay has to take it, and then another "
    "facilitator's client confirms it."
)
"""The relay may have answered, and the other's device sleep."""


class Room(RoomAtDoor):
    """One room. Enter it with `async with`, once. Read its events with `async for` in one place,
    with handlers (`on`), or one at a time (`wait_for`).

    A command of facilitators ends within 30 s: then it raises `NoAnswerYet` (`unavailable`), and
    what was asked for may still happen. All of them raise `RoomClosed`, and `NotNow`
    (`not_facilitator`, `not_proved` for some seconds after a lone facilitator's return by a ticket,
    or `demoted` when another facilitator's act came first).
    """

    # --- properties ----------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """The room's title. Empty until the card has arrived."""
        return self._title or self._engine.agreements.title

    @property
    def state(self) -> RoomState:
        """Who is heard: whether members can post, and whether the relay can be believed. It stays
        as it was after the end: `closed` tells that."""
        return self._state

    @property
    def connection(self) -> ConnectionState:
        """Whether the relay is connected. It is `RECONNECTING` before the first connection too, and
        stays as it was after the end: `closed` tells that."""
        return self._connection

    @property
    def is_facilitator(self) -> bool:
        """Whether this client may admit, refuse, remove, invite and end. False after the end."""
        member = self._engine.member
        return self._engine.closed is None and member is not None and member.facilitator is not None

    @property
    def members(self) -> tuple[Member, ...]:
        """All members, from the group's own tree. Empty until this client is in the room."""
        member = self._engine.member
        if member is None or self._engine.closed is not None:
            return ()
        return member.whereabouts.members()

    @property
    def away(self) -> tuple[str, ...]:
        """Names of members that are not in the room now, and come back without a facilitator's
        decision. They stepped outside, or were let go for a lost connection. `remove` takes them
        too. Empty for a participant."""
        member = self._engine.member
        facilitator = member.facilitator if member is not None else None
        return () if facilitator is None or self.closed else facilitator.removals.away

    @property
    def agreement(self) -> str:
        """The ground rules, in the reader's language. Empty until the card has arrived."""
        texts = self.agreement_texts
        return in_language(texts, self._engine.agreements.language).text if texts else ""

    @property
    def agreement_texts(self) -> tuple[AgreementText, ...]:
        """The newest ground rules whose text is here, in all languages of the room."""
        shown = self._engine.agreements.shown
        return shown.texts if shown is not None else ()

    @property
    def closed(self) -> Closed | None:
        """The last event, once the room is over for this client."""
        return self._engine.closed

    @property
    def waiting(self) -> tuple[Knocked, ...]:
        """Newcomers to admit or refuse, the first one first. Empty for a participant."""
        return tuple(self._waiting.values())

    # --- what every member may do --------------------------------------------------------------

    def post(self, text: str, *, warning: str | None = None, ref: str | None = None) -> str:
        """Send a message and return its id at once. `Sent`, `Queued` or `Failed` follows.

        The `text` has at most 8,192 bytes in UTF-8. The `warning`, at most 100 bytes, is shown
        before it, so that a reader can choose. Raises `InvalidInput` (`text_empty`,
        `text_too_long`, `warning_too_long`, `bad_text`), `NotNow` (`paused`, `listen_only`,
        `hold`, `slow`, `queue_full`, `not_in_room`), `RoomClosed`.
        """
        id = self._commands.say(text, warning=warning, ref=ref)
        self._after()
        return id

    async def send(self, text: str, *, warning: str | None = None) -> SendResult:
        """Send a message and wait for what becomes of it: with the relay, waiting here, or failed.

        A relay that has not answered after 30 seconds makes it `Queued`. Raises what `post` raises,
        and `RoomClosed` when the room closes before the answer. Cancelled, it sends all the same.
        """
        waiting: asyncio.Future[SendResult] = asyncio.get_running_loop().create_future()
        id = self._commands.say(text, warning=warning)
        self._sends[id] = waiting
        self._after()
        try:
            in_time, _ = await asyncio.wait([waiting], timeout=COMMAND_PATIENCE)
            return await waiting if in_time else events.Queued(id)
        finally:
            waiting.cancel()
            self._sends.pop(id, None)

    def retract(self, id: str, *, ref: str | None = None) -> None:
        """Take back your own message. `Retracted` follows. While you may not write it waits, also
        through a step outside. When the message expires first, or the room closes or the relay does
        not take it, `Expired` or `Problem` (`not_retracted`) follows.

        Raises `InvalidInput` (`unknown_message`) for a message that is not yours or has expired,
        `NotNow` (`not_in_room`, as outside, or `queue_full`), `RoomClosed`.
        """
        self._commands.retract(id, ref=ref)
        self._after()

    def send_anyway(self) -> None:
        """Send although the room is split or not heard, to those whom the relay shows it.

        While it is, nothing is sent, and messages wait. This is the person's own decision. It holds
        until the next sign that something is wrong; `leave` is the other way. Raises `NotNow`
        (`nothing_to_decide`), `RoomClosed`.
        """
        self._commands.send_anyway()
        self._after()

    def rejoin(self) -> None:
        """Ask the facilitators to be let in again, with fresh keys. For a room that is split or not
        heard, when this client may be in a part of the group that others are not in, and for a
        client that the relay showed another list of members (`roster_mismatch`).

        `ConnectionChanged` (`rejoined`) follows when a facilitator's client grants it. Until then
        nothing new is shown or sent. After six minutes without an answer the room is closed with
        the code `knock_again`. Raises `NotNow` (`nothing_to_rejoin` while nothing is wrong,
        `only_facilitator`, `not_in_room`), `RoomClosed`.
        """
        self._commands.rejoin()
        self._after()

    async def ticket(self) -> Ticket:
        """A ticket of yours, as soon as the relay knows it: with it `alcove.resume` brings the same
        person back, under the same name, when this program has crashed. It is good while this
        client is in the room, and for 7 to 10 minutes after it was last connected, or until this
        member is let go where the room does that sooner (`absent`); a step outside
        ends it. All members are told when it is used.

        `ticket.text()` is a secret: whoever has it then is this person. Keep it where only the
        program that comes after this one finds it. `TicketMade` tells it too. Raises `NotNow`
        (`not_in_room`, `unavailable`), `Refused`, `RoomClosed`.
        """
        made: list[Ticket] = []
        await self._call(lambda done: made.append(self._commands.ticket(done)))
        return made[0]

    async def accept(self, version: int | None = None, *, answer: str = "", word: str = "") -> None:
        """Accept the ground rules: on the card, and knock; or new ones in the room. Give the
        `version` that the person read, so that no later one is accepted in its place, and their
        `answer` to the `question` that the invite asks.

        At the door they may choose a `word` for today, of at most 64 characters. A person
        that lost the device and knocks again under the same name gives the same word: facilitators
        are told whether it fits, and neither they nor the relay get the word itself.

        Only a person's act calls this. Raises `NotNow` (`nothing_to_accept`, `no_agreement`,
        `agreement_changed`, `no_answer`, `no_door`), `InvalidInput` (`bad_answer`, `bad_word`),
        `RoomClosed`.
        """
        key = await asyncio.to_thread(self._commands.word_key, word) if word else NO_WORD
        self._commands.accept(version, answer, key)
        self._after()

    def acts(self, *, ref: str | None = None) -> None:
        """Tell what facilitators did, as this client saw it: `PastActs` follows. Every member may
        ask. Raises `NotNow` (`not_in_room`)."""
        self._commands.acts(ref=ref)
        self._after()

    def list_members(self, *, ref: str | None = None) -> None:
        """Tell the list of members, as `members` has it: `MemberList` follows. Raises `NotNow`
        (`not_in_room`)."""
        self._commands.list_members(ref=ref)
        self._after()

    # --- what facilitators may do --------------------------------------------------------------

    async def remove(self, *names: str, fold: bool = False, question: str | None = None) -> None:
        """Put one member or several out, by one change of the group. With `fold` all that they
        wrote is folded. `Removed` follows for each.

        The links by which they came close, and `InviteChanged` brings another for one that had
        uses left. With `question` they stay, and their cards ask it of newcomers.

        Raises `InvalidInput` (`unknown_name`, `bad_question`, `bad_count`), `NotNow`
        (`is_facilitator`, `not_oneself`).
        """
        await self._call(
            lambda done: self._commands.remove(names, done, fold=fold, question=question)
        )

    async def appoint(self, name: str) -> None:
        """Make a member a facilitator. `RoleChanged` follows, and `VaultChanged` once they can let
        people in.

        Raises `InvalidInput` (`unknown_name`), `NotNow` (`already_facilitator`,
        `two_of_one_name`, `too_many_facilitators`, `too_many_appointments`, `cannot_facilitate`).
        """
        await self._call(lambda done: self._commands.appoint(name, done))

    async def demote(self, name: str) -> None:
        """Make another facilitator a participant. They stay in the room. `RoleChanged` follows.

        Raises `InvalidInput` (`unknown_name`), `NotNow` (`not_oneself`, `no_facilitator`).
        """
        await self._call(lambda done: self._commands.demote(name, done))

    async def pause(self, name: str) -> None:
        """Let a participant listen only: they read on, also after a lost connection. `Paused` is
        told to them and to facilitators, unless they are paused already. A member that leaves and
        knocks again is a new one, and not paused.

        Raises `InvalidInput` (`unknown_name`), `NotNow` (`is_facilitator`).
        """
        await self._call(lambda done: self._commands.pause(name, done))

    async def unpause(self, name: str) -> None:
        """Let them write again. `Unpaused` follows, if they were paused. Raises as `pause`."""
        await self._call(lambda done: self._commands.unpause(name, done))

    async def listen_only(self, on: bool = True) -> None:
        """Let only facilitators write, or participants too. All are told `RulesChanged`."""
        await self._call(lambda done: self._commands.listen_only(on, done))

    async def lock(self, on: bool = True) -> None:
        """Close the door to newcomers, or open it again. Members come back through a locked door.
        All are told `RulesChanged`."""
        await self._call(lambda done: self._commands.lock(on, done))

    async def hold(self, on: bool = True, *, since: str | None = None) -> None:
        """Pause the room: only facilitators write, the door is locked, and all from
        the message `since` on is folded. Without it, what this client has not seen yet is folded.
        Not `on`: participants may write again, and the door stays locked. All are told
        `RulesChanged` and `Folded`.

        Raises `InvalidInput` (`unknown_message`).
        """
        if on:
            await self._call(lambda done: self._commands.hold(done, since=since))
        else:
            await self._call(self._commands.resume)

    async def slow(self, seconds: int) -> None:
        """What a participant sends within a minute is one turn; then they wait for so many seconds,
        at most an hour. 0 ends it. All are told `RulesChanged`. Raises `InvalidInput`
        (`bad_seconds`)."""
        await self._call(lambda done: self._commands.slow(seconds, done))

    def fold(self, id: str) -> None:
        """Fold one message: each reader may open it. `Folded` follows.

        Raises `InvalidInput` (`unknown_message`), `NotNow` (`queue_full`).
        """
        self._commands.fold(id)
        self._after()

    async def fold_member(self, name: str, on: bool = True) -> None:
        """Fold all that a participant wrote and writes, or no more. `Folded`
        follows. Raises `InvalidInput` (`unknown_name`), `NotNow` (`is_facilitator`)."""
        await self._call(lambda done: self._commands.fold_member(name, on, done))

    async def standby(self, on: bool = True) -> None:
        """Make a link by which its holder can go on with the room when no facilitator is there: or
        close it. `StandbyLink` brings the link, which is a secret, and all are told
        `StandbyChanged`. A new link closes the one before, and a link is closed when the
        facilitator that made it is one no more.

        Raises `NotNow` (`too_many_facilitators`, `too_many_appointments`, `room_full`): one place
        of each stays free for the holder.
        """
        await self._call(lambda done: self._commands.standby(on, done))

    async def step_down(self) -> None:
        """Be a participant from now on. Another facilitator's program confirms it. `RoleChanged`
        follows. Raises `NotNow` (`last_facilitator`, `stepping_down`)."""
        await self._call(self._commands.step_down, _UNCONFIRMED)

    async def hand_over(self, name: str) -> None:
        """Make a member a facilitator, or take one, wait until they can let people in, and step
        down. You stay in the room.

        Raises `InvalidInput` (`unknown_name`), `NotNow` (as `appoint`, without
        `already_facilitator`, and as `step_down`; `not_oneself`, `handing_over`, and
        `no_facilitator` when they are demoted meanwhile).
        """
        await self._call(lambda done: self._commands.hand_over(name, done), _UNCONFIRMED)

    def safety_words(self, *, ref: str | None = None) -> None:
        """Tell the eight words that the facilitators' programs have in common now: `SafetyWords`
        follows. Raises `NotNow` (`not_facilitator`)."""
        self._commands.safety_words(ref=ref)
        self._after()

    async def change_agreement(
        self, agreement: str | Sequence[AgreementText], *, correction: bool = False
    ) -> None:
        """Give the room other ground rules. You accept them by that, and everybody else is asked
        and posts nothing before. With `correction`, for a mistake in the wording, they are not
        asked.

        Raises `InvalidInput` (`bad_agreement`), `NotNow` (`agreement_race`, when another
        facilitator's change came first, `agreement_same`, `agreement_under_way`,
        `too_many_corrections`, `not_facilitator`), `RoomClosed`.
        """
        present = self.agreement_texts
        texts = checked_agreement(agreement, present[0].language if present else "")
        await self._call(
            lambda done: self._commands.change_agreement(texts, done, correction=correction)
        )

    async def end(self) -> None:
        """End the room for all members: the relay deletes everything that it has of it. Raises
        `NotNow` (`not_connected`): an end is not kept for later; `Refused` (`unsettled`) in the
        first minutes after the relay lost its memory."""
        await self._call(self._commands.end, _END_UNANSWERED)

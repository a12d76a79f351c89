"""A room without a relay: it plays a scene and answers commands as the SDK's room does.

Run as a program (`python -m tests.client_sdk.cli.fake_room SCENE open …`) it is the command line
itself, with this room in the place of the SDK's.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType, TracebackType
from typing import Final, Self

from alcove import events
from alcove.cli.rooms import RoomToEnter, RoomToJoin, RoomToResume
from alcove.errors import AlcoveError, ConnectionFailed, InvalidInput, NotNow, Refused, RoomClosed
from alcove.events import Closed, CloseReason
from alcove.members import Member, Whereabouts
from alcove_protocol import limits
from alcove_protocol.card import AgreementText
from alcove_protocol.invite import Invite, InviteRole, door_id_of
from alcove_protocol.ticket import Ticket

_ROOM: Final = bytes(32)
INVITE: Final = Invite(
    InviteRole.PARTICIPANT, door_id_of(_ROOM, _ROOM), _ROOM, "https://relay.example", _ROOM
).url()
TICKET: Final = Ticket(_ROOM, "https://relay.example", _ROOM)
WORDS: Final = ("lusab", "babad", "gutih", "tugad", "mudof", "sakat", "haguz", "biram")
PAST: Final = (
    events.PastAct("admit", "Robin", "Mara", 130),
    events.PastAct("pause", "Robin", "Mara", 130, aside=True),
    events.PastAct("revoke", "", "Mara", 100, aside=True),
    events.PastAct("invite", "", "Mara", 5),
)
DOOR: Final = "0a" * 8
OPEN_INVITES: Final = (
    events.OpenInvite(DOOR, 2, 3, 20, "Who sent you?", yours=True),
    events.OpenInvite("0b" * 8, 1, 1, 1),
    events.OpenInvite("0c" * 8, 0, None, None),
)
LISTED: Final = (
    Member("Mara", True, True, presence="here"),
    Member("Robin", False, False, True, True, "away"),
)
TEXTS: Final = (
    AgreementText("en", "Two lines.\nNot more.", "Listen, too."),
    AgreementText("de", "", "Hört auch zu."),
)
KNOCK: Final = events.Knocked("aa01", "Robin", "lamp river", False)


@dataclass(frozen=True, slots=True)
class FakeMember:
    name: str
    facilitator: bool = False
    you: bool = False
    heard: bool = True
    paused: bool = False
    presence: Whereabouts = "unknown"


@dataclass(frozen=True, slots=True)
class FakeScene:
    """The events that happen by themselves, and what goes wrong."""

    start: tuple[events.AnyEvent, ...] = ()
    members: tuple[FakeMember, ...] = (FakeMember("Mara", facilitator=True, you=True),)
    on_make: AlcoveError | None = None
    on_enter: Exception | None = None
    on_command: Exception | None = None
    enter_hangs: bool = False
    leave_hangs: bool = False
    admit_hangs: bool = False
    breaks: bool = False
    echoes: bool = False
    """Whether what is said is told again, in the letters of ASCII."""
    late: bool = False
    """Whether the relay takes texts only at `send_anyway`, and no command of a facilitator."""
    changes_nothing: bool = False
    """Whether the door is locked already, so that to lock it changes nothing."""
    full_until: int = 0
    """How many texts are refused first, as by a room with a full queue."""
    on_signal: tuple[events.AnyEvent, ...] = ()
    """What happens when the program gets SIGUSR1."""
    title: str = "Evening circle"
    away: tuple[str, ...] = ()
    """Names of those that are not in the room and may come back."""


@dataclass(slots=True)
class FakeRoom:
    scene: FakeScene
    calls: list[tuple[str, str]] = field(default_factory=list)
    wiped: bool = False
    _queue: "asyncio.Queue[events.AnyEvent]" = field(default_factory=asyncio.Queue)
    _count: int = 0
    _kept: list[events.AnyEvent] = field(default_factory=list)

    @property
    def is_facilitator(self) -> bool:
        return any(member.you and member.facilitator for member in self.members)

    @property
    def members(self) -> tuple[FakeMember, ...]:
        return self.scene.members

    @property
    def away(self) -> tuple[str, ...]:
        return self.scene.away

    @property
    def title(self) -> str:
        return self.scene.title

    @property
    def agreement_texts(self) -> tuple[AgreementText, ...]:
        return TEXTS

    async def __aenter__(self) -> Self:
        if self.scene.enter_hangs:
            await asyncio.Event().wait()
        if self.scene.on_enter is not None:
            raise self.scene.on_enter
        for event in self.scene.start:
            self.happen(event)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._signalled)
        return self

    def _signalled(self) -> None:
        for event in self.scene.on_signal:
            self.happen(event)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.wiped = True

    async def __aiter__(self) -> AsyncIterator[events.AnyEvent]:
        while True:
            event = await self._queue.get()
            if self.scene.breaks:
                raise RuntimeError("canary-in-a-traceback")
            yield event
            if isinstance(event, Closed):
                return

    def happen(self, event: events.AnyEvent) -> None:
        self._queue.put_nowait(event)

    def post(self, text: str, *, warning: str | None = None, ref: str | None = None) -> str:
        self._note("send", text)
        if len(text.encode()) > limits.TEXT:
            raise InvalidInput("text_too_long", "A message has at most 8 KiB.")
        if len(self.calls) <= self.scene.full_until:
            raise NotNow("queue_full", "Too many messages are waiting to be sent; wait a moment.")
        if self.scene.echoes:
            self.happen(events.Message("cc01", "Echo", ascii(text)[1:-1], 60))
        self._count += 1
        id = f"{self._count:032x}"
        if self.scene.late:
            self._kept.append(events.Sent(id, ref))
        else:
            self.happen(events.Sent(id, ref))
        return id

    def send_anyway(self) -> None:
        self._note("send_anyway", "")
        while self._kept:
            self.happen(self._kept.pop(0))
        self.happen(events.RoomChanged(events.RoomState.OPEN))

    def rejoin(self) -> None:
        self._note("rejoin", "")
        self.happen(events.ConnectionChanged(events.ConnectionState.REJOINED))

    async def ticket(self) -> Ticket:
        self._note("ticket", "")
        if not self.scene.late:
            self.happen(events.TicketMade(TICKET.text()))
        return TICKET

    def retract(self, id: str, *, ref: str | None = None) -> None:
        self._note("retract", id)
        self.happen(events.Retracted(id))

    @property
    def waiting(self) -> tuple[events.Knocked, ...]:
        return tuple(event for event in self.scene.start if isinstance(event, events.Knocked))

    async def admit(self, *ids: str, to_listen: bool = False) -> None:
        id = ids[0]
        self._note("to_listen" if to_listen else "admit", ", ".join(ids))
        if self.scene.admit_hangs:
            await asyncio.Event().wait()
        if id != KNOCK.id:
            raise Refused.by_relay("unknown_knock")
        self.happen(events.Joined(KNOCK.name, by="Mara"))

    async def refuse(self, id: str, reason: str = "refused") -> None:
        self._note("refuse", id if reason == "refused" else f"{id} {reason}")
        self.happen(events.KnockGone(id))

    async def outside(self) -> None:
        self._note("outside", "")
        if self.scene.late:
            return
        lost = events.ConnectionState.RECONNECTING
        self.happen(events.ConnectionChanged(lost, moving=True))
        self.happen(events.ConnectionChanged(events.ConnectionState.CONNECTED))
        self.happen(events.Outside("Mara", you=True))

    async def inside(self, name: str | None = None) -> None:
        self._note("inside", name or "")

    async def door_take(self, id: str) -> None:
        self._note("door_take", id)
        self.happen(events.DoorTaken(id, "Mara"))

    async def door_say(self, text: str, id: str | None = None) -> None:
        self._note("door_say", f"{id}: {text}")

    async def remove(self, *names: str, fold: bool = False, question: str | None = None) -> None:
        name = names[0]
        self._note("remove", " ".join((*names, "fold" if fold else "", question or "")).strip())
        self.happen(events.Removed(name, "Mara"))
        self.happen(events.InviteChanged(INVITE + "B"))

    async def appoint(self, name: str) -> None:
        self._note("appoint", name)
        self.happen(events.RoleChanged(name, True, "Mara"))

    async def demote(self, name: str) -> None:
        self._note("demote", name)
        self.happen(events.RoleChanged(name, False, "Mara"))

    async def pause(self, name: str) -> None:
        self._note("pause", name)
        self.happen(events.Paused(name, "Mara"))

    async def unpause(self, name: str) -> None:
        self._note("unpause", name)
        self.happen(events.Unpaused(name, "Mara"))

    async def listen_only(self, on: bool = True) -> None:
        self._note("listen_only", str(on))
        self.happen(events.RulesChanged(on, False, ("listen_only",), "Mara"))

    async def hold(self, on: bool = True, *, since: str | None = None) -> None:
        self._note("hold", since or str(on))
        rules = ("hold", "listen_only", "locked") if on else ("hold", "listen_only")
        self.happen(events.RulesChanged(on, True, rules, "Mara", on, ("Mara",) if on else ()))
        if since is not None:
            self.happen(events.Folded((since,), by="Mara"))

    async def slow(self, seconds: int) -> None:
        self._note("slow", str(seconds))
        self.happen(events.RulesChanged(False, False, ("slow",), "Mara", slow=seconds))

    def fold(self, id: str) -> None:
        self._note("fold", id)
        self.happen(events.Folded((id,), by="Mara"))

    async def fold_member(self, name: str, on: bool = True) -> None:
        self._note("fold_member" if on else "unfold_member", name)
        self.happen(events.Folded((), name, "Mara", on, "member"))

    async def standby(self, on: bool = True) -> None:
        self._note("standby", str(on))
        self.happen(events.StandbyLink(INVITE if on else ""))
        self.happen(events.StandbyChanged(on, "Mara"))

    async def lock(self, on: bool = True) -> None:
        self._note("lock", str(on))
        if self.scene.late:
            await asyncio.Event().wait()
        if self.scene.changes_nothing:
            return
        self.happen(events.RulesChanged(False, on, ("locked",), "Mara"))

    async def step_down(self) -> None:
        self._note("step_down", "")
        self.happen(events.RoleChanged("Mara", False, "Robin"))

    async def hand_over(self, name: str) -> None:
        self._note("hand_over", name)
        self.happen(events.RoleChanged(name, True, "Mara"))
        self.happen(events.VaultChanged(name, True))

    def safety_words(self, *, ref: str | None = None) -> None:
        self._note("words", "")
        self.happen(events.SafetyWords(WORDS, ref))

    def acts(self, *, ref: str | None = None) -> None:
        self._note("acts", "")
        self.happen(events.PastActs(PAST, ref))

    def list_members(self, *, ref: str | None = None) -> None:
        self._note("members", "")
        self.happen(events.MemberList(LISTED, ref))

    async def invite(self) -> str:
        self._note("invite", "")
        return INVITE

    async def new_invites(
        self,
        count: int = 1,
        *,
        uses: int | None = None,
        hours: int | None = None,
        question: str = "",
        ref: str | None = None,
    ) -> tuple[str, ...]:
        self._note("invite_new", f"{count} {uses} {hours} {question}")
        made = [f"{INVITE}{number}" for number in range(count)]
        for url in made:
            self.happen(events.InviteChanged(url, DOOR, uses or 50, hours or 24, question, ref))
        return tuple(made)

    def invites(self, *, ref: str | None = None) -> None:
        self._note("invites", "")
        self.happen(events.InvitesListed(OPEN_INVITES, ref))

    async def revoke(self, door: str) -> None:
        self._note("revoke", door)
        self.happen(events.InviteRevoked(door, "Mara"))

    async def accept(self, version: int | None = None, *, answer: str = "", word: str = "") -> None:
        self._note("accept", ("" if version is None else str(version)) + answer + word)
        self.happen(events.Waiting("lamp river"))

    async def change_agreement(
        self, agreement: str | Sequence[AgreementText], *, correction: bool = False
    ) -> None:
        self._note("correct" if correction else "newrules", str(agreement))
        self.happen(CORRECTED)

    async def leave(self) -> None:
        self._note("leave", "")
        if self.scene.leave_hangs:
            await asyncio.Event().wait()
        self.happen(Closed(CloseReason.LEFT))

    async def end(self) -> None:
        self._note("end", "")
        self.happen(Closed(CloseReason.ENDED))

    def _note(self, command: str, argument: str) -> None:
        self.calls.append((command, argument))
        if self.scene.on_command is not None and command != "leave":
            raise self.scene.on_command


OPENED: Final = (
    events.Opened(INVITE),
    events.ConnectionChanged(events.ConnectionState.CONNECTED),
    events.RoomChanged(events.RoomState.OPEN),
    events.Joined("Mara", True, ("Mara",)),
)
RULES: Final = events.AgreementShown(1, "What is said here stays here.\nBe kind.", "Evening circle")
NEW_RULES: Final = events.AgreementShown(
    2, "Listen, too.", "Evening circle", "en", "Two lines.\nNot more.", True, ("en", "de")
)
CORRECTED: Final = events.AgreementShown(3, "Listen too.", "Evening circle", "en", "", False)
HOSTILE: Final = "\x1b[2J\x1b]52;c;c3RvbGVu\x07\x9b31m[bold red]x[/] \u202egnp\nMara: forged"
EVERYTHING: Final = (
    *OPENED,
    RULES,
    events.Waiting("lamp river"),
    KNOCK,
    events.Knocked("aa02", "Sam", "", True, "Kim sent me."),
    events.Knocked("aa05", "Kim", "", False, outside=True),
    events.KnockGone("aa05"),
    events.Outside("Robin"),
    events.Outside("Mara", you=True),
    events.Joined("Mara", you=True, members=("Mara", "Robin")),
    events.DoorTaken("aa02", "Mara"),
    events.DoorTaken("aa02", ""),
    events.DoorTaken("", "Mara"),
    events.DoorTaken("", ""),
    events.DoorSaid("aa02", "Is it quiet today?", "Sam"),
    events.DoorSaid("", "Very quiet.", "Mara"),
    events.KnockGone("aa02"),
    events.Joined("Robin", by="Mara"),
    NEW_RULES,
    CORRECTED,
    events.Accepted("Robin"),
    events.Left("Sam"),
    events.Removed("Kim", "Robin"),
    events.Removed("Kim", "Robin", away=True),
    events.ConnectionChanged(events.ConnectionState.RECONNECTING, moving=True),
    events.Absent("Lou", "Mara"),
    events.NewKeys("Lou", "Mara"),
    events.Reloaded("Lou"),
    events.TicketMade("alcove-ticket-canary"),
    events.Knocked("aa03", "Lou", "", False, again="Lou", away=180, word="fits"),
    events.InviteChanged(INVITE + "B"),
    events.InviteChanged(INVITE + "C", DOOR, 1, 24, "Who sent you?", "r"),
    events.InvitesListed(OPEN_INVITES, "r"),
    events.InviteRevoked(DOOR, "Robin"),
    events.Message("bb01", "Robin", "Grüße 🌱\nzwei", 1800),
    events.Message("bb02", "Robin", HOSTILE, 60, "grief", 1_700_000_000.25, 7),
    events.Queued("bb03", "r"),
    events.Sent("bb03", "r"),
    events.Failed("bb04", "not_allowed", "Only a facilitator can do that.", "r"),
    events.Retracted("bb01"),
    events.Folded(("bb02", "bb03"), by="Mara"),
    events.Folded(("bb02",), "Robin", "Mara"),
    events.Folded((), "Robin", on=False),
    events.Message("bb09", "Robin", "so", 600, folded=True),
    events.Expired("bb02"),
    events.RoomChanged(events.RoomState.SPLIT),
    events.ConnectionChanged(events.ConnectionState.RESUMED),
    events.Gap(3),
    events.Gap(2, "Bob"),
    events.Gap(None),
    events.Problem("unavailable", "The relay cannot store anything at the moment."),
    events.Unknown("Robin", "wave"),
    events.RoleChanged("Robin", True, "Mara"),
    events.RoleChanged("Robin", False, "Mara"),
    events.Paused("Robin", "Mara"),
    events.Paused("Mara", "", True),
    events.Paused("Mara", "", True, True),
    events.Unpaused("Robin", "Mara"),
    events.Unpaused("Mara", "Robin", True),
    events.PresenceChanged("Robin", "away"),
    events.PresenceChanged("Robin", "unknown"),
    events.MemberList(LISTED, "r"),
    events.RulesChanged(True, False, ("listen_only",), "Mara"),
    events.RulesChanged(False, True, ("listen_only", "locked")),
    events.RulesChanged(True, True, ("hold", "listen_only"), "Mara", True, ("Mara", "Robin")),
    events.RulesChanged(False, True, ("hold", "listen_only"), "Mara"),
    events.RulesChanged(True, True, ("hold", "slow"), "Mara", True, ("Mara",), 60),
    events.RulesChanged(False, True, ("slow", "locked"), "Mara", slow=60),
    events.RulesChanged(False, False, ("slow",)),
    events.StandbyLink(INVITE),
    events.StandbyLink(""),
    events.StandbyChanged(True, "Mara"),
    events.StandbyChanged(False),
    events.StandbyAsked(False),
    events.StandbyAsked(True),
    events.VaultChanged("Robin", True),
    events.VaultChanged("Mara", False),
    events.SafetyWords(WORDS, "r"),
    events.PastActs(PAST, "r"),
    events.PastActs((events.PastAct("remove", "Kim", "Mara", 5, away=True),)),
    events.RoomChanged(events.RoomState.READ_ONLY, 1),
    Closed(CloseReason.REMOVED, "removed", "You were removed from this room."),
)
TALK: Final = tuple(
    event
    for event in EVERYTHING[:-1]
    if not isinstance(event, events.TicketMade | events.StandbyLink)
)
"""Without what opens a sheet of its own, which would cover the rest."""
ROBIN_IN: Final = (FakeMember("Mara", facilitator=True), FakeMember("Robin", you=True))
JOINED: Final = (
    events.ConnectionChanged(events.ConnectionState.CONNECTED),
    events.Waiting("lamp river"),
    events.Joined("Robin", True, ("Mara", "Robin")),
)
HELD: Final = events.RulesChanged(
    True, True, ("hold", "listen_only", "locked"), "Mara", True, ("Mara",)
)
CONNECTED: Final = events.ConnectionChanged(events.ConnectionState.CONNECTED)
SILENT: Final = events.ConnectionChanged(events.ConnectionState.SILENT, 7)
LOST: Final = events.ConnectionChanged(events.ConnectionState.RECONNECTING)
MY_FOLDS: Final = (
    "All messages from a certain moment on are folded, one of yours among them;",
    "All messages from a certain moment on are folded, 2 of yours among them;",
    "You have done nothing wrong. You need to do nothing.",
    "A facilitator folded a message of yours. Nothing is deleted,",
    "A facilitator folded what you write, for now.",
    "What you write from now on is not folded any more.",
)
"""How an author reads of the scene `my-folds`."""
SCENES: Final = MappingProxyType(
    {
        "open": FakeScene(OPENED),
        "slow": FakeScene((*OPENED, KNOCK), admit_hangs=True),
        "knock": FakeScene((*OPENED, KNOCK)),
        "two-knocks": FakeScene((*OPENED, KNOCK, replace(KNOCK, id="aa0d", name="Sam"))),
        "talk": FakeScene(TALK),
        "door-talk": FakeScene(
            (
                *OPENED,
                KNOCK,
                replace(KNOCK, id="aa0d", name="Sam"),
                events.DoorSaid(KNOCK.id, "I am a friend of Ash.", "Robin"),
                events.DoorSaid("aa0d", "Hello?", "Sam"),
            )
        ),
        "let-in": FakeScene(
            (
                *JOINED[:2],
                events.DoorTaken("", "Mara"),
                events.DoorSaid("", "Take your time.", "Mara"),
                *JOINED[2:],
            ),
            members=ROBIN_IN,
        ),
        "my-folds": FakeScene(
            (
                *JOINED,
                events.Folded(("bb11",), by="Mara", why="hold", yours=("bb11",)),
                events.Folded(("bb11", "bb12"), by="Mara", why="hold", yours=("bb11", "bb12")),
                events.Folded(("bb13",), by="Mara", yours=("bb13",)),
                events.Folded((), "Robin", "Mara", why="member"),
                events.Folded((), "Robin", "Mara", on=False, why="member"),
                events.Folded(("bb15",), why="member", yours=("bb15",)),
                events.Folded((), "Kim", "Mara", why="member"),
                events.Message("bb14", "Mara", "that is all", 60),
            ),
            members=ROBIN_IN,
        ),
        "someone-outside": FakeScene((*OPENED, replace(KNOCK, name="Kim", code="", outside=True))),
        "lost-with-one-outside": FakeScene(
            (
                *OPENED,
                events.Problem("room_forgotten", "The relay had lost this room."),
                replace(KNOCK, name="Kim", code="", outside=True),
            )
        ),
        "late-ticket": FakeScene(OPENED, late=True, on_signal=(events.TicketMade(TICKET.text()),)),
        "away": FakeScene((*OPENED, events.Outside("Robin")), away=("Robin",)),
        "changed": FakeScene((*OPENED, RULES, NEW_RULES)),
        "everything": FakeScene(EVERYTHING),
        "flood": FakeScene((*OPENED, *(events.Left("x" * 32) for _ in range(20_000)))),
        "waiting": FakeScene(
            (RULES, events.Waiting("lamp river")),
            members=(),
            on_signal=(events.Joined("Robin", True, ("Mara", "Robin")),),
        ),
        "rules": FakeScene((RULES,), members=()),
        "knock-gone": FakeScene((*OPENED, KNOCK, events.KnockGone(KNOCK.id))),
        "knock-left-to-another": FakeScene(
            (*JOINED, replace(KNOCK, name="Lee"), events.KnockGone(KNOCK.id), events.Left("Kim")),
            members=ROBIN_IN,
        ),
        "held": FakeScene((*JOINED, HELD), members=ROBIN_IN),
        "cut-off": FakeScene((*JOINED, LOST), members=ROBIN_IN),
        "silent": FakeScene((*JOINED, SILENT), members=ROBIN_IN, late=True),
        "silent-facilitator": FakeScene((*OPENED, SILENT), late=True),
        "locked": FakeScene(OPENED, changes_nothing=True),
        "in-to-listen": FakeScene(
            (*JOINED, events.Paused("Robin", you=True, to_listen=True)), members=ROBIN_IN
        ),
        "answering": FakeScene((*JOINED, SILENT, CONNECTED), members=ROBIN_IN),
        "taking-nothing": FakeScene(OPENED, full_until=1000),
        "not-let-in": FakeScene((RULES, Closed(CloseReason.REFUSED)), members=()),
        "long-rules": FakeScene(
            (
                events.AgreementShown(
                    1, "\n".join(f"This is rule number {n}." for n in range(40)), "Evening circle"
                ),
            ),
            members=(),
        ),
        "closed-unsent": FakeScene(
            (
                *OPENED,
                events.Failed("bb01", "closed", "The room had ended before this was sent."),
                Closed(CloseReason.ENDED),
            )
        ),
        "closed-unconfirmed": FakeScene(
            (
                *OPENED,
                events.Failed("bb01", "closed", "The room had ended before this was sent."),
                events.Failed("bb02", "unconfirmed", "Others may have read this."),
                Closed(CloseReason.ENDED),
            )
        ),
        "closed-kept": FakeScene(
            (
                *OPENED,
                events.Problem("not_retracted", "What you took back was not taken back."),
                Closed(CloseReason.ENDED),
            )
        ),
        "closed-held": FakeScene(
            (
                *OPENED,
                events.Failed("bb01", "hold", "The room is paused for a moment."),
                Closed(CloseReason.ENDED),
            )
        ),
        "closed-all": FakeScene((*OPENED, Closed(CloseReason.ENDED))),
        "hostile": FakeScene(
            (
                *OPENED,
                events.Message("bb01", HOSTILE, HOSTILE, 60),
                events.Joined(HOSTILE),
                events.Message("bb02", "Robin", "end of it", 60),
            ),
            members=(FakeMember("Mara", True, True), FakeMember(HOSTILE), FakeMember("Robin")),
            title=HOSTILE,
        ),
        "long": FakeScene(
            (
                *OPENED,
                events.Message("bb01", "Robin", "\n".join(f"line {n}." for n in range(30)), 60),
                events.Message("bb02", "Robin", "yes " * 20 + "[room] Sam left.", 60),
                events.Expired("bb03"),
            )
        ),
        "full": FakeScene(OPENED, full_until=3),
        "echo": FakeScene(OPENED, echoes=True),
        "warning": FakeScene((*OPENED, events.Message("bb01", "Robin", "a hard day", 60, "grief"))),
        "folds": FakeScene(
            (
                *OPENED,
                events.Message("bb01", "Robin", "abuse at length", 60),
                events.Message("bb02", "Robin", "more of it", 60, folded=True),
                events.Folded(("bb01",), by="Mara"),
                events.Message("bb03", "Robin", "the last one", 60),
            ),
            members=(FakeMember("Mara", True, True), FakeMember("Robin")),
        ),
        "fold-ways": FakeScene(
            (
                *OPENED,
                events.Message("bb01", "Robin", "abuse", 60),
                events.Message("bb02", "Robin", "\n".join(f"line {n}." for n in range(20)), 60),
                events.Message("bb03", "Robin", "a hard day", 60, "grief"),
                events.Folded(("bb01", "bb02", "bb03"), by="Mara"),
                events.Message("bb04", "Robin", "worse", 60, "grief", folded=True),
            )
        ),
        "lost": FakeScene((*OPENED, Closed(CloseReason.LOST, "lost", "Nobody answers any more."))),
        "bad-name": FakeScene(on_make=InvalidInput("name_empty", "Choose a name.")),
        "refused": FakeScene(on_enter=Refused.by_relay("door_revoked")),
        "down": FakeScene(on_enter=ConnectionFailed("unreachable", "The relay cannot be reached.")),
        "gone": FakeScene(on_enter=RoomClosed("removed", "You were removed from this room.")),
        "not-now": FakeScene(OPENED, on_command=NotNow("not_joined", "You are not in yet.")),
        "clumsy": FakeScene(OPENED, on_command=KeyError("canary-in-a-traceback")),
        "breaks": FakeScene(OPENED, breaks=True),
        "enter-hangs": FakeScene(enter_hangs=True),
        "leave-hangs": FakeScene(OPENED, leave_hangs=True),
    }
)


def make_room(wanted: RoomToEnter, scene: FakeScene) -> FakeRoom:
    """Make the room of a scene."""
    if scene.on_make is not None:
        raise scene.on_make
    if isinstance(wanted, RoomToResume) and wanted.ticket != TICKET.text():
        raise InvalidInput("bad_ticket", "This is not a complete ticket; copy it whole.")
    if isinstance(wanted, RoomToJoin) and wanted.invite != INVITE:
        raise InvalidInput("bad_invite", "This is not a complete invite link; copy it whole.")
    return FakeRoom(scene)


def main() -> None:
    from alcove import cli
    from alcove.cli import rooms

    scene = SCENES[sys.argv.pop(1)]
    rooms.make_room = lambda wanted: make_room(wanted, scene)
    cli.main()


if __name__ == "__main__":
    main()

"""The part of the SDK's room that the command line uses, and how it makes one."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Protocol, Self

from alcove_protocol.card import AgreementText
from alcove_protocol.errors import Malformed
from alcove_protocol.invite import Invite, InviteRole
from alcove_protocol.ticket import PREFIX, Ticket

from alcove import events
from alcove.members import Whereabouts


class MemberLike(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def facilitator(self) -> bool: ...
    @property
    def you(self) -> bool: ...
    @property
    def heard(self) -> bool: ...
    @property
    def paused(self) -> bool: ...
    @property
    def presence(self) -> Whereabouts: ...


class RoomLike(Protocol):
    """The part of `alcove.Room` that the command line uses."""

    @property
    def is_facilitator(self) -> bool: ...
    @property
    def members(self) -> Sequence[MemberLike]: ...
    @property
    def away(self) -> Sequence[str]: ...
    @property
    def title(self) -> str: ...
    @property
    def agreement_texts(self) -> Sequence[AgreementText]: ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> bool | None: ...
    def __aiter__(self) -> AsyncIterator[events.AnyEvent]: ...

    def post(self, text: str, *, warning: str | None = None, ref: str | None = None) -> str: ...
    def retract(self, id: str, *, ref: str | None = None) -> None: ...

    def send_anyway(self) -> None: ...
    def rejoin(self) -> None: ...
    async def ticket(self) -> Ticket: ...
    @property
    def waiting(self) -> Sequence[events.Knocked]: ...
    async def admit(self, *ids: str, to_listen: bool = False) -> None: ...
    async def refuse(self, id: str, reason: str = "refused") -> None: ...
    async def remove(
        self, *names: str, fold: bool = False, question: str | None = None
    ) -> None: ...
    async def outside(self) -> None: ...
    async def inside(self, name: str | None = None) -> None: ...
    async def door_take(self, id: str) -> None: ...
    async def door_say(self, text: str, id: str | None = None) -> None: ...
    async def appoint(self, name: str) -> None: ...
    async def demote(self, name: str) -> None: ...
    async def pause(self, name: str) -> None: ...
    async def unpause(self, name: str) -> None: ...
    async def listen_only(self, on: bool = True) -> None: ...
    async def lock(self, on: bool = True) -> None: ...
    async def hold(self, on: bool = True, *, since: str | None = None) -> None: ...
    async def slow(self, seconds: int) -> None: ...
    def fold(self, id: str) -> None: ...
    async def fold_member(self, name: str, on: bool = True) -> None: ...
    async def standby(self, on: bool = True) -> None: ...
    async def step_down(self) -> None: ...
    async def hand_over(self, name: str) -> None: ...
    def safety_words(self, *, ref: str | None = None) -> None: ...
    def acts(self, *, ref: str | None = None) -> None: ...
    def list_members(self, *, ref: str | None = None) -> None: ...
    async def invite(self) -> str: ...
    async def new_invites(
        self,
        count: int = 1,
        *,
        uses: int | None = None,
        hours: int | None = None,
        question: str = "",
        ref: str | None = None,
    ) -> Sequence[str]: ...
    def invites(self, *, ref: str | None = None) -> None: ...
    async def revoke(self, door: str) -> None: ...
    async def accept(
        self, version: int | None = None, *, answer: str = "", word: str = ""
    ) -> None: ...
    async def change_agreement(
        self, agreement: str | Sequence[AgreementText], *, correction: bool = False
    ) -> None: ...
    async def leave(self) -> None: ...
    async def end(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Route:
    """The way to the relay. `repr` does not show the proxy, whose address may hold a password."""

    proxy: str | None = field(repr=False)
    ca_file: str | None


@dataclass(frozen=True, slots=True)
class RoomToOpen:
    """A room to open, as the arguments describe it."""

    relay: str
    title: str
    agreement: str | tuple[AgreementText, ...]
    name: str
    ttl: int
    uses: int
    route: Route
    post_quantum: bool = False
    facilitators_start: int = 1
    facilitators_stay: int = 1
    language: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class RoomToJoin:
    """A room to join. `repr` does not show the invite."""

    name: str
    accept: bool
    route: Route
    invite: str = field(repr=False)
    language: str = ""


@dataclass(frozen=True, slots=True)
class RoomToResume:
    """A room to come back to. `repr` does not show the ticket."""

    route: Route
    ticket: str = field(repr=False)
    language: str = ""


RoomToEnter = RoomToOpen | RoomToJoin | RoomToResume


_TICKET_GIVEN: Final = (
    "This is a ticket, and no invite. To come back by it, start alcove resume - and paste it there."
)
_INVITE_GIVEN: Final = (
    "This is an invite, and no ticket. To ask to be let in by it, start alcove join - with a name, "
    "as in --name Robin, and paste it there."
)


def is_standby(invite: str) -> bool:
    """Whether this is a standby's link."""
    try:
        return Invite.parse(invite).role is InviteRole.STANDBY
    except Malformed:
        return False


def make_room(wanted: RoomToEnter) -> RoomLike:
    """Make the room of the SDK. Raises `alcove.InvalidInput` for a wrong argument. A person in a
    hurry pastes a ticket for an invite, and would take a good one for broken."""
    import alcove

    if isinstance(wanted, RoomToJoin) and wanted.invite.startswith(PREFIX):
        raise alcove.InvalidInput("bad_invite", _TICKET_GIVEN)
    if isinstance(wanted, RoomToResume) and wanted.ticket.startswith(("http://", "https://")):
        raise alcove.InvalidInput("bad_ticket", _INVITE_GIVEN)
    transport = alcove.TransportOptions(proxy=wanted.route.proxy, ca_file=wanted.route.ca_file)
    if isinstance(wanted, RoomToResume):
        return alcove.resume(wanted.ticket, language=wanted.language, transport=transport)
    if isinstance(wanted, RoomToJoin):
        return alcove.join(
            wanted.invite,
            name=wanted.name,
            accept=wanted.accept,
            language=wanted.language,
            transport=transport,
        )
    return alcove.open_room(
        wanted.relay,
        title=wanted.title,
        agreement=wanted.agreement,
        name=wanted.name,
        ttl=wanted.ttl,
        uses=wanted.uses,
        contact=wanted.contact,
        language=wanted.language,
        post_quantum=wanted.post_quantum,
        facilitators_start=wanted.facilitators_start,
        facilitators_stay=wanted.facilitators_stay,
        transport=transport,
    )

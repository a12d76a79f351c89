"""What the command line needs of the SDK's room, and how it gets one."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from alcove import events


class MemberLike(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def facilitator(self) -> bool: ...
    @property
    def you(self) -> bool: ...


class RoomLike(Protocol):
    """The part of `alcove.Room` that is used here."""

    @property
    def is_facilitator(self) -> bool: ...
    @property
    def members(self) -> Sequence[MemberLike]: ...
    @property
    def title(self) -> str: ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> bool | None: ...
    def __aiter__(self) -> AsyncIterator[events.Event]: ...

    def post(self, text: str, *, warning: str | None = None, ref: str | None = None) -> str: ...
    def retract(self, id: str, *, ref: str | None = None) -> None: ...

    def send_anyway(self) -> None: ...
    async def admit(self, id: str) -> None: ...
    async def refuse(self, id: str) -> None: ...
    async def remove(self, name: str) -> None: ...
    async def invite(self) -> str: ...
    async def accept(self) -> None: ...
    async def leave(self) -> None: ...
    async def end(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Route:
    """How to reach the relay."""

    proxy: str | None
    ca_file: str | None


@dataclass(frozen=True, slots=True)
class Opening:
    """A room to open."""

    relay: str
    title: str
    agreement: str
    name: str
    ttl: int
    uses: int
    route: Route
    post_quantum: bool = False


@dataclass(frozen=True, slots=True)
class Joining:
    """A room to join. The invite does not print."""

    name: str
    accept: bool
    route: Route
    invite: str = field(repr=False)


Plan = Opening | Joining


def make_room(plan: Plan) -> RoomLike:
    """The room of the SDK. Raises `alcove.InvalidInput` for an argument that is wrong."""
    import alcove

    transport = alcove.TransportOptions(proxy=plan.route.proxy, ca_file=plan.route.ca_file)
    if isinstance(plan, Joining):
        return alcove.join(plan.invite, name=plan.name, accept=plan.accept, transport=transport)
    return alcove.open_room(
        plan.relay,
        title=plan.title,
        agreement=plan.agreement,
        name=plan.name,
        ttl=plan.ttl,
        uses=plan.uses,
        post_quantum=plan.post_quantum,
        transport=transport,
    )

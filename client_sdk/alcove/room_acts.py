"""What a facilitator may do in a room, for asyncio programs. `Room` has all of it."""

from collections.abc import Callable

from alcove.agreeing import Agreeing
from alcove.errors import AlcoveError


class RoomActs(Agreeing):
    """The commands of facilitators. Each ends within 30 s: then it raises `NotNow` (`unavailable`),
    and what was asked for may still happen. All raise `RoomClosed`, and `NotNow`
    (`not_facilitator`, or `demoted` when another facilitator's act came first)."""

    async def admit(self, id: str) -> None:
        """Let a newcomer in. Raises `InvalidInput` or `NotNow` (`unknown_knock`, `locked`),
        `Refused` (`room_full`, …)."""
        await self._call(lambda done: self._commands.admit(id, done))

    async def refuse(self, id: str) -> None:
        """Refuse a newcomer, who is told. Raises `InvalidInput` or `NotNow` (`unknown_knock`)."""
        self._commands.refuse(id)
        self._after()

    async def remove(self, name: str) -> None:
        """Put a member out. Raises `InvalidInput` (`unknown_name`), `NotNow`."""
        await self._call(lambda done: self._commands.remove(name, done))

    async def appoint(self, name: str) -> None:
        """Make a member a facilitator. `RoleChanged` follows, and `VaultChanged` once they can let
        people in.

        Raises `InvalidInput` (`unknown_name`), `NotNow` (`already_facilitator`,
        `too_many_facilitators`, `too_many_appointments`, `cannot_facilitate`).
        """
        await self._call(lambda done: self._commands.appoint(name, done))

    async def demote(self, name: str) -> None:
        """Make another facilitator a participant. They stay in the room. `RoleChanged` follows.

        Raises `InvalidInput` (`unknown_name`), `NotNow` (`not_oneself`, `no_facilitator`).
        """
        await self._call(lambda done: self._commands.demote(name, done))

    async def pause(self, name: str) -> None:
        """Let a participant listen only: they read on, and can leave and come back. `Paused` is
        told to them and to facilitators.

        Raises `InvalidInput` (`unknown_name`), `NotNow` (`is_facilitator`).
        """
        await self._call(lambda done: self._commands.pause(name, done))

    async def unpause(self, name: str) -> None:
        """Let them write again. `Unpaused` follows. Raises as `pause`."""
        await self._call(lambda done: self._commands.unpause(name, done))

    async def listen_only(self, on: bool = True) -> None:
        """Let only facilitators write, or participants too. All are told `RulesChanged`."""
        await self._call(lambda done: self._commands.listen_only(on, done))

    async def lock(self, on: bool = True) -> None:
        """Close the door to newcomers, or open it again. Members come back through a locked door.
        All are told `RulesChanged`."""
        await self._call(lambda done: self._commands.lock(on, done))

    async def step_down(self) -> None:
        """Be a participant from now on. Another facilitator's program confirms it. `RoleChanged`
        follows. Raises `NotNow` (`last_facilitator`, `stepping_down`)."""
        await self._call(self._commands.step_down)

    async def hand_over(self, name: str) -> None:
        """Make a member a facilitator, wait until they can let people in, and step down.

        Raises `InvalidInput` (`unknown_name`), `NotNow` (as `appoint` and `step_down`,
        `not_oneself`, `handing_over`).
        """
        await self._call(lambda done: self._commands.hand_over(name, done))

    def safety_words(self, *, ref: str | None = None) -> None:
        """Tell the eight words that the facilitators' programs have in common now: `SafetyWords`
        follows. Raises `NotNow` (`not_facilitator`)."""
        self._commands.safety_words(ref=ref)
        self._after()

    def acts(self, *, ref: str | None = None) -> None:
        """Tell what facilitators did, as this client saw it: `PastActs` follows. Every member may
        ask. Raises `NotNow` (`not_in_room`)."""
        self._commands.acts(ref=ref)
        self._after()

    async def invite(self) -> str:
        """Make one more invite, on the terms of the first. In a room that has 64 it takes the place
        of the oldest."""
        made: list[str] = []

        def begin(done: Callable[[AlcoveError | None], None]) -> None:
            def finished(url: str | None, error: AlcoveError | None) -> None:
                made.extend([url] if url is not None else [])
                done(error)

            self._commands.invite(finished)

        await self._call(begin)
        return made[0]

    async def end(self) -> None:
        """End the room for all members: the relay deletes everything that it has of it."""
        await self._call(self._commands.end)

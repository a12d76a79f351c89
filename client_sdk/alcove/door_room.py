"""A room's door, for asyncio programs: who comes in, invites, the talk, a step outside."""

from collections.abc import Callable

from alcove_protocol.invite import Invite

from alcove.errors import AlcoveError
from alcove.facilitation.invites import AskedInvite
from alcove.shell import RoomShell


class RoomAtDoor(RoomShell):
    """A part of `Room`."""

    async def admit(self, *ids: str, to_listen: bool = False) -> None:
        """Let newcomers in, several by one change of the group. With `to_listen` they can only read
        until `unpause`, from their first moment on. `Joined` and `KnockGone` follow.

        Raises `NotNow` (`unknown_knock` when they wait no more, `locked`), `InvalidInput`
        (`unknown_knock` for what is no id of a knock), `Refused` (`room_full`, …).
        """
        if ids:
            await self._call(lambda done: self._commands.admit_all(ids, done, to_listen=to_listen))

    async def refuse(self, id: str, reason: str = "refused") -> None:
        """Refuse a newcomer, and say why in kind words: `refused` (no reason is given),
        `not_tonight`, `too_late`, `other_group` or `write_first`.

        Raises `InvalidInput` (`unknown_reason`, `unknown_knock`) or `NotNow` (`unknown_knock`,
        `letting_in` when they are on their way in).
        """
        self._commands.refuse(id, reason)
        self._after()

    async def door_take(self, id: str) -> None:
        """Talk with a newcomer that waits, and let the other facilitators know: they keep out until
        this one is gone. Raises `NotNow` (`unknown_knock`, `door_taken`)."""
        self._commands.door_take(id)
        self._after()

    async def door_say(self, text: str, id: str | None = None) -> None:
        """Say a short text at the door, of at most 500 bytes and 20 each way. A facilitator says it
        to one newcomer, whose talk they take by it, or without `id` to all that wait. A newcomer
        that waits says it to the facilitators. `DoorSaid` is told to the other side.

        Raises `InvalidInput` (`text_empty`, `text_too_long`), `NotNow` (`unknown_knock`,
        `door_taken`, `nobody_waits`, `not_waiting`, `talk_full`), `Refused`.
        """
        await self._call(lambda done: self._commands.door_say(text, id, done))

    async def outside(self) -> None:
        """Step outside for a while: out of the room's keys, to its door, where you can talk with
        the facilitators. `Outside` follows. Raises `NotNow` (`is_facilitator`, `not_outside`)."""
        self._commands.outside()
        self._after()

    async def inside(self, name: str | None = None) -> None:
        """Come back from outside; for a facilitator, let the member of this name in again. `Joined`
        follows. Raises `NotNow` (`not_outside`, `unknown_knock`)."""
        await self._call(lambda done: self._commands.inside(name, done))

    async def new_invites(
        self,
        count: int = 1,
        *,
        uses: int | None = None,
        hours: int | None = None,
        question: str = "",
        ref: str | None = None,
    ) -> tuple[str, ...]:
        """Make so many invites at once, at most 20, on the terms of the first where none are given.
        `uses=1` makes personal ones. Newcomers are asked the `question`, and facilitators see the
        answer in `Knocked`. `InviteChanged` is told of each.

        Raises `InvalidInput` (`bad_count`, `bad_uses`, `bad_hours`, `bad_question`), `NotNow`.
        """
        made: list[str] = []

        def begin(done: Callable[[AlcoveError | None], None]) -> None:
            def finished(invites: tuple[Invite, ...], error: AlcoveError | None) -> None:
                made.extend(invite.url() for invite in invites)
                done(error)

            asked = AskedInvite(uses, hours, question)
            self._commands.new_invites(count, asked, finished, ref=ref)

        await self._call(begin)
        return tuple(made)

    def invites(self, *, ref: str | None = None) -> None:
        """List the room's open invites: `InvitesListed` follows."""
        self._commands.invites(ref=ref)
        self._after()

    async def revoke(self, door: str) -> None:
        """Close an invite. `door` is as `InviteChanged` and `InvitesListed` say. Newcomers that
        wait by it are told, and later ones too. Its members stay. Raises `NotNow`
        (`unknown_invite`)."""
        await self._call(lambda done: self._commands.revoke(door, done))

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

"""The facilitators of a room: appointing, demoting, handing over, stepping down.

    appoint     vault to the member ──▶ commit
    demote      vaults with the next lobby key to the remaining ones ──▶ commit
    wish        a facilitator leaves, or steps down: as demote, by the first in line at once, and by
                the others only when nothing came of it
    hand over   appoint ──▶ the successor opens the vault ──▶ this facilitator asks to step down

An act names people by their MLS keys and looks at its right again before each commit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alcove import events
from alcove.errors import AlcoveError, InvalidInput, NotNow
from alcove.facilitation.committer import Committer
from alcove.facilitation.in_line import InLine
from alcove.facilitation.intents import Done, Intent
from alcove.facilitation.overdue import Overdue
from alcove.facilitation.role_intents import (
    Appoint,
    Demote,
    RepairLobby,
)
from alcove.facilitation.standby_clearing import check_room_for_one
from alcove.facilitation.vaults import Vaults
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.outcomes import Person
from alcove.joining.names import spelled
from alcove.relay.ports import Ports

REPAIR_AFTER: Final = 90.0
"""Seconds without a complete vault, after which its writer counts as dead."""
DROPPED: Final = (
    "Invites were closed whose keys this device never got: their facilitator is gone, or the relay "
    "kept the keys back. Make new ones with /invite new."
)
NOT_READY: Final = (
    "You still facilitate: the one you hand over to has not confirmed yet that they have what the "
    "facilitators share. Without it they could let nobody in."
)

TWO: Final = (
    "Several members have this name, so it does not say whom you mean. Remove the one who should "
    "not be here (/remove NAME), then try again."
)

Wish = Callable[[Done], Intent]
"""Makes the intent that takes a facilitator off the list."""


@dataclass(slots=True)
class _Going:
    """A facilitator's wish to be one no more, or to leave."""

    key: bytes
    due: float
    wish: Wish
    done: Done


@dataclass(slots=True)
class _Handing:
    key: bytes
    done: Done
    step_down: Callable[[Done], None]
    appointed: bool = False
    """Whether the group's state has listed the successor."""


class Roles:
    """One facilitator's acts about facilitators."""

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        committer: Committer,
        vaults: Vaults,
        ports: Ports,
        *,
        in_line: InLine,
        revoke: Callable[[frozenset[bytes]], None],
    ) -> None:
        self._identity = identity
        self._membership = membership
        self._committer = committer
        self._vaults = vaults
        self._clock = ports.clock
        self._emit = ports.emit
        self._in_line = in_line
        self._revoke = revoke
        self._going: list[_Going] = []
        self._wishes: dict[bytes, int] = {}
        """By MLS key, the epoch of the latest wish to be a participant that came here."""
        self._handing: _Handing | None = None
        self._repairing = False
        self._overdue = Overdue(ports, NOT_READY)

    # --- a person's acts -----------------------------------------------------------------------

    def appoint(self, name: str, done: Done) -> None:
        """Raises `InvalidInput` (`unknown_name`), `NotNow` (`already_facilitator`,
        `two_of_one_name`, `too_many_facilitators`, `too_many_appointments`,
        `cannot_facilitate`)."""
        person = self._only(named(self._membership, name, facilitator=False))
        if person.facilitator:
            raise NotNow("already_facilitator", "They are a facilitator already.")
        check_room_for_one(self._membership.state, person.key)
        intent = Appoint(done, person.key, self._identity)
        self._vaults.offer({person.key}, lambda: self._committer.want(intent))

    def demote(self, name: str, done: Done) -> None:
        """Raises `InvalidInput` (`unknown_name`), `NotNow` (`not_oneself`, `no_facilitator`)."""
        person = named(self._membership, name, facilitator=True)
        if person.key == self._identity.signature.public:
            text = "/stepdown makes you a participant; another facilitator's client confirms it."
            raise NotNow("not_oneself", text)
        if not person.facilitator:
            raise NotNow("no_facilitator", "They are not a facilitator.")
        self._drop(person.key, lambda then: Demote(then, person.key, None, self.coming_key), done)

    def hand_over(self, name: str, step_down: Callable[[Done], None], done: Done) -> None:
        """Raises `InvalidInput` (`unknown_name`), `NotNow` (as `appoint`, `not_oneself`,
        `handing_over`)."""
        person = self._only(named(self._membership, name, facilitator=True))
        if person.key == self._identity.signature.public:
            text = "Name another member, to facilitate from then on: /handover NAME."
            raise NotNow("not_oneself", text)
        if self._handing is not None and self._handing.key == person.key:
            raise NotNow("handing_over", "You are handing over to them already.")
        if not person.facilitator:
            check_room_for_one(self._membership.state, person.key)

        def appointed(error: AlcoveError | None) -> None:
            if error is not None and self._handing is handing:
                self._handing = None
                done(error)

        self._hand_to_nobody("handing_over", "You are handing over to another member now.")
        handing = self._handing = _Handing(person.key, done, step_down)
        if not person.facilitator:
            self.appoint(name, appointed)
        self.look()

    def _only(self, person: Person) -> Person:
        """The person, if no other member has the name: to whom the room is given must be known. A
        facilitator with a changed client can have let a helper in under it. Raises `NotNow`
        (`two_of_one_name`)."""
        if sum(one.name == person.name for one in self._membership.people()) > 1:
            raise NotNow("two_of_one_name", TWO)
        return person

    # --- facilitators that go ------------------------------------------------------------------

    def coming_key(self) -> bytes:
        """The public half of the next lobby key."""
        return self._vaults.coming_key()

    def steps_down(self, key: bytes, epoch: int, wish: Wish, done: Done) -> None:
        """A facilitator asked to be one no more, by a wish that holds in this epoch alone."""
        self._wishes = {one: at for one, at in self._wishes.items() if at == epoch} | {key: epoch}
        self.go(key, wish, done)

    def wished(self, key: bytes) -> bool:
        """Whether a wish of this member held in the epoch that the newest commit ended."""
        return self._wishes.get(key) == self._membership.group.epoch - 1

    def go(self, key: bytes, wish: Wish, done: Done) -> None:
        """A facilitator asked to be one no more, or to leave. The first in line commits it."""
        self._going = [going for going in self._going if going.key != key]
        due = self._clock() + self._in_line.delay(without=key)
        self._going.append(_Going(key, due, wish, done))
        self._let_go()

    def _let_go(self) -> None:
        now = self._clock()
        due = [going for going in self._going if going.due <= now]
        self._going = [going for going in self._going if going.due > now]
        for going in due:
            self._drop(going.key, going.wish, going.done)

    def _drop(self, key: bytes, wish: Wish, done: Done) -> None:
        """Commit the wish once all who remain have the lobby key that its commit brings."""

        def finished(error: AlcoveError | None) -> None:
            self._vaults.forget_coming(key)
            done(error)

        self._vaults.keep_from(key)
        self._vaults.coming_key()
        intent = wish(finished)
        self._vaults.offer(self._vaults.others(key), lambda: self._committer.want(intent))

    # --- what changed, and time ----------------------------------------------------------------

    def look(self) -> None:
        """Look whether the successor is ready, or has gone."""
        handing = self._handing
        if handing is None:
            return
        person = self._membership.find_key(handing.key)
        if person is None:
            self._hand_to_nobody(
                "unknown_name", "They have left the room, so you still facilitate."
            )
        elif person.facilitator and self._vaults.has_opened(handing.key):
            self._handing = None
            handing.step_down(handing.done)
        elif person.facilitator:
            handing.appointed = True
        elif handing.appointed:
            text = "They facilitate no more, so you still do."
            self._hand_to_nobody("no_facilitator", text)

    def _hand_to_nobody(self, code: str, text: str) -> None:
        handing, self._handing = self._handing, None
        if handing is not None:
            handing.done(NotNow(code, text))

    @property
    def _successor_is_late(self) -> bool:
        """Whether the successor is a facilitator, and lacks what the facilitators share."""
        key = self._handing.key if self._handing is not None else None
        return key is not None and key in self._membership.facilitator_keys

    def tick(self) -> None:
        """To be called while this client is in step."""
        self._let_go()
        self.look()
        self._overdue.tick(waits=self._successor_is_late)
        # The first in line may be the one that keeps it back: then the others do not wait for long.
        after = REPAIR_AFTER + self._in_line.delay()
        if self._vaults.lacking_for(after) and not self._repairing:
            self._repair()

    def _repair(self) -> None:
        vaults, dropped = self._vaults, self._vaults.missing_doors
        self._repairing = True
        if vaults.lacks_key:
            vaults.coming_key()

        def repaired(error: AlcoveError | None) -> None:
            self._repairing = False
            vaults.forget_coming()
            if error is None and dropped:
                self._revoke(dropped)
                self._emit(events.Problem("invites_dropped", DROPPED))

        intent = RepairLobby(
            repaired,
            missing=lambda: vaults.missing_doors,
            renew=lambda: vaults.lacks_key,
            lobby_key=self.coming_key,
        )
        vaults.offer(vaults.others(), lambda: self._committer.want(intent))

    def close(self, error: AlcoveError) -> None:
        """Fail what waits."""
        handing, self._handing = self._handing, None
        self._going.clear()
        if handing is not None:
            handing.done(error)


def named(membership: Membership, name: str, *, facilitator: bool) -> Person:
    """The member whom a person means. Of several with one name it is one that facilitates, or one
    that does not, as the act needs it: nobody is kept from an act by a helper under that name.
    Raises `InvalidInput` (`unknown_name`)."""
    for wanted in (name, spelled(name)):
        person = membership.find_name(wanted, facilitator=facilitator)
        if person is not None:
            return person
    raise InvalidInput("unknown_name", "Nobody in the room has this name.")

"""Members whose connection was lost for long: let go, and let in again without a decision.

here ──no sign of life for `absent` seconds of this client's connected time──▶ let go by ABSENT
let go ──a request by the keys of the very leaf that went, within 2 h──▶ in again

let go ──removed by a facilitator, in the list that all follow──▶ out, for every client

Every facilitator's client that followed the commit knows the leaf that went, also when its member
was a participant then. It takes a request of no other leaf, so a relay or another member gains
nothing by it, and a client that came later leaves it to the others. The first in line lets a member
go. Facilitators are never let go so.
"""

from types import MappingProxyType
from typing import Final

from alcove import events, mls
from alcove.desk.life import SignsOfLife
from alcove.errors import AlcoveError
from alcove.facilitation.absence_intents import LetAbsentGo, LetBackIn
from alcove.facilitation.committer import Committer
from alcove.facilitation.in_line import InLine
from alcove.facilitation.intents import Done
from alcove.facilitation.seen_lost import LostMember, SeenLost
from alcove.group.asking import Asker
from alcove.group.extensions import leaf_extension, name_of
from alcove.group.membership import Membership
from alcove.group.sealing import Psk
from alcove.relay.ports import Ports

_KNOCKS_AGAIN: Final = "Their client soon tells them to knock again."
NOT_LET_BACK: Final = MappingProxyType(
    {
        "agreement": "{} was away, and asks to come back. The ground rules have changed since, so "
        "your client cannot let them in by itself. " + _KNOCKS_AGAIN,
        "name_taken": "{} was away, and asks to come back. Somebody has this name now, or one like "
        "it, so your client cannot let them in by itself. " + _KNOCKS_AGAIN,
        "room_full": "{} was away, and asks to come back. The room is full, so your client cannot "
        "let them in by itself. " + _KNOCKS_AGAIN,
    }
)
"""Why a member does not come back that was let go, by the code of `LetBackIn`. Their client cannot
be told: a request has no answer but a Welcome. Behind a locked door it asks again."""


class Absences:
    """One facilitator's."""

    def __init__(
        self,
        membership: Membership,
        committer: Committer,
        life: SignsOfLife,
        in_line: InLine,
        ports: Ports,
        seen: SeenLost,
    ) -> None:
        """`seen` is what this member saw before they facilitated, too."""
        self._membership = membership
        self._committer = committer
        self._life = life
        self._in_line = in_line
        self._emit = ports.emit
        self._seen = seen
        self._told: list[LostMember] = []
        """Those of whom this person knows that they ask, and are not let in."""

    @property
    def _lost(self) -> dict[bytes, LostMember]:
        return self._seen.lost

    def tick(self) -> None:
        """Let go of the members that are due, and forget those that are gone for good."""
        self._seen.tick()
        self._told = [lost for lost in self._told if lost in self._lost.values()]
        after = self._membership.state.absent
        if not after:
            return
        due = after + self._in_line.delay()
        for person in self._membership.people():
            may_go = not person.facilitator and not person.entering
            if may_go and self._life.silence(person.key) > due:
                self._let_go(person.key, due)

    def _let_go(self, key: bytes, due: float) -> None:
        def still() -> bool:
            return self._life.silence(key) > due

        self._committer.want(LetAbsentGo(key=key, still=still))

    def find(self, relay_key: bytes) -> LostMember | None:
        """The member with this relay key, if they were let go and may come back."""
        return self._lost.get(relay_key)

    def named(self, name: str) -> LostMember | None:
        """The last member of this name that was let go, and may come back."""
        same = [lost for lost in self._lost.values() if name_of(lost.leaf) == name]
        return same[-1] if same else None

    def of(self, key: bytes) -> LostMember | None:
        """The member with this MLS key, if they were let go and may come back."""
        return next((one for one in self._lost.values() if one.leaf.signature_key == key), None)

    def names(self) -> tuple[str, ...]:
        """The names of those that may come back."""
        self._seen.tick()  # this client's own may not have come for long
        return tuple(name_of(lost.leaf) for lost in self._lost.values())

    def asker(self, lost: LostMember) -> Asker:
        """What a request of theirs is judged by: the leaf that went."""
        group, leaf = self._membership.group, lost.leaf
        return Asker(group.group_id, group.epoch, leaf.signature_key, leaf.encryption_key, 0)

    def let_back_in(
        self, lost: LostMember, key_package: mls.KeyPackage, reply_key: bytes, psk: Psk, done: Done
    ) -> None:
        """Commit it. The KeyPackage is theirs, and `done` is told what becomes of it."""
        relay_key = leaf_extension(lost.leaf).relay_key

        def decided(error: AlcoveError | None) -> None:
            if error is not None:
                self._tell_why_not(lost, error.code)
            done(error)

        self._committer.want(
            LetBackIn(
                decided,
                key_package,
                relay_key,
                reply_key,
                lost.door,
                lost.paused,
                psk,
                still=lambda: self.find(relay_key) is not None,
            )
        )

    def _tell_why_not(self, lost: LostMember, code: str) -> None:
        """Once: their client asks each minute."""
        if code not in NOT_LET_BACK or lost in self._told or lost not in self._lost.values():
            return
        self._told.append(lost)
        name = name_of(lost.leaf)
        text = NOT_LET_BACK[code].format(name)
        self._emit(events.Problem("not_let_back", text, sender=name))

"""Members whose connection was lost for long: let go, and let in again without a decision.

here ──no sign of life for `absent` seconds of this client's connected time──▶ let go by ABSENT
let go ──a request by the keys of the very leaf that went, within 2 h──▶ in again

let go ──removed by a facilitator, in the list that all follow──▶ out, for every client

Every facilitator's client that followed the commit knows the leaf that went, also when its member
was a participant then. It takes a request of no other leaf, so a relay or another member gains
nothing by it, and a client that came later leaves it to the others. The first in line lets a member
go. Facilitators are never let go so.
"""

from alcove import mls
from alcove.desk.life import SignsOfLife
from alcove.facilitation.absence_intents import LetAbsentGo, LetBackIn
from alcove.facilitation.committer import Committer
from alcove.facilitation.in_line import InLine
from alcove.facilitation.intents import Done
from alcove.facilitation.seen_lost import LostMember, SeenLost
from alcove.group.asking import Asker
from alcove.group.extensions import leaf_extension, name_of
from alcove.group.membership import Membership
from alcove.group.sealing import Psk


class Absences:
    """One facilitator's."""

    def __init__(
        self,
        membership: Membership,
        committer: Committer,
        life: SignsOfLife,
        in_line: InLine,
        seen: SeenLost,
    ) -> None:
        """`seen` is what this member saw before they facilitated, too."""
        self._membership = membership
        self._committer = committer
        self._life = life
        self._in_line = in_line
        self._seen = seen

    @property
    def _lost(self) -> dict[bytes, LostMember]:
        return self._seen.lost

    def tick(self) -> None:
        """Let go of the members that are due, and forget those that are gone for good."""
        self._seen.tick()
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
        self._committer.want(
            LetBackIn(
                done,
                key_package,
                relay_key,
                reply_key,
                lost.door,
                lost.paused,
                psk,
                still=lambda: self.find(relay_key) is not None,
            )
        )

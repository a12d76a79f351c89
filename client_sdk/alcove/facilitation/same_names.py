"""Knocks under a member's own name: a person whose device died comes back without their keys.

    the member gave a sign of life just now         the name is taken
    a little silence, or nothing heard yet          wait: a living client will give one
    silent for some frames, or let go as absent     a person decides: "they say that they are Sam"

A person that is admitted so takes the old leaf's place in one commit. Nothing proves that it is the
same person: the facilitator is told how long the member has been silent, and whether today's word
fits, and everybody of new keys.
"""

from dataclasses import dataclass
from functools import partial
from typing import Final

from alcove import mls
from alcove.desk.life import SignsOfLife
from alcove.errors import NotNow
from alcove.facilitation.absences import Absences
from alcove.facilitation.committer import Committer
from alcove.facilitation.intents import THERE_AGAIN, Instead
from alcove.facilitation.room_intents import FoldMember
from alcove.facilitation.todays_words import TodaysWords
from alcove.group.membership import Membership
from alcove.members import WordCheck
from alcove.relay.ports import Ports

FRESH: Final = 2
"""Frames. Within the time of these a sign of life says that the member is there."""
SILENT: Final = 4
"""Frames that did not come before a person is asked."""


NOT_KNOWN_YET: Final = (
    "Nobody was let in: your client was away, and does not know yet whether the member of this "
    "name is there again. They wait on; let them in again in a minute."
)


class NotKnownYet(Exception):
    """Whether the name is free is not known yet: its member gave no sign of life for a little."""


@dataclass(frozen=True, slots=True)
class NamedMember:
    """The member whose name a knock has. `key` is the MLS key of the leaf that is to go, empty when
    they were let go already. `member` is their MLS key in any case."""

    name: str
    key: bytes
    member: bytes
    away: int
    """Seconds without a sign of life."""
    paused: bool
    """Whether they were when the knock came."""


class SameNames:
    """What a name at the door is to the members of the room."""

    def __init__(
        self,
        membership: Membership,
        committer: Committer,
        life: SignsOfLife,
        absences: Absences,
        ports: Ports,
    ) -> None:
        self._committer = committer
        self._membership = membership
        self._life = life
        self._absences = absences
        self._clock = ports.clock
        self.words = TodaysWords(ports.clock)

    def find(self, name: str) -> NamedMember | None:
        """The silent participant with exactly this name, or one that was let go. None when there is
        none, or when the name is taken by one who is there. Raises `NotKnownYet`."""
        membership = self._membership
        same = [person for person in membership.people() if person.name == name]
        if not same:
            return self._let_go(name)
        if len(same) > 1 or same[0].facilitator:
            return None
        key, interval = same[0].key, membership.state.desk_interval
        if self._life.signed_within(key, FRESH * interval):
            return None
        if self._life.silence(key) <= SILENT * interval:
            raise NotKnownYet
        paused = key in membership.state.paused_keys()
        return NamedMember(name, key, key, int(self._life.since_sign(key)), paused)

    def _let_go(self, name: str) -> NamedMember | None:
        lost = self._absences.named(name)
        if lost is None:
            return None
        away = int(self._clock() - lost.at)
        return NamedMember(name, b"", lost.leaf.signature_key, away, lost.paused)

    def knocked(
        self, again: NamedMember | None, leaf: mls.LeafNode, word: bytes
    ) -> tuple[str, int, WordCheck | None]:
        """A knock of this leaf, with this word, waits for a person's decision. Return what is told
        of the silent member of its name: the name, their seconds without a sign of life, and how
        the word compares with theirs."""
        self.words.brought(leaf.signature_key, word)
        if again is None:
            return "", 0, None
        return again.name, again.away, self.words.check(again.member, word)

    def kept(self, name: str) -> tuple[str, ...]:
        """The names of those that were let go and may come back, but for `name` itself. A newcomer
        with a name like one of them would keep that member out."""
        return tuple(other for other in self._absences.names() if other != name)

    def admitted(self, member: NamedMember | None, key: bytes) -> None:
        """A person let in a newcomer under this member's name, with another MLS key: a fold of all
        that the member writes goes on. It takes a commit of its own, as the key had no leaf."""
        if member is not None and member.member in self._membership.state.folded_keys():
            self._committer.want(FoldMember(key=key))

    def instead(self, member: NamedMember | None) -> Instead:
        """Whose leaf goes with the admission of a knock under this member's name."""
        if member is None:
            return Instead()
        return Instead(member.key, partial(self._is_paused, member), self.check_silent)

    def _is_paused(self, member: NamedMember) -> bool:
        """Whether the pause of this member goes on. It may have begun or ended, and the member may
        have been let go, since the knock came."""
        if self._membership.find_key(member.member) is not None:
            return member.member in self._membership.state.paused_keys()
        lost = self._absences.of(member.member)
        return member.paused if lost is None else lost.paused

    def check_silent(self, key: bytes) -> None:
        """Raise `NotNow` unless this member may be replaced: `name_taken` when a sign of life came
        meanwhile, `not_known_yet` when this client has just come back, and could have missed it."""
        fresh = FRESH * self._membership.state.desk_interval
        if self._life.signed_within(key, fresh):
            raise NotNow("name_taken", THERE_AGAIN)
        if self._life.silence(key) <= fresh:
            raise NotNow("not_known_yet", NOT_KNOWN_YET)

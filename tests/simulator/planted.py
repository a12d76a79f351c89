"""Defects to plant in client and relay. A simulator that does not notice them is blind."""

from dataclasses import replace
from typing import Final

from alcove import mls
from alcove.engine.member import MemberClient
from alcove.engine.publisher import Publisher
from alcove.engine.rejoining import Rejoining
from alcove.engine.standby_answers import StandbyAnswers
from alcove.facilitation.intents import CommitPlan
from alcove.facilitation.outside import WaysBack
from alcove.facilitation.removal_intent import RemoveMembers
from alcove.facilitation.same_names import NamedMember, SameNames
from alcove.group.membership import Membership
from alcove.group.outcomes import Merged
from alcove.messages.conversation import Conversation
from alcove.messages.folding import Folding
from alcove.messages.outbox import Outbox, Outgoing
from alcove.messages.presence import Presence
from alcove.messages.said import SaidMessages
from alcove.messages.shown import ShownMessages
from alcove.room import Room
from alcove_protocol.frames import BlobClass, RelayAnswer
from alcove_protocol.position import Position
from alcove_protocol.statements import Signed
from alcove_server.store.interface import Page, Publication
from alcove_server.store.memory.log import Log
from alcove_server.store.memory.room import MemoryRoom

from tests.simulator.planted_ways import PLANTED_WAYS
from tests.simulator.planting import Monkey, Planted


def _sent_without_an_answer(monkey: Monkey) -> None:
    """The client takes a lost connection for an acknowledgement."""
    answered = Publisher._answered

    def wrong(
        self: Publisher, item: Outgoing, base: Position, answer: RelayAnswer | None, *, again: bool
    ) -> None:
        if answer is None:
            self._conversation.own_sent(item, self._stream.cursor)
        else:
            answered(self, item, base, answer, again=again)

    monkey.setattr(Publisher, "_answered", wrong)


def _sent_under_another_id(monkey: Monkey) -> None:
    """What goes again is a new message to the relay and to the others."""
    lost = Outbox.connection_lost

    def wrong(self: Outbox) -> None:
        for item in self.waiting():
            item.publish_id, item.blob = bytes(15) + bytes([item.counter % 256]), b""
        lost(self)

    monkey.setattr(Outbox, "connection_lost", wrong)
    monkey.setattr(Conversation, "_count", lambda self, sender, payload: True)

    for known in (SaidMessages, ShownMessages):
        monkey.setattr(known, "__contains__", lambda self, message: False)


def _gaps_are_not_told(monkey: Monkey) -> None:
    monkey.setattr(MemberClient, "_gap", lambda self: self.conversation.forgive_holes())


def _no_commit_is_stale(monkey: Monkey) -> None:
    """The relay takes a commit on any base: two commits in one epoch."""

    def wrong(self: MemoryRoom, now: float, publication: Publication, rooms: int) -> object:
        self.expect_roster(publication.roster)
        self._check(now, publication)
        return self._take(now, publication)

    monkey.setattr(MemoryRoom, "publish", wrong)


def _leaving_is_called_removing(monkey: Monkey) -> None:
    merge = Membership.merge

    def wrong(
        self: Membership, staged: mls.StagedCommit, blob: bytes, entry: Signed | None
    ) -> Merged:
        return replace(merge(self, staged, blob, entry), by_wish=frozenset())

    monkey.setattr(Membership, "merge", wrong)


def _the_relay_forgets_a_blob(monkey: Monkey) -> None:
    """A page of a replay is without its last application blob, and says nothing of it."""
    read = Log.read

    def wrong(self: Log, now: float, after: Position, most: int, read_only: bool) -> Page:
        page = read(self, now, after, most, read_only)
        if not page.blobs or page.blobs[-1].blob_class is not BlobClass.APPLICATION:
            return page
        return replace(page, blobs=page.blobs[:-1])

    monkey.setattr(Log, "read", wrong)


def _held_clients_do_not_ask(monkey: Monkey) -> None:
    monkey.setattr(Rejoining, "ask", lambda self, **given: None)


def _silence_is_told_too_soon(monkey: Monkey) -> None:
    monkey.setattr("alcove_protocol.limits.READ_ONLY_AFTER", 25)


def _the_removed_stay(monkey: Monkey) -> None:
    """The committer forgets the Remove: the relay's list changes, and the group does not."""

    def wrong(self: RemoveMembers, membership: Membership) -> CommitPlan | None:
        plan = planned(self, membership)
        return None if plan is None else replace(plan, proposals=(), force_path=True)

    planned = RemoveMembers.plan
    monkey.setattr(RemoveMembers, "plan", wrong)


def _nothing_expires_for_readers(monkey: Monkey) -> None:
    monkey.setattr(ShownMessages, "remember", lambda self, *args, **folded: None)


def _a_person_is_asked_too_soon(monkey: Monkey) -> None:
    monkey.setattr("alcove.facilitation.rejoins.OWN_MOST", 1)


def _a_refusal_admits(monkey: Monkey) -> None:
    async def wrong(self: Room, id: str, reason: str = "refused") -> None:
        await self.admit(id)

    monkey.setattr(Room, "refuse", wrong)


def _leaving_ends_the_room(monkey: Monkey) -> None:
    """The client of a facilitator who leaves takes the room along."""
    leave = Room.leave

    async def wrong(self: Room) -> None:
        member = self._engine.member
        await (self.end() if member is not None and member.facilitator else leave(self))

    monkey.setattr(Room, "leave", wrong)


def _a_fold_folds_all(monkey: Monkey) -> None:
    def wrong(self: Folding, message: bytes, facilitator: bytes, by: str) -> None:
        self._tell(lambda id, item: True, "message", by=by)

    monkey.setattr(Folding, "fold", wrong)


def _a_standby_comes_beside_facilitators(monkey: Monkey) -> None:
    """Neither relay nor members wait for 90 s of silence."""

    async def wrong(requester: object) -> None:
        """Ask nothing."""

    for asks in ("publish", "standby"):
        monkey.setattr(f"alcove_server.requests.{asks}.require_unattended", wrong)
    monkey.setattr(Presence, "in_doubt", property(lambda self: True))


def _no_member_answers(monkey: Monkey) -> None:
    monkey.setattr(StandbyAnswers, "_answer", lambda self, statement: None)


def _nobody_lets_in_from_outside(monkey: Monkey) -> None:
    monkey.setattr(WaysBack, "look", lambda self, let_in: None)


def _the_living_are_called_lost(monkey: Monkey) -> None:
    def wrong(self: SameNames, name: str) -> NamedMember | None:
        same = [person for person in self._membership.people() if person.name == name]
        key = same[0].key if same else b""
        return NamedMember(name, key, key, 9999, False) if key else None

    monkey.setattr(SameNames, "find", wrong)


def _listeners_may_write(monkey: Monkey) -> None:
    admit = Room.admit

    async def wrong(self: Room, *ids: str, to_listen: bool = False) -> None:
        await admit(self, *ids)

    monkey.setattr(Room, "admit", wrong)


def _another_reason(monkey: Monkey) -> None:
    refuse = Room.refuse

    async def wrong(self: Room, id: str, reason: str = "refused") -> None:
        await refuse(self, id, "write_first" if reason == "refused" else "refused")

    monkey.setattr(Room, "refuse", wrong)


PLANTED: Final = (
    Planted("sent without an answer", _sent_without_an_answer, "has not taken it"),
    Planted("sent under another id", _sent_under_another_id, "shown before"),
    Planted("gaps are not told", _gaps_are_not_told, "told of no gap", (), 50),
    Planted("no commit is stale", _no_commit_is_stale, "unreadable", ("calm",), 31),
    Planted("leaving is called removing", _leaving_is_called_removing, "no entry says so"),
    Planted("the relay forgets a blob", _the_relay_forgets_a_blob, "nothing was missed"),
    Planted("held clients do not ask", _held_clients_do_not_ask, "is held", ("lies",), 140),
    Planted("silence is told too soon", _silence_is_told_too_soon, "nothing is wrong"),
    Planted("the removed stay", _the_removed_stay, "roster_mismatch"),
    Planted("asked too soon", _a_person_is_asked_too_soon, "they returned", ("lies",), 100),
    Planted("a refusal admits", _a_refusal_admits, "no facilitator admitted"),
    Planted("leaving ends the room", _leaving_ends_the_room, "no facilitator ended"),
    Planted("a fold folds all", _a_fold_folds_all, "no facilitator wanted that", (), 220),
    Planted(
        "a standby beside facilitators", _a_standby_comes_beside_facilitators, "a standby's", (), 7
    ),
    Planted("no member answers", _no_member_answers, "the standby's link", (), 47),
    Planted("nobody lets in from outside", _nobody_lets_in_from_outside, "still outside", (), 36),
    Planted("the living are called lost", _the_living_are_called_lost, "silent for", (), 205),
    Planted("listeners may write", _listeners_may_write, "let in to listen", (), 11),
    Planted("another reason", _another_reason, "there is no reason for"),
    Planted("nothing expires for readers", _nothing_expires_for_readers, "which has expired"),
    *PLANTED_WAYS,
)

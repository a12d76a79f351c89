"""A log that a client brought back is new at first: the truth has time to come."""

from __future__ import annotations

from dataclasses import replace

from alcove_protocol import limits
from alcove_protocol.card import card_number
from alcove_protocol.codec import pack_list, unpack_list
from alcove_protocol.frames import (
    BlobClass,
    Bye,
    ChainIs,
    Done,
    EndRoom,
    Published,
    ReadChain,
    Reseat,
    Resumed,
    SeatedDoor,
)
from alcove_protocol.labels import Label
from alcove_protocol.roster import NO_HASH, Change, Op, Role, Seat, open_roster
from alcove_protocol.statements import ReseatStatement, Signed
from alcove_server.ports.outlet import Close
from nacl.signing import SigningKey

from tests.server.keys import Door, Facilitated, public, sign
from tests.server.scene import Person, Scene


class Forgotten:
    """A room that the relay has forgotten. In its true chain X was a facilitator and is none."""

    def __init__(self) -> None:
        self.scene = Scene()
        room = self.scene.room = Facilitated()
        self.a = room.relay_key
        self.x, self.p, self.q = (SigningKey.generate() for _ in range(3))
        seats = ((self.x, Role.FACILITATOR), (self.p, Role.PARTICIPANT), (self.q, Role.PARTICIPANT))
        for key, role in seats:
            self.extend(room, Change(Op.ADD, public(key), Seat(bytes(8), role)))
        self.before = self.copy(room)
        self.extend(room, Change(Op.CHANGE, public(self.x), Seat(role=Role.PARTICIPANT)))
        self.true = room
        self.stale = self.copy(self.before)
        self.extend(self.stale, Change(Op.REMOVE, public(self.p)), by=self.x)

    def extend(self, room: Facilitated, change: Change, by: SigningKey | None = None) -> None:
        room.take(room.entry((change,), base=bytes(16), commit=b"commit", signer=by))

    @staticmethod
    def copy(room: Facilitated) -> Facilitated:
        other = Facilitated(root=room.root, relay_key=room.relay_key)
        other.chain, other.roster = list(room.chain), room.roster
        return other

    def bring(self, key: SigningKey, room: Facilitated) -> str:
        """Bring this chain in role `reseat`. Return the code of the refusal, or nothing."""
        person = Person(self.scene, key)
        person.authenticate("reseat")
        return answered(person, frame_of(person, room, whole=True))

    def enter(self, key: SigningKey) -> Person:
        person = Person(self.scene, key)
        person.authenticate()
        return person

    def named(self, key: SigningKey, room: Facilitated) -> str:
        """Come as a member, and name the head of this chain."""
        person = self.enter(key)
        return answered(person, frame_of(person, room, whole=False))

    def state(self, key: SigningKey) -> Resumed:
        return self.enter(key).resume()

    def wait(self, seconds: float) -> None:
        self.scene.clock.advance(seconds)


def frame_of(person: Person, room: Facilitated, *, whole: bool) -> Reseat:
    body = ReseatStatement(room.id, person.public, room.roster.head, NO_HASH)
    said = sign(person.key, Label.RESEAT, body)
    chain = pack_list([entry.encode() for entry in room.chain]) if whole else b""
    return Reseat(person.next_n(), said.body, said.signature, chain, b"", b"")


def answered(person: Person, frame: Reseat) -> str:
    person.send(frame)
    answer = next(one for one in person.fetch() if getattr(one, "n", None) == frame.n)
    return "" if isinstance(answer, Done) else answer.code  # type: ignore[attr-defined]  # a refusal


def commit(person: Person, base: bytes) -> str:
    return person.refused(person.blob(b"a commit", BlobClass.COMMIT, base=base))


def test_any_member_brings_the_room_back() -> None:
    gone = Forgotten()
    assert gone.bring(gone.p, gone.true) == ""
    assert gone.enter(gone.a).resume().unsettled


def test_who_is_not_on_the_list_that_they_bring_brings_no_room() -> None:
    gone = Forgotten()
    assert gone.bring(SigningKey.generate(), gone.true) == "not_member"
    gone.extend(gone.true, Change(Op.REMOVE, public(gone.x)))
    assert gone.bring(gone.x, gone.true) == "not_member"


def test_a_participant_brings_no_doors() -> None:
    gone = Forgotten()
    person = Person(gone.scene, gone.p)
    person.authenticate("reseat")
    frame = frame_of(person, gone.true, whole=True)
    other = Reseat(frame.n, frame.statement, frame.signature, frame.chain, b"", b"\0\0\0\0")
    assert answered(person, other) == "not_allowed"


def test_nothing_is_committed_and_no_room_ended_in_an_unsettled_log() -> None:
    gone = Forgotten()
    gone.bring(gone.a, gone.true)
    host = gone.enter(gone.a)
    resumed = host.resume()
    assert resumed.unsettled == limits.UNSETTLED_LEAST + 1
    assert commit(host, resumed.base) == "unsettled"
    gone.scene.base = resumed.base
    frame = gone.scene.room.entry((), base=resumed.base, commit=b"with an entry")
    assert host.refused(
        type(host.blob())(
            host.next_n(), bytes(16), resumed.base, 1, 60, b"with an entry", frame.body,
            frame.signature,
        )
    ) == "unsettled"  # fmt: skip
    end = gone.true.end()
    assert host.refused(EndRoom(host.next_n(), end.body, end.signature)) == "unsettled"
    host.beat()
    assert host.say(b"goes on").position


def test_a_log_is_settled_after_a_minute_when_most_members_named_its_head() -> None:
    gone = Forgotten()
    gone.bring(gone.a, gone.true)
    assert gone.named(gone.p, gone.true) == gone.named(gone.q, gone.true) == ""
    gone.wait(limits.UNSETTLED_LEAST - 1)
    assert gone.state(gone.a).unsettled
    gone.wait(1)
    assert not gone.state(gone.a).unsettled
    host = gone.enter(gone.a)
    taken = host.ask(host.blob(b"c", BlobClass.COMMIT, base=host.resume().base), Published)
    assert taken.position[8:] == (1).to_bytes(8, "big")


def test_a_log_is_settled_after_ten_minutes_when_few_came() -> None:
    gone = Forgotten()
    gone.bring(gone.a, gone.true)
    gone.named(gone.p, gone.true)
    gone.wait(limits.UNSETTLED - 1)
    gone.scene.relay.tick()
    assert gone.state(gone.a).unsettled
    gone.wait(1)
    assert not gone.state(gone.a).unsettled


def test_two_connections_of_one_member_are_one_vote() -> None:
    gone = Forgotten()
    gone.bring(gone.a, gone.true)
    for _ in range(4):
        gone.named(gone.p, gone.true)
    gone.wait(limits.UNSETTLED_LEAST)
    assert gone.state(gone.a).unsettled


def test_a_stale_chain_gives_way_to_the_one_that_goes_on() -> None:
    """X, who was demoted, is the first. The one who demoted them comes within the wait."""
    gone = Forgotten()
    gone.bring(gone.x, gone.before)
    first = gone.state(gone.x)
    assert gone.bring(gone.a, gone.true) == ""
    second = gone.enter(gone.x)
    resumed = second.resume()
    assert resumed.base[:8] != first.base[:8]
    assert second.refused(second.blob(b"beat", BlobClass.BEAT, base=resumed.base)) == "not_allowed"


def test_members_who_are_behind_do_not_shorten_the_wait_for_an_absent_facilitator() -> None:
    """X brings a branch of their own. P and Q have not heard of the demotion: they name what is
    the start of that branch, too. Only the absence of A speaks against it."""
    gone = Forgotten()
    branch = gone.copy(gone.before)
    gone.extend(branch, Change(Op.CHANGE, public(gone.q), Seat(paused=True)), by=gone.x)
    gone.bring(gone.x, branch)
    assert gone.named(gone.p, gone.before) == gone.named(gone.q, gone.before) == ""
    gone.wait(limits.UNSETTLED - 1)
    assert gone.state(gone.p).unsettled
    assert gone.bring(gone.a, gone.true) == "roster_conflict"
    gone.wait(1)
    assert gone.state(gone.p).disputed


def test_members_who_are_behind_wait_a_minute_when_every_facilitator_is_here() -> None:
    """The relay died when it had told the last commit to its author alone."""
    gone = Forgotten()
    branch = gone.copy(gone.before)
    gone.extend(branch, Change(Op.CHANGE, public(gone.q), Seat(paused=True)))
    gone.bring(gone.a, branch)
    gone.named(gone.p, gone.before)
    gone.wait(limits.UNSETTLED_LEAST)
    assert gone.state(gone.a).unsettled
    gone.named(gone.x, gone.before)
    assert not gone.state(gone.a).unsettled


def test_a_head_of_long_ago_does_not_choose_who_is_waited_for() -> None:
    """A was demoted since, and has a member bring a history that lacks it. A names the first entry,
    of which the list is A alone."""
    gone = Forgotten()
    gone.bring(gone.p, gone.before)
    alone = gone.copy(gone.before)
    alone.chain, (alone.roster, _) = alone.chain[:1], open_roster(alone.chain[0], alone.id)
    assert gone.named(gone.a, alone) == ""
    gone.wait(limits.UNSETTLED_LEAST)
    assert gone.state(gone.a).unsettled
    gone.wait(limits.UNSETTLED - limits.UNSETTLED_LEAST)
    assert not gone.state(gone.a).unsettled


def test_most_votes_seat_the_true_branch() -> None:
    gone = Forgotten()
    gone.bring(gone.x, gone.stale)
    assert gone.bring(gone.a, gone.true) == "roster_conflict"
    assert gone.bring(gone.p, gone.true) == "roster_conflict"
    assert gone.bring(gone.q, gone.true) == "roster_conflict"
    assert gone.state(gone.x).disputed
    gone.wait(limits.UNSETTLED_LEAST)
    assert gone.bring(gone.q, gone.true) == ""
    resumed = gone.state(gone.p)  # X had put P out
    assert resumed.unsettled
    assert not resumed.disputed


def test_a_tie_stays_held() -> None:
    gone = Forgotten()
    gone.bring(gone.x, gone.stale)
    gone.bring(gone.a, gone.true)
    gone.wait(limits.UNSETTLED + 60)
    assert gone.bring(gone.a, gone.true) == "roster_conflict"
    x = gone.enter(gone.x)
    resumed = x.resume()
    assert (resumed.disputed, resumed.unsettled > 0) == (True, True)
    assert commit(x, resumed.base) == "unsettled"


def test_more_votes_for_the_seated_branch_settle_it() -> None:
    gone = Forgotten()
    gone.bring(gone.a, gone.true)
    assert gone.bring(gone.x, gone.stale) == "roster_conflict"
    gone.named(gone.p, gone.true)
    gone.wait(limits.UNSETTLED_LEAST)
    assert gone.state(gone.a).disputed
    gone.wait(limits.UNSETTLED - limits.UNSETTLED_LEAST)
    assert not gone.state(gone.a).unsettled
    assert gone.bring(gone.x, gone.stale) == "roster_conflict"
    assert not gone.state(gone.a).unsettled


def test_who_a_branch_lists_itself_has_no_vote_about_it() -> None:
    gone = Forgotten()
    puppets = [SigningKey.generate() for _ in range(5)]
    for key in puppets:
        gone.extend(gone.stale, Change(Op.ADD, public(key), Seat()), by=gone.x)
    gone.bring(gone.x, gone.stale)
    for key in puppets:
        gone.named(key, gone.stale)
    for key in (gone.a, gone.p, gone.q):
        gone.bring(key, gone.true)
    gone.wait(limits.UNSETTLED_LEAST)
    assert gone.bring(gone.a, gone.true) == ""


def test_who_signed_entries_of_both_branches_speaks_for_none() -> None:
    """The first facilitator was demoted, and goes back to when they were alone on the list."""
    gone = Forgotten()
    alone = Facilitated(root=gone.true.root, relay_key=gone.a)
    alone.chain = gone.true.chain[:1]
    alone.roster = open_roster(alone.chain[0], alone.id)[0]
    gone.extend(alone, Change(Op.ADD, public(SigningKey.generate()), Seat()))
    gone.bring(gone.a, alone)
    assert gone.bring(gone.p, gone.true) == "roster_conflict"
    gone.wait(limits.UNSETTLED)
    assert gone.state(gone.a).disputed


def test_who_signed_entries_of_both_branches_does_not_hold_the_room_against_others() -> None:
    gone = Forgotten()
    branch = gone.copy(gone.before)
    gone.extend(branch, Change(Op.CHANGE, public(gone.q), Seat(paused=True)))
    gone.bring(gone.p, gone.true)
    assert gone.bring(gone.a, branch) == "roster_conflict"
    gone.wait(limits.UNSETTLED)
    assert not gone.state(gone.a).unsettled


def test_an_end_that_does_not_know_the_rest_is_lifted() -> None:
    """X brings the room as it was, and ends it when the wait is over."""
    gone = Forgotten()
    gone.bring(gone.x, gone.before)
    gone.wait(limits.UNSETTLED)
    x = gone.enter(gone.x)
    end = gone.before.end(gone.x)
    x.ask(EndRoom(x.next_n(), end.body, end.signature), Done)
    assert gone.bring(gone.p, gone.before) == "ended"
    late = Person(gone.scene, gone.p)
    late.send(late.auth_frame("member"))
    refused, bye = late.fetch()
    assert isinstance(bye, Bye)
    assert (bye.statement, late.closed) == (end.body, Close.ENDED)
    assert bye.generation == refused.generation is not None  # type: ignore[attr-defined]
    assert gone.bring(gone.p, gone.true) == ""
    assert gone.state(gone.p).unsettled


def test_a_settled_log_takes_no_other_chain() -> None:
    gone = Forgotten()
    gone.bring(gone.a, gone.true)
    gone.wait(limits.UNSETTLED)
    assert not gone.state(gone.a).unsettled
    assert gone.bring(gone.x, gone.stale) == "roster_conflict"
    assert not gone.state(gone.a).disputed


def test_a_head_of_another_chain_is_not_named_but_brought() -> None:
    gone = Forgotten()
    gone.bring(gone.a, gone.true)
    person = gone.enter(gone.x)
    assert answered(person, frame_of(person, gone.stale, whole=False)) == "bad_roster"
    assert answered(person, frame_of(person, gone.stale, whole=True)) == "roster_conflict"
    assert gone.state(gone.a).disputed


def test_a_facilitator_puts_doors_that_the_relay_lost(scene: Scene, door: Door) -> None:
    ann = scene.member(door)
    empty = Scene()
    empty.room = scene.room
    back = Person(empty, ann.key)
    back.authenticate("reseat")
    assert answered(back, frame_of(back, scene.room, whole=True)) == ""
    host = Person(empty, scene.room.relay_key)
    host.authenticate()
    frame = frame_of(host, scene.room, whole=False)
    put = door.statement(scene.room)
    doors = pack_list([SeatedDoor(put.body, put.signature, door.card, 3, 60).encode()])
    naming = Reseat(frame.n, frame.statement, frame.signature, b"", b"", doors)
    assert answered(host, naming) == ""
    empty.newcomer(door).knock()


def test_a_head_that_is_lacked_is_answered_so_whatever_its_doors_say() -> None:
    """A's card was put anew by an entry that this chain lacks. The answer has to say that it is to
    be brought: what A did last would be lost else."""
    gone, door = Forgotten(), Door()
    gone.bring(gone.p, gone.before)
    a = gone.enter(gone.a)
    door.number = card_number(gone.true.roster.counter, 0)
    put = door.statement(gone.true)
    doors = pack_list([SeatedDoor(put.body, put.signature, door.card, 3, 60).encode()])
    frame = frame_of(a, gone.true, whole=False)
    assert answered(a, replace(frame, doors=doors)) == "bad_roster"
    back = Person(gone.scene, gone.a)
    back.authenticate("reseat")
    frame = frame_of(back, gone.true, whole=True)
    assert answered(back, replace(frame, doors=doors)) == ""
    gone.scene.newcomer(door).knock()


def test_a_newcomer_at_a_door_that_nobody_put_yet_is_told_to_wait() -> None:
    gone = Forgotten()
    gone.bring(gone.p, gone.true)
    door = Door()
    newcomer = Person(gone.scene)
    assert newcomer.turned_away(newcomer.auth_frame("door", door)) == "unsettled"
    gone.wait(limits.UNSETTLED)
    assert not gone.state(gone.p).unsettled
    newcomer.connect()
    assert newcomer.turned_away(newcomer.auth_frame("door", door)) == "unknown_door"


def test_a_member_reads_the_chain_in_parts() -> None:
    gone = Forgotten()
    for _ in range(800):
        gone.extend(gone.true, Change(Op.CHANGE, public(gone.q), Seat(paused=True)))
    gone.bring(gone.a, gone.true)
    person = gone.enter(gone.p)
    entries: list[Signed] = []
    more = True
    while more:
        part = person.ask(ReadChain(person.next_n(), len(entries)), ChainIs)
        assert part.first == len(entries)
        assert len(part.entries) <= limits.CHAIN_PAGE
        entries += [Signed.decode(item) for item in unpack_list(part.entries, most=1000)]
        more = part.more
    assert entries == gone.true.chain

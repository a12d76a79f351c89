"""What the others are told of a member who is gone: "left" only with the leave that they signed."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from alcove import events, mls
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import BlobClass, BlobIs
from alcove_protocol.labels import Label
from alcove_protocol.roster import Change, Op, RosterEntry, Seat
from alcove_protocol.statements import LeaveStatement, Signed

from tests.end_to_end.evil.rogue import (
    entry_by,
    leaf_of,
    relay_key,
    rogue_commit,
    room_of,
    roster_of,
)
from tests.end_to_end.evil.rooms import forget, problems, three
from tests.end_to_end.world import Client


def leave(cleo: Client, by: Client | None = None, **changed: object) -> Signed:
    """What Cleo signs to be let go."""
    wish = LeaveStatement(room_of(cleo), relay_key(cleo), roster_of(cleo).counter)
    # Values of two types.
    spoiled = replace(wish, **changed)  # type: ignore[arg-type]
    return (by or cleo).engine.identity.relay.sign(Label.LEAVE, spoiled)


def entry(by: Client, at: Client, blob: bytes, op: Op, cleo: Client, *leaves: Signed) -> Signed:
    """An entry as the facilitator signs it, that follows the list of `at`."""
    signer = by.engine.identity.relay
    signed = entry_by(signer, at, blob, Change(op, relay_key(cleo)))
    packed = pack_list([item.encode() for item in leaves]) if leaves else None
    return signer.sign(Label.ROSTER, replace(RosterEntry.decode(signed.body), leaves=packed))


Make = Callable[[Client, Client, Client, bytes], Signed | None]


def without_a_leave(ann: Client, bob: Client, cleo: Client, blob: bytes) -> Signed:
    return entry(ann, bob, blob, Op.LEFT, cleo)


def without_an_entry(ann: Client, bob: Client, cleo: Client, blob: bytes) -> None:
    return None


def signed_by_the_facilitator(ann: Client, bob: Client, cleo: Client, blob: bytes) -> Signed:
    return entry(ann, bob, blob, Op.LEFT, cleo, leave(cleo, ann))


def with_another_members_leave(ann: Client, bob: Client, cleo: Client, blob: bytes) -> Signed:
    return entry(ann, bob, blob, Op.LEFT, cleo, leave(bob))


def of_another_room(ann: Client, bob: Client, cleo: Client, blob: bytes) -> Signed:
    return entry(ann, bob, blob, Op.LEFT, cleo, leave(cleo, room=bytes(32)))


def of_an_earlier_seat(ann: Client, bob: Client, cleo: Client, blob: bytes) -> Signed:
    seated = roster_of(bob).since[relay_key(cleo)]
    return entry(ann, bob, blob, Op.LEFT, cleo, leave(cleo, counter=seated - 1))


def of_later(ann: Client, bob: Client, cleo: Client, blob: bytes) -> Signed:
    return entry(ann, bob, blob, Op.LEFT, cleo, leave(cleo, counter=roster_of(bob).counter + 1))


def used_before(ann: Client, bob: Client, cleo: Client, blob: bytes) -> Signed:
    """Cleo left with it, and was seated again."""
    wish, membership = leave(cleo), bob.engine.require_member().membership
    went = entry(ann, bob, b"went", Op.LEFT, cleo, wish)
    assert membership._extend_roster(b"went", went) == {relay_key(cleo): Op.LEFT}
    seat = Change(Op.ADD, relay_key(cleo), Seat())
    came = entry_by(ann.engine.identity.relay, bob, b"came", seat)
    assert membership._extend_roster(b"came", came) == {relay_key(cleo): Op.ADD}
    return entry(ann, bob, blob, Op.LEFT, cleo, wish)


def by_the_relay(ann: Client, bob: Client, cleo: Client, blob: bytes) -> Signed:
    return entry(bob.world.client("Relay"), bob, blob, Op.LEFT, cleo, leave(cleo))


def of_another_commit(ann: Client, bob: Client, cleo: Client, blob: bytes) -> Signed:
    return entry(ann, bob, b"another", Op.LEFT, cleo, leave(cleo))


def an_honest_removal(ann: Client, bob: Client, cleo: Client, blob: bytes) -> Signed:
    return entry(ann, bob, blob, Op.REMOVE, cleo)


def who_is_absent(ann: Client, bob: Client, cleo: Client, blob: bytes) -> Signed:
    return entry(ann, bob, blob, Op.ABSENT, cleo)


FALSE: dict[str, Make] = {
    "without a leave": without_a_leave,
    "without an entry": without_an_entry,
    "forged by the facilitator": signed_by_the_facilitator,
    "another member's leave": with_another_members_leave,
    "of another room": of_another_room,
    "of an earlier seat": of_an_earlier_seat,
    "of later": of_later,
    "used before": used_before,
    "an entry by the relay": by_the_relay,
    "an entry of another commit": of_another_commit,
}


def told(make: Make) -> Client:
    """Ann removes Cleo, and Bob, who was there before Cleo, gets this entry with the commit."""
    world, ann, bob, cleo = three()
    blob = rogue_commit(ann, mls.Remove(leaf_of(cleo)))
    made = make(ann, bob, cleo, blob)

    def with_entry(frame: BlobIs) -> BlobIs:
        assert made is not None
        return replace(frame, entry=made.body, signature=made.signature)

    if made is not None:
        world.alter(bob, BlobIs, with_entry, lambda frame: frame.blob == blob)
    forget(bob)
    world.take(room_of(bob), blob, BlobClass.COMMIT)
    assert bob.members() == {"Ann", "Bob"}
    return bob


def words(client: Client) -> tuple[list[str], list[str]]:
    left, removed = client.of(events.Left), client.of(events.Removed)
    return [event.name for event in left], [event.name for event in removed]


def test_the_others_are_told_that_a_member_left_who_signed_it() -> None:
    def rightly(ann: Client, bob: Client, cleo: Client, blob: bytes) -> Signed:
        return entry(ann, bob, blob, Op.LEFT, cleo, leave(cleo))

    bob = told(rightly)
    assert words(bob) == (["Cleo"], [])
    assert problems(bob) == []


@pytest.mark.parametrize("make", FALSE.values(), ids=FALSE.keys())
def test_the_others_are_told_of_no_leave_that_the_member_did_not_sign_for_now(make: Make) -> None:
    bob = told(make)
    assert words(bob) == ([], ["Cleo"])
    assert problems(bob) == ["roster_mismatch"]


def test_the_others_are_told_that_a_member_was_removed() -> None:
    bob = told(an_honest_removal)
    assert words(bob) == ([], ["Cleo"])
    assert bob.of(events.Absent) == []
    assert problems(bob) == []


def test_the_others_are_told_by_whom_a_member_was_let_go_as_absent() -> None:
    """A facilitator can claim it of a member who is there. It is told as theirs."""
    bob = told(who_is_absent)
    assert words(bob) == ([], [])
    assert bob.of(events.Absent) == [events.Absent("Cleo", "Ann")]
    assert problems(bob) == []


def test_an_absence_of_one_who_stays_in_the_group_is_told_to_nobody() -> None:
    """The list alone says so: it is another than the group's, and everybody is told that."""
    world, ann, bob, cleo = three()
    forget(bob)
    blob = rogue_commit(ann, force_path=True)
    made = entry(ann, bob, blob, Op.ABSENT, cleo)
    world.alter(
        bob,
        BlobIs,
        lambda frame: replace(frame, entry=made.body, signature=made.signature),
        lambda frame: frame.blob == blob,
    )
    world.take(room_of(bob), blob, BlobClass.COMMIT)
    assert bob.members() == {"Ann", "Bob", "Cleo"}
    assert bob.of(events.Absent) == []
    assert problems(bob) == ["roster_mismatch"]


def test_who_came_later_cannot_tell_an_earlier_leave_of_the_same_key() -> None:
    """Nothing in the Welcome says since when the others are there. So such a leave counts, and all
    go on with the same list. The relay, which knows, does not take the entry."""
    world, ann, _bob, cleo = three()
    dora = world.join(ann, "Dora")
    assert roster_of(dora).since.get(relay_key(cleo), 0) == 0
    blob = rogue_commit(ann, mls.Remove(leaf_of(cleo)))
    made = entry(ann, dora, blob, Op.LEFT, cleo, leave(cleo, counter=1))
    membership = dora.engine.require_member().membership
    assert membership._extend_roster(blob, made) == {relay_key(cleo): Op.LEFT}
    assert membership.alarm is None

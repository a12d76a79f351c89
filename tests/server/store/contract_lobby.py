"""What every `Store` must do with doors and with the lobby."""

from dataclasses import replace
from functools import partial

import pytest
from alcove_protocol import limits
from alcove_protocol.frames import BlobClass, LobbyKind
from alcove_server.store.budget import CLOSED_DOORS, REQUESTS, SETTLED, VAULTS
from alcove_server.store.interface import (
    RosterMoved,
)

from tests.server.store.bench import (
    ANN,
    BEN,
    HEAD,
    HOST,
    NEXT,
    ROOM,
    Bench,
    Benched,
    step,
)


class LobbyContract(Benched):
    """A part of `StoreContract`."""

    def test_a_door_closes_with_its_last_use_its_time_or_a_revocation(self, bench: Bench) -> None:
        bench.open()
        for id in (b"door-one", b"door-two"):
            bench.put(bench.door(id, uses=1))
        bench.put(bench.door(b"door-new", ttl=10.0))
        bench.knock()
        admit = step(admitted={BEN: b"door-one"})
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, step=admit))
        bench.do(bench.store.revoke_door(ROOM, b"door-two", NEXT))
        bench.clock.advance(10)
        for id, code in (
            (b"door-one", "door_used"),
            (b"door-two", "door_revoked"),
            (b"door-new", "door_expired"),
        ):
            door = bench.found(id)
            assert door is not None
            assert (door.closed, door.card, door.key) == (code, b"", b"K" * 32)
            knock = bench.store.knock(ROOM, ANN, id, b"x" * 16, b"knock")
            assert bench.refusal(knock) == code
            again = bench.store.put_door(ROOM, bench.door(id), NEXT)
            assert bench.refusal(again) == code

    def test_a_revoked_door_admits_its_waiting_newcomer_marked(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.knock()
        bench.do(bench.store.revoke_door(ROOM, b"door-one", HEAD))
        (item,) = bench.do(bench.store.read_lobby(ROOM, 0, False)).items
        assert item.door_revoked
        admit = step(admitted={BEN: b"door-one"})
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, step=admit))

    def test_a_card_is_replaced_by_a_higher_number(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.put(bench.door())
        newer = replace(bench.door(uses=9, ttl=9.0), card=b"newer")
        assert bench.refusal(bench.store.put_door(ROOM, newer, HEAD)) == "bad_statement"
        other_key = replace(newer, card_number=2, key=b"x" * 32)
        assert bench.refusal(bench.store.put_door(ROOM, other_key, HEAD)) == "bad_statement"
        bench.put(replace(newer, card_number=2))
        door = bench.found()
        assert door is not None
        assert (door.card, door.uses_left, door.closed) == (b"newer", 2, None)
        bench.clock.advance(9)
        door = bench.found()
        assert door is not None
        assert door.closed is None

    def test_doors_are_bounded_open_and_closed(self, bench: Bench) -> None:
        bench.open()
        for number in range(CLOSED_DOORS + 1):
            id = b"%8d" % number
            bench.put(bench.door(id))
            bench.do(bench.store.revoke_door(ROOM, id, HEAD))
        assert bench.found(b"%8d" % 0) is None
        assert bench.found(b"%8d" % 1) is not None
        for number in range(limits.DOORS):
            bench.put(bench.door(b"open%4d" % number))
        assert bench.refusal(bench.store.put_door(ROOM, bench.door(), HEAD)) == "too_many_doors"
        assert bench.refusal(bench.store.revoke_door(ROOM, b"nowhere.", HEAD)) == "unknown_door"

    def test_one_facilitator_takes_no_door_from_another(self, bench: Bench) -> None:
        """Doors that the group's list does not have would close the room to newcomers."""
        bench.open()
        for number in range(limits.DOORS):
            bench.put(replace(bench.door(b"rogue%3d" % number), by=BEN))
        more = replace(bench.door(b"rogue---"), by=BEN)
        assert bench.refusal(bench.store.put_door(ROOM, more, HEAD)) == "too_many_doors"
        for number in range(limits.DOORS // 2):
            bench.put(replace(bench.door(b"true%4d" % number), by=ANN))
        gone, left = bench.found(b"rogue%3d" % 31), bench.found(b"rogue%3d" % 32)
        assert gone is not None
        assert left is not None
        assert (gone.closed, gone.card) == ("door_expired", b"")
        assert left.closed is None
        mine = bench.found(b"true   0")
        assert mine is not None
        assert (mine.closed, mine.by) == (None, ANN)
        more = replace(bench.door(b"true----"), by=ANN)
        assert bench.refusal(bench.store.put_door(ROOM, more, HEAD)) == "too_many_doors"

    def test_doors_change_only_under_the_roster_that_was_judged_by(self, bench: Bench) -> None:
        bench.open()
        for work in (
            bench.store.put_door(ROOM, bench.door(), NEXT),
            bench.store.revoke_door(ROOM, b"door-one", NEXT),
        ):
            with pytest.raises(RosterMoved):
                bench.do(work)

    def test_a_closed_door_is_forgotten_a_day_after_its_time(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door(ttl=10.0))
        self.keep_alive(bench, 10 + limits.TOMBSTONE - 1)
        assert bench.found() is not None
        self.keep_alive(bench, 1)
        assert bench.found() is None

    def test_a_knock_is_taken_once(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.knock()
        bench.knock()
        assert bench.lobby() == [(1, LobbyKind.KNOCK, b"k" * 16)]
        assert bench.waits(BEN)
        again = bench.store.knock(ROOM, BEN, b"door-one", b"x" * 16, b"knock")
        assert bench.refusal(again) == "already_waiting"
        nowhere = bench.store.knock(ROOM, ANN, b"nowhere.", b"x" * 16, b"knock")
        assert bench.refusal(nowhere) == "unknown_door"

    def test_knocks_are_bounded_and_forgotten(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        for number in range(limits.KNOCKS_PER_DOOR):
            bench.knock(b"%32d" % number, id=b"%16d" % number)
        many = bench.store.knock(ROOM, BEN, b"door-one", b"x" * 16, b"knock")
        assert bench.refusal(many) == "too_many_knocks"
        bench.clock.advance(limits.KNOCK_TTL)
        bench.do(bench.store.expire(10))
        assert bench.lobby() == []
        first = bench.do(bench.store.take_refusal(ROOM, b"%32d" % 0))
        assert first == (b"%16d" % 0, b"")
        bench.knock()

    def test_a_full_door_leaves_places_to_others_until_the_room_is_full(self, bench: Bench) -> None:
        bench.open()
        full = limits.KNOCKS // limits.KNOCKS_PER_DOOR
        doors = [b"door-%03d" % number for number in range(full + 1)]
        for door in doors:
            bench.put(bench.door(door))
        for number in range(limits.KNOCKS):
            door = doors[number // limits.KNOCKS_PER_DOOR]
            bench.knock(b"%32d" % number, door, b"%16d" % number)
        more = bench.store.knock(ROOM, BEN, doors[full], b"x" * 16, b"knock")
        assert bench.refusal(more) == "too_many_knocks"
        bench.do(bench.store.settle(ROOM, b"%16d" % 0))
        bench.knock(door=doors[full])

    def test_a_reason_waits_for_its_newcomer_and_is_told_once(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.knock()
        bench.do(bench.store.settle(ROOM, b"k" * 16, b"sealed"))
        assert bench.do(bench.store.take_refusal(ROOM, BEN)) == (b"k" * 16, b"sealed")
        assert bench.do(bench.store.take_refusal(ROOM, BEN)) is None
        assert bench.refusal(bench.store.settle(ROOM, b"k" * 16)) == "unknown_knock"

    def test_a_reason_is_forgotten(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.knock()
        bench.do(bench.store.settle(ROOM, b"k" * 16, b"sealed"))
        bench.clock.advance(limits.KNOCK_TTL)
        assert bench.do(bench.store.take_refusal(ROOM, BEN)) is None

    def test_a_withdrawn_knock_is_settled_without_a_reason(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.knock()
        bench.do(bench.store.withdraw(ROOM, BEN))
        assert bench.refusal(bench.store.withdraw(ROOM, BEN)) == "unknown_knock"
        assert bench.do(bench.store.take_refusal(ROOM, BEN)) is None
        assert bench.lobby(1) == [(2, LobbyKind.GONE, b"k" * 16)]

    def test_requests_are_bounded_for_each_member(self, bench: Bench) -> None:
        bench.open()
        ids = [bytes([number]) * 16 for number in range(REQUESTS + 1)]
        for id in [*ids, ids[-1]]:
            bench.do(bench.store.add_item(ROOM, LobbyKind.REQUEST, ANN, id, b"update"))
        assert [id for _, _, id in bench.lobby()] == ids[1:]
        assert bench.lobby(REQUESTS + 1)[-1][1:] == (LobbyKind.GONE, ids[0])
        refuse = bench.store.settle(ROOM, ids[-1], b"reason")
        assert bench.refusal(refuse) == "unknown_knock"

    def test_the_newest_ask_of_a_key_is_kept_and_answers_as_vaults_are(self, bench: Bench) -> None:
        bench.open()

        def add(kind: LobbyKind, key: bytes, id: bytes, to: bytes = b"") -> None:
            bench.do(bench.store.add_item(ROOM, kind, key, id * 16, b"v", to))

        for id in (b"1", b"2", b"2"):
            add(LobbyKind.ASK, ANN, id)
        add(LobbyKind.ASK, BEN, b"3")
        assert [id[:1] for _, _, id in bench.lobby()] == [b"2", b"3"]
        for id, to in ((b"4", ANN), (b"5", ANN), (b"6", BEN)):
            add(LobbyKind.ANSWER, HOST, id, to)
        assert [id[:1] for _, _, id in bench.lobby()] == [b"2", b"3", b"5", b"6"]
        assert bench.refusal(bench.store.settle(ROOM, b"5" * 16, None, HOST)) == "unknown_knock"
        bench.do(bench.store.settle(ROOM, b"5" * 16, None, ANN))
        self.keep_alive(bench, limits.ASK_TTL)
        assert bench.lobby() == []

    def test_the_newest_vault_of_each_sender_and_recipient_is_kept(self, bench: Bench) -> None:
        bench.open()

        def add(key: bytes, id: bytes, to: bytes) -> None:
            bench.do(bench.store.add_item(ROOM, LobbyKind.VAULT, key, id * 16, b"v", to))

        for id, to in ((b"1", BEN), (b"2", BEN), (b"3", HOST), (b"3", HOST)):
            add(ANN, id, to)
        add(HOST, b"4", BEN)
        assert [id[:1] for _, _, id in bench.lobby()] == [b"2", b"3", b"4"]
        assert (3, LobbyKind.GONE, b"1" * 16) in bench.lobby(1)
        page = bench.do(bench.store.read_lobby(ROOM, 0, False))
        assert [item.to for item in page.items] == [BEN, HOST, BEN]
        for wrong in (HOST, b""):
            settle = bench.store.settle(ROOM, b"2" * 16, None, wrong)
            assert bench.refusal(settle) == "unknown_knock"
        bench.do(bench.store.settle(ROOM, b"2" * 16, None, BEN))
        for number in range(VAULTS):
            add(ANN, b"%c" % (97 + number), b"%32d" % number)
        kept = [id[:1] for _, _, id in bench.lobby()]
        assert kept == [b"4", *(b"%c" % (97 + number) for number in range(VAULTS))]
        self.keep_alive(bench, limits.REJOIN_WINDOW)
        assert bench.lobby() == []
        add(ANN, b"5", BEN)
        add(HOST, b"6", BEN)
        gone = step(gone=frozenset({ANN}))
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, step=gone))
        assert [id[:1] for _, _, id in bench.lobby()] == [b"6"]

    def test_a_talk_renews_its_knock_and_goes_with_it(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        say = partial(bench.store.add_talk, ROOM, BEN)
        assert bench.refusal(say(BEN, b"1" * 16, b"hi")) == "unknown_knock"
        bench.knock()
        bench.knock(ANN, id=b"a" * 16)
        bench.clock.advance(limits.KNOCK_TTL - 10)
        bench.beat()
        for key, id in ((BEN, b"1"), (HOST, b"2"), (BEN, b"1"), (HOST, b"3")):
            bench.do(say(key, id * 16, b"hi"))
        kinds = [(kind, id[:1]) for _, kind, id in bench.lobby()]
        assert kinds == [
            (LobbyKind.KNOCK, b"k"),
            (LobbyKind.KNOCK, b"a"),
            (LobbyKind.REQUEST, b"1"),
            (LobbyKind.VAULT, b"2"),
            (LobbyKind.VAULT, b"3"),
        ]
        told = bench.do(bench.store.talk_to(ROOM, BEN)).items
        assert [(item.id[:1], item.key, item.to, item.blob) for item in told] == [
            (b"2", HOST, BEN, b"hi"),
            (b"3", HOST, BEN, b"hi"),
        ]
        assert bench.do(bench.store.talk_to(ROOM, ANN)).items == ()
        for id in (b"1", b"2"):
            assert bench.refusal(bench.store.settle(ROOM, id * 16, None, BEN)) == "unknown_knock"
        bench.clock.advance(20)  # Ann's knock has ended, and Ben's was renewed
        bench.do(bench.store.expire(100))
        assert (bench.waits(ANN), bench.waits(BEN)) == (False, True)
        used = bench.store.used if hasattr(bench.store, "used") else None
        bench.do(bench.store.settle(ROOM, b"k" * 16, b"reason"))
        assert [id for _, _, id in bench.lobby()] == []
        assert bench.do(bench.store.talk_to(ROOM, BEN)).items == ()
        assert used is None or bench.store.used < used  # type: ignore[attr-defined]

    def test_a_talk_has_bounds_each_way(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.knock()
        say = partial(bench.store.add_talk, ROOM, BEN)
        for key in (BEN, HOST):
            for number in range(limits.DOOR_TALK):
                bench.do(say(key, bytes([number]) * 16, b"hi"))
            bench.do(say(key, bytes(16), b"hi"))  # the same again
            assert bench.refusal(say(key, b"z" * 16, b"hi")) == "talk_full"
        assert bench.refusal(say(ANN, b"z" * 16, b"hi")) == "talk_full"
        # It takes no place from a member's requests, and none from a facilitator's vaults.
        bench.do(bench.store.add_item(ROOM, LobbyKind.VAULT, HOST, b"v" * 16, b"v", ANN))
        assert len(bench.lobby()) == 2 * limits.DOOR_TALK + 2

    def test_an_admission_ends_the_talk(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.knock()
        bench.do(bench.store.add_talk(ROOM, BEN, BEN, b"1" * 16, b"hi"))
        bench.do(bench.store.add_talk(ROOM, BEN, HOST, b"2" * 16, b"hi"))
        admit = step(admitted={BEN: b"door-one"})
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, step=admit))
        assert bench.lobby() == []

    def test_a_talk_that_is_renewed_ends_a_quarter_of_an_hour_later(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.knock()
        self.keep_alive(bench, 600)
        bench.do(bench.store.add_talk(ROOM, BEN, HOST, b"2" * 16, b"hi"))
        self.keep_alive(bench, limits.KNOCK_TTL - 1)
        assert bench.waits(BEN)
        bench.clock.advance(2)
        assert not bench.waits(BEN)
        assert bench.do(bench.store.talk_to(ROOM, BEN)).items == ()

    def test_what_many_asked_for_is_settled_in_the_order_of_its_numbers(self, bench: Bench) -> None:
        bench.open()
        keys = [bytes([number]) * 32 for number in range(5)]
        for id in range(3 * len(keys)):
            key = keys[id % len(keys)]
            bench.do(bench.store.add_item(ROOM, LobbyKind.REQUEST, key, bytes([id]) * 16, b"r"))
        gone = step(gone=frozenset(keys[1:]))
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, step=gone))
        ids = [bytes([id]) * 16 for id in range(3 * len(keys))]
        assert [id for _, _, id in bench.lobby()] == ids[:: len(keys)]
        told = bench.lobby(3 * len(keys))
        assert [id for _, kind, id in told if kind is LobbyKind.GONE] == [
            id for at, id in enumerate(ids) if at % len(keys)
        ]

    def test_only_the_newest_of_what_was_settled_is_remembered(self, bench: Bench) -> None:
        bench.open()
        count = SETTLED + 6
        for id in range(count):
            key = b"%32d" % (id // REQUESTS)
            bench.do(bench.store.add_item(ROOM, LobbyKind.REQUEST, key, b"%16d" % id, b"r"))
        keys = frozenset(b"%32d" % (id // REQUESTS) for id in range(count))
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, step=step(gone=keys)))
        assert bench.lobby() == []
        told = [(LobbyKind.GONE, b"%16d" % id) for id in range(6, count)]
        assert [(kind, id) for _, kind, id in bench.lobby(1)] == told
        bench.clock.advance(limits.KNOCK_TTL)
        assert bench.lobby(1) == []

    def test_knocks_and_requests_end_each_in_their_time(self, bench: Bench) -> None:
        bench.open()
        bench.put(bench.door())
        bench.do(bench.store.add_item(ROOM, LobbyKind.REQUEST, ANN, b"r" * 16, b"request"))
        self.keep_alive(bench, limits.REJOIN_WINDOW - limits.KNOCK_TTL)
        bench.put(bench.door(b"door-two"))
        bench.knock(door=b"door-two")
        self.keep_alive(bench, limits.KNOCK_TTL - 1)
        assert [id for _, _, id in bench.lobby()] == [b"r" * 16, b"k" * 16]
        self.keep_alive(bench, 1)
        assert bench.lobby() == []
        assert {id for _, _, id in bench.lobby(2)} == {b"r" * 16, b"k" * 16}
        assert bench.do(bench.store.take_refusal(ROOM, BEN)) == (b"k" * 16, b"")

    def test_doors_that_close_with_a_commit_mark_waiting_newcomers(self, bench: Bench) -> None:
        bench.open()
        for door, key in ((b"door-one", ANN), (b"door-two", BEN), (b"door-new", HOST)):
            bench.put(bench.door(door))
            bench.knock(key, door, key[:16])
        closed = step(revoked=frozenset({b"door-one", b"door-two", b"unknown."}))
        bench.publish(bench.publication(blob_class=BlobClass.COMMIT, step=closed))
        items = bench.do(bench.store.read_lobby(ROOM, 0, False)).items
        assert [item.door_revoked for item in items] == [True, True, False]

    def test_a_leave_stays_until_the_roster_says_so(self, bench: Bench) -> None:
        bench.open()
        for id in (b"l" * 16, b"m" * 16):
            bench.do(bench.store.add_item(ROOM, LobbyKind.LEAVE, ANN, id, b"leave"))
        assert bench.refusal(bench.store.settle(ROOM, b"l" * 16)) == "unknown_knock"
        self.keep_alive(bench, 2 * limits.REJOIN_WINDOW)
        assert bench.lobby() == [(1, LobbyKind.LEAVE, b"l" * 16)]

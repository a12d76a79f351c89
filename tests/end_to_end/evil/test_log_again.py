"""Row 29, more attempts: the log from its beginning again, and Welcomes that the relay kept."""

from dataclasses import replace

from alcove.events import RoomState
from alcove.messages.payload import Heartbeat, Text
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    Frame,
    LobbyRequest,
    Publish,
    Published,
    Resumed,
    WelcomeIs,
)
from alcove_protocol.statements import Signed

from tests.end_to_end.evil.old_epoch import SECOND, WITHIN, keep_keys, read
from tests.end_to_end.evil.relay import EvilWorld, Trick, anything
from tests.end_to_end.evil.rogue import group_of, rogue_commit, rogue_message, room_of
from tests.end_to_end.evil.rooms import commit_by, miss_a_commit, state, three
from tests.end_to_end.world import Client

NOT_POSTING = (RoomState.NOT_HEARD, RoomState.SPLIT)


class Thief:
    """Takes what a member publishes, and says that it stands right after what they have seen."""

    def __init__(self, world: EvilWorld, victim: Client) -> None:
        self.stolen: list[bytes] = []
        self.texts: list[bytes] = []

        def take(asked: Publish) -> list[Frame]:
            self.stolen.append(asked.blob)
            head = victim.engine.require_member().conversation.outbox.head
            if head is not None and head.kind == Text.KIND:
                self.texts.append(asked.blob)
            cursor = victim.engine.require_member().stream.cursor
            at = replace(cursor, number=cursor.number + 1)
            victim.engine.received(Published(asked.n, at.encode()).to_bytes())
            return []

        world._play(Trick(victim, Publish, anything, take))


def come_back_in(world: EvilWorld, client: Client, generation: bytes) -> None:
    """The connection is lost, and the relay says that its log has this generation."""
    client.cut()
    lie = never_behind(world, client, generation)
    client.back()
    world.settle()
    assert lie.hits
    lie.stop()


def never_behind(
    world: EvilWorld, client: Client, generation: bytes | None = None
) -> Trick[Resumed]:
    """The relay says that no commit was taken since the client's last one."""
    known = client.engine.require_member().membership

    def lie(answer: Resumed) -> Resumed:
        log = generation or answer.head[:8]
        base = log + known.base.number.to_bytes(8, "big")
        return replace(answer, head=log + answer.head[8:], base=base, commit=known.commit_hash)

    return world.alter(client, Resumed, lie)


def test_a_log_that_is_shown_again_covers_nothing_that_was_stolen() -> None:
    """The relay keeps heartbeats back from before the removal. It takes a message under a number,
    shows another generation, and then the first one again: the kept heartbeats stand there now."""
    world, ann, bob, cleo = three()
    stash = world.keep_back(cleo, BlobIs)
    world.drop(cleo, LobbyRequest)
    world.advance(240)  # before the first Updates: no commit comes
    kept = {blob.position: blob for blob in stash.hits}
    assert {blob.blob_class for blob in kept.values()} == {BlobClass.BEAT}
    beats = [kept[position] for position in sorted(kept)]
    group = keep_keys(world, bob)
    assert ann.remove("Bob") == []
    thief = Thief(world, cleo)
    real = cleo.engine.require_member().stream.cursor.generation
    world.forge(cleo, beats.pop(0))
    assert state(cleo) is RoomState.OPEN
    begun = world.clock()
    while len(beats) >= 2:
        cleo.say(f"{world.clock() - begun:.0f}")
        world.settle()
        come_back_in(world, cleo, SECOND)
        come_back_in(world, cleo, real)
        for _ in range(2):
            world.forge(cleo, beats.pop(0))
        lie = never_behind(world, cleo)  # her Update gets no answer, so she comes back herself
        world.advance(80)
        lie.stop()
    heard = read(group, thief.stolen)
    assert heard
    assert all(float(text) <= WITHIN for text in heard), heard
    assert state(cleo) in NOT_POSTING


def test_welcomes_that_the_relay_kept_win_no_further_90_seconds() -> None:
    """Cleo asks three times to be let in again. The relay keeps each Welcome. After the removal it
    hands them over one by one: in each of these epochs Bob was a member."""
    world, ann, bob, cleo = three()
    kept = world.keep_back(cleo, WelcomeIs)
    miss_a_commit(world, ann, cleo)
    commit_by(world, ann)
    world.advance(150)
    assert len(kept.hits) == 3
    last = group_of(bob).epoch
    assert ann.remove("Bob") == []
    kept.stop()
    world.drop(cleo, BlobIs)
    world.drop(cleo, LobbyRequest)
    never_behind(world, cleo)
    thief = Thief(world, cleo)
    sent: list[float] = []
    for welcome in kept.hits:
        world.forge(cleo, welcome)
        world.settle()
        assert group_of(cleo).epoch <= last
        for _ in range(12):
            cleo.say(f"{world.clock():.0f}")
            before = len(thief.texts)
            world.settle()
            sent += [world.clock()] * (len(thief.texts) - before)
            world.advance(10)
    assert sent
    assert sent[-1] - sent[0] <= WITHIN
    assert state(cleo) in NOT_POSTING


def test_who_comes_back_with_a_message_that_waits_posts_again_after_the_next_heartbeats() -> None:
    world, ann, bob, cleo = three()
    lost = world.drop(cleo, Publish, most=1)
    cleo.say("one")
    miss_a_commit(world, ann, cleo)
    world.advance(120)
    commit_by(world, ann)
    assert lost.hits
    world.advance(75)
    cleo.say("two")
    world.settle()
    assert ann.texts() == bob.texts() == ["one", "two"]
    assert state(cleo) is RoomState.OPEN


def test_a_removal_that_lost_its_race_stays_lost_in_another_generation() -> None:
    world, ann, bob, cleo = three()
    kept = world.drop(ann, Publish, lambda asked: asked.blob_class == BlobClass.COMMIT)
    ann.remove("Cleo")
    world.settle()
    asked = kept.hits[0]
    entry = Signed(asked.entry or b"", asked.signature or b"")
    known = cleo.engine.require_member().membership
    assert known.puts_me_out(entry)
    world.take(room_of(ann), rogue_commit(bob), BlobClass.COMMIT)
    assert not known.puts_me_out(entry)
    come_back_in(world, cleo, SECOND)
    assert not known.puts_me_out(entry)


def test_a_log_that_is_shown_again_clears_no_split() -> None:
    """A heartbeat differed. Kept ones agree, at the same numbers, after two changes of the log."""
    world, ann, _bob, cleo = three()
    stash = world.keep_back(cleo, BlobIs)
    world.drop(cleo, LobbyRequest)
    world.advance(160)
    kept = {blob.position: blob for blob in stash.hits}
    beats = [kept[position] for position in sorted(kept)]
    stream = cleo.engine.require_member().stream
    real = stream.cursor.generation
    world.forge(cleo, beats.pop(0))
    group = group_of(ann)
    head = ann.engine.require_member().membership.roster.head
    body = Heartbeat(group.epoch, group.epoch_authenticator, head, leaving=False, started=False)
    false = rogue_message(
        ann, body, kind="heartbeat", counter=0, ttl=90, log=bytes(31) + b"1", at=stream.cursor
    )
    world.forge(cleo, replace(beats[0], blob=false))
    assert state(cleo) is RoomState.SPLIT
    come_back_in(world, cleo, SECOND)
    come_back_in(world, cleo, real)
    for beat in beats[:3]:
        world.forge(cleo, beat)
    assert stream.log.anchored
    assert state(cleo) is RoomState.SPLIT

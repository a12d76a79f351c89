"""A request to be let in again: of one leaf, and worth nothing once that leaf is gone."""

from dataclasses import replace

from alcove import events
from alcove.engine.rejoining import ASK_AGAIN
from alcove.events import ConnectionState
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    LobbyItem,
    Publish,
    RequestRefused,
    WelcomeIs,
)

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    Making,
    commit_of_next_epoch,
    committer_of,
    group_of,
    leaf_of,
    relay_key,
    room_of,
)
from tests.end_to_end.evil.rooms import (
    a_commit,
    a_request,
    authenticators,
    commit_by,
    epochs,
    forget,
    goes_on,
    miss_a_commit,
    problems,
    three,
    two_facilitators,
)
from tests.end_to_end.evil.test_held import states
from tests.end_to_end.world import Client


def own_leaf_key(client: Client) -> bytes:
    leaf = group_of(client).member(leaf_of(client))
    assert leaf is not None
    return leaf.encryption_key


def tell_again(world: EvilWorld, to: Client, item: LobbyItem) -> None:
    """Hand a facilitator a request that the relay kept."""
    number = committer_of(to).lobby.number + 1
    world.forge(to, replace(item, number=number, id=world.random(16)))
    world.settle()


def held_and_released(world: EvilWorld, *facilitators: Client) -> list[LobbyItem]:
    """All members are held by a commit that none can follow, and ask. The relay keeps the
    requests: two of the commit's author, who may have another leaf, and one of each other. Then the
    first facilitator commits, and all follow: they were right to stay."""
    most = len(world.clients) - len(facilitators) + 1
    withheld = [world.drop(f, LobbyItem, a_request, most=most) for f in facilitators]
    author = facilitators[0]
    world.take(room_of(author), commit_of_next_epoch(world.clients[1]), BlobClass.COMMIT)
    commit_by(world, author)
    for trick in withheld:
        trick.stop()
    return list(withheld[0].hits)


def asked_by(kept: list[LobbyItem], client: Client) -> LobbyItem:
    return next(item for item in kept if item.key == relay_key(client))


def test_a_request_that_came_an_epoch_late_leaves_no_member_without_keys() -> None:
    """Cleo asked, and was right to stay after all. The relay delivers what she asked. No state
    shows yet that she is back, so she is let in again, and she still has the keys."""
    world, ann, bob, cleo = three()
    kept = held_and_released(world, ann)
    assert len(authenticators(ann, bob, cleo)) == 1
    forget(cleo)
    before = group_of(ann).epoch
    tell_again(world, ann, asked_by(kept, cleo))
    assert group_of(ann).epoch == before + 1
    assert len(authenticators(ann, bob, cleo)) == 1
    assert problems(cleo) == []
    assert states(cleo)[0] is ConnectionState.REJOINED
    for _ in range(3):  # repeated, it names a leaf that is gone
        tell_again(world, ann, asked_by(kept, cleo))
    assert group_of(ann).epoch == before + 1
    goes_on(world, ann, bob, cleo)


def test_who_was_right_to_stay_takes_fresh_keys_and_the_request_is_void() -> None:
    world, ann, bob, cleo = three()
    kept = held_and_released(world, ann)
    asked = own_leaf_key(cleo)
    world.advance(30)
    assert own_leaf_key(cleo) != asked
    before = epochs(ann, bob, cleo)
    tell_again(world, ann, asked_by(kept, cleo))
    tell_again(world, ann, asked_by(kept, bob))
    assert epochs(ann, bob, cleo) == before
    goes_on(world, ann, bob, cleo)


def test_a_second_facilitator_grants_nothing_that_the_first_has_granted() -> None:
    world, ann, bob, cleo = two_facilitators()
    kept = world.drop(bob, LobbyItem, a_request)
    miss_a_commit(world, ann, cleo)
    commit_by(world, ann)
    assert len(authenticators(ann, bob, cleo)) == 1
    before = epochs(ann, bob, cleo)
    for item in reversed(kept.hits):
        tell_again(world, bob, item)
    assert epochs(ann, bob, cleo) == before
    goes_on(world, bob, ann, cleo)


def test_a_facilitator_who_came_back_grants_nothing_old() -> None:
    """Ann's client lost the group and was let in again. It knows no history, only the state."""
    world, ann, bob, cleo = two_facilitators()
    kept = [world.drop(f, LobbyItem, a_request, most=1) for f in (ann, bob)]
    miss_a_commit(world, ann, cleo)
    commit_by(world, ann)
    world.advance(ASK_AGAIN + 5)
    assert len(authenticators(ann, bob, cleo)) == 1
    miss_a_commit(world, bob, ann)
    commit_by(world, bob)
    world.advance(5)
    assert ConnectionState.REJOINED in states(ann)
    before = epochs(ann, bob, cleo)
    for facilitator in (ann, bob):
        tell_again(world, facilitator, kept[0].hits[0])
    assert epochs(ann, bob, cleo) == before
    goes_on(world, ann, bob, cleo)


def test_a_relay_that_lost_its_memory_and_kept_a_request_gains_nothing() -> None:
    world, ann, bob, cleo = three()
    kept = world.drop(ann, LobbyItem, a_request, most=1)
    miss_a_commit(world, ann, cleo)
    commit_by(world, ann)
    world.advance(ASK_AGAIN + 5)
    assert len(authenticators(ann, bob, cleo)) == 1
    world.kill_relay()
    world.start_relay()
    world.advance(80)
    before = epochs(ann, bob, cleo)
    assert len(before) == 1
    tell_again(world, ann, kept.hits[0])
    assert epochs(ann, bob, cleo) == before
    goes_on(world, ann, bob, cleo)


def test_a_welcome_that_a_relay_lost_with_its_memory_is_asked_for_anew() -> None:
    """The rejoin was committed, and the relay died before it gave Cleo the Welcome."""
    world, ann, bob, cleo = three()
    miss_a_commit(world, ann, cleo)
    lost = world.drop(cleo, WelcomeIs, most=1)
    commit_by(world, ann)
    assert len(lost.hits) == 1
    world.kill_relay()
    world.start_relay()
    world.advance(3 * ASK_AGAIN)
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def test_old_requests_in_any_order_change_nothing_for_who_came_back() -> None:
    """Three requests of one stay, the oldest last, after the third was granted."""
    world, ann, bob, cleo = three()
    kept = world.drop(ann, LobbyItem, a_request)
    miss_a_commit(world, ann, cleo)
    commit_by(world, ann)
    world.advance(2 * ASK_AGAIN + 5)
    kept.stop()
    world.advance(ASK_AGAIN)
    assert len(authenticators(ann, bob, cleo)) == 1
    assert len(kept.hits) >= 3
    before = epochs(ann, bob, cleo)
    for item in [*reversed(kept.hits), *kept.hits]:
        tell_again(world, ann, item)
    assert len(authenticators(ann, bob, cleo)) == 1
    # The steps after the one that was granted name the leaf that is in. Each is good for once.
    assert group_of(ann).epoch <= max(before) + 2
    before = epochs(ann, bob, cleo)
    for item in kept.hits:
        tell_again(world, ann, item)
    assert epochs(ann, bob, cleo) == before
    goes_on(world, ann, bob, cleo)


def test_who_missed_the_commit_of_their_own_update_is_let_in() -> None:
    """The group holds the leaf of the Update, and Cleo's client has the one before."""
    world, ann, bob, cleo = three()
    cleo.engine.require_member()._key_updates.hasten()
    dropped = world.drop(cleo, BlobIs, a_commit, most=1)
    old = own_leaf_key(cleo)
    world.advance(15)
    assert len(dropped.hits) == 1
    group = group_of(ann)
    index = group.find(cleo.engine.identity.signature.public)
    assert index is not None
    leaf = group.member(index)
    assert leaf is not None
    assert leaf.encryption_key != old == own_leaf_key(cleo)
    commit_by(world, ann)
    assert ConnectionState.REJOINED in states(cleo)
    goes_on(world, ann, bob, cleo)


def test_a_facilitator_whose_refused_commit_was_taken_after_all_is_let_in() -> None:
    """The relay says of five of Bob's commits that it did not take them. It took the first, so the
    group holds the leaf of that one. Bob's client has dropped it, as it does after 16 more."""
    world, ann, bob, cleo = two_facilitators()
    refused = world.answer(
        bob,
        Publish,
        lambda asked: RequestRefused(asked.n, "bad_roster", ""),
        lambda asked: asked.blob_class == BlobClass.COMMIT,
        most=5,
    )
    for _ in range(5):
        committer_of(bob).committer.want(Making())
        world.settle()
    assert len(refused.hits) == len(group_of(bob).signed_leaf_keys) == 5
    for item in committer_of(bob).committer._aside:
        item.staged.drop()
    world.take(room_of(ann), refused.hits[0].blob, BlobClass.COMMIT)
    assert problems(bob)[-1] == "held"
    assert group_of(ann).epoch == group_of(bob).epoch + 1
    world.advance(3 * ASK_AGAIN)
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def test_who_never_got_the_welcome_asks_to_have_the_new_leaf_replaced() -> None:
    """The relay granted itself the pleasure twice: two rejoins went without their Welcome."""
    world, ann, bob, cleo = three()
    lost = world.drop(cleo, WelcomeIs, most=2)
    commits = world.drop(cleo, BlobIs, a_commit, most=2)  # nor does Cleo see which leaf she has
    commit_by(world, ann)
    commit_by(world, ann)
    commit_by(world, ann)
    world.advance(3 * ASK_AGAIN + 5)
    assert len(lost.hits) == len(commits.hits) == 2
    assert len(authenticators(ann, bob, cleo)) == 1
    goes_on(world, ann, bob, cleo)


def lose_old_epochs(host: Client) -> None:
    """As after 24 hours, or when the facilitator came later."""
    membership = host.engine.require_member().membership
    membership.request_secrets.wipe()
    membership.request_secrets.add(membership.group)


def test_who_asks_from_an_epoch_that_no_facilitator_knows_is_told_to_knock_again() -> None:
    world, ann, bob, cleo = three()
    miss_a_commit(world, ann, cleo)
    lose_old_epochs(ann)
    commit_by(world, ann)
    assert problems(cleo)[-1] == "held"
    world.advance(4 * ASK_AGAIN)
    assert cleo.engine.closed is None
    world.advance(3 * ASK_AGAIN)
    assert cleo.engine.closed is not None
    closed = cleo.engine.closed
    assert (closed.reason, closed.code) == (events.CloseReason.LOST, "knock_again")
    assert "knock again" in closed.text
    assert ann.members() == bob.members() == {"Ann", "Bob"}
    assert [event.name for event in bob.of(events.Left)] == ["Cleo"]
    again = world.join(ann, "Cleo")
    goes_on(world, ann, bob, again)


def test_who_asks_while_no_facilitator_is_there_waits() -> None:
    """Nobody could answer, so nothing says yet that none can."""
    world, ann, bob, cleo = three()
    dora = world.join(ann, "Dora")
    miss_a_commit(world, ann, cleo)
    requests = world.drop(ann, LobbyItem, a_request)
    commit_by(world, ann)
    ann.cut()
    world.advance(20 * 60, step=5, stay_away=(ann,))
    assert cleo.engine.closed is None
    requests.stop()
    world.advance(2 * ASK_AGAIN)
    assert len(authenticators(ann, bob, cleo, dora)) == 1
    goes_on(world, ann, bob, cleo, dora)


def test_a_relay_that_swallows_every_request_cannot_keep_a_member_waiting() -> None:
    world, ann, _bob, cleo = three()
    miss_a_commit(world, ann, cleo)
    world.drop(ann, LobbyItem)
    commit_by(world, ann)
    world.advance(7 * ASK_AGAIN)
    assert cleo.engine.closed is not None
    assert cleo.engine.closed.code == "knock_again"

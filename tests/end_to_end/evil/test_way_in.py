"""Rows 1, 11, 12, 13, 14b, 14c, 14d, 16: a ghost on the list, and every false way in."""

from dataclasses import replace

import pytest
from alcove import events, mls
from alcove.errors import NotTrusted
from alcove.events import CloseReason
from alcove.group.admission import (
    leaf_lifetime,
    listing_of,
    make_key_package,
    room_policy,
)
from alcove.group.extensions import ROSTER_EXTENSION, group_extensions
from alcove.group.keys import Identity, SigningKey
from alcove.group.sealing import (
    KnockBody,
    Psk,
    RefusalBody,
    door_psk,
    open_card,
    open_knock,
    seal_card,
    seal_knock,
    seal_refusal,
    seal_welcome,
    short_code,
)
from alcove_protocol import limits
from alcove_protocol.card import Card
from alcove_protocol.frames import (
    BlobClass,
    BlobIs,
    CardIs,
    Knock,
    KnockRefused,
    LobbyItem,
    LobbyKind,
    WelcomeIs,
)
from alcove_protocol.invite import Invite
from alcove_protocol.labels import Label, room_id_of
from alcove_protocol.roster import (
    Change,
    Op,
    Seat,
)
from alcove_protocol.statements import LeaveStatement, Opening, Signed

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    committer_of,
    entry_by,
    evil_leaf_extensions,
    group_of,
    relay_key,
    room_of,
    roster_of,
    state_of,
)
from tests.end_to_end.evil.rooms import authenticators, epochs, forget, goes_on, problems, three
from tests.end_to_end.world import AGREEMENT, Client

pytestmark = pytest.mark.second("Bob")


def with_entry(blob: BlobIs) -> bool:
    return blob.entry is not None


def knock_item(ann: Client, number: int, knock: bytes, key: bytes, door: bytes) -> LobbyItem:
    """An item as the relay gives it to a facilitator."""
    at = committer_of(ann).lobby.number
    id = number.to_bytes(16, "big")
    return LobbyItem(at + number, LobbyKind.KNOCK, id, key, 0, knock, door)


def person(world: EvilWorld, name: str) -> Identity:
    return Identity.generate(name, mls.ciphersuite(3), world.random)


def body_of(world: EvilWorld, ann: Client, newcomer: Identity) -> KnockBody:
    accepted = state_of(ann).agreement
    bundle = make_key_package(newcomer, accepted, world.wall(), world.random)
    reply = mls.ciphersuite(3).hpke_keypair(world.random)
    package = bundle.key_package.encode()
    return KnockBody(newcomer.name, package, newcomer.relay.public, reply.public, accepted)


def forge_knock(world: EvilWorld, ann: Client, number: int, body: KnockBody, key: bytes) -> None:
    invite = Invite.parse(ann.invite())
    item = knock_item(ann, number, b"-", key, invite.door)
    sealed = seal_knock(invite, state_of(ann).lobby_key, item.id, body, world.random)
    world.forge(ann, replace(item, blob=sealed))


# --- row 1: the ghost -------------------------------------------------------------------------


@pytest.mark.parametrize("signed_by", ["the relay", "a facilitator"])
def test_a_ghost_on_the_roster_is_never_shown_and_is_warned_of(signed_by: str) -> None:
    world, ann, bob, cleo = three()
    ghost = SigningKey.generate(world.random)
    signer = ghost if signed_by == "the relay" else ann.engine.identity.relay

    entries: dict[bytes, Signed] = {}

    def haunted(blob: BlobIs) -> BlobIs:
        if blob.blob not in entries:
            change = Change(Op.ADD, ghost.public, Seat())
            entries[blob.blob] = entry_by(signer, bob, blob.blob, change)
        entry = entries[blob.blob]
        return replace(blob, entry=entry.body, signature=entry.signature)

    forget(bob, cleo)
    tricks = [
        world.alter(c, BlobIs, haunted, lambda b: b.blob_class == BlobClass.COMMIT, most=1)
        for c in (bob, cleo)
    ]
    goes_on(world, ann, bob, cleo)
    assert [len(trick.hits) for trick in tricks] == [1, 1]
    for client in (bob, cleo):
        assert client.members() == {"Ann", "Bob", "Cleo"}
        assert not client.of(events.Joined)
        assert "roster_mismatch" in problems(client)


# --- row 14d: entries replayed or recombined --------------------------------------------------


@pytest.mark.second("Cleo")
@pytest.mark.parametrize("how", ["left out", "of an earlier commit", "of another signature"])
def test_a_roster_entry_replayed_or_recombined_is_refused_and_warned_of(how: str) -> None:
    world, ann, bob, cleo = three()
    earlier = [b for b in world.seen(BlobIs, bob) if with_entry(b)][-1]

    def swapped(blob: BlobIs) -> BlobIs:
        if how == "left out":
            return replace(blob, entry=None, signature=None)
        if how == "of another signature":
            return replace(blob, signature=earlier.signature)
        return replace(blob, entry=earlier.entry, signature=earlier.signature)

    before = bob.engine.require_member().membership.roster
    changed = world.alter(bob, BlobIs, swapped, with_entry, most=1)
    dora = world.join(ann, "Dora")
    assert len(changed.hits) == 1
    assert bob.engine.require_member().membership.roster == before  # the chain is as it was
    assert "roster_mismatch" in problems(bob)
    assert "roster_mismatch" not in problems(cleo)
    assert bob.members() == {"Ann", "Bob", "Cleo", "Dora"}  # and the commit stands
    assert len(authenticators(ann, bob, cleo, dora)) == 1


# --- row 13: Welcomes -------------------------------------------------------------------------


def test_a_replayed_welcome_changes_nothing_for_a_member() -> None:
    world, ann, bob, cleo = three()
    (welcome,) = world.seen(WelcomeIs, cleo)
    before = epochs(cleo), authenticators(cleo)
    forget(cleo)
    world.forge(cleo, welcome)
    world.settle()
    assert cleo.told == []
    assert (epochs(cleo), authenticators(cleo)) == before
    goes_on(world, ann, bob, cleo)


def test_a_welcome_that_was_not_asked_for_is_ignored() -> None:
    world, ann, _, cleo = three()
    (welcome,) = world.seen(WelcomeIs, cleo)
    dora = world.knock(ann.invite(), "Dora", accept=False)
    forget(dora)
    world.forge(dora, welcome)
    assert dora.told == []
    assert dora.engine.member is None


def test_a_welcome_of_another_newcomer_is_refused() -> None:
    world, ann, _, cleo = three()
    (welcome,) = world.seen(WelcomeIs, cleo)
    dora = world.knock(ann.invite(), "Dora")
    world.forge(dora, welcome)
    assert problems(dora) == ["cannot_open"]
    assert dora.engine.member is None
    world.advance(3)
    assert ann.admit(ann.of(events.Knocked)[-1]) == []  # the own knock still waits
    world.settle()
    assert dora.engine.member is not None
    assert len(problems(dora)) == 1


# --- row 14b: a group of the relay's own ------------------------------------------------------


def psk_of(client: Client) -> Psk:
    """Of the first invite: what a relay that had read a knock would know, if it could."""
    opening = client.engine.opening
    assert opening is not None
    return door_psk(opening.invite)


def fake_welcome(world: EvilWorld, ann: Client, knock: KnockBody, **changed: bytes) -> WelcomeIs:
    """The best forgery of a relay that has read the knock.

    It has the room's id, its public state, a roster and an entry, and a group in which the attacker
    sits under Ann's name.
    """
    evil = person(world, "Ann")
    room = changed.get("room", room_of(ann))
    state = state_of(ann)
    if "appoint" in changed:
        state = replace(state, facilitators=evil.signature.public + evil.relay.public)
    roster = ann.engine.require_member().membership.roster
    extensions = evil_leaf_extensions(ann, evil.relay.public)
    leaf = group_of(ann).member(0)
    assert leaf is not None
    group = mls.Group.create(
        evil.suite,
        room,
        evil.signature,
        mls.Credential.basic(b"Ann"),
        leaf.capabilities,
        extensions,
        group_extensions(state),
        world.random,
        policy=room_policy(limits.MEMBERS_MAX),
        lifetime=leaf_lifetime(world.wall()),
        now=int(world.wall()),
    )
    package = mls.KeyPackage.decode(knock.key_package)
    staged = group.commit(
        proposals=(mls.Add(package),),
        group_info_extensions=(mls.Extension(ROSTER_EXTENSION, listing_of(roster).encode()),),
        now=int(world.wall()),
    )
    assert staged.welcome is not None
    signed = entry_by(
        ann.engine.identity.relay, ann, b"", Change(Op.ADD, knock.relay_key, Seat())
    )  # even with a genuine entry
    sealed = seal_welcome(room_of(ann), knock.reply_key, staged.welcome, psk_of(ann), world.random)
    at = ann.engine.require_member().membership.base.encode()
    return WelcomeIs(at, sealed, signed.body, signed.signature)


def read_knock(world: EvilWorld, ann: Client) -> KnockBody:
    """Read it as if the lobby key had leaked. Only so the next attack is possible at all."""
    opening = ann.engine.opening
    assert opening is not None
    item = [i for i in world.seen(LobbyItem, ann) if i.kind == LobbyKind.KNOCK][-1]
    return open_knock(Invite.parse(ann.invite()), opening.lobby_key, item.id, item.blob)


@pytest.mark.parametrize("attack", ["its own room", "the room's state", "its own facilitator"])
def test_a_group_of_the_relays_own_is_refused(attack: str) -> None:
    world, ann, _, _ = three()
    dora = world.knock(ann.invite(), "Dora")
    changed = {"its own room": {"room": bytes(32)}, "its own facilitator": {"appoint": b"x"}}
    welcome = fake_welcome(world, ann, read_knock(world, ann), **changed.get(attack, {}))
    world.forge(dora, welcome)
    assert dora.engine.closed is not None
    assert (dora.engine.closed.reason, dora.engine.closed.code) == (
        CloseReason.ERROR,
        "bad_welcome",
    )
    assert dora.engine.member is None
    assert not dora.of(events.Joined)


def evil_card(world: EvilWorld, invite: Invite, genuine: Card, attack: str) -> Signed:
    """A card by another holder of the link together with the relay."""
    evil = person(world, "Ann")
    opening = genuine.opening
    if attack == "another root":
        root = SigningKey.generate(world.random)
        old = Opening.decode(Signed.decode(opening).body)
        new = replace(
            old,
            previous=invite.room,
            root_key=root.public,
            relay_key=evil.relay.public,
            mls_key=evil.signature.public,
        )
        assert room_id_of(root.public) != invite.room
        opening = root.sign(Label.OPEN, new).encode()
    card = replace(genuine, opening=opening, lobby_key=evil.desk.public)
    if attack != "altered":
        card = replace(card, signer=evil.signature.public)
    return evil.mls_signer().sign(Label.CARD, card)


@pytest.mark.parametrize("attack", ["another root", "another signer", "altered"])
def test_a_card_that_another_holder_of_the_link_made_is_refused(attack: str) -> None:
    world, ann, _, _ = three()
    invite = Invite.parse(ann.invite())
    dora = world.client("Dora")

    def swap(answer: CardIs) -> CardIs:
        genuine = Card.decode(open_card(invite, answer.number, answer.card).body, limit=limits.CARD)
        forged = evil_card(world, invite, genuine, attack)
        return replace(answer, card=seal_card(invite, answer.number, forged, world.random))

    swapped = world.alter(dora, CardIs, swap)
    world.knock_with(dora, ann.invite())
    assert len(swapped.hits) == 1
    assert dora.engine.closed is not None
    assert (dora.engine.closed.reason, dora.engine.closed.code) == (CloseReason.ERROR, "bad_card")
    assert not dora.of(events.AgreementShown)
    assert not world.seen(Knock, dora)


def second_invite(world: EvilWorld, ann: Client) -> str:
    made: list[str | None] = []
    committer_of(ann).invite(lambda url, error: made.append(url))
    world.settle()
    (url,) = made
    assert url is not None
    return url


def test_a_card_of_another_door_is_refused() -> None:
    world, ann, _, _ = three()
    world.knock(ann.invite(), "Eve")
    other = world.seen(CardIs)[-1]
    invite = second_invite(world, ann)
    dora = world.client("Dora")
    swapped = world.alter(dora, CardIs, lambda c: replace(c, card=other.card, number=other.number))
    world.knock_with(dora, invite)
    assert len(swapped.hits) == 1
    assert dora.engine.closed is not None
    assert (dora.engine.closed.reason, dora.engine.closed.code) == (CloseReason.ERROR, "bad_card")
    fiona = world.knock(invite, "Fiona")  # the control: the true card is good
    assert fiona.of(events.Waiting)


# --- row 14c: another holder of the link ------------------------------------------------------


def test_another_holder_of_the_link_cannot_read_a_knock() -> None:
    world, ann, _, _ = three()
    invite = Invite.parse(ann.invite())
    world.knock(ann.invite(), "Dora")
    (item,) = [i for i in world.seen(LobbyItem, ann) if i.kind == LobbyKind.KNOCK][-1:]
    holders_guess = mls.ciphersuite(3).hpke_keypair(world.random)
    with pytest.raises(NotTrusted):
        open_knock(invite, holders_guess, item.id, item.blob)
    assert read_knock(world, ann).name == "Dora"  # the control: the facilitator's key does


def test_a_knock_that_another_holder_put_in_its_place_is_told_apart_by_the_code() -> None:
    world, ann, _, _ = three()
    genuine = world.client("Dora")
    forged = person(world, "Dora")

    def replaced(item: LobbyItem) -> LobbyItem:
        invite = Invite.parse(ann.invite())
        body = body_of(world, ann, forged)
        sealed = seal_knock(invite, state_of(ann).lobby_key, item.id, body, world.random)
        return replace(item, blob=sealed, key=forged.relay.public)

    trick = world.alter(ann, LobbyItem, replaced, lambda i: i.kind == LobbyKind.KNOCK, most=1)
    world.knock_with(genuine, ann.invite())
    assert len(trick.hits) == 1
    knocked = ann.of(events.Knocked)[-1]
    assert knocked.name == "Dora"
    assert genuine.of(events.Waiting)[0].code != knocked.code


def test_another_holder_of_the_link_cannot_answer_a_knock() -> None:
    """Only the facilitator knows the reply key."""
    world, ann, _, _ = three()
    dora = world.knock(ann.invite(), "Dora")
    knock = world.seen(Knock, dora)[-1]
    guess = mls.ciphersuite(3).hpke_keypair(world.random)
    blob = seal_refusal(
        room_of(ann), guess.public, RefusalBody("refused"), psk_of(ann), world.random
    )
    world.forge(dora, KnockRefused(knock.id, blob))
    assert dora.engine.closed is None
    assert problems(dora) == ["knock_dropped"]
    world.advance(35)  # the client knocks again, with another code
    assert len({event.code for event in dora.of(events.Waiting)}) == 2
    ann.admit(ann.of(events.Knocked)[-1])
    world.settle()
    assert dora.of(events.Joined)


def test_an_answer_to_another_knock_is_ignored() -> None:
    world, ann, _, _ = three()
    dora = world.knock(ann.invite(), "Dora")
    forget(dora)
    world.forge(dora, KnockRefused(bytes(16), b""))
    assert dora.told == []


# --- lobby items with wrong keys; rows 11 and 12 ----------------------------------------------


def test_a_knock_under_another_relay_key_is_refused() -> None:
    world, ann, _, _ = three()
    forget(ann)
    newcomer = person(world, "Dora")
    forge_knock(world, ann, 1, body_of(world, ann, newcomer), world.random(32))
    assert not ann.of(events.Knocked)
    forge_knock(world, ann, 2, body_of(world, ann, newcomer), newcomer.relay.public)
    assert [event.name for event in ann.of(events.Knocked)] == ["Dora"]  # the control


def test_a_knock_replayed_under_another_id_does_not_open() -> None:
    world, ann, _, _ = three()
    world.knock(ann.invite(), "Dora")
    (item,) = [i for i in world.seen(LobbyItem, ann) if i.kind == LobbyKind.KNOCK][-1:]
    forget(ann)
    world.forge(ann, replace(item, number=item.number + 1, id=bytes(16)))
    assert not ann.of(events.Knocked)


def test_a_key_package_admits_once() -> None:
    """Dora's KeyPackage, sealed anew for another knock, is refused."""
    world, ann, _bob, _cleo = three()
    newcomer = person(world, "Dora")
    body = body_of(world, ann, newcomer)
    forge_knock(world, ann, 1, body, newcomer.relay.public)
    assert len(ann.of(events.Knocked)) == 3
    forget(ann)
    forge_knock(world, ann, 2, replace(body, name="Dora"), newcomer.relay.public)
    assert not ann.of(events.Knocked)


def test_an_old_key_package_is_refused() -> None:
    world, ann, _, _ = three()
    newcomer = person(world, "Dora")
    body = body_of(world, ann, newcomer)
    forget(ann)
    world.advance(25 * 3600, step=1200)
    forge_knock(world, ann, 1, body, newcomer.relay.public)
    assert not ann.of(events.Knocked)


def test_a_flood_of_knocks_is_capped_by_the_client_too() -> None:
    world, ann, _, _ = three()
    forget(ann)
    for number in range(1, limits.KNOCKS + 6):
        newcomer = person(world, f"Guest number {number:03}x")
        forge_knock(world, ann, number, body_of(world, ann, newcomer), newcomer.relay.public)
    assert len(ann.of(events.Knocked)) == limits.KNOCKS


@pytest.mark.parametrize("kind", [LobbyKind.LEAVE, LobbyKind.REQUEST])
def test_an_item_that_the_relay_forges_lets_no_member_go(kind: LobbyKind) -> None:
    world, ann, bob, cleo = three()
    before = epochs(ann, bob, cleo)
    at = committer_of(ann).lobby.number
    own = SigningKey.generate(world.random)
    key = relay_key(bob)
    leave = own.sign(Label.LEAVE, LeaveStatement(room_of(ann), key, roster_of(ann).counter))
    blob = leave.encode() if kind == LobbyKind.LEAVE else world.random(700)
    world.forge(ann, LobbyItem(at + 1, kind, world.random(16), key, 0, blob))
    world.settle()
    assert epochs(ann, bob, cleo) == before
    assert ann.members() == {"Ann", "Bob", "Cleo"}


@pytest.mark.second("Cleo")
def test_a_removed_member_is_refused_with_their_old_keys() -> None:
    world, ann, bob, cleo = three()
    bob.cut()
    ann.remove("Bob")
    world.settle()
    world.advance(2)
    assert bob.engine.closed is not None
    assert (bob.engine.closed.reason, bob.engine.closed.code) == (CloseReason.REMOVED, "removed")
    goes_on(world, ann, cleo)


# --- row 16: the invite -----------------------------------------------------------------------


def test_no_frame_holds_an_invite_its_keys_or_the_words_of_members() -> None:
    world, ann, bob, _cleo = three()
    bob.say("a canary sings")
    dora = world.knock(ann.invite(), "Dora Canary")
    world.settle()
    assert dora.of(events.Waiting)
    invite = Invite.parse(ann.invite())
    secrets = [
        invite.secret,
        invite.door_seed(),
        invite.lobby_psk(),
        invite.card_key(),
        b"a canary sings",
        b"Dora Canary",
        b"Thursday circle",
        AGREEMENT.encode(),
    ]
    passed = [item.data for item in world.record]
    assert len(passed) > 50
    assert any(room_of(ann) in data for data in passed)  # the control: the record does see frames
    for secret in secrets:
        assert not any(secret in data for data in passed)


def test_an_invite_expires() -> None:
    world, ann, _, _ = three()
    url = ann.invite()
    world.advance(86401, step=300)
    late = world.knock(url, "Dora")
    assert late.engine.closed is not None
    assert late.engine.closed.code in ("door_expired", "unknown_door")


def test_the_code_is_of_the_key_package_alone() -> None:
    assert short_code(b"one") != short_code(b"two")
    assert short_code(b"one") == short_code(b"one")

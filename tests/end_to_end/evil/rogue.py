"""Members without the SDK's own refusals, and rooms with several facilitators.

`alcove.mls` lets a member make any commit and any message that the RFC allows. The relay's guard,
which the evil relay turns off, and every other client's must stop them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

import pytest
from alcove import events, mls
from alcove.facilitation.facilitator import Facilitator
from alcove.facilitation.intents import CommitPlan, Intent
from alcove.group.admission import make_key_package
from alcove.group.extensions import (
    LEAF_EXTENSION,
    FacilitatorKeys,
    LeafExtension,
    RoomExtension,
    group_extensions,
)
from alcove.group.keys import SigningKey
from alcove.group.membership import Membership
from alcove.messages.payload import Heartbeat, Payload, Text
from alcove.mls.messages import open_message, protect
from alcove.mls.private_message import no_padding
from alcove.mls.secret_tree import RatchetKind
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import BlobClass, Publish, Published, RelayAnswer
from alcove_protocol.labels import Label
from alcove_protocol.position import Position
from alcove_protocol.records import Record
from alcove_protocol.roster import (
    NO_HASH,
    Change,
    Roster,
    RosterEntry,
    apply_changes,
    list_digest,
)
from alcove_protocol.statements import Signed

from tests.end_to_end import appointing
from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.world import Client


def group_of(client: Client) -> mls.Group:
    return client.engine.require_member().membership.group


def room_of(client: Client) -> bytes:
    return group_of(client).group_id


def roster_of(client: Client) -> Roster:
    return client.engine.require_member().membership.roster


def state_of(client: Client) -> RoomExtension:
    return client.engine.require_member().membership.state


def relay_key(client: Client) -> bytes:
    return client.engine.identity.relay.public


def now(client: Client) -> int:
    return int(client.world.wall())


def leaf_of(client: Client) -> int:
    return group_of(client).own_index


def context(state: RoomExtension) -> mls.Proposal:
    return mls.GroupContextExtensions(group_extensions(state))


def key_package(client: Client) -> mls.KeyPackageBundle:
    """A genuine KeyPackage of this client, in the room or not."""
    world = client.world
    agreement = b"" if client.engine.member is None else state_of(client).agreement
    if client.engine.newcomer is not None and client.engine.newcomer.card is not None:
        agreement = client.engine.newcomer.card.agreement
    return make_key_package(client.engine.identity, agreement, world.wall(), world.random)


def commit_blob(message: bytes, *proposals: bytes) -> bytes:
    return pack_list([*proposals, message])


def flipped(data: bytes) -> bytes:
    """`data` with its last bit turned. A constant in its place would leave one in 256 as it was."""
    return data[:-1] + bytes([data[-1] ^ 1])


def aside(staged: mls.StagedCommit) -> mls.StagedCommit:
    """A commit whose maker goes on without it, until its bytes come."""
    staged.set_aside()
    return staged


def rogue_commit(client: Client, *proposals: mls.Proposal, force_path: bool = False) -> bytes:
    """The blob of a commit that this member makes with their keys alone."""
    staged = group_of(client).commit(proposals, force_path=force_path, now=now(client))
    return commit_blob(aside(staged).message)


def commit_of_next_epoch(by: Client) -> bytes:
    """A commit of an epoch in which no other client will ever be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mls.Group, "_leave", lambda *_why: ())  # a rogue client keeps both
        patch.setattr(by_group := group_of(by), "_life", type(by_group._life)(ended=False))
        ahead = by_group.commit(force_path=True, now=now(by)).merge()
    return commit_blob(ahead.commit(force_path=True, now=now(by)).message)


def entry_by(
    signer: SigningKey, ann: Client, blob: bytes, *changes: Change, lobby: bytes | None = None
) -> Signed:
    """A roster entry that follows the last one, signed with this key."""
    roster = ann.engine.require_member().membership.roster
    entry = RosterEntry(
        roster.room,
        roster.counter + 1,
        roster.head,
        signer.public,
        ann.engine.require_member().membership.base.encode(),
        sha256(blob).digest(),
        NO_HASH,
        b"".join(change.encode() for change in changes),
        int(roster.flags),
        roster.slow,
        list_digest(
            roster.room, apply_changes(roster.seats, changes, None), roster.flags, roster.slow
        ),
        lobby,
    )
    return signer.sign(Label.ROSTER, entry)


def rogue_message(
    client: Client,
    body: Record,
    *,
    kind: str = "text",
    counter: int = 1,
    id: bytes | None = None,
    ttl: int = 600,
    authenticated_data: bytes = b"",
    agreement: bytes | None = None,
    log: bytes = NO_HASH,
    at: Position | None = None,
    generation: int | None = None,
) -> bytes:
    """An application message with this payload, encrypted with the member's keys."""
    member = client.engine.require_member()
    payload = Payload(
        id if id is not None else client.world.random(16),
        counter,
        group_of(client).sent if generation is None else generation,
        agreement if agreement is not None else state_of(client).agreement,
        (at or member.stream.cursor).encode(),
        log,
        ttl,
        kind,
        body.encode(),
    )
    return group_of(client).encrypt(payload.encode(), authenticated_data)


def rogue_text(client: Client, text: str, *, counter: int = 1, id: bytes | None = None) -> bytes:
    return rogue_message(client, Text(text), counter=counter, id=id)


def rogue_beat(client: Client, at: Position | None = None) -> bytes:
    group = group_of(client)
    body = Heartbeat(
        group.epoch, group.epoch_authenticator, roster_of(client).head, leaving=False, started=False
    )
    return rogue_message(client, body, kind="heartbeat", counter=0, ttl=90, at=at)


def publish(
    world: EvilWorld,
    client: Client,
    blob: bytes,
    blob_class: BlobClass = BlobClass.APPLICATION,
    entry: Signed | None = None,
) -> None:
    """These bytes, as the member themselves publish them at the honest relay."""
    answers: list[RelayAnswer | None] = []
    base = client.engine.require_member().membership.base.encode()
    signed = (None, None) if entry is None else (entry.body, entry.signature)
    client.engine.link.request(
        lambda n: Publish(n, world.random(16), base, int(blob_class), 90, blob, *signed),
        answers.append,
    )
    world.settle()
    assert isinstance(answers[0], Published)


def encrypted_again(client: Client, blob: bytes, *, ahead: int = 0) -> bytes:
    """What another member said, encrypted again by this one under the other's next key, or one
    that is so many `ahead`. Every member has them (RFC 9420, section 16.11). This client goes on
    without what it used."""
    epoch = group_of(client)._epoch
    opened = open_message(epoch, blob)
    if ahead:
        sender = opened.verified.content.sender.leaf_index
        ratchet = epoch.secret_tree.ratchet(sender or 0, RatchetKind.APPLICATION)
        for _ in range(ahead):
            ratchet.next()
    return protect(epoch, opened.verified.authenticated, no_padding, client.world.random)


# --- several facilitators ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Making(Intent):
    """Any proposals with any change of the roster, by an honest facilitator's client."""

    build: Callable[[Membership], tuple[mls.Proposal, ...]] = lambda membership: ()
    changes: tuple[Change, ...] = ()

    def plan(self, membership: Membership) -> CommitPlan | None:
        return CommitPlan(self.build(membership), self.changes, force_path=True)


def committer_of(client: Client) -> Facilitator:
    facilitator = client.engine.require_member().facilitator
    assert facilitator is not None
    return facilitator


def change(
    world: EvilWorld,
    by: Client,
    build: Callable[[Membership], tuple[mls.Proposal, ...]],
    *changes: Change,
) -> None:
    """A commit with these proposals, by an honest client, followed by all."""
    result: list[object] = []
    committer_of(by).committer.want(Making(result.append, build, changes))
    world.settle()
    assert result == [None]


def appointment(room: bytes, by: Client, appointee: Client) -> Signed:
    return appointing.appointment(room, by.engine.identity, keys_of(appointee))


def keys_of(client: Client) -> FacilitatorKeys:
    return appointing.keys_of(client.engine.identity)


def with_facilitator(
    state: RoomExtension, room: bytes, by: Client, appointee: Client
) -> RoomExtension:
    """The state in which `by` has appointed `appointee`."""
    return appointing.with_facilitator(state, room, by.engine.identity, keys_of(appointee))


def without_facilitator(state: RoomExtension, appointee: Client) -> RoomExtension:
    """The state in which `appointee` is demoted, with a lobby key that `demote` has."""
    left = [item for item in state.facilitator_list() if item != keys_of(appointee)]
    facilitators = b"".join(item.encode() for item in left)
    return replace(state, facilitators=facilitators, lobby_key=next_lobby_key(state).public)


def next_lobby_key(state: RoomExtension) -> mls.HpkeKeyPair:
    """A lobby key that follows from the present one, so that a test can have its private half."""
    seed = sha256(state.lobby_key).digest()
    return mls.ciphersuite(3).hpke_keypair(lambda size: seed[:size])


def appoint(world: EvilWorld, by: Client, appointee: Client) -> None:
    """Make `appointee` a facilitator."""
    result: list[object] = []
    by.engine.commands.appoint(appointee.name, result.append)
    world.settle()
    assert result == [None]
    for client in world.clients:  # each test looks at what comes afterwards
        news = events.RoleChanged | events.VaultChanged
        client.told[:] = [event for event in client.told if not isinstance(event, news)]


def demote(world: EvilWorld, by: Client, appointee: Client) -> None:
    """Make `appointee` a participant."""
    result: list[object] = []
    by.engine.commands.demote(appointee.name, result.append)
    world.settle()
    assert result == [None]


def evil_leaf_extensions(client: Client, relay_key: bytes) -> tuple[mls.Extension, ...]:
    """A leaf that lists another relay key than the member's own."""
    identity = client.engine.identity
    content = LeafExtension(1, relay_key, identity.desk.public, state_of(client).agreement)
    return (mls.Extension(LEAF_EXTENSION, content.encode()),)


def force_commit(world: EvilWorld, client: Client, *proposals: mls.Proposal) -> Position:
    """A member's rogue commit, taken by a relay that judges no rights."""
    return world.take(room_of(client), rogue_commit(client, *proposals), BlobClass.COMMIT)

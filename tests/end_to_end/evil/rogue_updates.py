"""Update proposals that a member makes with their own keys and without the SDK's refusals."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from alcove import mls
from alcove.group.admission import leaf_extensions
from alcove.group.extensions import LEAF_EXTENSION
from alcove.group.framing import handshake_padding
from alcove.mls.framing import WireFormat
from alcove.mls.hpke import HpkeKeyPair
from alcove.mls.messages import protect, sign_message
from alcove.mls.nodes import Extension, LeafContent, sign_leaf
from alcove.mls.secret_tree import HandshakeRatchet, RatchetKind

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    committer_of,
    group_of,
    leaf_of,
    state_of,
)
from tests.end_to_end.evil.rooms import (
    goes_on,
    problems,
)
from tests.end_to_end.world import Client


def handshakes(client: Client) -> HandshakeRatchet:
    """This member's own handshake ratchet."""
    tree, own = group_of(client)._epoch.secret_tree, group_of(client).own_index
    ratchet = tree.ratchet(own, RatchetKind.HANDSHAKE)
    assert isinstance(ratchet, HandshakeRatchet)
    return ratchet


def free(client: Client) -> None:
    """From now on this member's own library bounds no generation."""
    epoch = group_of(client)._epoch
    epoch.policy = replace(epoch.policy, max_proposal_generation=2**31, max_handshakes=2**31)
    handshakes(client)._most = 2**31


def skip_to(client: Client, generation: int) -> None:
    """The member's next handshake message has this generation."""
    free(client)
    while handshakes(client).generation < generation:
        handshakes(client).next()


@contextmanager
def same_generation(client: Client) -> Iterator[None]:
    """What the member makes in here leaves its ratchet where it was: the key is used again."""
    ratchet = handshakes(client)
    generation = ratchet.generation
    yield
    ratchet.generation = generation


def fresh_keys(client: Client) -> HpkeKeyPair:
    return group_of(client).suite.hpke_keypair(client.world.random)


def rogue_leaf(
    client: Client,
    *,
    key: bytes | None = None,
    credential: mls.Credential | None = None,
    capabilities: mls.Capabilities | None = None,
    extensions: tuple[Extension, ...] | None = None,
) -> mls.LeafNode:
    """A leaf of an Update, signed by its member, with any content."""
    group = group_of(client)
    own = group.member(group.own_index)
    assert own is not None
    if extensions is None:
        extensions = leaf_extensions(client.engine.identity, state_of(client).agreement)
    content = LeafContent(
        credential or own.credential, capabilities or own.capabilities, extensions
    )
    return sign_leaf(
        group.suite,
        client.engine.identity.signature,
        content,
        key if key is not None else fresh_keys(client).public,
        group_id=group.group_id,
        leaf_index=group.own_index,
    )


def rogue_proposal(client: Client, proposal: mls.Proposal) -> bytes:
    """Any proposal, as the member's next handshake message."""
    epoch = group_of(client)._epoch
    signed = sign_message(epoch, proposal, WireFormat.PRIVATE_MESSAGE, b"")
    return protect(epoch, signed, handshake_padding, client.world.random)


def rogue_update(client: Client, leaf: mls.LeafNode | None = None) -> bytes:
    """An Update with this leaf. The member keeps no private key of it."""
    return rogue_proposal(client, mls.Update(leaf if leaf is not None else rogue_leaf(client)))


def honest_update(client: Client) -> bytes:
    """An Update as the SDK makes it."""
    extensions = leaf_extensions(client.engine.identity, state_of(client).agreement)
    return group_of(client).propose_update(leaf_extensions=extensions, padding=handshake_padding)


def ask(world: EvilWorld, client: Client, message: bytes) -> None:
    """Send a proposal to the facilitators, as a member's client does."""
    client.engine.require_member().requests.send("update", message)
    world.settle()


def leaf_key(by: Client, about: Client) -> bytes:
    """The encryption key of a member's leaf, as another member has it."""
    index = group_of(by).find(about.engine.identity.signature.public)
    assert index is not None
    leaf = group_of(by).member(index)
    assert leaf is not None
    return leaf.encryption_key


def four() -> tuple[EvilWorld, Client, Client, Client, Client]:
    """Ann facilitates. Mal, Bob and Cleo take part."""
    world = EvilWorld()
    ann = world.open("Ann")
    mal, bob, cleo = (world.join(ann, name) for name in ("Mal", "Bob", "Cleo"))
    world.advance(31, step=31)
    return world, ann, mal, bob, cleo


def waiting(facilitator: Client) -> int:
    return len(committer_of(facilitator).committer.updates)


def nobody_is_held(world: EvilWorld, host: Client, *others: Client) -> None:
    """The room goes on with all of them, and no client told of a fault."""
    goes_on(world, host, *others)
    for client in (host, *others):
        assert problems(client) == []


def without_the_rooms_extension(world: EvilWorld, ann: Client, mal: Client, bob: Client) -> bytes:
    """Valid by itself, and in no group that requires the extension (RFC 9420, 7.3)."""
    own = group_of(mal).member(leaf_of(mal))
    assert own is not None
    fewer = replace(own.capabilities, extensions=(LEAF_EXTENSION,))
    return rogue_update(mal, rogue_leaf(mal, capabilities=fewer))

"""Row 28, more attempts: what one member asks for does not cost another member's Update."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest
from alcove import mls
from alcove.group.admission import leaf_extensions, leaf_lifetime
from alcove.group.extensions import LEAF_EXTENSION, ROOM_EXTENSION, capabilities
from alcove.mls.nodes import MLS10, Extension, LeafContent, sign_leaf

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import group_of, now, state_of
from tests.end_to_end.evil.rogue_updates import (
    ask,
    four,
    fresh_keys,
    honest_update,
    leaf_key,
    nobody_is_held,
    waiting,
)
from tests.end_to_end.evil.rooms import forget
from tests.end_to_end.world import Client


def rogue_key_package(
    client: Client,
    *,
    key: bytes | None = None,
    init_key: bytes | None = None,
    changed: Mapping[str, tuple[int, ...]] = MappingProxyType({}),
    added: tuple[Extension, ...] = (),
    agreement: bytes | None = None,
    lifetime: mls.Lifetime | None = None,
    extensions: tuple[Extension, ...] = (),
) -> mls.KeyPackage:
    """A KeyPackage of this member with any content, signed by them."""
    suite, signer = group_of(client).suite, client.engine.identity.signature
    content = LeafContent(
        mls.Credential.basic(client.name.encode()),
        replace(capabilities(suite), **changed),
        leaf_extensions(client.engine.identity, agreement or state_of(client).agreement) + added,
    )
    leaf = sign_leaf(
        suite,
        signer,
        content,
        key if key is not None else fresh_keys(client).public,
        lifetime=lifetime or leaf_lifetime(client.world.wall()),
    )
    init = init_key if init_key is not None else fresh_keys(client).public
    unsigned = mls.KeyPackage(MLS10, suite.number, init, leaf, extensions, b"")
    signature = suite.sign_with_label(signer, "KeyPackageTBS", unsigned.tbs())
    return mls.KeyPackage(MLS10, suite.number, init, leaf, extensions, signature)


def ask_in(world: EvilWorld, client: Client, asked: mls.KeyPackage) -> None:
    requests = client.engine.require_member().requests
    requests.send("rejoin", asked.encode(), fresh_keys(client).public)
    world.settle()


def test_a_rejoin_that_cannot_be_committed_drops_no_update_of_another() -> None:
    """Mal asks to be let in again with the encryption key of Bob's leaf."""
    world, ann, mal, bob, cleo = four()
    before = leaf_key(ann, cleo)
    ask(world, cleo, honest_update(cleo))
    forget(ann, bob, cleo)
    ask_in(world, mal, rogue_key_package(mal, key=leaf_key(ann, bob)))
    assert waiting(ann) == 1
    world.advance(15)
    assert leaf_key(ann, cleo) != before
    nobody_is_held(world, ann, mal, bob, cleo)


SUPPORTED = (ROOM_EXTENSION, LEAF_EXTENSION)
UNKNOWN = 0x1234
ODD: dict[str, Callable[[Client, Client, Client], mls.KeyPackage]] = {
    "no versions": lambda ann, mal, bob: rogue_key_package(mal, changed={"versions": ()}),
    "no suites": lambda ann, mal, bob: rogue_key_package(mal, changed={"ciphersuites": ()}),
    "x509 alone": lambda ann, mal, bob: rogue_key_package(mal, changed={"credentials": (2,)}),
    "x509 too": lambda ann, mal, bob: rogue_key_package(mal, changed={"credentials": (1, 2)}),
    "twice": lambda ann, mal, bob: rogue_key_package(
        mal, changed={"extensions": SUPPORTED + SUPPORTED}
    ),
    "many": lambda ann, mal, bob: rogue_key_package(
        mal, changed={"extensions": (*SUPPORTED, *range(0x1000, 0x1500))}
    ),
    "unlisted": lambda ann, mal, bob: rogue_key_package(mal, added=(Extension(UNKNOWN, b"x"),)),
    "listed": lambda ann, mal, bob: rogue_key_package(
        mal,
        changed={"extensions": (*SUPPORTED, UNKNOWN)},
        added=(Extension(UNKNOWN, b"x"),),
    ),
    "state in the leaf": lambda ann, mal, bob: rogue_key_package(
        mal, added=(Extension(ROOM_EXTENSION, b"x"),)
    ),
    "large": lambda ann, mal, bob: rogue_key_package(
        mal, extensions=(Extension(UNKNOWN, bytes(14_000)),)
    ),
    "agreement": lambda ann, mal, bob: rogue_key_package(mal, agreement=bytes(32)),
    "for ever": lambda ann, mal, bob: rogue_key_package(mal, lifetime=mls.Lifetime(0, 2**64 - 1)),
    "over now": lambda ann, mal, bob: rogue_key_package(
        mal, lifetime=mls.Lifetime(now(mal) - 3600, now(mal))
    ),
    "own leaf": lambda ann, mal, bob: rogue_key_package(mal, key=leaf_key(ann, mal)),
    "the committer's leaf": lambda ann, mal, bob: rogue_key_package(mal, key=leaf_key(ann, ann)),
    "another's leaf": lambda ann, mal, bob: rogue_key_package(mal, key=leaf_key(ann, bob)),
    "another's leaf first": lambda ann, mal, bob: rogue_key_package(
        mal, init_key=leaf_key(ann, bob)
    ),
    "small order": lambda ann, mal, bob: rogue_key_package(mal, init_key=bytes(32)),
    "no key": lambda ann, mal, bob: rogue_key_package(mal, init_key=b""),
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD.keys())
def test_whatever_a_member_comes_back_with_the_others_follow(
    make: Callable[[Client, Client, Client], mls.KeyPackage],
) -> None:
    world, ann, mal, bob, cleo = four()
    forget(ann, bob, cleo)
    ask_in(world, mal, make(ann, mal, bob))
    world.advance(3)
    nobody_is_held(world, ann, bob, cleo)
    nobody_is_held(world, ann, bob, cleo, world.join(ann, "Dora"))

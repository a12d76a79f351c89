"""Row 28, more attempts: what one member asks for does not cost another member's Update."""

from alcove import mls
from alcove.group.admission import leaf_extensions, leaf_lifetime
from alcove.group.extensions import capabilities
from alcove.mls.nodes import MLS10, LeafContent, sign_leaf

from tests.end_to_end.evil.rogue import group_of, state_of
from tests.end_to_end.evil.rogue_updates import ask, fresh_keys, honest_update, leaf_key
from tests.end_to_end.evil.rooms import forget
from tests.end_to_end.evil.test_updates import four, nobody_is_held, waiting
from tests.end_to_end.world import Client


def key_package_with(client: Client, key: bytes) -> mls.KeyPackage:
    """A valid KeyPackage of this member whose leaf has this encryption key."""
    suite, signer = group_of(client).suite, client.engine.identity.signature
    content = LeafContent(
        mls.Credential.basic(client.name.encode()),
        capabilities(suite),
        leaf_extensions(client.engine.identity, state_of(client).agreement),
    )
    lifetime = leaf_lifetime(client.world.wall())
    leaf = sign_leaf(suite, signer, content, key, lifetime=lifetime)
    unsigned = mls.KeyPackage(MLS10, suite.number, fresh_keys(client).public, leaf, (), b"")
    signature = suite.sign_with_label(signer, "KeyPackageTBS", unsigned.tbs())
    return mls.KeyPackage(MLS10, suite.number, unsigned.init_key, leaf, (), signature)


def test_a_rejoin_that_cannot_be_committed_drops_no_update_of_another() -> None:
    """Mal asks to be let in again with the encryption key of Bob's leaf."""
    world, ann, mal, bob, cleo = four()
    before = leaf_key(ann, cleo)
    ask(world, cleo, honest_update(cleo))
    assert waiting(ann) == 1
    forget(ann, bob, cleo)
    wrong = key_package_with(mal, leaf_key(ann, bob))
    requests = mal.engine.require_member().requests
    requests.send("rejoin", wrong.encode(), fresh_keys(mal).public)
    world.settle()
    assert waiting(ann) == 1
    world.advance(15)
    assert leaf_key(ann, cleo) != before
    nobody_is_held(world, ann, mal, bob, cleo)

"""Every way out of an epoch, of a commit and of a Welcome, and what is left of its secrets: nothing
but what a group that lives on, or a person, still owns."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from alcove import mls
from alcove.mls import create_commit, transition, treekem, welcome
from alcove.mls.welcome import PathSecret

from tests.client_sdk.mls.support import (
    NOW,
    POLICY,
    SUITE,
    Room,
    capabilities,
    epoch_of,
    forge,
    found,
    limits,
    person,
    release,
    room,
    seal,
)
from tests.client_sdk.mls.validation import forging


class Ledger:
    """Every secret that was made, and where."""

    def __init__(self) -> None:
        self.made: list[tuple[mls.Secret, str]] = []

    def left(self, *alive: object) -> list[str]:
        """Where the secrets were made that are not wiped and that nothing alive owns. Zeros are no
        secret: the key schedule uses them for what is absent."""
        owned = {id(secret) for thing in alive for secret in _secrets(thing, set())}
        return [
            where
            for secret, where in self.made
            if not secret.wiped and id(secret) not in owned and any(secret.expose())
        ]


def _secrets(thing: object, seen: set[int]) -> Iterator[mls.Secret]:
    """All secrets that can be reached from something."""
    if id(thing) in seen or isinstance(thing, bytes | str | int | type | None):
        return
    seen.add(id(thing))
    if isinstance(thing, mls.Secret):
        yield thing
        return
    inner: list[object] = []
    if isinstance(thing, Mapping):
        inner += [*thing.keys(), *thing.values()]
    elif isinstance(thing, list | tuple | set | frozenset):
        inner += thing
    else:
        names = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
        inner += [getattr(thing, name) for name in names if hasattr(thing, name)]
        inner += vars(thing).values() if hasattr(thing, "__dict__") else []
    for one in inner:
        yield from _secrets(one, seen)


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    book, real = Ledger(), mls.Secret.__init__

    def init(secret: mls.Secret, value: bytes | bytearray) -> None:
        real(secret, value)
        frames = [sys._getframe(depth) for depth in (1, 2, 3)]
        where = " < ".join(f"{frame.f_code.co_name}:{frame.f_lineno}" for frame in frames)
        book.made.append((secret, where))

    monkeypatch.setattr(mls.Secret, "__init__", init)
    return book


def receive(group: mls.Group, message: bytes, *how: Any) -> mls.StagedCommit:
    staged = group.receive(message, *how)
    assert isinstance(staged, mls.StagedCommit)
    return staged


def refuse(error: type[BaseException], act: Callable[[], object]) -> None:
    with pytest.raises(error):
        act()


# -- commits that are merged or dropped


def own_commit_merged(these: Room) -> object:
    these.groups["alice"] = these["alice"].commit(force_path=True, now=NOW).merge()
    return these


def own_add_merged_and_joined(these: Room) -> object:
    zoe = person("zoe")
    these.settle("alice", these["alice"].commit([zoe.add], force_path=True, now=NOW), [zoe])
    return these


def anothers_commit_merged(these: Room) -> object:
    these.settle("bob", these["bob"].commit(force_path=True, now=NOW))
    return these


def own_update_taken(these: Room) -> object:
    these.settle("alice", these["alice"].commit((), [these.propose_update("bob")], now=NOW))
    return these


def own_update_left_out(these: Room) -> object:
    these.propose_update("bob")
    these.settle("alice", these["alice"].commit(now=NOW))
    return these


def own_commit_dropped(these: Room) -> object:
    zoe = person("zoe")
    these["alice"].commit([zoe.add], force_path=True, now=NOW).drop()
    return these, zoe


def anothers_commit_dropped(these: Room) -> object:
    receive(these["bob"], these["alice"].commit(now=NOW).message).drop()
    return these


def own_commit_overtaken(these: Room) -> object:
    these["bob"].commit(force_path=True, now=NOW)
    these.settle("alice", these["alice"].commit(now=NOW))
    return these


def one_of_two_merged(these: Room) -> object:
    message = these["alice"].commit(wire_format="public", now=NOW).message
    first, second = receive(these["bob"], message), receive(these["bob"], message)
    these.groups["bob"] = first.merge()
    refuse(mls.StagedCommitSpent, second.merge)
    return these


def with_a_pre_shared_key(these: Room) -> object:
    psk = mls.PreSharedKeyID.of_epoch(SUITE, these["alice"].group_id, 1, os.urandom)
    these.settle("alice", these["alice"].commit([mls.PreSharedKey(psk)], now=NOW))
    return these


def removed(these: Room) -> object:
    staged = these["alice"].commit([mls.Remove(these.index("bob"))], now=NOW)
    refuse(mls.RemovedFromGroup, receive(these.groups.pop("bob"), staged.message).merge)
    these.settle("alice", staged)
    return these


def wiped(these: Room) -> object:
    these.groups.pop("bob").wipe()
    return these


def wiped_while_everything_waits(these: Room) -> object:
    bob = these.groups.pop("bob")
    bob.propose_update()
    receive(bob, these["alice"].commit(now=NOW).message)
    bob.commit(force_path=True, now=NOW)
    bob.wipe()
    return these


def wiped_after_late_epochs_were_kept(_these: Room) -> object:
    late = room("bob", policy=limits(past_epochs=1, past_resumption_psks=1))
    for _ in range(3):
        late.settle("alice", late["alice"].commit(now=NOW))
    late.groups.pop("bob").wipe()
    return late


def ended_by_a_reinit_and_wiped(these: Room) -> object:
    these.groups.pop("carol").wipe()
    staged = these["alice"].commit([mls.ReInit(b"next", 1, SUITE.number, ())], now=NOW)
    receive(these.groups.pop("bob"), staged.message).merge().wipe()
    these.groups["alice"] = staged.merge()
    return these


# -- commits that are refused


def list_refused(these: Room) -> object:
    again = these.people["bob"].renew()
    message = forging.lawless_commit(these["alice"], again.add).message
    refuse(mls.InvalidProposalList, lambda: these["bob"].receive(message))
    return these, again


def refused_by_the_application(these: Room) -> object:
    message = these["alice"].commit(now=NOW).message

    def never(_seen: mls.CommitView) -> None:
        raise PermissionError

    refuse(PermissionError, lambda: these["bob"].receive(message, approve=never))
    return these


def false_tag(these: Room) -> object:
    def wrong(*arguments: Any) -> Any:
        context, joiner, secrets = transition.derive_epoch(*arguments)
        secrets.confirmation_key.wipe()
        return context, joiner, replace(secrets, confirmation_key=mls.Secret(b"k" * 32))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(create_commit, "derive_epoch", wrong)
        staged = these["alice"].commit(force_path=True, now=NOW)
    refuse(mls.ConfirmationMismatch, lambda: these["bob"].receive(staged.message))
    staged.drop()
    return these


def path_for_others(these: Room) -> object:
    def none_is_right(*arguments: Any) -> Any:
        nodes = treekem.encrypt_path(*arguments)
        return tuple(
            replace(node, encrypted_path_secret=treekem.Ciphertexts(_flip(node))) for node in nodes
        )

    with forging.lawless() as patch:
        patch.setattr(create_commit, "encrypt_path", none_is_right)
        staged = these["alice"].commit(force_path=True, now=NOW)
    refuse(mls.PathNotDecryptable, lambda: these["bob"].receive(staged.message))
    staged.drop()
    return these


def _flip(node: treekem.UpdatePathNode) -> bytes:
    data = node.encrypted_path_secret.data
    return data[:-1] + bytes((data[-1] ^ 1,))


def path_of_other_keys(these: Room) -> object:
    def derive(suite: Any, first: mls.Secret, count: int) -> Any:
        path = treekem.derive_path(suite, first, count)
        other = SUITE.hpke_keypair(os.urandom)
        other.wipe()
        return replace(path, keys=(replace(path.keys[0], public=other.public), *path.keys[1:]))

    with forging.lawless() as patch:
        patch.setattr(create_commit, "derive_path", derive)
        staged = these["alice"].commit(force_path=True, now=NOW)
    refuse(mls.PathKeyMismatch, lambda: these["bob"].receive(staged.message))
    staged.drop()
    return these


def pre_shared_key_missing_or_other(these: Room) -> object:
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    mine, theirs = (mls.PskStore({b"id": mls.Secret(byte * 32)}) for byte in (b"a", b"b"))
    staged = these["alice"].commit([psk], force_path=True, psks=mine, now=NOW)
    refuse(mls.MissingPsk, lambda: these["bob"].receive(staged.message))
    refuse(mls.PskMismatch, lambda: these["carol"].receive(staged.message, theirs))
    staged.drop()
    return these, mine, theirs


def proposal_missing(these: Room) -> object:
    these["alice"].propose_update()
    ref = these["bob"].propose(mls.Remove(2), now=NOW) and these["bob"].proposals[0].ref
    message = these["bob"].commit(references=[ref], now=NOW).message
    refuse(mls.MissingProposal, lambda: these["alice"].receive(message))
    return these


def unreadable(these: Room) -> object:
    content = replace(forge(these["alice"], mls.Commit((), None)), signature=bytes(64))
    refuse(mls.CommitUnreadable, lambda: these["bob"].receive(seal(these["alice"], content)))
    return these


# -- what is not made


def commit_that_is_not_made(these: Room) -> object:
    alice, zoe = these["alice"], person("zoe")
    unlisted = (mls.Extension(0xF123, b""),)
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    refuse(mls.InvalidLeaf, lambda: alice.commit(leaf_extensions=unlisted, now=NOW))
    refuse(mls.InvalidProposal, lambda: alice.commit([mls.Remove(0)], now=NOW))
    refuse(mls.MissingPsk, lambda: alice.commit([psk], now=NOW))
    refuse(mls.CannotCommit, lambda: alice.commit(references=[b"?"], now=NOW))
    refuse(mls.InvalidLeaf, lambda: alice.propose_update(leaf_extensions=unlisted))
    large = (mls.Extension(0xF001, bytes(5 * 2**20)),)
    refuse(
        mls.TooLarge,
        lambda: alice.commit([zoe.add], group_info_extensions=large, force_path=True, now=NOW),
    )
    refuse(
        mls.TooLarge, lambda: alice.commit(padding=lambda _n: 5 * 2**20, force_path=True, now=NOW)
    )
    refuse(mls.TooLarge, lambda: alice.propose_update(padding=lambda _n: 5 * 2**20))
    assert alice.state is mls.State.OPERATIONAL
    return these, zoe


def group_that_is_not_founded(these: Room) -> object:
    signer, unlisted = SUITE.signature_keypair(os.urandom), (mls.Extension(0xF001, b""),)
    refuse(mls.InvalidLeaf, lambda: found(extensions=unlisted, signer=signer))
    return these, signer


# -- Welcomes and external commits


def welcomes_refused(these: Room) -> object:
    alice, zoe = these["alice"], person("zoe")
    plain = alice.commit([zoe.add], force_path=True, now=NOW)
    assert plain.welcome is not None
    message = plain.welcome
    signer = SUITE.signature_keypair(os.urandom)
    bundle = zoe.bundle
    for error, how in (
        (mls.InvalidWelcome, {"known_groups": (alice.group_id,)}),
        (mls.InvalidWelcome, {"predecessor": these["bob"]}),
        (mls.TooLarge, {"policy": limits(max_leaves=2)}),
    ):
        refuse(error, lambda how=how: forging.join(message, zoe, **how))  # type: ignore[misc]
    refuse(
        mls.InvalidWelcome,
        lambda: mls.Group.join(message, bundle, signer, policy=POLICY, now=NOW),
    )

    def no_tag(info: Any) -> Any:
        return replace(info, confirmation_tag=bytes(32))

    made = [
        forging.welcome_with(alice, zoe, no_tag),
        forging.welcome_to_tree(alice, zoe, lambda tree: tree.set_leaf(2, bundle_leaf(zoe))),
    ]
    false = PathSecret(mls.Secret(b"x" * 32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(welcome, "_path_secret_for", lambda *_: false)
        made.append(forging.lawless_commit(alice, zoe.add, force_path=True).welcome or b"")
        patch.setattr(welcome, "_path_secret_for", lambda *_: None)
        made.append(forging.lawless_commit(alice, zoe.add, force_path=True).welcome or b"")
    for bad in made:
        refuse(mls.MLSError, lambda bad=bad: forging.join(bad, zoe))  # type: ignore[misc]
    release(alice)
    return these, zoe, signer, false.path_secret


def bundle_leaf(who: Any) -> Any:
    return who.bundle.key_package.leaf_node


def welcome_with_a_key_that_is_missing(these: Room) -> object:
    psk = mls.PreSharedKey(mls.PreSharedKeyID.external(SUITE, b"id", os.urandom))
    zoe, store = person("zoe"), mls.PskStore({b"id": mls.Secret(b"a" * 32)})
    staged = these["alice"].commit([psk, zoe.add], psks=store, now=NOW)
    assert staged.welcome is not None
    message = staged.welcome
    refuse(mls.PskMissing, lambda: forging.join(message, zoe))
    staged.drop()
    return these, zoe, store


def welcome_dropped_or_group_wiped(these: Room) -> object:
    zoe = person("zoe")
    message = these["alice"].commit([zoe.add], force_path=True, now=NOW).welcome
    assert message is not None
    opened = mls.Group.open_welcome(message, zoe.bundle, zoe.signer, policy=POLICY, now=NOW)
    opened.drop()
    opened.drop()
    refuse(mls.StagedCommitSpent, opened.accept)
    forging.join(message, zoe).wipe()
    zoe.bundle.wipe()
    return these, zoe.signer


def external_commits(these: Room) -> object:
    info, zoe = these["alice"].group_info(), person("zoe")
    psk = mls.PreSharedKeyID.external(SUITE, b"id", os.urandom)
    unlisted = (mls.Extension(0xF123, b""),)

    def join(**how: Any) -> mls.StagedCommit:
        return forging.join_externally(info, signer=zoe.signer, **how)

    refuse(mls.InvalidLeaf, lambda: join(leaf_extensions=unlisted))
    refuse(mls.MissingPsk, lambda: join(psk_ids=(psk,)))
    refuse(mls.InvalidProposal, lambda: join(remove=7))
    refuse(mls.TooLarge, lambda: join(policy=limits(max_leaves=3)))
    join().drop()
    staged = join(remove=these.index("bob"))
    refuse(mls.RemovedFromGroup, receive(these.groups.pop("bob"), staged.message).merge)
    for name in ("alice", "carol"):
        these.groups[name] = receive(these[name], staged.message).merge()
    staged.merge().wipe()
    return these, zoe


def external_commit_refused(these: Room) -> object:
    info, signer = these["alice"].group_info(), SUITE.signature_keypair(os.urandom)
    staged = forging.join_externally(info, signer=signer)
    other = mls.AuthenticatedContent.decode(staged.content)
    message = forging.public(replace(other, confirmation_tag=bytes(32)))
    refuse(mls.ConfirmationMismatch, lambda: these["bob"].receive(message))
    staged.drop()
    return these, signer


WAYS: list[Callable[[Room], object]] = [
    own_commit_merged,
    own_add_merged_and_joined,
    anothers_commit_merged,
    own_update_taken,
    own_update_left_out,
    own_commit_dropped,
    anothers_commit_dropped,
    own_commit_overtaken,
    one_of_two_merged,
    with_a_pre_shared_key,
    removed,
    wiped,
    wiped_while_everything_waits,
    wiped_after_late_epochs_were_kept,
    ended_by_a_reinit_and_wiped,
    list_refused,
    refused_by_the_application,
    false_tag,
    path_for_others,
    path_of_other_keys,
    pre_shared_key_missing_or_other,
    proposal_missing,
    unreadable,
    commit_that_is_not_made,
    group_that_is_not_founded,
    welcomes_refused,
    welcome_with_a_key_that_is_missing,
    welcome_dropped_or_group_wiped,
    external_commits,
    external_commit_refused,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_nothing_is_left_on_any_way_out(way: Callable[[Room], object], ledger: Ledger) -> None:
    these = room("bob", "carol")
    people = list(these.people.values())
    signers = [epoch_of(group).signer for group in these.groups.values()]
    alive = way(these)
    left = ledger.left(alive, people, signers, *these.groups.values())
    assert not left, "\n".join(sorted(set(left)))


def test_the_ledger_finds_what_is_left(ledger: Ledger) -> None:
    these = room("bob")
    secret = mls.Secret(b"x" * 32)
    group = these["bob"]
    assert len(ledger.left(these)) >= 1
    assert ledger.left(these, secret, epoch_of(group)) != ledger.left(secret)
    assert ledger.left(these, secret) == []


def test_no_cache_of_a_suite_outlives_a_commit() -> None:
    these = room("bob")
    these.settle("alice", these["alice"].commit(force_path=True, now=NOW))
    for thing in (SUITE, SUITE.hpke, SUITE.kdf, SUITE.hpke.kem, mls.Capabilities):
        for name in dir(thing):
            assert not hasattr(getattr(thing, name), "cache_info"), name
    assert capabilities().encode()

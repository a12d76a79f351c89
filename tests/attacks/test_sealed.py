"""Each sealed object, moved to another room, recipient, purpose or epoch: it opens nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from alcove import mls
from alcove.errors import NotTrusted
from alcove.group.sealing import (
    KnockBody,
    Psk,
    RefusalBody,
    door_psk,
    open_card,
    open_knock,
    open_refusal,
    open_request,
    open_welcome,
    request_psk,
    seal_card,
    seal_knock,
    seal_refusal,
    seal_request,
    seal_welcome,
)
from alcove_protocol.invite import SECRET_SIZE, Invite, InviteRole
from alcove_protocol.statements import Signed

from tests.client_sdk.mls.support import NOW, person, room
from tests.client_sdk.mls.validation import forging

SUITE = mls.ciphersuite(3)
ROOM, OTHER = os.urandom(32), os.urandom(32)
MINE, THEIRS = SUITE.hpke_keypair(os.urandom), SUITE.hpke_keypair(os.urandom)
SENDER, ANOTHER = os.urandom(32), os.urandom(32)
REPLY = SUITE.hpke_keypair(os.urandom).public


def invite(
    door: bytes = b"D" * 8, room: bytes = ROOM, secret: bytes = bytes(SECRET_SIZE)
) -> Invite:
    return Invite(next(iter(InviteRole)), door, room, "https://alcove.example", secret)


CARD = Signed(b"card", bytes(64))
KNOCK = KnockBody("Dora", b"package", SENDER, REPLY, bytes(32))
WISH = Signed(b"a signed wish", bytes(64))
ID, OTHER_ID = b"i" * 16, b"j" * 16
Open = Callable[[], object]

DOOR, OTHER_DOOR = door_psk(invite()), door_psk(invite(b"E" * 8, secret=b"o" * SECRET_SIZE))
EPOCH, NEXT = request_psk(b"e" * 32, 7), request_psk(b"f" * 32, 8)
RENAMED = Psk(EPOCH.secret, NEXT.id)

CARD_SEALED = seal_card(invite(), 1, CARD, os.urandom)
KNOCK_SEALED = seal_knock(invite(), MINE.public, ID, KNOCK, os.urandom)
WELCOME_SEALED = seal_welcome(ROOM, MINE.public, b"welcome", DOOR, os.urandom)
REFUSAL_SEALED = seal_refusal(ROOM, MINE.public, RefusalBody("refused"), DOOR, os.urandom)
REQUEST_SEALED = seal_request(ROOM, MINE.public, SENDER, WISH, EPOCH, os.urandom)
SECRET = b"s" * SECRET_SIZE

RIGHT: dict[str, tuple[Open, object]] = {
    "card": (lambda: open_card(invite(), 1, CARD_SEALED), CARD),
    "knock": (lambda: open_knock(invite(), MINE, ID, KNOCK_SEALED), KNOCK),
    "welcome": (lambda: open_welcome(ROOM, MINE, WELCOME_SEALED, DOOR), b"welcome"),
    "refusal": (lambda: open_refusal(ROOM, MINE, REFUSAL_SEALED, DOOR), RefusalBody("refused")),
    "request": (lambda: open_request(ROOM, MINE, SENDER, REQUEST_SEALED, EPOCH), WISH),
}
MOVED: dict[str, Open] = {
    "card to another number": lambda: open_card(invite(), 2, CARD_SEALED),
    "card to another door": lambda: open_card(invite(b"E" * 8), 1, CARD_SEALED),
    "card to another room": lambda: open_card(invite(room=OTHER), 1, CARD_SEALED),
    "card to another link": lambda: open_card(invite(secret=SECRET), 1, CARD_SEALED),
    "knock to another door": lambda: open_knock(invite(b"E" * 8), MINE, ID, KNOCK_SEALED),
    "knock to another room": lambda: open_knock(invite(room=OTHER), MINE, ID, KNOCK_SEALED),
    "knock to another link": lambda: open_knock(invite(secret=SECRET), MINE, ID, KNOCK_SEALED),
    "knock under another id": lambda: open_knock(invite(), MINE, OTHER_ID, KNOCK_SEALED),
    "knock to another facilitator's key": lambda: open_knock(invite(), THEIRS, ID, KNOCK_SEALED),
    "welcome to another room": lambda: open_welcome(OTHER, MINE, WELCOME_SEALED, DOOR),
    "welcome to another newcomer": lambda: open_welcome(ROOM, THEIRS, WELCOME_SEALED, DOOR),
    "welcome as a refusal": lambda: open_refusal(ROOM, MINE, WELCOME_SEALED, DOOR),
    "refusal to another room": lambda: open_refusal(OTHER, MINE, REFUSAL_SEALED, DOOR),
    "refusal to another newcomer": lambda: open_refusal(ROOM, THEIRS, REFUSAL_SEALED, DOOR),
    "refusal as a welcome": lambda: open_welcome(ROOM, MINE, REFUSAL_SEALED, DOOR),
    "request to another room": lambda: open_request(OTHER, MINE, SENDER, REQUEST_SEALED, EPOCH),
    "request of another member": lambda: open_request(ROOM, MINE, ANOTHER, REQUEST_SEALED, EPOCH),
    "request to another key": lambda: open_request(ROOM, THEIRS, SENDER, REQUEST_SEALED, EPOCH),
    "request to another epoch": lambda: open_request(ROOM, MINE, SENDER, REQUEST_SEALED, NEXT),
    "request under another epoch's number": lambda: open_request(
        ROOM, MINE, SENDER, REQUEST_SEALED, RENAMED
    ),
    "welcome to another door": lambda: open_welcome(ROOM, MINE, WELCOME_SEALED, OTHER_DOOR),
    "welcome as the answer to a request": lambda: open_welcome(ROOM, MINE, WELCOME_SEALED, EPOCH),
    "refusal to another door": lambda: open_refusal(ROOM, MINE, REFUSAL_SEALED, OTHER_DOOR),
    "request as a knock": lambda: open_knock(invite(), MINE, ID, REQUEST_SEALED),
    "knock as a request": lambda: open_request(ROOM, MINE, SENDER, KNOCK_SEALED, EPOCH),
}


@pytest.mark.parametrize("kind", RIGHT)
def test_what_was_sealed_opens_where_it_belongs(kind: str) -> None:
    opening, expected = RIGHT[kind]
    assert opening() == expected


@pytest.mark.parametrize("move", MOVED)
def test_what_was_moved_does_not_open(move: str) -> None:
    with pytest.raises(NotTrusted):
        MOVED[move]()


# --- inside the group ---------------------------------------------------------------------------


def test_a_message_opens_in_no_other_group_and_no_other_epoch() -> None:
    these, others = room("bob"), room("bob")
    message = these["alice"].encrypt(b"text")
    forging.refused(others["bob"], message, mls.DecryptionFailed, "does not open")
    these.settle("alice", these["alice"].commit(now=NOW))
    forging.refused(these["bob"], message, mls.WrongEpoch, "another epoch")


def test_a_commit_of_one_member_is_no_others_and_of_no_other_epoch() -> None:
    """The path ciphertexts are sealed under the provisional GroupContext: with another epoch, tree
    or group no member opens them, and the signature covers all of them."""
    these, others = room("bob", "carol"), room("bob", "carol")
    staged = these["alice"].commit(wire_format="public", now=NOW)
    forging.refused(others["bob"], staged.message, mls.CommitUnreadable, "membership tag")
    these.settle("carol", these["carol"].commit(now=NOW))
    forging.refused(these["bob"], staged.message, mls.WrongEpoch, "another epoch")


def test_a_welcome_opens_for_its_key_package_and_tree_only() -> None:
    these, zoe = room("bob"), person("zoe")
    message = these["alice"].commit([zoe.add], now=NOW).welcome
    assert message is not None
    again = replace(zoe, bundle=zoe.renew().bundle)
    with pytest.raises(mls.NotForThisKeyPackage):
        forging.join(message, again)
    tree = room("bob", "carol")["alice"].ratchet_tree()
    assert forging.join(message, zoe, ratchet_tree=tree).epoch == these["alice"].epoch + 1


def test_a_group_info_for_one_epoch_brings_nobody_into_the_next() -> None:
    these = room("bob")
    info = these["alice"].group_info()
    these.settle("alice", these["alice"].commit(now=NOW))
    staged = forging.join_externally(info)
    forging.refused(these["bob"], staged.message, mls.WrongEpoch, "another epoch")


@pytest.mark.parametrize(("secret", "id"), [(b"", b""), (b"", b"id"), (b"secret", b"")])
def test_nothing_is_sealed_without_a_pre_shared_key(secret: bytes, id: bytes) -> None:
    """HPKE takes two empty values for its mode without a key, and would seal all the same."""
    with pytest.raises(ValueError, match="needs a pre-shared key"):
        Psk(secret, id)

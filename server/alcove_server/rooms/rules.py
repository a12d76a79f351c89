"""What a member may do: each request is checked by the roster, and turned into what to store.

Pure: no store, no clock, no connection. Everything here raises `Refusal` with a code of
`alcove_protocol.errors.REFUSALS`, or `Malformed` when the request cannot be meant by any client.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeVar

from alcove_protocol import limits
from alcove_protocol.card import card_counter
from alcove_protocol.codec import unpack_list
from alcove_protocol.errors import Malformed, Refusal
from alcove_protocol.frames import COMMITS, BlobClass, Publish, PutDoor
from alcove_protocol.labels import Label
from alcove_protocol.position import check_encoded
from alcove_protocol.records import Record
from alcove_protocol.roster import NO_HASH, Change, Op, Roster, RosterEntry, verify_leave
from alcove_protocol.statements import (
    KEY_SIZE,
    AskStatement,
    DoorStatement,
    EndStatement,
    Signed,
    Verified,
    verify,
)

from alcove_server.rooms.roster_history import Outcome, RosterHistory, fits, follow
from alcove_server.store.budget import Pays
from alcove_server.store.interface import Publication, RosterStep, StoredDoor
from alcove_server.wire.fast_in import Post

R = TypeVar("R", bound=Record)

_APPLICATION: Final = BlobClass.APPLICATION
_COMMIT: Final = BlobClass.COMMIT
_MOST: Final = limits.APPLICATION_BLOB


def statement(kind: type[R], label: Label, signed: Signed, key: bytes) -> R:
    """A statement that `key` signed. Raises `Refusal` (`bad_statement`)."""
    try:
        return verify(kind, label, signed, key).statement
    except Malformed:
        raise Refusal("bad_statement") from None


def require_facilitator(history: RosterHistory, key: bytes) -> None:
    """Raises `Refusal` (`not_allowed`)."""
    if not history.roster.is_facilitator(key):
        raise Refusal("not_allowed")


def blob(history: RosterHistory, key: bytes, post: Post, payer: Pays = None) -> Publication:
    """A blob without a roster entry. Raises `Refusal` (`not_allowed`, `not_member`,
    `paused`, `too_large`) or `Malformed`."""
    blob_class, roster = post.blob_class, history.roster
    if blob_class is BlobClass.EXTERNAL:
        raise Refusal("not_allowed")  # an external commit has an entry
    if blob_class is not _APPLICATION:
        require_facilitator(history, key)
    elif key not in history.posters:
        raise _may_not_post(history, key)
    if len(post.blob) > (limits.HANDSHAKE_BLOB if blob_class is _COMMIT else _MOST):
        raise Refusal("too_large")
    check_encoded(post.base)
    head = roster.head
    return Publication(
        roster.room, key, post.id, post.base, blob_class, post.ttl, post.blob, head, None, payer
    )


def _may_not_post(history: RosterHistory, key: bytes) -> Refusal:
    seat = history.roster.seats.get(key)
    if seat is None:
        return Refusal("not_member")
    return Refusal("paused" if seat.paused else "not_allowed")


@dataclass(frozen=True, slots=True)
class JudgedCommit:
    """A commit with the entry that goes with it. `restated` are the keys on a restated list that
    were not on the one before. Those of them that wait at a door are admitted by it."""

    publication: Publication
    restated: dict[bytes, bytes]


def commit_with_entry(
    history: RosterHistory, key: bytes, frame: Publish, payer: Pays = None
) -> JudgedCommit:
    """A commit that changes the roster. Raises `Refusal` (`not_allowed`, `bad_roster`,
    `room_full`, `history_full`, `too_large`) or `Malformed`."""
    if frame.entry is None or frame.signature is None or frame.blob_class not in COMMITS:
        raise Malformed("bad_field", "An entry goes with a commit, and its signature with it.")
    _require_committer(history, key, frame)
    welcomes = _welcomes(frame.welcomes or b"")
    try:
        after, entry, outcome = follow(history, Signed(frame.entry, frame.signature))
    except Malformed as fault:
        raise Refusal("room_full" if fault.code == "room_full" else "bad_roster") from None
    if not fits(history, entry.statement, len(frame.entry) + len(frame.signature)):
        raise Refusal("history_full")
    _bind(entry.statement, frame)
    if (
        not welcomes.keys() <= outcome.seated
        or not (outcome.added.keys() | outcome.returned) <= welcomes.keys()
    ):
        raise Refusal("bad_roster")
    step = _step(entry, after, outcome, welcomes)
    if len(frame.blob) > limits.HANDSHAKE_BLOB:
        raise Refusal("too_large")
    check_encoded(frame.base)
    room, head = history.roster.room, history.roster.head
    blob_class = BlobClass(frame.blob_class)
    publication = Publication(
        room, key, frame.id, frame.base, blob_class, frame.ttl, frame.blob, head, step, payer
    )
    return JudgedCommit(publication, outcome.restated)


def _require_committer(history: RosterHistory, key: bytes, frame: Publish) -> None:
    """A facilitator commits. So does a standby: its link's key by an external commit, and the key
    that it brings by the one that lists it. A standby's key publishes its own entries, and no other
    key does. A facilitator's external commit is its own return. Raises `Refusal` (`not_allowed`,
    `bad_roster`) or `Malformed`."""
    roster = history.roster
    claimed = RosterEntry.decode(frame.entry or b"", limit=limits.ENTRY)
    if frame.blob_class == BlobClass.EXTERNAL:
        allowed = key in roster.links() or roster.is_facilitator(key)
        if roster.is_facilitator(key) and not _is_return(roster, key, claimed):
            raise Refusal("bad_roster")
    else:
        allowed = roster.is_facilitator(key) or key in roster.entrants()
    if not allowed:
        raise Refusal("not_allowed")
    standbys = roster.standbys()
    if claimed.signer != key and (key in standbys or claimed.signer in standbys):
        raise Refusal("bad_roster")


def _is_return(roster: Roster, key: bytes, entry: RosterEntry) -> bool:
    """Whether the entry lets its own signer rejoin, and does nothing else."""
    only = entry.decoded_changes() == (Change(Op.REJOIN, key),)
    same = (entry.flags, entry.slow, entry.lobby) == (roster.flags, roster.slow, None)
    return entry.signer == key and only and same and entry.welcomes == NO_HASH


def _bind(entry: RosterEntry, frame: Publish) -> None:
    """The entry names exactly this commit, these Welcomes and this base, so none of them can go
    with another entry. Raises `Refusal` (`bad_roster`)."""
    welcomes = sha256(frame.welcomes).digest() if frame.welcomes else NO_HASH
    bound = (sha256(frame.blob).digest(), welcomes, frame.base)
    if (entry.commit, entry.welcomes, entry.base) != bound:
        raise Refusal("bad_roster")


def _welcomes(packed: bytes) -> dict[bytes, bytes]:
    """Sealed Welcomes by relay key. Raises `Malformed`."""
    items = unpack_list(packed, most=limits.WELCOMES_PER_COMMIT)
    welcomes = {item[:KEY_SIZE]: item[KEY_SIZE:] for item in items}
    if len(welcomes) < len(items) or any(len(item) <= KEY_SIZE for item in items):
        raise Malformed("bad_field", "A Welcome has no key, or a key has two.")
    if any(len(welcome) > limits.HANDSHAKE_BLOB for welcome in welcomes.values()):
        raise Malformed("bad_field", "A Welcome is too large.")
    return welcomes


def _step(
    entry: Verified[RosterEntry],
    after: RosterHistory,
    outcome: Outcome,
    welcomes: dict[bytes, bytes],
) -> RosterStep:
    return RosterStep(
        entry.signed,
        after.roster.counter,
        after.roster.head,
        outcome.added,
        outcome.revoked,
        outcome.gone | frozenset(outcome.added) | outcome.returned,
        outcome.gone,
        welcomes,
        outcome.replacing,
    )


def door(history: RosterHistory, key: bytes, frame: PutDoor) -> StoredDoor:
    """A door to be put, with its lifetime in `expires_at`. `closed` is set for one to be revoked.
    Raises `Refusal` (`not_allowed`, `bad_statement`, `door_revoked`)."""
    require_facilitator(history, key)
    signed = Signed(frame.statement, frame.signature)
    put = statement(DoorStatement, Label.DOOR, signed, key)
    roster = history.roster
    if put.room != roster.room or card_counter(put.card_number) > roster.counter:
        raise Refusal("bad_statement")
    revokes = put.uses == 0
    if revokes and not frame.card:
        return StoredDoor(put.door, put.door_key, 0, 0.0, put.card_number, b"", "door_revoked")
    if revokes or not put.ttl or sha256(frame.card).digest() != put.card_hash:
        raise Refusal("bad_statement")
    if put.door in history.revoked:
        raise Refusal("door_revoked")
    life = float(put.ttl)
    number, card = put.card_number, frame.card
    return StoredDoor(put.door, put.door_key, put.uses, life, number, card, by=key)


def vault(history: RosterHistory, key: bytes, to: bytes, sealed: bytes) -> None:
    """A facilitator leaves a vault for another member: it comes before the commit that appoints.
    Raises `Refusal` (`not_allowed`, `too_large`)."""
    require_facilitator(history, key)
    if to == key or not history.roster.is_member(to):
        raise Refusal("not_allowed")
    if len(sealed) > limits.VAULT:
        raise Refusal("too_large")


def talk(history: RosterHistory, newcomer: bytes, key: bytes, sealed: bytes) -> None:
    """A text of the talk at the door, by the newcomer or by a facilitator. All have one size.
    Raises `Refusal` (`not_allowed`, `too_large`)."""
    if key != newcomer:
        require_facilitator(history, key)
    if len(sealed) > limits.DOOR_TEXT:
        raise Refusal("too_large")


def ask(history: RosterHistory, key: bytes, id: bytes, signed: Signed) -> None:
    """A standby asks the members, or a facilitator that lost its group. Only they know which MLS
    key is the link's, or the facilitator's. Raises `Refusal` (`not_allowed`, `bad_statement`)."""
    facilitates = history.roster.is_facilitator(key)
    if key not in history.roster.standbys() and not facilitates:
        raise Refusal("not_allowed")
    try:
        mls_key = AskStatement.decode(signed.body).mls_key
    except Malformed:
        raise Refusal("bad_statement") from None
    said = statement(AskStatement, Label.STANDBY, signed, mls_key)
    if (said.room, said.id, said.relay_key) != (history.roster.room, id, key):
        raise Refusal("bad_statement")
    if (said.epoch is not None) is not facilitates:
        raise Refusal("bad_statement")


def leave(history: RosterHistory, key: bytes, signed: Signed) -> None:
    """Raises `Refusal` (`bad_statement`)."""
    try:
        verify_leave(history.roster, key, signed)
    except Malformed:
        raise Refusal("bad_statement") from None


def end(history: RosterHistory, key: bytes, signed: Signed) -> None:
    """Raises `Refusal` (`not_allowed`, `bad_statement`, or `bad_roster` for an earlier head)."""
    require_facilitator(history, key)
    said = statement(EndStatement, Label.END, signed, key)
    roster = history.roster
    if (said.room, said.relay_key) != (roster.room, key):
        raise Refusal("bad_statement")
    if (said.counter, said.head) != (roster.counter, roster.head):
        raise Refusal("bad_roster")

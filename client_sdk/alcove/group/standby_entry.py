"""Coming in without a facilitator: what a member answers, and the external commit that it allows.

It is by a standby's link, or a facilitator's return by a ticket, which replaces its own leaf.

A member's answer may be a lie, or old. What can be checked is checked here: that the group is this
room's, that its facilitators chain to the room id, that it names this very link as its standby. The
rest shows when members follow the commit, or do not (engine/standby_entering.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Annotated, Final

from alcove_protocol import frames, limits
from alcove_protocol.card import AGREEMENT_LIST, AgreementText, agreement_hash, unpack_agreement
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import VERSION, Label
from alcove_protocol.position import POSITION_SIZE, Position
from alcove_protocol.records import AtMost, Exactly, Record
from alcove_protocol.roster import (
    ENTRANT,
    NO_HASH,
    Change,
    Op,
    Roster,
    RosterEntry,
    apply_changes,
    extend,
    list_digest,
)
from alcove_protocol.statements import KEY_SIZE, Opening, Signed

from alcove import mls
from alcove.errors import NotTrusted
from alcove.group.admission import leaf_extensions, listing_of, room_policy
from alcove.group.appointments import chained_facilitators, unpack_appointments
from alcove.group.extensions import (
    LEAF_EXTENSION,
    ROSTER_EXTENSION,
    FacilitatorKeys,
    LeafExtension,
    RoomExtension,
    capabilities,
    room_extension,
)
from alcove.group.external_wrap import wrap_external, wrap_key
from alcove.group.keys import Identity, SigningKey
from alcove.group.membership import Membership
from alcove.group.standby import StandbyKeys, StandbySecrets, enters_by
from alcove.mls.secret import Random

_MESSAGE_HEAD: Final = 4
"""Bytes of an MLSMessage before its GroupInfo: version and wire format."""
GROUP_INFO: Final = limits.HANDSHAKE_BUCKET - 32 * limits.KIB
"""Bytes of a GroupInfo in an answer. The rest is for the room's texts."""


@dataclass(frozen=True, slots=True)
class StandbyAnswer(Record):
    """What a member tells a standby, sealed to it. `base` is the position of the last commit that
    the member followed, and `held` says that it could not follow a later one. `agreement` is empty
    when the member came back by a ticket and has no text."""

    base: Annotated[bytes, Exactly(POSITION_SIZE)]
    held: bool
    key: Annotated[bytes, Exactly(KEY_SIZE)] = field(repr=False)
    group_info: Annotated[bytes, AtMost(GROUP_INFO)] = field(repr=False)
    title: Annotated[str, AtMost(limits.TITLE)]
    agreement: Annotated[bytes, AtMost(AGREEMENT_LIST)]
    languages: Annotated[str, AtMost(limits.LANGUAGES)]
    helplines: Annotated[str, AtMost(limits.HELPLINES)]


def group_info_of(membership: Membership) -> tuple[bytes, bytes]:
    """The GroupInfo for an external commit, signed by this member, and the key that wraps it."""
    listing = mls.Extension(ROSTER_EXTENSION, listing_of(membership.roster).encode())
    key = wrap_key(membership.group)
    exposed = key.expose()
    key.wipe()
    return membership.group.group_info((listing,)), exposed


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that may be true. `by` is the relay key that gave it."""

    by: bytes
    answer: StandbyAnswer
    context: mls.GroupContext
    state: RoomExtension
    texts: tuple[AgreementText, ...]

    @property
    def epoch(self) -> int:
        return self.context.epoch

    def with_texts_of(self, others: "Iterable[Candidate]") -> "Candidate":
        """The same with what another answer says of the ground rules, where this one has no text:
        their hash judges it."""
        if self.texts:
            return self
        have = (one for one in others if one.texts and one.state.agreement == self.state.agreement)
        found = next(have, None)
        if found is None:
            return self
        said = found.answer
        answer = replace(
            self.answer,
            agreement=said.agreement,
            languages=said.languages,
            helplines=said.helplines,
        )
        return replace(self, answer=answer, texts=found.texts)


def read_answer(
    data: bytes, by: bytes, opening: Opening, asker: StandbyKeys | FacilitatorKeys
) -> Candidate:
    """Check what can be checked of an answer: that its room has this standby, or this facilitator.
    Raises `NotTrusted` (`bad_answer`)."""
    room = opening.previous
    try:
        answer = StandbyAnswer.decode(data, limit=limits.HANDSHAKE_BLOB)
        context = context_of(answer.group_info)
        state = room_extension(context)
        known = chained_facilitators(opening, unpack_appointments(state.appointments), room)
        texts = unpack_agreement(answer.agreement) if answer.agreement else ()
        agreed = agreement_hash(room, state.agreement_version, answer.agreement)
    except (Malformed, mls.MLSError):
        raise _untrue() from None
    listed = {keys.mls_key: keys for keys in state.facilitator_list()}
    if any(known.get(key) != keys for key, keys in listed.items()):
        raise _untrue()
    if isinstance(asker, FacilitatorKeys):
        knows = listed.get(asker.mls_key) == asker
    else:
        knows = state.standby == asker.encode()
    if context.group_id != room or not knows:
        raise _untrue()
    if texts and agreed != state.agreement:
        raise _untrue()
    return Candidate(by, answer, context, state, texts)


def context_of(group_info: bytes) -> mls.GroupContext:
    """The GroupContext in a GroupInfo message, unverified. Raises `Malformed`, `MLSError`."""
    return mls.GroupInfo.decode(group_info[_MESSAGE_HEAD:]).group_context


def _untrue() -> NotTrusted:
    return NotTrusted("bad_answer", "A member's answer is not of this room, so it was not used.")


@dataclass(frozen=True, slots=True)
class Entry:
    """An external commit ready to go, and what it leads to."""

    staged: mls.StagedCommit
    blob: bytes
    entry: Signed
    base: Position
    before: Roster
    after: Roster

    def publish(self, n: int, id: bytes) -> frames.Publish:
        """The request `n` that gives the relay the commit and the entry."""
        return frames.Publish(
            n,
            id,
            self.base.encode(),
            int(frames.BlobClass.EXTERNAL),
            limits.TTL_MAX,
            self.blob,
            self.entry.body,
            self.entry.signature,
        )

    def join(self, at: Position) -> Membership:
        """The relay took it at this position: be a member."""
        commit = sha256(self.blob).digest()
        membership = Membership(self.staged.merge(), self.after, at, commit, self.before)
        membership.merged.fill_in(self.blob, ())
        membership.chain.append(self.entry)
        membership.compare_roster_with_group()
        return membership


def make_entry(
    candidate: Candidate,
    identity: Identity,
    secrets: StandbySecrets,
    roster: Roster,
    *,
    now: float,
    random: Random,
) -> Entry:
    """The external commit by fresh keys that the link appoints, with the entry that the link's key
    signs. A leaf of an earlier try goes. `now` is in Unix seconds.

    Raises `NotTrusted` (`bad_answer`) when the answer leads nowhere.
    """
    try:
        staged = _stage(candidate, identity, secrets, roster, None, now=now, random=random)
        former = _former(staged, secrets)
        if former is not None:
            staged.drop()
            staged = _stage(candidate, identity, secrets, roster, former, now=now, random=random)
    except (Malformed, mls.MLSError):
        raise _untrue() from None
    changes = [Change(Op.REMOVE, key) for key in roster.entrants()]
    changes.append(Change(Op.ADD, identity.relay.public, ENTRANT))
    return _entry(candidate, staged, roster, secrets.relay, changes, random)


def _stage(
    candidate: Candidate,
    identity: Identity,
    secrets: StandbySecrets,
    roster: Roster,
    remove: int | None,
    *,
    now: float,
    random: Random,
) -> mls.StagedCommit:
    room = candidate.context.group_id
    appointment = secrets.appoint(room, identity.signature.public, identity.relay.public)
    extension = LeafExtension(
        VERSION,
        identity.relay.public,
        identity.desk.public,
        candidate.state.agreement,
        appointment.encode(),
    )
    extensions = (mls.Extension(LEAF_EXTENSION, extension.encode()),)
    return _join(candidate, identity, extensions, roster, remove, now=now, random=random)


def _join(
    candidate: Candidate,
    identity: Identity,
    extensions: tuple[mls.Extension, ...],
    roster: Roster,
    remove: int | None,
    *,
    now: float,
    random: Random,
) -> mls.StagedCommit:
    """The external commit by a leaf with these extensions, which takes the place of `remove`."""
    return mls.Group.join_externally(
        candidate.answer.group_info,
        identity.signature,
        mls.Credential.basic(identity.name.encode()),
        capabilities(identity.suite),
        extensions,
        random,
        policy=room_policy(roster.members),
        now=int(now),
        remove=remove,
    )


def make_return(
    candidate: Candidate,
    identity: Identity,
    accepted: bytes,
    roster: Roster,
    *,
    now: float,
    random: Random,
) -> Entry:
    """The external commit by which a facilitator replaces its own leaf, with the entry that it
    signs. `accepted` is the agreement that it accepted, and `now` is in Unix seconds.

    Raises `NotTrusted` (`bad_answer`) when the answer leads nowhere.
    """
    extensions = leaf_extensions(identity, accepted, reloaded=True)
    try:
        own = mls.leaf_in(
            candidate.answer.group_info, identity.signature.public, room_policy(roster.members)
        )
        if own is None:
            raise _untrue()
        staged = _join(candidate, identity, extensions, roster, own, now=now, random=random)
    except (Malformed, mls.MLSError):
        raise _untrue() from None
    changes = [Change(Op.REJOIN, identity.relay.public)]
    return _entry(candidate, staged, roster, identity.relay, changes, random)


def _former(staged: mls.StagedCommit, secrets: StandbySecrets) -> int | None:
    """The leaf of an earlier try by the same link."""
    for member in staged.members_after():
        if member.index != staged.committer and enters_by(member.leaf) == secrets.keys.mls_key:
            return member.index
    return None


def _entry(
    candidate: Candidate,
    staged: mls.StagedCommit,
    roster: Roster,
    signer: SigningKey,
    changes: list[Change],
    random: Random,
) -> Entry:
    """The commit, wrapped, with the entry of these changes. Raises `NotTrusted` (`bad_answer`)."""
    try:
        for member in staged.members_after():
            enters_by(member.leaf)  # it reads all that a leaf says, as every client does later
        blob = wrap_external(
            candidate.answer.key,
            candidate.context.group_id,
            candidate.epoch,
            staged.message,
            random,
        )
        base = Position.decode(candidate.answer.base)
        entry = _sign_changes(blob, base, signer, changes, roster)
        after, _ = extend(roster, entry)
    except (Malformed, mls.MLSError):
        staged.drop()
        raise _untrue() from None
    return Entry(staged, blob, entry, base, roster, after)


def _sign_changes(
    blob: bytes, base: Position, signer: SigningKey, changes: list[Change], roster: Roster
) -> Signed:
    seats = apply_changes(roster.seats, changes)
    entry = RosterEntry(
        roster.room,
        roster.counter + 1,
        roster.head,
        signer.public,
        base.encode(),
        sha256(blob).digest(),
        NO_HASH,
        b"".join(change.encode() for change in changes),
        int(roster.flags),
        roster.slow,
        list_digest(roster.room, seats, roster.flags, roster.slow),
    )
    return signer.sign(Label.ROSTER, entry)

"""One member's standing in a room: the MLS group, the room's state, the roster.

`follow` decides what becomes of a commit (docs/protocol.md 11):

    Merged   the group is in the next epoch; the outcome tells what changed
    Burned   every member sees the same fault; the epoch stays, the position is the base
    Held     only this client cannot follow; the epoch stays, it sends nothing and asks to rejoin
    PutOut   the commit removes this client

Nothing here sends. Unless the commit merges, only the base changes: it moves with every commit that
the relay took.
"""

from collections.abc import Container
from dataclasses import replace
from hashlib import sha256

from alcove_protocol import limits
from alcove_protocol.endings import verify_removal
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import Label
from alcove_protocol.position import Position
from alcove_protocol.roster import Change, Op, Roster, RosterEntry, Seat, entry_hash, extend
from alcove_protocol.sealed import RequestBody
from alcove_protocol.statements import Signed

from alcove import mls
from alcove.errors import NotTrusted
from alcove.group.asking import Asker, LetIn
from alcove.group.extensions import RoomExtension, leaf_extension, room_extension
from alcove.group.external_wrap import read_external
from alcove.group.framing import check_class, unpack_commit
from alcove.group.keys import SigningKey
from alcove.group.listed_again import Branch, entry_again
from alcove.group.listing import is_the_groups, restated
from alcove.group.members import Members
from alcove.group.merged import MergedCommit, MergedCommits
from alcove.group.outcomes import Burned, Held, KeptOut, Merged, Outcome, Person, PutOut
from alcove.group.rights import NotAllowed
from alcove.group.seal_secrets import DESK, DESK_KEPT, REQUEST, REQUESTS_KEPT, SealSecrets
from alcove.group.trial import Trial


class Membership(Members):
    """The state that moves from epoch to epoch. `alarm` is set when roster and tree differ."""

    def __init__(
        self,
        group: mls.Group,
        roster: Roster,
        base: Position,
        commit: bytes,
        before: Roster | None = None,
    ) -> None:
        """`before` is the roster without its last entry, where that is known."""
        self.group = group
        self.roster = roster
        self._last_in: dict[bytes, Position] = {}
        self.base = base
        self.commit_hash = commit  # SHA-256 of the last merged commit's blob
        self.state: RoomExtension = room_extension(group.context)
        self.facilitator_keys = self.state.facilitator_keys()  # each tick asks often
        self._came_as = self.own_leaf_key  # when this program came in
        self.accepted = leaf_extension(self.own_leaf).agreement
        """The agreement that this person accepted, as their own leaf says, which they signed. No
        commit changes it: the person alone does."""
        if roster.lobby is None:  # no entry that this client knows has named one
            self.roster = replace(roster, lobby=self.state.lobby_key)
        if before is not None and before.lobby is None:
            before = replace(before, lobby=self.state.lobby_key)
        self.lobby_key = self.state.lobby_key
        """What requests are sealed to: the state's, or a newer one in the chain when held."""
        self.chain: list[Signed] = []
        """The signed entries that led here, from entry 0 on for the client that opened the room."""
        self.alarm: str | None = None
        self.alarm_by: str | None = None
        """The facilitator who signed the entry that parts the list from the group, by name."""
        self._chain_broke = False
        self.told_list: str | None = None
        """The facilitator whose heartbeat names another list than this client has, by name."""
        self.restate = False
        self.may_have_appointed = False
        """Whether the relay was given a commit of this epoch that makes another member a
        facilitator. It may have taken it, whatever it said."""
        self._roster_before = self.roster if before is None else before
        self.merged = MergedCommits(commit, self._roster_before, self.roster)
        self.branch: Branch | None = None
        """The list as the log has it where commits come again, until the last one has."""
        self.let_in = LetIn(group.epoch)
        self.request_secrets = SealSecrets(REQUEST, REQUESTS_KEPT)
        self.desk_secrets = SealSecrets(DESK, DESK_KEPT)
        self._keep_secrets()
        self._kept_out: list[KeptOut] = []
        self.unheard: set[bytes] = set()
        """MLS keys of members that were let in, again or for the first time, and of whom nothing
        came since: their Welcome may be lost. Those who were here before this client count as
        heard."""

    def restart(self, other: "Membership") -> None:
        """Become `other`, a group joined anew. Every holder of this object goes on with it."""
        self.wipe()
        chain, accepted, came_as = self.chain, self.accepted, self._came_as
        self.__dict__.update(other.__dict__)
        self.chain, self.accepted, self._came_as = chain, accepted, came_as

    @property
    def commit_blob(self) -> bytes:
        """The bytes of the last commit. Empty when this client lacks them."""
        return self.merged.last

    @property
    def agreement_due(self) -> bool:
        """Whether the person has yet to accept the room's agreement. A correction of what they
        accepted asks for nothing."""
        return self.accepted not in self.state.good_agreements()

    @property
    def leaf_lags(self) -> bool:
        """Whether this client's leaf says another agreement than its person accepted."""
        return leaf_extension(self.own_leaf).agreement != self.accepted

    @property
    def base(self) -> Position:
        """The position of the last commit that the relay took."""
        return self._base

    @base.setter
    def base(self, position: Position) -> None:
        self._base = position
        known = self._last_in.get(position.generation, position)
        self._last_in[position.generation] = max(known, position, key=lambda at: at.number)

    def _keep_secrets(self) -> None:
        self.request_secrets.add(self.group)
        self.desk_secrets.add(self.group)

    def tick(self, now: float) -> None:
        """Forget the secrets of earlier epochs whose time is over."""
        self.request_secrets.tick(now)
        self.desk_secrets.tick(now)

    def wipe(self) -> None:
        """Forget the group and every secret of its epochs."""
        self.group.wipe()
        self.request_secrets.wipe()
        self.desk_secrets.wipe()

    # --- the members ---------------------------------------------------------------------------

    @property
    def own(self) -> Person:
        return self.person(self.own_leaf)

    @property
    def own_leaf_key(self) -> bytes:
        """The encryption key of this client's leaf, in the epoch that the client is in."""
        return self.own_leaf.encryption_key

    @property
    def own_leaf(self) -> mls.LeafNode:
        leaf = self.group.member(self.group.own_index)
        if leaf is None:
            raise NotTrusted("not_member", "This client is not in its own group.")
        return leaf

    def asker(self, person: Person) -> Asker:
        """What the state says of a member who asks the facilitators for something."""
        leaf = self.leaf_of(person.key)
        return Asker(
            self.group.group_id,
            self.group.epoch,
            person.key,
            leaf.encryption_key if leaf is not None else b"",
            self.roster.since.get(person.relay_key, 0),
        )

    def asker_by_ticket(self, person: Person, body: RequestBody) -> Asker | None:
        """The same of a member that comes back by a ticket. None when this client cannot judge."""
        return self.let_in.judge(self.asker(person), person.relay_key, body)

    # --- commits -------------------------------------------------------------------------------

    def follow(
        self, blob: bytes, entry: Signed | None, position: Position, *, external: bool = False
    ) -> Outcome:
        """Decide what becomes of a commit that the relay took at this position. `external` says
        that it is of the class of wrapped external commits."""
        outcome = self._judge_external(blob) if external else self._judge(blob)
        self.base = position
        if isinstance(outcome, Burned | Held):
            # The relay took the entry too, so the chain goes on over it. Its list is not the
            # group's, and the next entry restates the list.
            known, head = self.roster.lobby, self.roster.head
            self._extend_roster(blob, entry)
            self.restate = self.restate or entry is not None
            if isinstance(outcome, Burned) and self.roster.head != head:
                self._tell_of_list(entry)
            if isinstance(outcome, Held) and self.roster.lobby not in (None, known):
                self.lobby_key = self.roster.lobby  # the group has it, and this client not yet
        if isinstance(outcome, mls.StagedCommit):
            return self.merge(outcome, blob, entry)
        if isinstance(outcome, PutOut):
            # Only the verified chain says LEFT, with this member's signed leave. The relay chooses
            # the bytes of an entry that does not follow, and must not make a removal look wished.
            own = self.own.relay_key
            changes = self._extend_roster(blob, entry)
            by_wish, absent = changes.get(own) is Op.LEFT, changes.get(own) is Op.ABSENT
            return replace(outcome, by_wish=by_wish, absent=absent)
        return outcome

    def _judge(self, blob: bytes) -> "mls.StagedCommit | Burned | Held | PutOut":
        try:
            proposals, commit = unpack_commit(blob)
        except Malformed as error:
            return Burned(error.code)
        trial = Trial(self.group)
        try:
            check_class(commit, mls.ContentType.COMMIT)
            # Rights are judged before anything that only this client sees: a commit beyond its
            # author's rights is burned by all members and holds none of them.
            carried = trial.read_proposals(proposals)
            staged = self.group.receive(commit, approve=trial.approve, carried=carried)
            if not isinstance(staged, mls.StagedCommit):
                raise NotAllowed("class")
        except mls.MissingProposal as error:
            # A commit brings every proposal that it names, and all members read these bytes alike.
            return Burned(error.code, *trial.told(error))
        except mls.CannotFollow as error:
            return self._missed(error)
        except mls.WrongEpoch as error:
            # Of a later epoch: this client missed a commit. Of an earlier one: no member of the
            # present epoch can follow it, so a relay that replays it holds no member up.
            ahead = mls.peek(commit).epoch > self.group.epoch
            return self._missed(error) if ahead else Burned(error.code)
        except (NotAllowed, Malformed, mls.MLSError) as error:
            return Burned(error.code, *trial.told(error))
        if not staged.removes_me:
            return staged
        # Removed and added in one commit is a rejoin. This client did not ask for it, or its
        # Welcome is still to come: it cannot follow, and is not put out. But a program that came by
        # a ticket asked for itself: two would put each other out. With the leaf by which this very
        # program came, none asked: a facilitator kept what it had asked with.
        after = (m for m in staged.members_after() if m.index in staged.added)
        leaf = next((m.leaf for m in after if m.leaf.signature_key == self.own.key), None)
        if leaf is None:
            return PutOut(by_wish=False)
        if leaf_extension(leaf).reloaded and leaf.encryption_key != self._came_as:
            return PutOut(by_wish=False, replaced=True)
        return Held("rejoin", leaf.encryption_key)

    def _judge_external(self, blob: bytes) -> "mls.StagedCommit | Burned | PutOut":
        """An external commit. One that does not open is of another epoch, as after a false answer,
        and no member in step can open it."""
        trial = Trial(self.group)
        try:
            staged = read_external(self.group, blob, trial.approve)
        except (NotAllowed, Malformed, mls.MLSError) as error:
            return Burned(error.code, *trial.told(error))
        return PutOut(by_wish=False, replaced=True) if staged.removes_me else staged

    def _missed(self, error: mls.MLSError) -> "Burned | Held":
        """This client alone cannot follow. Only facilitators commit, so the group cannot have moved
        on without its only facilitator. It does move on with a commit of this very client, which
        was dropped, and which the relay delivered all the same."""
        alone, own = self.commits_alone, isinstance(error, mls.OwnCommit)
        return Burned(error.code) if alone and not own else Held(error.code)

    @property
    def facilitates_alone(self) -> bool:
        """Whether this client is the only facilitator's."""
        return self.facilitator_keys == {self.own.key}

    @property
    def commits_alone(self) -> bool:
        """Whether no other client can have moved the group on, as far as this one can know. One
        that its ticket brought back does it by a commit that a lying relay may keep from it, and
        nothing tells that relay from one that makes a commit up."""
        return self.facilitates_alone and not self.may_have_appointed

    def merge(self, staged: mls.StagedCommit, blob: bytes, entry: Signed | None) -> Merged:
        """Go to the next epoch, and tell which members came and went."""
        before, state = {person.key: person for person in self.people()}, self.state
        leaves = {leaf_extension(one.leaf).relay_key: one.leaf for one in self.group.members()}
        self.group, self.may_have_appointed = staged.merge(), False
        self._keep_secrets()
        self.state = room_extension(self.group.context)
        self.facilitator_keys = self.state.facilitator_keys()
        self.lobby_key = self.state.lobby_key
        self.commit_hash = sha256(blob).digest()
        head, listed = self.roster.head, self.roster
        changes = self._extend_roster(blob, entry, leaves)
        own = entry if self.roster.head != head else None
        external = staged.is_external
        self.merged.add(MergedCommit(self.commit_hash, blob, listed, self.roster, own, external))
        self.branch = None
        self._chain_broke |= entry is not None and self.roster.head == head
        after = {person.key: person for person in self.people()}
        brought = (*staged.added, staged.committer) if staged.is_external else staged.added
        came = [leaf for index in brought if (leaf := self.group.member(index)) is not None]
        added = {leaf.signature_key for leaf in came}
        reloaded = {leaf.signature_key for leaf in came if leaf_extension(leaf).reloaded}
        here = (person.relay_key for person in after.values())
        self.let_in.note((leaf_extension(leaf).relay_key for leaf in came), self.group.epoch, here)
        renewed = {self.group_key(index) for index in (*staged.updated, staged.committer)}
        self.unheard = ((self.unheard | added) & after.keys()) - renewed
        self.compare_roster_with_group(self._signer(entry) if self.roster.head != head else None)
        return Merged.of(
            before,
            after,
            committer=self.group_key(staged.committer),
            added=added,
            reloaded=reloaded,
            by_wish=frozenset(key for key, op in changes.items() if op is Op.LEFT),
            absent=tuple(leaf for key, leaf in leaves.items() if changes.get(key) is Op.ABSENT),
            states=(state, self.state),
        )

    def group_key(self, index: int) -> bytes:
        leaf = self.group.member(index)
        return leaf.signature_key if leaf is not None else b""

    # --- the roster ----------------------------------------------------------------------------

    def _extend_roster(
        self, blob: bytes, entry: Signed | None, before: Container[bytes] | None = None
    ) -> dict[bytes, Op]:
        """Follow the chain. A break sets the alarm, and the commit stands all the same. `before`
        are the relay keys of the members before the commit, where it was merged."""
        if entry is None:
            return {}
        try:
            after, verified = extend(self.roster, entry)
            if verified.statement.commit != sha256(blob).digest():
                raise Malformed("bad_roster", "The entry is of another commit.")
        except Malformed as error:
            self.alarm = error.code
            return {}
        self._roster_before, self.roster = self.roster, after
        self.chain.append(entry)
        self._note_kept_out(self._roster_before, after, entry, before)
        return {change.key: change.op for change in verified.statement.decoded_changes()}

    def _note_kept_out(
        self, before: Roster, after: Roster, entry: Signed, members: Container[bytes] | None = None
    ) -> None:
        """What an entry says of those that have no leaf. Of a member the group's state decides: a
        list that takes one off with a commit that was refused is restated."""
        statement = RosterEntry.decode(entry.body, limit=limits.ENTRY)
        ops = {one.key: one.op for one in statement.decoded_changes()}
        if members is None:
            members = {person.relay_key for person in self.people()}
        gone = (key for key, op in ops.items() if op is Op.REMOVE)
        removed = frozenset(key for key in gone if key not in members)
        left_out = (key for key in before.seats if key not in after.seats and key not in ops)
        dropped = frozenset(key for key in left_out if key not in members)
        if removed or dropped:
            self._kept_out.append(KeptOut(removed, dropped, self._signer(entry) or ""))

    def take_kept_out(self) -> tuple[KeptOut, ...]:
        """What entries did to those that have no leaf, since this was asked last."""
        found, self._kept_out = tuple(self._kept_out), []
        return found

    def may_be_removed(self, relay_key: bytes) -> bool:
        """Whether an entry can remove this key: it is on the list, or an ABSENT took it off, as far
        as this client knows."""
        roster = self.roster
        return roster.away is None or relay_key in roster.away or relay_key in roster.seats

    def _signer(self, entry: Signed | None) -> str | None:
        """The name of a verified entry's signer."""
        if entry is None:
            return None
        signer = RosterEntry.decode(entry.body, limit=limits.ENTRY).signer
        person = self.find_relay_key(signer)
        return person.name if person is not None else None

    def facilitators(self) -> frozenset[bytes]:
        """The relay keys of the facilitators, from the group's state alone."""
        return self.state.facilitator_relay_keys()

    def known_seats(self) -> dict[bytes, Seat]:
        """The seats of all members, as the roster has them or had them before its last entry."""
        return {**self._roster_before.seats, **self.roster.seats}

    def came_again(self, digest: bytes, entry: Signed | None) -> None:
        """A log that was brought back has this merged commit, perhaps with another entry: its base
        is another there, and entries before it may be lost. With the last commit that list is this
        client's."""
        merged = self.merged.find(digest)
        if merged is None:
            return
        if entry is not None and entry_hash(Label.ROSTER, entry.body) != merged.after.head:
            try:
                self._follow_again(merged, entry)
            except Malformed as error:
                self.alarm = error.code
                return
        if digest == self.commit_hash and self.branch is not None:
            branch, self.branch = self.branch, None
            self._roster_before, self.roster = branch.before, branch.roster
            self.chain = branch.chain(self.chain)
            self._chain_broke = False
            self.compare_roster_with_group(self._signer(entry))

    def _follow_again(self, merged: MergedCommit, entry: Signed) -> None:
        """Raises `Malformed`."""
        branch = self.branch
        if branch is None:
            previous = RosterEntry.decode(entry.body, limit=limits.ENTRY).previous
            before = self.merged.before(merged)  # burned commits may have had entries in between
            branch = Branch.at(before if before.head == previous else merged.before)
        self.branch = branch.follow(merged.digest, entry)
        self._note_kept_out(self.branch.before, self.branch.roster, entry)
        self.merged.listed(merged.digest, self.branch.before, self.branch.roster, entry)

    def entry_again(self, lost: MergedCommit, relay: SigningKey) -> Signed | None:
        """The entry with which a lost commit goes again, on the present base."""
        at = self.branch.roster if self.branch is not None else self.merged.before(lost)
        return entry_again(lost, at, self.base, relay)

    def puts_me_out(self, signed: Signed) -> bool:
        """Whether a facilitator signed a roster entry that removes this client.

        A client that was away is shown only this entry, so the chain is not extended here.
        """
        followed = {entry_hash(Label.ROSTER, entry.body) for entry in self.chain}
        try:
            # A relay can claim another generation at will. What won a race stays known in its own.
            claimed = Position.decode(RosterEntry.decode(signed.body, limit=limits.ENTRY).base)
            base = self._last_in.get(claimed.generation, self.base)
            entry = verify_removal(self.roster, signed, self.own.relay_key, base, followed)
        except Malformed:
            return False
        # The roster alone could be a single facilitator's work. The group's state is not.
        return entry.signer in self.facilitators()

    def compare_roster_with_group(self, signer: str | None = None) -> None:
        """Set the alarm when the relay's list and the group differ. `signer` is the name of the
        member whose verified entry came with the merged commit.

        The next commit of a facilitator who still may restates the list. Else a member whom a
        commit hid from the list could not be removed, since no change of theirs follows. Where this
        client alone has the wrong list, the relay refuses its entry in any case.
        """
        if self._list_is_the_groups():
            self.restate = False
        elif signer is not None:
            self.alarm, self.alarm_by, self.restate = "roster_mismatch", signer, True
        else:
            if not self.restate:
                self.alarm, self.alarm_by = "roster_mismatch", None
            self.restate = True

    def _tell_of_list(self, entry: Signed | None) -> None:
        """A commit changed nothing but the relay's list, by which it may close this connection."""
        if not self._list_is_the_groups():
            self.alarm, self.alarm_by = "roster_mismatch", self._signer(entry)

    def list_differs(self, facilitator: bytes) -> None:
        """The heartbeat of the facilitator with this MLS key names another list of members. They
        can claim that alone, so it is no proof that the relay lies."""
        person = self.find_key(facilitator)
        self.told_list = None if person is None else person.name

    @property
    def lacks_the_list(self) -> bool:
        """Whether an entry of a merged commit did not follow, or the list is not the group's. Where
        the relay showed this client alone a wrong entry, no later one follows."""
        return self._chain_broke or not self._list_is_the_groups()

    def _list_is_the_groups(self) -> bool:
        return is_the_groups(self.roster, self.state, self.people())

    def listing(self) -> list[Change]:
        """The list as the group has it: after a burned commit the relay's is another."""
        return restated(self.state, self.people(), self.known_seats())

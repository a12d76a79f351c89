"""What members ask of the facilitators: their Updates, and to be let in again.

Each request is judged in one of four ways:

    served      settled now, or with its commit
    void        it opened, and every facilitator finds it wrong: settled
    NotYet      of an epoch that this client has not reached: looked at again later
    NotMine     this client cannot open or serve it, and another may: left at the relay, which
                keeps at most four of a member, each for 24 h
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from alcove_protocol import limits
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import LobbyItem
from alcove_protocol.sealed import RequestBody, RequestKind
from alcove_protocol.statements import Signed

from alcove import mls
from alcove.errors import AlcoveError, NotTrusted
from alcove.facilitation.absences import Absences
from alcove.facilitation.committer import Committer
from alcove.facilitation.doors import Doors
from alcove.facilitation.in_flight import PendingUpdate
from alcove.facilitation.intents import Done, Returning
from alcove.facilitation.key_packages import KeyPackages
from alcove.facilitation.lobby_keys import LobbyKeys
from alcove.facilitation.rejoins import Rejoins
from alcove.facilitation.role_intents import Demote
from alcove.facilitation.roles import Roles
from alcove.facilitation.seen_lost import LostMember
from alcove.group.asking import Asker, verify_request
from alcove.group.extensions import leaf_extension
from alcove.group.framing import check_class
from alcove.group.membership import Membership
from alcove.group.outcomes import Person
from alcove.group.rights import NotAllowed, check_same_member, judge_step_down
from alcove.group.sealing import (
    NO_EPOCH,
    Psk,
    door_psk,
    open_late_knock,
    open_request,
    request_epoch,
    request_psk,
)
from alcove.relay.ports import Ports

UPDATE_MOST: Final = 4096
"""Bytes of one Update's message. An honest one has 1 KiB, or 2 KiB in a post-quantum room."""
UPDATES_MOST: Final = 400 * 1024
"""Bytes of all Updates that wait for a commit. With the largest commit they fit its blob."""


class NotYet(Exception):
    """The request is of an epoch that this client has not reached."""


class NotMine(Exception):
    """This client cannot open or serve the request. Another facilitator may be able to."""


class MemberRequests:
    """Judges the requests of members. `settle` tells the relay that the item with this id is done.

    Its client is in step with the group when it judges: a client that is behind takes what is
    right for wrong, and deletes it for the others.
    """

    def __init__(
        self,
        membership: Membership,
        committer: Committer,
        lobby_keys: LobbyKeys,
        doors: Doors,
        key_packages: KeyPackages,
        roles: Roles,
        absences: Absences,
        ports: Ports,
        settle: Callable[[bytes], None],
        taken: Callable[[Person, bytes], None],
        outside: Callable[[Person, bytes], None],
    ) -> None:
        self._outside = outside
        self._taken = taken
        self._membership = membership
        self._committer = committer
        self._lobby_keys = lobby_keys
        self._doors = doors
        self._key_packages = key_packages
        self._roles = roles
        self._settle = settle
        self._absences = absences
        self.rejoins = Rejoins(membership, committer, ports)

    def receive(self, item: LobbyItem) -> None:
        """Raises `NotYet` and `NotMine`."""
        try:
            done = self._serve(item)
        except (NotAllowed, Malformed, mls.MLSError):
            done = True  # it opened: a wrong request harms only its sender
        if done:
            self._settle(item.id)

    def _serve(self, item: LobbyItem) -> bool:
        """Serve a request that opened and that its member signed for now. Return whether it is
        done, and not only begun. Raises what any step does."""
        epoch = request_epoch(item.blob)
        if epoch == NO_EPOCH:
            return self._late_knock(item)
        if epoch > self._membership.group.epoch:
            raise NotYet
        secret = self._membership.request_secrets.of(epoch)
        person = self._membership.find_relay_key(item.key)
        lost = self._absences.find(item.key) if person is None else None
        if secret is None or (person is None and lost is None):
            raise NotMine
        psk = request_psk(secret, epoch)
        signed, present = self._open(item, psk)
        if person is None:
            assert lost is not None  # one of the two was found
            body = verify_request(signed, epoch, self._absences.asker(lost))
            return self._come_back(item, lost, body, psk)
        body = verify_request(signed, epoch, self._asker(person, signed))
        if body.kind == RequestKind.REJOIN and body.reply_key is not None:
            self._rejoin(item, body.content, body.reply_key, psk)
            return False
        if not present:
            raise NotAllowed("lobby_key")  # a member of this epoch has its lobby key
        if body.kind == RequestKind.UPDATE:
            self.update(item.key, body.content)
            return True
        if body.kind == RequestKind.REJOIN:
            raise NotAllowed("reply_key")
        if body.kind == RequestKind.STEP_DOWN:
            return self._step_down(item, person, Signed.decode(body.content))
        if body.kind == RequestKind.OUTSIDE:
            self._outside(person, body.content)
            return False  # the entry that lets them go settles it
        if body.kind == RequestKind.TAKE and person.facilitator:
            self._taken(person, body.content)
            return False  # the others read it too
        raise NotMine  # of a kind that another facilitator's client may know

    def _asker(self, person: Person, signed: Signed) -> Asker:
        """What a request of this member is judged by. Raises what decoding does, and `NotMine`."""
        body = RequestBody.decode(signed.body)
        if body.kind == RequestKind.REJOIN:
            leaf = mls.KeyPackage.decode(body.content).leaf_node
            if leaf_extension(leaf).reloaded:
                asker = self._membership.asker_by_ticket(person, body)
                if asker is None:
                    raise NotMine
                return asker
        return self._membership.asker(person)

    def _come_back(self, item: LobbyItem, lost: LostMember, body: RequestBody, psk: Psk) -> bool:
        """A member that was let go asks by the keys of the leaf that went. Raises as `_serve`."""
        if body.kind != RequestKind.REJOIN or body.reply_key is None:
            return True  # what they asked as a member
        key_package = mls.KeyPackage.decode(body.content)
        check_same_member(lost.leaf, key_package.leaf_node)
        reference = self._verified(key_package)

        def done(error: AlcoveError | None) -> None:
            if error is not None:
                self._key_packages.give_back(reference)
            self._settle(item.id)

        self._absences.let_back_in(lost, key_package, body.reply_key, psk, done)
        return False

    def _verified(self, key_package: mls.KeyPackage) -> bytes:
        """Note that a KeyPackage is used, and return its reference. Raises `NotAllowed`, and
        `NotMine` for a lifetime that this client's clock finds over."""
        try:
            self._key_packages.verify(key_package)
        except mls.MLSError:
            raise NotMine from None
        return self._key_packages.use(key_package)

    def _late_knock(self, item: LobbyItem) -> bool:
        """A newcomer is on the list, and the Welcome was lost. A person has let them in already,
        and the KeyPackage's signature says that it is they. Once anything of them came it is too
        late: their Welcome had arrived."""
        person = self._membership.find_relay_key(item.key)
        seat = self._membership.roster.seats.get(item.key)
        door = None if seat is None else self._doors.get(seat.door)
        if person is None or door is None:
            raise NotMine
        for keys in self._lobby_keys.for_knocks():
            with suppress(NotTrusted):
                body = open_late_knock(door.invite, keys, item.id, item.blob)
                break
        else:
            raise NotMine
        if person.key not in self._membership.unheard or body.relay_key != item.key:
            raise NotAllowed("request")
        psk = door_psk(door.invite)
        self._rejoin(item, body.key_package, body.reply_key, psk, late=True)
        return False

    def _open(self, item: LobbyItem, psk: Psk) -> tuple[Signed, bool]:
        """The request, and whether it is sealed to the present lobby key."""
        room = self._membership.group.group_id
        for keys in self._lobby_keys.for_rejoins():
            try:
                signed = open_request(room, keys, item.key, item.blob, psk)
            except NotTrusted:
                continue
            return signed, self._lobby_keys.is_present(keys)
        raise NotMine

    def update(self, relay_key: bytes, message: bytes) -> None:
        """An Update of the sender's own leaf. It travels to the group inside the next commit.

        It is judged alone and as every receiver of that commit will judge it: no key of the
        sender's is consumed here, so nothing that came before decides. A wrong one is dropped.
        Raises `NotAllowed`, `Malformed`, `mls.MLSError`, or `NotMine` when too many wait here.
        """
        group, pending = self._membership.group, self._committer.updates
        if len(message) > UPDATE_MOST:
            raise NotAllowed("too_large")
        waiting = sum(len(known.message) for known in pending)
        if len(pending) >= limits.PROPOSALS or waiting + len(message) > UPDATES_MOST:
            raise NotMine
        check_class(message, mls.ContentType.PROPOSAL)
        received = group.read_proposal(message)
        old = group.member(received.sender) if received.sender is not None else None
        if not isinstance(received.proposal, mls.Update) or old is None:
            raise NotAllowed("proposal_kind")
        check_same_member(old, received.proposal.leaf_node)
        facilitators = self._membership.facilitator_keys
        if leaf_extension(old).relay_key != relay_key or old.signature_key in facilitators:
            raise NotAllowed("proposal_by_reference")
        # Two of one member make every commit invalid that names both (RFC 9420, section 12.2).
        if any(known.proposal.sender == received.sender for known in pending):
            raise NotAllowed("second_update")
        group.check_changes([received])
        pending.append(PendingUpdate(received, message, group.epoch_authenticator))

    def _step_down(self, item: LobbyItem, person: Person, signed: Signed) -> bool:
        """Commit it, or leave that to the first in line. It is settled with its commit, or when its
        epoch is over. Raises `NotAllowed`, and `NotMine` for this client's own."""
        membership = self._membership
        group = membership.group
        judge_step_down(membership.state, group.group_id, group.epoch, person.key, signed)
        if person.key == membership.own.key:
            raise NotMine
        epoch = group.epoch

        def demote(done: Done) -> Demote:
            return Demote(done, person.key, epoch, self._roles.coming_key)

        def done(error: AlcoveError | None) -> None:
            if error is None:
                self._settle(item.id)

        self._roles.steps_down(person.key, epoch, demote, done)
        return False

    def _rejoin(
        self, item: LobbyItem, content: bytes, reply_key: bytes, psk: Psk, *, late: bool = False
    ) -> None:
        key_package = mls.KeyPackage.decode(content)
        new = key_package.leaf_node
        old = self._membership.leaf_of(new.signature_key)
        if old is None:
            raise NotAllowed("leaf_identity")
        check_same_member(old, new)
        if item.key != leaf_extension(old).relay_key:
            raise NotAllowed("leaf_identity")
        reference = self._verified(key_package)

        def done(error: AlcoveError | None) -> None:
            leaf = self._membership.leaf_of(new.signature_key)
            if leaf is None or leaf.encryption_key != new.encryption_key:
                # It went into no commit, so it may still be used: the member asks again with it.
                self._key_packages.give_back(reference)
            if error is None:
                self._settle(item.id)  # not before: this client may go, and the others have it

        request = Returning(key_package, item.key, reply_key, old.encryption_key, psk, late)
        if not self.rejoins.ask(request, done, waited=item.age > 0):
            self._key_packages.give_back(reference)
            raise NotMine

"""The lobby, for facilitators: waiting knocks, and the requests of members.

To see a knock and to admit it are two steps. A knock that cannot be admitted (a taken name, another
agreement, a full room) is refused at once, with a reason that only the newcomer can read.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, assert_never

from alcove_protocol import frames, limits
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import LobbyItem, LobbyKind, RelayAnswer
from alcove_protocol.labels import Label
from alcove_protocol.roster import verify_leave
from alcove_protocol.sealed import RequestBody, RequestKind
from alcove_protocol.statements import Signed, verify

from alcove import events, mls
from alcove.errors import AlcoveError, InvalidInput, NotNow, NotTrusted
from alcove.facilitation.committer import Committer, PendingUpdate
from alcove.facilitation.doors import Doors
from alcove.facilitation.intents import AdmitNewcomer, Done, LetMemberGo, Returning
from alcove.facilitation.rejoins import Rejoins
from alcove.group.admission import room_policy
from alcove.group.extensions import leaf_extension, name_of
from alcove.group.framing import check_class
from alcove.group.keys import check_hpke_key
from alcove.group.membership import Membership, Person
from alcove.group.rights import NotAllowed, check_same_member
from alcove.group.sealing import (
    KnockBody,
    Psk,
    RefusalBody,
    door_psk,
    open_knock,
    open_request,
    request_epoch,
    request_psk,
    seal_refusal,
    short_code,
)
from alcove.joining.names import clean_name, look_alike
from alcove.relay.ports import Ports

UPDATE_MOST: Final = 4096
"""Bytes of one Update's message. An honest one has 1 KiB, or 2 KiB in a post-quantum room."""
UPDATES_MOST: Final = 400 * 1024
"""Bytes of all Updates that wait for a commit. With the largest commit they fit its blob."""


@dataclass(frozen=True, slots=True)
class WaitingKnock:
    """A knock that a facilitator can admit. `door` is the id of the door it came by."""

    id: bytes
    door: bytes
    body: KnockBody
    key_package: mls.KeyPackage
    psk: Psk


class CannotAdmit(Exception):
    """This knock cannot be admitted. `code` tells the newcomer why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Lobby:
    """Handles the items of the stream `lobby`, in order."""

    def __init__(
        self,
        membership: Membership,
        committer: Committer,
        doors: Doors,
        lobby_key: mls.HpkeKeyPair,
        ports: Ports,
    ) -> None:
        self._membership = membership
        self._committer = committer
        self._doors = doors
        self._lobby_key = lobby_key
        self._link = ports.link
        self._emit = ports.emit
        self._wall = ports.wall
        self._random = ports.random
        self._waiting: dict[bytes, WaitingKnock] = {}
        self._used_key_packages: OrderedDict[bytes, None] = OrderedDict()
        self.rejoins = Rejoins(membership, committer, ports)
        self._unsent: list[tuple[bytes, bytes, str, Psk]] = []
        self.number = 0
        """The last item handled, for `resume`."""

    def new_log(self) -> None:
        """The relay's lobby began anew. Waiting newcomers will knock again."""
        self.number = 0
        self._unsent.clear()
        for id in list(self._waiting):
            self._gone(id)

    # --- items ---------------------------------------------------------------------------------

    def receive(self, item: LobbyItem) -> None:
        if item.number <= self.number:
            return
        self.number = item.number
        kind = LobbyKind(item.kind)
        match kind:
            case LobbyKind.KNOCK:
                self._knock(item)
            case LobbyKind.REQUEST:
                self._request(item)
            case LobbyKind.LEAVE:
                self._leave_asked(item)
            case LobbyKind.GONE:
                self._gone(item.id)
            case LobbyKind.VAULT:
                pass  # a single facilitator has no other to share with
            case _:
                assert_never(kind)

    def _knock(self, item: LobbyItem) -> None:
        door = self._doors.get(item.door) if item.door is not None else None
        if door is None or item.id in self._waiting or len(self._waiting) >= limits.KNOCKS:
            return  # by another facilitator's invite, or more than the relay may let wait
        try:
            body = open_knock(door.invite, self._lobby_key, item.id, item.blob)
        except NotTrusted:
            return  # altered, or not sealed by a holder of the invite: no key to answer to
        try:
            key_package = self._check(item, body)
        except CannotAdmit as error:
            self._send_refusal(item.id, body.reply_key, error.code, door_psk(door.invite))
            return
        self._waiting[item.id] = WaitingKnock(
            item.id, door.id, body, key_package, door_psk(door.invite)
        )
        code = short_code(body.key_package)
        self._emit(events.Knocked(item.id.hex(), body.name, code, item.door_revoked))

    def _check(self, item: LobbyItem, body: KnockBody) -> mls.KeyPackage:
        membership = self._membership
        try:
            key_package = mls.KeyPackage.decode(body.key_package)
            self._check_lifetime(key_package)
            self._verify(key_package)
            leaf = leaf_extension(key_package.leaf_node)
            credential = name_of(key_package.leaf_node)
        except (mls.MLSError, Malformed):
            raise CannotAdmit("bad_key_package") from None
        if not item.key == body.relay_key == leaf.relay_key or credential != body.name:
            raise CannotAdmit("bad_key_package")
        if not body.agreement == leaf.agreement == membership.state.agreement:
            raise CannotAdmit("agreement")
        self._check_name(body.name)
        if len(membership.people()) >= membership.roster.members:
            raise CannotAdmit("room_full")
        self._use_once(key_package)
        return key_package

    def _check_lifetime(self, key_package: mls.KeyPackage) -> None:
        """This judges by this client's clock, so it judges knocks only and never a commit."""
        lifetime, now = key_package.leaf_node.lifetime, self._wall()
        if lifetime is None or not lifetime.not_before <= now <= lifetime.not_after:
            raise CannotAdmit("clock_wrong")

    def _verify(self, key_package: mls.KeyPackage) -> None:
        policy = room_policy(self._membership.roster.members)
        key_package.verify(self._membership.group.suite, policy, int(self._wall()))

    def _check_name(self, name: str) -> None:
        try:
            if clean_name(name) != name:
                raise CannotAdmit("name_deceptive")
        except InvalidInput as error:
            raise CannotAdmit(error.code) from None
        taken = [person.name for person in self._membership.people()]
        taken += [knock.body.name for knock in self._waiting.values()]
        if any(look_alike(name, other) for other in taken):
            raise CannotAdmit("name_taken")

    def _use_once(self, key_package: mls.KeyPackage) -> bytes:
        reference = key_package.ref(self._membership.group.suite)
        if reference in self._used_key_packages:
            raise CannotAdmit("bad_key_package")
        self._used_key_packages[reference] = None
        if len(self._used_key_packages) > limits.USES_MAX:
            self._used_key_packages.popitem(last=False)
        return reference

    def _request(self, item: LobbyItem) -> None:
        person = self._membership.find_relay_key(item.key)
        try:
            if person is not None:
                self._serve(item, person)
        except (NotTrusted, NotAllowed, Malformed, mls.MLSError, CannotAdmit):
            pass  # a wrong request harms only its sender
        self._settle(item.id)

    def _serve(self, item: LobbyItem, person: Person) -> None:
        """A request that opened and that its member signed for now. Raises what any step does."""
        epoch = request_epoch(item.blob)
        secret = self._membership.request_secrets.of(epoch)
        if secret is None:
            raise NotAllowed("epoch")
        room, psk = self._membership.group.group_id, request_psk(secret, epoch)
        signed = open_request(room, self._lobby_key, item.key, item.blob, psk)
        body = verify(RequestBody, Label.REQUEST, signed, person.key).statement
        if body.reply_key is not None:
            check_hpke_key(body.reply_key)
        if body.epoch != epoch or not self._membership.asks_now(person, body):
            raise NotAllowed("request")  # of an earlier stay: the relay kept it and tells it again
        if body.kind == RequestKind.UPDATE:
            self._update(item, body.content)
        elif body.kind == RequestKind.REJOIN and body.reply_key is not None:
            self._rejoin(item, body.content, body.reply_key, psk)

    def _update(self, item: LobbyItem, message: bytes) -> None:
        """An Update of the sender's own leaf. It travels to the group inside the next commit.

        It is judged alone and as every receiver of that commit will judge it: no key of the
        sender's is consumed here, so nothing that came before decides. A wrong one is dropped.
        """
        group, pending = self._membership.group, self._committer.updates
        waiting = sum(len(known.message) for known in pending)
        full = len(pending) >= limits.PROPOSALS or waiting + len(message) > UPDATES_MOST
        if len(message) > UPDATE_MOST or full:
            raise NotAllowed("too_large")
        check_class(message, mls.ContentType.PROPOSAL)
        received = group.read_proposal(message)
        old = group.member(received.sender) if received.sender is not None else None
        if not isinstance(received.proposal, mls.Update) or old is None:
            raise NotAllowed("proposal_kind")
        check_same_member(old, received.proposal.leaf_node)
        facilitators = self._membership.state.facilitator_keys()
        if leaf_extension(old).relay_key != item.key or old.signature_key in facilitators:
            raise NotAllowed("proposal_by_reference")
        # Two of one member make every commit invalid that names both (RFC 9420, section 12.2).
        if any(known.proposal.sender == received.sender for known in pending):
            raise NotAllowed("second_update")
        group.check_changes([received])
        pending.append(PendingUpdate(received, message, group.epoch_authenticator))

    def _rejoin(self, item: LobbyItem, content: bytes, reply_key: bytes, psk: Psk) -> None:
        group = self._membership.group
        key_package = mls.KeyPackage.decode(content)
        self._verify(key_package)
        new = key_package.leaf_node
        index = group.find(new.signature_key)
        old = group.member(index) if index is not None else None
        if old is None or old.credential != new.credential:
            raise NotAllowed("leaf_identity")
        if not item.key == leaf_extension(old).relay_key == leaf_extension(new).relay_key:
            raise NotAllowed("leaf_identity")
        reference = self._use_once(key_package)

        def done(error: AlcoveError | None) -> None:
            now = self._membership.group
            index = now.find(new.signature_key)
            leaf = now.member(index) if index is not None else None
            if leaf is None or leaf.encryption_key != new.encryption_key:
                # It went into no commit, so it may still be used: the member asks again with it.
                self._used_key_packages.pop(reference, None)

        request = Returning(key_package, item.key, reply_key, old.encryption_key, psk)
        if not self.rejoins.ask(request, done):
            done(None)

    def _leave_asked(self, item: LobbyItem) -> None:
        if self._membership.find_relay_key(item.key) is None:
            return  # a leave of a stranger, which the relay can sign itself
        try:
            signed = Signed.decode(item.blob)
            verify_leave(self._membership.roster, item.key, signed)
        except Malformed:
            return
        self._committer.want(LetMemberGo(relay_key=item.key, wish=signed))
        self._settle(item.id)

    def _gone(self, id: bytes) -> None:
        if self._waiting.pop(id, None) is not None:
            self._emit(events.KnockGone(id.hex()))

    # --- a person's decisions ------------------------------------------------------------------

    def admit(self, id: bytes, done: Done) -> None:
        """Raises `NotNow` (`unknown_knock`)."""
        if self.rejoins.admit(id, done):
            return
        knock = self._find(id)

        def finished(error: AlcoveError | None) -> None:
            if error is None and id in self._waiting:
                self._gone(id)
                self._doors.used(knock.door)
            done(error)

        self._committer.want(
            AdmitNewcomer(
                finished,
                id,
                knock.key_package,
                knock.body.relay_key,
                knock.body.reply_key,
                knock.door,
                knock.psk,
            )
        )

    def refuse(self, id: bytes) -> None:
        """Raises `NotNow` (`unknown_knock`)."""
        if self.rejoins.refuse(id):
            return
        knock = self._find(id)
        self._gone(id)
        self._send_refusal(id, knock.body.reply_key, "refused", knock.psk)

    def _find(self, id: bytes) -> WaitingKnock:
        knock = self._waiting.get(id)
        if knock is None:
            raise NotNow("unknown_knock", "That person is no longer waiting.")
        return knock

    def _send_refusal(self, id: bytes, reply_key: bytes, code: str, psk: Psk) -> None:
        room = self._membership.group.group_id
        sealed = seal_refusal(room, reply_key, RefusalBody(code), psk, self._random)

        def answered(answer: RelayAnswer | None) -> None:
            if answer is None:
                self._unsent.append((id, reply_key, code, psk))

        self._link.request(lambda n: frames.RefuseKnock(n, id, sealed), answered)

    def resumed(self) -> None:
        """Send the refusals again whose answer was lost."""
        unsent, self._unsent = self._unsent, []
        for refusal in unsent:
            self._send_refusal(*refusal)

    def _settle(self, id: bytes) -> None:
        self._link.request(lambda n: frames.Settle(n, id), lambda answer: None)

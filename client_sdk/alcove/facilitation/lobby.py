"""The lobby, for facilitators: waiting knocks, and the requests of members.

To see a knock and to admit it are two steps. A knock that cannot be admitted (a taken name, another
agreement, a full room) is refused at once, with a reason that only the newcomer can read.

An item that this client cannot open stays at the relay. Another facilitator may be able to open it.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, assert_never

from alcove_protocol import limits
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import LobbyItem, LobbyKind
from alcove_protocol.roster import verify_leave
from alcove_protocol.statements import Signed

from alcove import events
from alcove.errors import AlcoveError, NotNow, NotTrusted, Refused
from alcove.facilitation.absences import Absences
from alcove.facilitation.behind import AnotherWaits, Behind
from alcove.facilitation.committer import Committer
from alcove.facilitation.door_intents import CloseDoor
from alcove.facilitation.door_talk import DoorTalk
from alcove.facilitation.doors import Door, Doors
from alcove.facilitation.intents import AdmitNewcomer, Done, LetMemberGo, all_of, not_awaited
from alcove.facilitation.key_packages import KeyPackages
from alcove.facilitation.knock_check import CannotAdmit, KnockCheck, WaitingKnock
from alcove.facilitation.lobby_keys import LobbyKeys
from alcove.facilitation.member_requests import MemberRequests, NotMine, NotYet
from alcove.facilitation.outside import WaysBack
from alcove.facilitation.refusals import FOR_THE_NEWCOMER, LETTING_IN, LINK_CLOSED, Refusals
from alcove.facilitation.roles import Roles
from alcove.facilitation.same_names import NotKnownYet, SameNames
from alcove.facilitation.vaults import Vaults
from alcove.group.door_texts import text_of
from alcove.group.membership import Membership
from alcove.group.sealing import KnockBody, door_psk, open_knock, short_code
from alcove.relay.ports import Ports

PUT_OFF_MOST: Final = 128
"""Items that wait until this client is in step: 4 MiB. One more takes the place of the oldest,
which stays at the relay for the other facilitators."""
SEEN_MOST: Final = 8192
"""Items that are known again: more than may be open, with 1,000 members."""
INVITE_USED: Final = (
    "The invite that this person came by has no uses left. Give them a new one: /invite new."
)
"""Why the relay refused an admission (`door_used`), said to the facilitator."""
_WRITES: Final = (
    "{0} is in, and not only to listen: another facilitator may have let them in first. /pause {0} "
    "lets them only read."
)
"""To a facilitator that chose to let them in only to listen."""


class Lobby:
    """Handles the items of the stream `lobby`, in order.

    Nothing is judged while `ready` is false, because this client is not in step with the group. By
    an older state it would refuse a knock, or settle a request, that the others have to answer.
    """

    def __init__(
        self,
        membership: Membership,
        committer: Committer,
        doors: Doors,
        lobby_keys: LobbyKeys,
        vaults: Vaults,
        roles: Roles,
        absences: Absences,
        same_names: SameNames,
        talk: DoorTalk,
        outside: WaysBack,
        ports: Ports,
        *,
        ready: Callable[[], bool],
        settle: Callable[[bytes], None],
        unopened: Callable[[bytes], None],
    ) -> None:
        self._unopened = unopened  # is told the door
        self._membership = membership
        self._committer = committer
        self._doors = doors
        self._lobby_keys = lobby_keys
        self._emit = ports.emit
        self._wall = ports.wall
        self._ports = ports
        self._vaults = vaults
        self._roles = roles
        self._same_names = same_names
        self.talk = talk
        self._outside = outside
        self._ready = ready
        self._key_packages = KeyPackages(membership, ports)
        self._check = KnockCheck(membership, self._key_packages, ports)
        self.requests = MemberRequests(
            membership,
            committer,
            lobby_keys,
            doors,
            self._key_packages,
            roles,
            absences,
            ports,
            settle,
            talk.taken,
            outside.asked,
        )
        self._waiting: dict[bytes, WaitingKnock] = {}
        self._letting_in: set[bytes] = set()
        """Relay keys of newcomers whose admission is on its way. It may be of an earlier knock."""
        self._closed_links: set[bytes] = set()
        """Doors of invites that this client's person closed."""
        self._later: OrderedDict[bytes, LobbyItem] = OrderedDict()
        self._behind = Behind()
        self._refusals = Refusals(membership, ports)
        self._seen: OrderedDict[tuple[int, bytes], None] = OrderedDict()
        self.number = 0
        """The last item received, for `resume`."""

    def new_log(self) -> None:
        """The relay's lobby began anew. Waiting newcomers will knock again."""
        self.number = 0
        self._seen.clear()
        self._refusals.new_log()
        self._later.clear()
        self._behind.take_all()
        for id in list(self._waiting):
            self._gone(id)

    # --- items ---------------------------------------------------------------------------------

    def receive(self, item: LobbyItem) -> None:
        """Also one whose number is not above the last: then the relay invented a number, or lost
        some, and by the highest one this client would be deaf to all that comes."""
        known = (item.number, item.id)
        if known in self._seen:
            return
        self._seen[known] = None
        if len(self._seen) > SEEN_MOST:
            self._seen.popitem(last=False)
        self.number = item.number
        if item.kind == LobbyKind.GONE:
            self._later.pop(item.id, None)
            self._behind.gone(item.id)
            self._gone(item.id)
            self._vaults.gone(item.id)
        elif self._may_handle(item):
            self._handle(item)
        else:
            self._put_off(item)

    def _put_off(self, item: LobbyItem) -> None:
        self._later[item.id] = item
        if len(self._later) > PUT_OFF_MOST:
            self._later.popitem(last=False)

    def _may_handle(self, item: LobbyItem) -> bool:
        """A vault comes first: without the lobby's key and the doors' secrets nothing is judged."""
        return self._ready() and (item.kind == LobbyKind.VAULT or self._vaults.complete)

    def in_step(self) -> None:
        """Look again at what was put off, if this client is in step now."""
        if not self._later or not self._ready():
            return
        items, self._later = self._later, OrderedDict()
        for item in sorted(items.values(), key=lambda item: item.kind != LobbyKind.VAULT):
            if self._may_handle(item):
                self._handle(item)
            else:
                self._put_off(item)

    def _handle(self, item: LobbyItem) -> None:
        kind = LobbyKind(item.kind)
        match kind:
            case LobbyKind.KNOCK:
                self._knock(item)
            case LobbyKind.REQUEST:
                if not self.talk.receive(item):
                    self._request(item)
            case LobbyKind.LEAVE:
                self._leave_asked(item)
            case LobbyKind.VAULT:
                if not self._vaults.receive(item):
                    self._put_off(item)
                elif self._vaults.complete:
                    self.in_step()  # what waited for it
            case LobbyKind.ASK | LobbyKind.ANSWER:
                pass  # the relay tells none of them as an item
            case LobbyKind.GONE:
                pass  # it was handled on arrival
            case _:
                assert_never(kind)

    def _knock(self, item: LobbyItem) -> None:
        door = self._doors.get(item.door) if item.door is not None else None
        if door is None or item.id in self._waiting or len(self._waiting) >= limits.KNOCKS:
            return  # by another facilitator's invite, or more than the relay may let wait
        if self._ports.clock_is_off:
            self._put_off(item)  # a KeyPackage has a lifetime: this client's clock would blame all
            return
        body = self._open_knock(door, item)
        if body is None:  # altered, not by a holder of the invite, or by a wrong card
            self._unopened(door.id)
            return
        if door.id in self._closed_links:
            self._refusals.send(item.id, body.reply_key, LINK_CLOSED, door_psk(door.invite))
            return
        try:
            answer = text_of(body.answer)
            again = self._same_names.find(body.name)
            instead = again.key if again else b""
            key_package = self._check.check(item.key, body, *self._names_beside(body), instead)
        except NotKnownYet:
            self._put_off(item)
            return
        except AnotherWaits:
            self._behind.put(body.name, item)
            return
        except Malformed:
            return  # not of a client that speaks this version: it padded something wrong
        except CannotAdmit as error:
            self._refusals.send(item.id, body.reply_key, error.code, door_psk(door.invite))
            return
        self._waiting[item.id] = WaitingKnock(
            item.id, door.id, body, key_package, door_psk(door.invite), again
        )
        self.talk.knocked(self._waiting[item.id])
        code = short_code(body.key_package)
        # A relay that still lets a removed person knock by their invite would not say so itself.
        # The state does, also of another facilitator's invite that a vault brought late.
        revoked = item.door_revoked or door.id not in self._membership.state.door_ids()
        outside = self._outside.knows(self._waiting[item.id])
        of_name = self._same_names.knocked(again, key_package.leaf_node, body.word)
        notes = answer, outside, *of_name
        self._emit(events.Knocked(item.id.hex(), body.name, code, revoked, *notes))

    def _names_beside(self, body: KnockBody) -> tuple[list[str], list[str]]:
        """The names of the others that wait, and of members that were let go or stepped outside."""
        waiting = self._waiting.values()
        outside = [one.body.name for one in waiting if self._outside.knows(one)]
        kept = [*self._same_names.kept(body.name), *outside]
        return [one.body.name for one in waiting], kept

    def _open_knock(self, door: Door, item: LobbyItem) -> KnockBody | None:
        for keys in self._lobby_keys.for_knocks():
            with suppress(NotTrusted):
                return open_knock(door.invite, keys, item.id, item.blob)
        return None

    def _request(self, item: LobbyItem) -> None:
        try:
            self.requests.receive(item)
        except NotYet:
            self._put_off(item)
        except NotMine:
            pass  # another facilitator may open it; the relay keeps few, and not for long

    def _leave_asked(self, item: LobbyItem) -> None:
        """The relay settles it with the entry that takes the member off the list. Settled before,
        a leave is lost when this client goes before its commit: its member asks only once."""
        person = self._membership.find_relay_key(item.key)
        if person is None:
            return  # a leave of a stranger, which the relay can sign itself
        try:
            signed = Signed.decode(item.blob)
            verify_leave(self._membership.roster, item.key, signed)
        except Malformed:
            return

        def let_go(done: Done) -> LetMemberGo:
            # Also a participant's takes a new lobby key: they may be appointed before it is made.
            return LetMemberGo(done, item.key, signed, self._roles.coming_key)

        if not person.facilitator:
            self._committer.want(let_go(not_awaited))
            return
        self._roles.go(person.key, let_go, lambda error: None)

    def agreement_changed(self) -> None:
        """Refuse the waiting knocks whose agreement is no longer good, before a person admits."""
        good = self._membership.state.good_agreements()
        for knock in list(self._waiting.values()):
            if knock.body.agreement not in good:
                self._refuse(knock, "agreement")
        self._look_again(self._behind.take_all())

    def link_closed(self, door: bytes) -> None:
        """This client's person closed an invite: tell it to those that wait by it."""
        self._closed_links.add(door)
        for knock in [one for one in self._waiting.values() if one.door == door]:
            self._refuse(knock, LINK_CLOSED)
        self._look_again(self._behind.take_all())

    def _refuse(self, knock: WaitingKnock, code: str, name: str = "") -> None:
        self._gone(knock.id)
        self._refusals.send(knock.id, knock.body.reply_key, code, knock.psk, name)

    def _gone(self, id: bytes) -> None:
        knock = self._waiting.pop(id, None)
        if knock is not None:
            self._same_names.words.waits_no_more(knock.key_package.leaf_node.signature_key)
            self.talk.gone(id)
            self._outside.waits_no_more(id)
            self._emit(events.KnockGone(id.hex()))
            self._look_again(self._behind.take(knock.body.name))

    def _look_again(self, items: list[LobbyItem]) -> None:
        """At once, so that no knock that comes later is before these."""
        for item in items:
            self._put_off(item)
        self.in_step()

    def close(self, error: AlcoveError) -> None:
        """This client decides no more."""
        self._later.clear()
        self._behind.take_all()
        for id in list(self._waiting):
            self._gone(id)
        self.requests.rejoins.close(error)

    # --- a person's decisions ------------------------------------------------------------------

    def admit(self, ids: Sequence[bytes], done: Done, *, to_listen: bool = False) -> None:
        """Let them in, by one commit where they go together. `done` gets the first error, once all
        are decided. Raises `NotNow` (`unknown_knock`, `clock_wrong`), and then lets nobody in."""
        each = all_of(len(ids), done)
        knocks = [id for id in ids if not self.requests.rejoins.waits(id)]
        found = [self._find(id) for id in knocks]
        if found and self._ports.clock_is_off:
            text = "This device's clock is not the relay's; set it right, then let people in."
            raise NotNow("clock_wrong", text)
        for id in ids:
            if id not in knocks:
                self.requests.rejoins.admit(id, each)
        self._committer.want(*(self._admission(one, each, to_listen) for one in found))

    def _admission(self, knock: WaitingKnock, done: Done, to_listen: bool) -> AdmitNewcomer:
        id = knock.id
        self._letting_in.add(knock.body.relay_key)

        def finished(error: AlcoveError | None) -> None:
            self._letting_in.discard(knock.body.relay_key)
            if error is None and id in self._waiting:
                self._gone(id)
                self._same_names.admitted(knock.again, knock.key_package.leaf_node.signature_key)
            elif error is not None and error.code in FOR_THE_NEWCOMER and id in self._waiting:
                self._refuse(knock, error.code)
            if error is not None and error.code == "door_used":
                error = Refused(error.code, INVITE_USED)
            if error is None and to_listen:
                self._tell_of_one_that_writes(knock.key_package.leaf_node.signature_key)
            done(error)

        return AdmitNewcomer(
            finished,
            id,
            knock.key_package,
            knock.body.relay_key,
            knock.body.reply_key,
            knock.door,
            knock.psk,
            to_listen or self._outside.was_paused(knock),
            self._outside.knows(knock),
            self._same_names.instead(knock.again),
        )

    def _tell_of_one_that_writes(self, key: bytes) -> None:
        """Another facilitator let them in first, and not only to listen."""
        person = self._membership.find_key(key)
        if person is not None and key not in self._membership.state.paused_keys():
            text = _WRITES.format(person.name)
            self._emit(events.Problem("not_to_listen", text, sender=person.name))

    def inside(self, name: str, done: Done) -> None:
        """Let the member in again that stepped outside under this name. Raises `NotNow`
        (`unknown_knock`), and as `admit`."""
        for id, knock in self._waiting.items():
            if knock.body.name == name and self._outside.knows(knock):
                self.admit([id], done)
                return
        raise NotNow("unknown_knock", "Nobody of that name is outside.")

    def look(self) -> None:
        """Let those in again that stepped outside and say that they come back, and send what the
        relay was too busy to take."""
        self._refusals.tick()

        def let_in(id: bytes) -> None:
            if id in self._waiting:
                with suppress(NotNow):  # this device's clock is wrong: it looks again
                    self.admit([id], not_awaited)

        self._outside.look(let_in)

    def refuse(self, id: bytes, reason: str = "refused") -> None:
        """Raises `NotNow` (`unknown_knock`, `letting_in`)."""
        if self.requests.rejoins.refuse(id):
            return
        knock = self._find(id)
        if knock.body.relay_key in self._letting_in:
            # The relay may have taken it, and then they would read the welcome.
            raise NotNow("letting_in", LETTING_IN)
        if self._outside.knows(knock):  # else they knock again, and are let in by themselves
            self._committer.want(CloseDoor(door=knock.door))
        self._refuse(knock, reason, knock.body.name)

    def _find(self, id: bytes) -> WaitingKnock:
        knock = self._waiting.get(id)
        if knock is None:
            raise NotNow("unknown_knock", "That person is no longer waiting.")
        return knock

    def resumed(self) -> None:
        """Send the refusals again whose answer was lost, and what was said at the door."""
        self.talk.resumed()
        self._refusals.resumed()

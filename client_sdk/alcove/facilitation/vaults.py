"""What facilitators share: the lobby's private key, and the secrets of all doors.

    an act that needs it ──offer──▶ put at the relay ──taken──▶ the commit
                                         │
         opened and settled there ◀──────┘  `gone` tells this client that it arrived

A vault goes to each facilitator alone, before the commit that needs it. A rejoin brings another
leaf, so its vault comes after it. What this client knows and another facilitator may lack is
put again a little later: its writer may be gone.

Until this client has the private key of the lobby and the secret of every listed door, it serves no
lobby: what it cannot open is left to the others.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from alcove_protocol import frames
from alcove_protocol.card import card_number
from alcove_protocol.frames import LobbyItem, RelayAnswer

from alcove import events, mls
from alcove.errors import PASSING, NotTrusted
from alcove.facilitation.doors import Doors
from alcove.facilitation.lobby_keys import LobbyKeys
from alcove.group.extensions import leaf_extension
from alcove.group.facilitator_seals import VaultRoute, open_vault, seal_vault
from alcove.group.keys import ROOM_SUITE, Identity, takes_seals
from alcove.group.membership import Membership
from alcove.group.outcomes import Person
from alcove.group.rights import NotAllowed
from alcove.group.sealing import request_epoch, request_psk
from alcove.group.vault import VaultPost, judge_vault, sign_vault
from alcove.mls.secret import Secret
from alcove.relay.ports import Ports

OTHERS_FIRST: Final = 10.0
"""Seconds that a vault is left to the facilitator whose commit made it due."""
AGAIN: Final = 1.0
"""Seconds after which a vault goes again that the relay was too busy to take."""
PATIENCE: Final = 10.0
"""Seconds that an act waits for the relay to take its vaults. Then it goes on, and the vaults
follow: else a relay that takes none could keep a facilitator from being demoted, and no commit
would be asked for that could be told as late."""
SAY_AFTER: Final = 10.0
"""Seconds without the vault after which the person is told."""

Content = tuple[bytes, frozenset[bytes], bytes]
"""What a vault holds, to compare: lobby key, doors, and the recipient's leaf key for the vault."""


@dataclass(slots=True)
class _Put:
    """The newest vault for one facilitator."""

    id: bytes
    content: Content
    answered: bool = False
    again_at: float | None = None
    """When it goes again. None: it is on its way, or the relay took it."""
    opened: bool = False


@dataclass(slots=True)
class _Act:
    """What waits until these facilitators have their vaults at the relay."""

    recipients: frozenset[bytes]
    then: Callable[[], None]
    since: float


class Vaults:
    """Sends and receives vaults. `complete` says whether this client may serve the lobby."""

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        doors: Doors,
        lobby_keys: LobbyKeys,
        ports: Ports,
        *,
        settle: Callable[[bytes], None],
    ) -> None:
        self._identity = identity
        self._membership = membership
        self._doors = doors
        self._lobby_keys = lobby_keys
        self._link = ports.link
        self._emit = ports.emit
        self._clock = ports.clock
        self._random = ports.random
        self._settle = settle
        self._put: dict[bytes, _Put] = {}
        self._acts: list[_Act] = []
        self._newest: dict[bytes, int] = {}
        self._counter = 0
        self._coming: bytes | None = None
        self._kept_from: set[bytes] = set()
        self._named = membership.state.lobby_key
        self._share_at = 0.0
        self._lacking_since: float | None = None
        self._said = True if lobby_keys.has_present else None
        """What the person was last told. The room's opener is told nothing: all is there."""

    # --- what is here --------------------------------------------------------------------------

    @property
    def complete(self) -> bool:
        """Whether the lobby's private key and the secret of each listed door are here."""
        return self._lobby_keys.has_present and not self.missing_doors

    @property
    def missing_doors(self) -> frozenset[bytes]:
        """The listed doors whose secret is not here."""
        listed = self._membership.state.door_ids()
        return frozenset(door for door in listed if not self._doors.knows(door))

    @property
    def lacks_key(self) -> bool:
        return not self._lobby_keys.has_present

    def lacking_for(self, seconds: float) -> bool:
        """Whether something has been missing for so long, while this client was in step."""
        since = self._lacking_since
        return since is not None and self._clock() - since >= seconds

    def coming_key(self) -> bytes:
        """The public half of the next lobby key: the same until the state names this or another."""
        self._see_lobby_key()
        if self._coming is None:
            keys = mls.ciphersuite(ROOM_SUITE).hpke_keypair(self._random)
            self._lobby_keys.add(keys)
            self._coming = keys.public
        return self._coming

    def _see_lobby_key(self) -> None:
        """Forget the coming key when the state names another than before: a facilitator who was
        demoted meanwhile may have read it."""
        present = self._membership.state.lobby_key
        if present != self._named:
            self._named, self._coming = present, None

    def keep_from(self, key: bytes) -> None:
        """A commit is to take this facilitator off the list. Whatever vault they get meanwhile, the
        next lobby key is not in it, and one that they have already is not the next."""
        self._kept_from.add(key)
        put = self._put.get(key)
        if put is not None and put.content[0] == self._coming:
            self._coming = None

    def forget_coming(self, key: bytes = b"") -> None:
        """No act under way needs the next lobby key any more, or keeps it from this member."""
        self._coming = None
        self._kept_from.discard(key)

    def has_opened(self, key: bytes) -> bool:
        """Whether the facilitator with this MLS key has opened the newest vault."""
        put = self._put.get(key)
        return put is not None and put.opened

    # --- sending -------------------------------------------------------------------------------

    def others(self, *without: bytes) -> frozenset[bytes]:
        """The MLS keys of the other facilitators."""
        own = self._membership.own.key
        return self._membership.facilitator_keys - {own, *without}

    def offer(self, recipients: Iterable[bytes], then: Callable[[], None]) -> None:
        """Put what is here for these members, and go on when the relay has it, or when it has not
        taken it for `PATIENCE` seconds. It has what did not change since the last time."""
        wanted = frozenset(recipients)
        self._acts.append(_Act(wanted, then, self._clock()))
        for key in wanted:
            self._give(key)
        self._go_on()

    def _go_on(self) -> None:
        waiting, self._acts = self._acts, []
        for act in waiting:
            late = self._clock() - act.since >= PATIENCE
            if late or all(self._is_there(key) for key in act.recipients):
                act.then()
            else:
                self._acts.append(act)

    def _is_there(self, key: bytes) -> bool:
        put = self._put.get(key)
        return put is None or put.answered

    def _give(self, key: bytes) -> None:
        """Put the newest for one member, unless the relay had it already."""
        person = self._membership.find_key(key)
        content = self._content(key)
        if person is None or content is None:
            self._put.pop(key, None)
            return
        known = self._put.get(key)
        if known is not None and known.content == content and known.again_at is None:
            return
        put = self._put[key] = _Put(self._random(frames.ID_SIZE), content)
        sealed = self._seal(person, content)

        def answered(answer: RelayAnswer | None) -> None:
            passing = isinstance(answer, frames.RequestRefused) and answer.code in PASSING
            if answer is None or passing:
                put.again_at = self._clock() + AGAIN
            else:
                put.answered = True  # a former member needs none
            if self._put.get(key) is put:
                self._go_on()

        to = person.relay_key
        self._link.request(lambda n: frames.LobbyRequest(n, put.id, sealed, to), answered)

    def _content(self, key: bytes) -> Content | None:
        leaf = self._membership.leaf_of(key)
        coming = None if key in self._kept_from else self._coming
        lobby = coming or self._membership.state.lobby_key
        if leaf is None or self._lobby_keys.get(lobby) is None:
            return None
        desk_key = leaf_extension(leaf).desk_key
        if not takes_seals(desk_key):
            return None  # its own member wrote it there: they get no vault, and stop nobody
        return lobby, frozenset(self._secrets()), desk_key

    def _secrets(self) -> dict[bytes, bytes]:
        return self._doors.secrets(self._membership.state.door_ids())

    def _seal(self, person: Person, content: Content) -> bytes:
        membership = self._membership
        group = membership.group
        keys, signer = self._lobby_keys.get(content[0]), self._identity.mls_signer()
        assert keys is not None  # `_content` looked
        self._counter = max(self._counter + 1, card_number(membership.roster.counter, 0))
        post = VaultPost(group.group_id, group.epoch, signer.public, person.key)
        secrets = {door: Secret(value) for door, value in self._secrets().items()}
        signed = sign_vault(post, self._counter, keys.private, secrets, signer)
        signer.wipe()
        route = VaultRoute(group.group_id, self._identity.relay.public, person.relay_key)
        secret = membership.request_secrets.of(group.epoch)
        assert secret is not None  # the present epoch's is kept
        psk = request_psk(secret, group.epoch)
        return seal_vault(route, content[2], signed, psk, self._random)

    def close(self) -> None:
        """Let every act go on that waits: the committer is closed, and tells why it fails."""
        waiting, self._acts = self._acts, []
        for act in waiting:
            act.then()

    # --- receiving -----------------------------------------------------------------------------

    def receive(self, item: LobbyItem) -> bool:
        """Take a vault. False when it is of an epoch that this client has not reached.

        One that does not open stays at the relay. One that opened and is wrong is settled, and so
        is an older one than the last of its sender."""
        epoch, group = request_epoch(item.blob), self._membership.group
        if epoch > group.epoch:
            return False
        secret = self._membership.request_secrets.of(epoch)
        sender = self._membership.find_relay_key(item.key)
        if secret is None or sender is None:
            return True
        own = self._membership.own
        route = VaultRoute(group.group_id, item.key, own.relay_key)
        try:
            signed = open_vault(route, self._identity.desk, item.blob, request_psk(secret, epoch))
        except NotTrusted:
            return True
        post = VaultPost(group.group_id, epoch, sender.key, own.key)
        newest = self._newest.get(sender.key, -1)
        try:
            vault = judge_vault(self._membership.state, post, newest, signed)
        except NotAllowed:
            self._settle(item.id)
            return True
        self._newest[sender.key] = vault.counter
        self._lobby_keys.add(vault.lobby, by=sender.key)
        listed = self._membership.state.door_ids()
        for found in vault.doors.values():
            self._doors.learn(group.group_id, found.expose(), listed)
            found.wipe()
        self._settle(item.id)
        self._look()
        return True

    def gone(self, id: bytes) -> None:
        """The relay says that this item is settled: a vault that its recipient opened."""
        for key, put in self._put.items():
            if put.id == id and not put.opened:
                put.opened = put.answered = True
                person = self._membership.find_key(key)
                if person is not None and person.facilitator:
                    self._emit(events.VaultChanged(person.name, complete=True, claimed=True))

    # --- time ----------------------------------------------------------------------------------

    def moved(self, rejoined: Iterable[Person], *, own: bool) -> None:
        """The group moved on. A returning member needs a vault under the new epoch."""
        for person in rejoined:
            self._put.pop(person.key, None)
        state = self._membership.state
        self._see_lobby_key()
        listed = state.facilitator_keys()
        self._newest = {key: at for key, at in self._newest.items() if key in listed}
        self._share_at = self._clock() + (0.0 if own else OTHERS_FIRST)
        self._look()

    def new_log(self) -> None:
        """The relay lost its memory, and the vaults with it."""
        self._put.clear()
        self._share_at = self._clock()

    def tick(self, *, ready: bool) -> None:
        """Put again what the relay did not take, and what another facilitator may lack."""
        self._go_on()
        if not ready:
            self._lacking_since = None
            return
        now = self._clock()
        if self.complete:
            self._lacking_since = None
        elif self._lacking_since is None:
            self._lacking_since = now
        for key, put in list(self._put.items()):
            if put.again_at is not None and now >= put.again_at:
                self._give(key)
        if now >= self._share_at and self.complete:
            for key in self.others():
                self._give(key)
        self._look()

    def _look(self) -> None:
        """Tell the person, when this client begins or ceases to be able to serve the lobby."""
        complete = self.complete
        if complete is self._said or (not complete and not self.lacking_for(SAY_AFTER)):
            return
        self._said = complete
        self._emit(events.VaultChanged(self._membership.own.name, complete=complete))

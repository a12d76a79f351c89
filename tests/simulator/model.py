"""What is true of the room: a simple model, written from docs/protocol.md and not from the engine.

It hears what people command, and what the relay's store takes: the signed roster entries (section
8) and the class, sender and place of each blob (section 9). It holds no key and decrypts nothing.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from alcove_protocol.frames import BlobClass
from alcove_protocol.limits import ENTRY, READ_ONLY_AFTER
from alcove_protocol.roster import Change as RosterChange
from alcove_protocol.roster import Op, Role, RoomFlag, RosterEntry, Seat
from alcove_protocol.statements import Opening, Signed
from alcove_server.store.interface import Publication

from tests.simulator.parked import Parked

Place = tuple[bytes, int]
"""Generation and number of a blob."""
GOING: Final = frozenset({Op.REMOVE, Op.LEFT, Op.ABSENT})
ALONE: Final = READ_ONLY_AFTER - 1.0
"""Seconds without a heartbeat before a standby may come, with what the clocks round."""


@dataclass(eq=False)
class Said:
    """One message: what its author commanded, and what the store took of it."""

    id: str
    author: str
    text: str
    at: float
    retracted_at: float | None = None
    """When its author asked to take it back."""
    taken: list[tuple[Place, float]] = field(default_factory=list)

    @property
    def unsent(self) -> bool:
        """Whether its author took it back before the relay had it: a void took its place."""
        return self.retracted_at is not None and self.retracted_at <= self.taken[0][1]


@dataclass(frozen=True)
class Change:
    """One change of the list of members, at a place of the log."""

    op: Op
    name: str
    place: Place
    at: float
    members: frozenset[str]
    """All members after it."""


@dataclass(eq=False)
class Commands:
    """What one person commanded."""

    leave: bool = False
    end: bool = False
    removed: set[str] = field(default_factory=set)
    admitted: set[str] = field(default_factory=set)
    """Knocks, and returns of members that a person had to decide about."""
    refused: set[str] = field(default_factory=set)
    appointed: set[str] = field(default_factory=set)
    demoted: set[str] = field(default_factory=set)
    """Also oneself, by stepping down or handing over."""
    agreements: set[str] = field(default_factory=set)
    """Texts of ground rules that this person gave the room, or tried to."""
    paused: set[str] = field(default_factory=set)
    unpaused: set[str] = field(default_factory=set)
    standby: list[bool] = field(default_factory=list)
    """Each standby's link that this person made, and False for each that they closed."""
    rules: set[tuple[str, bool]] = field(default_factory=set)
    """Rules for all, and whether this person set or lifted them."""
    held: set[str] = field(default_factory=set)
    """Messages from which on this person folded all, or tried to. Empty text: no message named."""
    folded: set[str] = field(default_factory=set)
    """Messages, and members by name, that this person folded, or tried to."""
    invited: bool = False
    """Whether they made invites for one person each."""
    revoked: bool = False
    """Whether they closed an invite."""
    said: set[str] = field(default_factory=set)
    """What they said at the door."""
    took: bool = False
    """Whether they took over the talk with somebody at the door."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why they refused whom."""
    listeners: set[str] = field(default_factory=set)
    """Knocks that this person let in to listen."""
    outside: bool = False
    """Whether they wished to step outside."""
    wished_at: float = float("-inf")
    """When they did last."""
    rejoin: bool = False
    """Whether they asked to be let in again themselves."""
    by_link: bool = False
    """Whether they came by a standby's link."""
    ticket: bool = False
    """Whether they asked for a ticket."""


class Truth:
    """The room as it is."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._names: dict[bytes, str] = {}
        self._blobs: dict[bytes, str] = {}
        self.members: set[str] = set()
        self.changes: list[Change] = []
        self.said: dict[str, Said] = {}
        self.commands: dict[str, Commands] = {}
        self.places: dict[Place, BlobClass] = {}
        self.generation = b""
        self.founder = ""
        self.over = False
        """Whether a facilitator ended the room and the relay took it."""
        self.losses: list[float] = []
        """When the relay lost its memory."""
        self.entered_at = float("-inf")
        """When somebody came in by an external commit: the log hash begins anew there."""
        self.restored_at = 0.0
        """When the present log was begun by a member."""
        self.beat_at: Final[list[float]] = []
        self.beat_by: Final[list[bytes]] = []
        """When the relay took heartbeats, and the relay keys that sent them."""
        self._beat_of: dict[bytes, float] = {}
        """When the relay took the last heartbeat of each relay key."""
        self.parked = Parked(now)
        self.connected: Callable[[bytes], bool] = lambda key: False
        """Whether a program with this relay key is surely connected."""
        self.muted: set[str] = set()
        """Who may not write, by the last entry."""
        self.slips: list[str] = []
        """What the relay took that it must not: a sentence each."""
        self.find: Callable[[bytes], str] = lambda key: ""
        """The person who has a relay key that was made later, or empty."""
        self.questions: set[str] = set()
        """What invites ask newcomers."""
        self.revoked: set[str] = set()
        """Doors of which facilitators were told, in true sentences, that one closed them."""
        self.lacked: set[str] = set()
        """Listed doors whose keys a facilitator with an incomplete vault lacked."""
        self.keys: defaultdict[str, set[bytes]] = defaultdict(set)
        """The relay keys under which each person was let in."""
        self._seats: dict[bytes, Seat] = {}

    # --- what people do ------------------------------------------------------------------------

    def person(self, name: str, relay_key: bytes) -> None:
        self._names[relay_key] = name
        self.commands.setdefault(name, Commands())

    def _name(self, key: bytes) -> str:
        """Whose relay key this is. Empty for that of a standby's link, which is no person's."""
        return self._names.get(key) or self.find(key)

    def says(self, id: str, author: str, text: str) -> None:
        self.said[id] = Said(id, author, text, self._now())

    def sends(self, blob: bytes, id: str) -> None:
        """A client gives the relay these bytes for this message."""
        self._blobs[blob] = id

    # --- what the store takes ------------------------------------------------------------------

    def opened(self, entry: Signed, generation: bytes) -> None:
        if self.generation:
            return  # the same entry again
        opening = Opening.decode(entry.body)
        self.generation = generation
        self.founder = self._names[opening.relay_key]
        self.keys[self.founder].add(opening.relay_key)
        self._seats = {opening.relay_key: Seat(role=Role.FACILITATOR)}
        self.members = {self.founder}

    def restored(self, chain: tuple[Signed, ...], generation: bytes, commits: int) -> None:
        """A member brought the room to a relay that had lost it. The log begins anew, with
        so many commits."""
        self.restored_at = self._now()
        self.generation = generation
        self.parked.forget()
        self._seats = {Opening.decode(chain[0].body).relay_key: Seat(role=Role.FACILITATOR)}
        self.members = {self.founder}
        for entry in chain[1:]:
            self._apply(entry, (generation, 0), again=True)
        for number in range(1, commits + 1):
            self.places[(generation, number)] = BlobClass.COMMIT

    def taken(self, publication: Publication, generation: bytes, number: int) -> None:
        place = (generation, number)
        if place in self.places:
            return  # a repetition of a known id
        self.places[place] = BlobClass(publication.blob_class)
        if publication.blob_class == BlobClass.EXTERNAL:
            self._entered(publication.sender)
        if publication.step is not None:
            self._apply(publication.step.entry, place)
        if publication.blob_class == BlobClass.BEAT:
            self.beat_at.append(self._now())
            self.beat_by.append(publication.sender)
            self._beat_of[publication.sender] = self._now()
        author = self._name(publication.sender)
        if publication.blob_class == BlobClass.APPLICATION and author in self.muted:
            self.slips.append(f"a message of {author}, who may not write")
        id = self._blobs.get(publication.blob)
        if publication.blob_class == BlobClass.APPLICATION and id in self.said:
            self.said[id].taken.append((place, self._now()))

    def _entered(self, sender: bytes) -> None:
        """An external commit: by a standby's link while no facilitator is heard, or by a ticket
        while no other one is."""
        self.entered_at = self._now()
        returns = sender in self.facilitators
        keys = self.facilitators - {sender} if returns else self._beat_of.keys()
        silent = self._now() - max((self._beat_of.get(key, 0.0) for key in keys), default=0.0)
        if silent < ALONE and not self.losses:
            whose = "another facilitator's return" if returns else "a standby's commit"
            self.slips.append(f"{whose}, {silent:.0f} s after a facilitator's heartbeat")

    # --- tickets -------------------------------------------------------------------------------

    def handed_out(self, slot: bytes) -> None:
        """The relay gives the holder of a ticket what was parked."""
        key = self.parked.hand_out(slot)
        if not key:
            self.slips.append("a ticket that is over")
        elif self.connected(key):
            self.slips.append(f"a ticket of {self._name(key)}, whose program is connected")

    def _apply(self, signed: Signed, place: Place, *, again: bool = False) -> None:
        entry = RosterEntry.decode(signed.body, limit=ENTRY)
        changes = [(c.op, self._name(c.key)) for c in entry.decoded_changes()]
        changes = [(op, name) for op, name in changes if name or op is Op.RESET]  # no standby's key
        self._sit(entry)
        self.members = {self._name(key) for key in self._seats} - {""}
        after, now = frozenset(self.members), self._now()
        if not again:
            self.changes += [Change(op, name, place, now, after) for op, name in changes]

    def _sit(self, entry: RosterEntry) -> None:
        """Who is on the list, and who may write, after this entry."""
        for change in entry.decoded_changes():
            if change.op is Op.RESET:
                self._seats = {}
            elif change.op in (Op.ADD, Op.CHANGE):
                self._seats[change.key] = change.seat
            elif change.op is not Op.REJOIN:
                self._seats.pop(change.key, None)
            if change.op is Op.ADD:
                self._let_in(self._name(change.key), change)
        self.parked.keep(self._seats)
        listen = bool(RoomFlag(entry.flags) & RoomFlag.LISTEN_ONLY)
        self.muted = {
            self._name(key)
            for key, seat in self._seats.items()
            if seat.paused or (listen and seat.role is not Role.FACILITATOR)
        }

    def _let_in(self, name: str, change: RosterChange) -> None:
        first = not self.keys[name]
        self.keys[name].add(change.key)
        others = [done for done in self.commands.values() if name in done.admitted]
        heard = any(name in done.listeners for done in others)
        talks = any(name not in done.listeners for done in others)
        if first and heard and not talks and not change.seat.paused:
            self.slips.append(f"{name} as one who may write, and they were let in to listen")

    @property
    def facilitating(self) -> set[str]:
        """The names of the facilitators that are on the list."""
        return {self._name(key) for key in self.facilitators}

    def beats_of(self, key: bytes) -> float:
        """When the relay took the last heartbeat by this relay key."""
        return self._beat_of.get(key, float("-inf"))

    @property
    def facilitators(self) -> frozenset[bytes]:
        """The relay keys of the facilitators that are on the list."""
        seats = self._seats.items()
        return frozenset(key for key, seat in seats if seat.role is Role.FACILITATOR)

    @property
    def links(self) -> frozenset[bytes]:
        """The relay keys of the standby's links that are on the list."""
        standbys = {key for key, seat in self._seats.items() if seat.role is Role.STANDBY}
        return frozenset(key for key in standbys if not self._name(key))

    def is_in(self, name: str, place: Place) -> bool:
        """Whether this person was a member at a place of a log that has all their changes. Of two
        changes in one entry the one that lets them in counts."""
        own = [one for one in self.changes if one.name == name and one.place <= place]
        own = [one for one in own if one.op is Op.ADD or one.op in GOING]
        if not own:
            return name == self.founder
        return any(one.op is Op.ADD for one in own if one.place == own[-1].place)

    def ended(self) -> None:
        self.over = True
        self.parked.forget()

    # --- questions -----------------------------------------------------------------------------

    def happened(self, op: Op, name: str) -> bool:
        """Whether a roster entry that the relay took says this of this person."""
        return any(change.op is op and change.name == name for change in self.changes)

    def when(self, op: Op, name: str) -> Change | None:
        """The first such change."""
        return next((c for c in self.changes if c.op is op and c.name == name), None)

    def last(self, name: str) -> Op | None:
        """The last change of this person."""
        return next((c.op for c in reversed(self.changes) if c.name == name), None)

    def let_in_at(self, name: str) -> float:
        """When this person was let in last, by the relay's list."""
        times = (one.at for one in self.changes if one.op is Op.ADD and one.name == name)
        return max(times, default=float("-inf"))

    def number_of(self, id: str) -> int:
        """Which message it is, in the order in which all were said."""
        return list(self.said).index(id)

    def commanded(self, what: str, name: str) -> bool:
        """Whether any person commanded that this one be removed, admitted or refused."""
        return any(name in getattr(commands, what) for commands in self.commands.values())

    def ruled(self, rule: str, *, on: bool) -> bool:
        """Whether any person set this rule for all, or lifted it."""
        return any((rule, on) in commands.rules for commands in self.commands.values())

    def may_be_folded(self, id: str) -> bool:
        """Whether any person folded this message, its author, or all from a place before it on."""
        said = self.said.get(id)
        if said is None:
            return False
        wanted = set().union(*(one.folded for one in self.commands.values()))
        if id in wanted or said.author in wanted:
            return True
        starts = set().union(*(one.held for one in self.commands.values()))
        return any(start == "" or not self._before(id, start) for start in starts)

    def _before(self, id: str, start: str) -> bool:
        """Whether this message stands before another one in a log that has both."""
        places = [{place for place, _ in self.said[one].taken} for one in (id, start)]
        pairs = [(a, b) for a in places[0] for b in places[1] if a[0] == b[0]]
        return bool(pairs) and all(a[1] < b[1] for a, b in pairs)

    def admitted(self) -> int:
        """How many people the relay put on the list."""
        return sum(change.op is Op.ADD for change in self.changes)

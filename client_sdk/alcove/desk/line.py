"""The series of frames: one at each tick, whether there is something to say or not.

The relay sees that every client sends a frame of one size every `desk_interval` seconds, each at a
phase of its own. So it sees no difference between a member that says something in private and one
that does not. A frame is never sent again: what is to be repeated goes into a later one.

A facilitator sends two at each tick, which go to all, and one in a room so large that the ticks are
far apart. What travels inside is empty for now.
"""

from hashlib import sha256
from typing import Final

from alcove_protocol import frames
from alcove_protocol.frames import RelayAnswer

from alcove.desk.frame import (
    NO_BEAT,
    DeskBody,
    DeskPlace,
    DeskRoute,
    DeskSlot,
    open_frame,
    seal_frame,
)
from alcove.errors import NotTrusted
from alcove.group.desk_settings import SLOW_TICK
from alcove.group.extensions import leaf_extension
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.sealing import desk_psk
from alcove.relay.ports import Ports

REPLIES: Final = 2
"""Frames of a facilitator at each tick."""
PLACES_KEPT: Final = 64
"""Epochs of which a facilitator knows its place, for frames that come late."""
_FRACTION: Final = 1 << 16


class DeskLine:
    """One client's frames, and those that come to it."""

    def __init__(self, identity: Identity, membership: Membership, ports: Ports) -> None:
        self._identity = identity
        self._membership = membership
        self._link = ports.link
        self._clock = ports.clock
        self._random = ports.random
        self._due: float | None = None
        self._tick = 0
        self._beat = NO_BEAT
        self._places: dict[int, DeskPlace | None] = {}

    def beat_came(self, blob: bytes) -> None:
        """The relay gave this client a heartbeat, which it may not be able to read."""
        self._beat = sha256(blob).digest()

    def tick(self) -> None:
        """Send what is due. To be called while the client is connected, has resumed and is on the
        list, also when it is held or paused."""
        self._note_place()
        now, interval = self._clock(), self._membership.state.desk_interval
        if self._due is None:
            drawn = int.from_bytes(self._random(2), "big") / _FRACTION
            self._due = now + drawn * interval
        if now < self._due:
            return
        self._due += interval
        if self._due <= now:  # it was away for a while
            self._due = now + interval
        facilitates, slow = self._membership.own.facilitator, interval >= SLOW_TICK
        for _ in range(REPLIES if facilitates and not slow else 1):
            self._send()

    def _note_place(self) -> None:
        """Where this client stands among the facilitators of this epoch."""
        epoch = self._membership.group.epoch
        if epoch in self._places:
            return
        keys = [item.mls_key for item in self._membership.state.facilitator_list()]
        own = self._membership.own.key
        self._places[epoch] = DeskPlace(keys.index(own), len(keys)) if own in keys else None
        if len(self._places) > PLACES_KEPT:
            del self._places[next(iter(self._places))]

    def _send(self) -> None:
        membership, epoch = self._membership, self._membership.group.epoch
        secret = membership.desk_secrets.of(epoch)
        if secret is None:
            return
        self._tick += 1
        tick, own = self._tick, self._identity
        route = DeskRoute(membership.group.group_id, epoch, own.relay.public, tick)
        empty, drawn = DeskBody(self._beat), self._random(1)[0]
        blob = seal_frame(
            route,
            membership.state.desk_size,
            (empty, empty),
            self._slots(drawn),
            own.desk,
            desk_psk(secret, epoch),
            self._random,
        )

        def answered(answer: RelayAnswer | None) -> None:
            """Whatever it says, the next frame goes at the next tick."""

        self._link.request(lambda n: frames.SendDesk(n, epoch, tick, blob), answered)

    def _slots(self, drawn: int) -> list[DeskSlot]:
        """One for each facilitator but this client's own person, where there is one. Without
        content each draws its body."""
        membership, own = self._membership, self._membership.own.key
        slots = []
        for place, item in enumerate(membership.state.facilitator_list()):
            leaf = membership.leaf_of(item.mls_key) if item.mls_key != own else None
            desk_key = leaf_extension(leaf).desk_key if leaf is not None else None
            slots.append(DeskSlot(desk_key, drawn >> place & 1))
        return slots

    def receive(self, notice: frames.DeskIs) -> tuple[bytes, DeskBody] | None:
        """What a member's frame has for this facilitator, with the member's MLS key. None when it
        has nothing, or does not open: the relay can alter or invent a frame, and no more."""
        membership = self._membership
        place, secret = self._places.get(notice.epoch), membership.desk_secrets.of(notice.epoch)
        person = membership.find_relay_key(notice.key) if place is not None else None
        leaf = membership.leaf_of(person.key) if person is not None else None
        if place is None or secret is None or person is None or leaf is None:
            return None
        route = DeskRoute(membership.group.group_id, notice.epoch, notice.key, notice.tick)
        desk_key, psk = leaf_extension(leaf).desk_key, desk_psk(secret, notice.epoch)
        try:
            body = open_frame(route, notice.blob, place, self._identity.desk, desk_key, psk)
        except NotTrusted:
            return None
        return person.key, body

"""Alcove's own MLS extensions: what a group agrees on beside its members (docs/protocol.md 11).

The GroupContext holds the room's state, so the state is part of every key of the epoch: two members
with different states cannot read each other. The code points are of the private-use range.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Final

from alcove_protocol import limits
from alcove_protocol.card import VERSION_MAX
from alcove_protocol.codec import split
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import VERSION
from alcove_protocol.position import POSITION_SIZE, check_encoded
from alcove_protocol.records import AtMost, Exactly, Record
from alcove_protocol.roster import CHANGE_SIZE, FLAGS
from alcove_protocol.statements import APPOINTMENT_SIZE, DOOR_ID_SIZE, HASH_SIZE, KEY_SIZE

from alcove import mls
from alcove.group.keys import check_hpke_key

ROOM_EXTENSION: Final = 0xF1A0
LEAF_EXTENSION: Final = 0xF1A1
ROSTER_EXTENSION: Final = 0xF1A2
REQUIRED_CAPABILITIES: Final = 0x0003
MLS_VERSION: Final = 1
BASIC_CREDENTIAL: Final = 1
"""Code points of RFC 9420, sections 6 and 17.5."""

FACILITATOR_SIZE: Final = 2 * KEY_SIZE
LISTING_CHANGES: Final = 2 * limits.MEMBERS_MAX + 1
"""Changes in a roster's listing: a reset, then at most an ADD and a CHANGE for each member."""

STANDBY_SIZE: Final = 4 * KEY_SIZE
"""A standby: its MLS key, relay key and HPKE key, and the psk of answers to it."""
ABSENT_DEFAULT: Final = 10 * 60
ABSENT_MAX: Final = 24 * 3600
"""Seconds after which a lost member is let go by ABSENT. 0 is never."""
DESK_INTERVAL_DEFAULT: Final = 5
DESK_INTERVAL_MAX: Final = 600
"""Seconds between two frames of the private line."""
FOLDED: Final = 16
"""Removed members whose messages are folded."""
CORRECTED: Final = 16
"""Earlier agreements that a correction leaves good."""

Key = Annotated[bytes, Exactly(KEY_SIZE)]
OneVersion = Annotated[int, AtMost(VERSION, least=VERSION)]


@dataclass(frozen=True, slots=True)
class FacilitatorKeys:
    """One facilitator's keys, as in their leaf: `FACILITATOR_SIZE` bytes in a list."""

    mls_key: bytes
    relay_key: bytes

    def encode(self) -> bytes:
        return self.mls_key + self.relay_key

    @classmethod
    def decode(cls, data: bytes) -> "FacilitatorKeys":
        """From exactly `FACILITATOR_SIZE` bytes."""
        return cls(data[:KEY_SIZE], data[KEY_SIZE:])


@dataclass(frozen=True)  # no slots: the lists that it keeps divided have no place there
class RoomExtension(Record):
    """The room's state, 0xF1A0 in the GroupContext. Replaced whole by a GroupContextExtensions.

    Every client refuses a state that differs from what it knows, so all that facilitation needs has
    its place here, also where no command sets it yet (docs/protocol.md 11).
    """

    version: OneVersion
    facilitators: Annotated[bytes, AtMost(limits.FACILITATORS * FACILITATOR_SIZE)]
    appointments: Annotated[bytes, AtMost(limits.APPOINTMENTS * APPOINTMENT_SIZE)]
    lobby_key: Key
    agreement_version: Annotated[int, AtMost(VERSION_MAX, least=1)]
    agreement: Annotated[bytes, Exactly(HASH_SIZE)]
    paused: Annotated[bytes, AtMost(limits.MEMBERS_MAX * KEY_SIZE)]
    doors: Annotated[bytes, AtMost(limits.DOORS * DOOR_ID_SIZE)]
    locked: bool
    listen_only: bool
    slow: Annotated[int, AtMost(limits.SLOW_MAX)]
    ttl: Annotated[int, AtMost(limits.TTL_MAX, least=limits.TTL_MIN)]
    absent: Annotated[int, AtMost(ABSENT_MAX)] = ABSENT_DEFAULT
    desk_interval: Annotated[int, AtMost(DESK_INTERVAL_MAX, least=1)] = DESK_INTERVAL_DEFAULT
    desk_size: Annotated[int, AtMost(limits.DESK_LARGE, least=limits.DESK_SMALL)] = (
        limits.DESK_SMALL
    )
    facilitators_start: Annotated[int, AtMost(limits.FACILITATORS, least=1)] = 1
    facilitators_stay: Annotated[int, AtMost(limits.FACILITATORS, least=1)] = 1
    folded: Annotated[bytes, AtMost(FOLDED * KEY_SIZE)] = b""
    corrected: Annotated[bytes, AtMost(CORRECTED * HASH_SIZE)] = b""
    standby: Annotated[bytes, Exactly(STANDBY_SIZE)] | None = field(default=None, repr=False)
    hold: Annotated[bytes, Exactly(POSITION_SIZE)] | None = None

    def facilitator_list(self) -> tuple[FacilitatorKeys, ...]:
        """Raises `Malformed`."""
        return self._facilitators

    def facilitator_keys(self) -> frozenset[bytes]:
        """The MLS signature keys of the facilitators. Raises `Malformed`."""
        return self._mls_keys

    def facilitator_relay_keys(self) -> frozenset[bytes]:
        """The relay keys of the facilitators. Raises `Malformed`."""
        return frozenset(item.relay_key for item in self.facilitator_list())

    def paused_keys(self) -> tuple[bytes, ...]:
        """The MLS keys of all paused members. Raises `Malformed`."""
        return self._paused

    def folded_keys(self) -> tuple[bytes, ...]:
        """The MLS keys whose messages are folded. Raises `Malformed`."""
        return self._folded

    def corrected_hashes(self) -> tuple[bytes, ...]:
        """Hashes of earlier agreements that are still good. Raises `Malformed`."""
        return split(self.corrected, HASH_SIZE, most=CORRECTED)

    def good_agreements(self) -> tuple[bytes, ...]:
        """The agreement's hash, then the earlier ones that are still good. Raises `Malformed`."""
        return (self.agreement, *self.corrected_hashes())

    def door_ids(self) -> tuple[bytes, ...]:
        """Raises `Malformed`."""
        return split(self.doors, DOOR_ID_SIZE, most=limits.DOORS)

    # Each tick asks for these lists, and few commits change one. They are divided once for a state,
    # and gone with it: nothing of a room stays in the process when it is over.

    @cached_property
    def _facilitators(self) -> tuple[FacilitatorKeys, ...]:
        items = split(self.facilitators, FACILITATOR_SIZE, most=limits.FACILITATORS)
        return tuple(map(FacilitatorKeys.decode, items))

    @cached_property
    def _mls_keys(self) -> frozenset[bytes]:
        return frozenset(item.mls_key for item in self._facilitators)

    @cached_property
    def _paused(self) -> tuple[bytes, ...]:
        return split(self.paused, KEY_SIZE, most=limits.MEMBERS_MAX)

    @cached_property
    def _folded(self) -> tuple[bytes, ...]:
        return split(self.folded, KEY_SIZE, most=FOLDED)

    def check(self) -> None:
        """Raises `Malformed` when a list does not divide, or repeats an item, when `hold` is no
        position, or when nothing may be sealed to the lobby key or the standby's."""
        check_hpke_key(self.lobby_key)
        if self.standby is not None:
            check_hpke_key(self.standby[2 * KEY_SIZE : 3 * KEY_SIZE])
        if self.hold is not None:
            check_encoded(self.hold)
        lists = (
            self.facilitator_list(),
            self.paused_keys(),
            self.door_ids(),
            self.folded_keys(),
            self.corrected_hashes(),
        )
        if not lists[0] or any(len(set(items)) != len(items) for items in lists):
            raise Malformed("bad_field", "A list of the room's state is empty or repeats itself.")


@dataclass(frozen=True, slots=True)
class LeafExtension(Record):
    """One member's part, 0xF1A1 in their leaf, under their MLS signature.

    What is for this member alone is sealed to `desk_key`. `appointment` is the signed appointment
    by the standby, in the leaf that an external commit brings. `reloaded` is said by the leaf with
    which a member comes back by a ticket: it knows nothing of what it said before.
    """

    version: OneVersion
    relay_key: Key
    desk_key: Key
    agreement: Annotated[bytes, Exactly(HASH_SIZE)]
    appointment: Annotated[bytes, AtMost(APPOINTMENT_SIZE)] | None = None
    reloaded: bool | None = None


@dataclass(frozen=True, slots=True)
class RosterExtension(Record):
    """The roster just before a newcomer's own entry, 0xF1A2 in GroupInfo."""

    counter: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    head: Annotated[bytes, Exactly(HASH_SIZE)]
    listing: Annotated[bytes, AtMost(LISTING_CHANGES * CHANGE_SIZE)]
    flags: Annotated[int, AtMost(FLAGS)]
    slow: Annotated[int, AtMost(limits.SLOW_MAX)]
    members: Annotated[int, AtMost(limits.MEMBERS_MAX)]
    ttl: Annotated[int, AtMost(limits.TTL_MAX)]


def room_extension(context: mls.GroupContext) -> RoomExtension:
    """The room's state in a GroupContext. Raises `Malformed`."""
    data = context.extension(ROOM_EXTENSION)
    if data is None:
        raise Malformed("bad_field", "The group is not a room of Alcove.")
    state = RoomExtension.decode(data, limit=limits.HANDSHAKE_BLOB)
    state.check()
    return state


def leaf_extension(leaf: mls.LeafNode) -> LeafExtension:
    """A member's own part. Raises `Malformed`.

    Every commit looks at every leaf, and few of them have changed. So what was read is kept with
    the leaf, and goes with it.
    """
    kept = leaf.reading
    if isinstance(kept, LeafExtension):
        return kept
    data = leaf.extension(LEAF_EXTENSION)
    if data is None:
        raise Malformed("bad_field", "The member is not a client of Alcove.")
    read = LeafExtension.decode(data, limit=limits.STATEMENT)
    leaf.keep_reading(read)
    return read


def name_of(leaf: mls.LeafNode) -> str:
    """The pseudonym in a leaf's credential. It is untrusted text until a display escapes it."""
    return leaf.credential.identity.decode("utf-8", "replace")


def capabilities(suite: mls.CipherSuite) -> mls.Capabilities:
    """What every client of a room supports and lists in its KeyPackages (RFC 9420, 7.2)."""
    return mls.Capabilities(
        versions=(MLS_VERSION,),
        ciphersuites=(suite.number,),
        extensions=(ROOM_EXTENSION, LEAF_EXTENSION, ROSTER_EXTENSION),
        proposals=(),
        credentials=(BASIC_CREDENTIAL,),
    )


def group_extensions(state: RoomExtension) -> tuple[mls.Extension, ...]:
    """The GroupContext's extensions: the required capabilities, then the room's state.

    RequiredCapabilities (RFC 9420, section 11.1) has three vectors: extension types, proposal types
    and credential types.
    """
    required = b"\x04" + ROOM_EXTENSION.to_bytes(2, "big") + LEAF_EXTENSION.to_bytes(2, "big")
    required += b"\x00" + b"\x02\x00\x01"
    return (
        mls.Extension(REQUIRED_CAPABILITIES, required),
        mls.Extension(ROOM_EXTENSION, state.encode()),
    )

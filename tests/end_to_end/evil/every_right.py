"""What a room's members may do, as tables: one row for each right, with an act beyond it.

FIELDS     each field of the room's state: a commit that changes it
PROPOSALS  each kind of MLS proposal: a commit that holds one
OPERATIONS each operation on the signed list: an entry by it
MESSAGES   each kind of message
REQUESTS   each request of a member at the relay

`test_every_right.py` demands a row for each that the code knows, and shows each row refused twice.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from alcove.group.extensions import RoomExtension
from alcove.group.rights import Act
from alcove.group.standby import StandbyKeys
from alcove.messages.payload import Fold, Retract, Text, ToldAgreement, Void
from alcove.mls.proposals import ProposalType
from alcove_protocol import frames
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import BlobClass, Request
from alcove_protocol.labels import Label
from alcove_protocol.records import Record
from alcove_protocol.roster import Change, Op, Role, Seat
from alcove_protocol.statements import EndStatement

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    appointment,
    context,
    keys_of,
    next_lobby_key,
    relay_key,
    rogue_commit,
    room_of,
    roster_of,
    state_of,
)
from tests.end_to_end.evil.test_commits import (
    Make,
    add,
    reinit,
    remove,
    update_by_reference,
)
from tests.end_to_end.evil.test_rights import external_in_a_members_place, pre_shared_key
from tests.end_to_end.world import Client

StateChange = Callable[[RoomExtension, Client, Client], RoomExtension]
"""The state after an act by the first client, about the second."""


def appointed(state: RoomExtension, by: Client, about: Client) -> bytes:
    signed = appointment(room_of(by), by, about)
    return state.appointments + pack_list([signed.encode()])


FIELDS: Final[dict[str, StateChange]] = {
    "facilitators": lambda state, by, about: replace(
        state, facilitators=state.facilitators + keys_of(by).encode()
    ),
    "appointments": lambda state, by, about: replace(
        state, appointments=appointed(state, by, about)
    ),
    "lobby_key": lambda state, by, about: replace(state, lobby_key=next_lobby_key(state).public),
    "agreement_version": lambda state, by, about: replace(
        state, agreement_version=state.agreement_version + 1
    ),
    "agreement": lambda state, by, about: replace(state, agreement=bytes(32)),
    "corrected": lambda state, by, about: replace(state, corrected=state.agreement),
    "paused": lambda state, by, about: replace(state, paused=_other(state.paused, about)),
    "doors": lambda state, by, about: replace(state, doors=b"another."),
    "locked": lambda state, by, about: replace(state, locked=not state.locked),
    "listen_only": lambda state, by, about: replace(state, listen_only=not state.listen_only),
    "slow": lambda state, by, about: replace(state, slow=state.slow + 30),
    "ttl": lambda state, by, about: replace(state, ttl=10),
    "absent": lambda state, by, about: replace(state, absent=state.absent + 60),
    "desk_interval": lambda state, by, about: replace(state, desk_interval=30),
    "desk_size": lambda state, by, about: replace(state, desk_size=2048),
    "facilitators_start": lambda state, by, about: replace(state, facilitators_start=2),
    "facilitators_stay": lambda state, by, about: replace(state, facilitators_stay=2),
    "folded": lambda state, by, about: replace(state, folded=keys_of(about).mls_key),
    "standby": lambda state, by, about: replace(state, standby=_standby(by)),
    "hold": lambda state, by, about: replace(state, hold=bytes(16), listen_only=True),
}
"""Every field but `version`: a state of another version is read by nobody."""


def _other(keys: bytes, about: Client) -> bytes:
    """A pause of this member; in a room where somebody is paused, the end of all pauses."""
    return b"" if keys else keys_of(about).mls_key


def _standby(by: Client) -> bytes:
    keys = keys_of(by)
    hpke = next_lobby_key(state_of(by)).public
    return StandbyKeys(bytes([1]) * 32, bytes([2]) * 32, hpke, keys.mls_key).encode()


def field(name: str) -> Make:
    """The commit that changes this field of the state and, as its right demands, no other."""

    def make(world: EvilWorld, by: Client, about: Client) -> bytes:
        after = FIELDS[name](state_of(by), by, about)
        assert getattr(after, name) != getattr(state_of(by), name)
        return rogue_commit(by, context(after))

    return make


PROPOSALS: Final[dict[ProposalType, Make]] = {
    ProposalType.ADD: add,
    ProposalType.UPDATE: update_by_reference,
    ProposalType.REMOVE: remove,
    ProposalType.PSK: pre_shared_key,
    ProposalType.REINIT: reinit,
    ProposalType.EXTERNAL_INIT: lambda world, by, about: external_in_a_members_place(
        world, about, by
    ),
    ProposalType.GROUP_CONTEXT_EXTENSIONS: field("doors"),
}

OPERATIONS: Final[dict[Op, Callable[[EvilWorld, Client, Client], tuple[Change, ...]]]] = {
    Op.RESET: lambda world, by, about: (
        Change(Op.RESET, bytes(32)),
        Change(Op.ADD, relay_key(by), Seat(role=Role.FACILITATOR)),
    ),
    Op.ADD: lambda world, by, about: (Change(Op.ADD, world.random(32), Seat()),),
    Op.REMOVE: lambda world, by, about: (Change(Op.REMOVE, relay_key(about)),),
    Op.CHANGE: lambda world, by, about: (
        Change(Op.CHANGE, relay_key(by), Seat(role=Role.FACILITATOR)),
    ),
    Op.REJOIN: lambda world, by, about: (Change(Op.REJOIN, relay_key(about)),),
    Op.LEFT: lambda world, by, about: (Change(Op.LEFT, relay_key(about)),),
    Op.ABSENT: lambda world, by, about: (Change(Op.ABSENT, relay_key(about)),),
}

SILENCED: Final[dict[str, str | None]] = {
    "participant": None,
    "paused": "paused",
    "in listen-only": "not_allowed",
}
"""Roles, and how the relay refuses every message of theirs. It cannot tell one kind of message from
another, so a participant who may write can send it any: then the clients are the only ones."""


@dataclass(frozen=True)
class Beyond:
    """A message, by `kind`, about another member's message. The roles that may send it."""

    body: Callable[[bytes], Record]
    allowed: tuple[str, ...] = ()


MESSAGES: Final[dict[Act, Beyond]] = {
    Act.TEXT: Beyond(lambda target: Text("hear me"), allowed=("participant",)),
    Act.RETRACT: Beyond(Retract),
    Act.VOID: Beyond(lambda target: Void()),
    Act.AGREEMENT: Beyond(lambda target: ToldAgreement(2, b"\x00")),
    Act.FOLD: Beyond(Fold),
}
"""All but the heartbeat, which is no application message. A retraction is of another's message: of
their own, all may take it back. A void says nothing."""


@dataclass(frozen=True)
class Asked:
    """A request of the member `by`, about another. `code` is the relay's refusal to a participant;
    None when all members may. `alone` is the test that shows what the clients do when the relay
    takes it, or why there is none."""

    kind: type[Request]
    make: Callable[[EvilWorld, Client, Client, int], Request]
    code: str | None = "not_allowed"
    alone: str = ""


def _publish(blob_class: BlobClass) -> Callable[[EvilWorld, Client, Client, int], Request]:
    def make(world: EvilWorld, by: Client, about: Client, n: int) -> Request:
        base = by.engine.require_member().membership.base.encode()
        return frames.Publish(n, world.random(16), base, blob_class, 90, world.random(256))

    return make


def _signed(by: Client) -> tuple[bytes, bytes]:
    """An end of the room that this member signs."""
    roster, relay = roster_of(by), by.engine.identity.relay
    said = EndStatement(roster.room, relay.public, roster.counter, roster.head)
    signed = relay.sign(Label.END, said)
    return signed.body, signed.signature


WITHHOLDS: Final = "a relay has it already, or can do so to whom it wants, by itself"

REQUESTS: Final[dict[str, Asked]] = {
    "resume": Asked(
        frames.Resume, lambda w, by, about, n: frames.Resume(n, bytes(16), 0), code=None
    ),
    "a commit": Asked(
        frames.Publish,
        _publish(BlobClass.COMMIT),
        alone="end_to_end.evil.test_every_right::test_members_burn_every_change_of_the_state_by_who_may_not",
    ),
    "an external commit": Asked(
        frames.Publish,
        _publish(BlobClass.EXTERNAL),
        alone="end_to_end.evil.test_standby_rights::test_without_a_standby_no_external_commit_enters",
    ),
    "a heartbeat": Asked(
        frames.Publish,
        _publish(BlobClass.BEAT),
        alone="end_to_end.evil.test_authors::test_a_participants_heartbeat_counts_for_nothing",
    ),
    "a message": Asked(frames.Publish, _publish(BlobClass.APPLICATION), code=None),
    "a door": Asked(
        frames.PutDoor,
        lambda w, by, about, n: frames.PutDoor(n, *_signed(by), b"card"),
        alone="end_to_end.evil.test_way_in::test_a_card_that_another_holder_of_the_link_made_is_refused",
    ),
    "the card of a door": Asked(
        frames.ReadCard,
        lambda w, by, about, n: frames.ReadCard(n, bytes(8)),
        alone=WITHHOLDS,
    ),
    "a refusal of a knock": Asked(
        frames.RefuseKnock,
        lambda w, by, about, n: frames.RefuseKnock(n, bytes(16), b"reason"),
        alone=WITHHOLDS,
    ),
    "settling": Asked(
        frames.Settle, lambda w, by, about, n: frames.Settle(n, bytes(16)), alone=WITHHOLDS
    ),
    "a request": Asked(
        frames.LobbyRequest,
        lambda w, by, about, n: frames.LobbyRequest(n, w.random(16), w.random(300)),
        code=None,
    ),
    "a vault": Asked(
        frames.LobbyRequest,
        lambda w, by, about, n: frames.LobbyRequest(
            n, w.random(16), w.random(300), relay_key(about)
        ),
        alone="vectors.test_vectors::test_the_code_judges_as_the_file_says",
    ),
    "a text to who waits": Asked(
        frames.LobbyRequest,
        lambda w, by, about, n: frames.LobbyRequest(n, w.random(16), w.random(300), bytes(32)),
        alone="end_to_end.test_door_talk::test_a_relay_and_a_holder_of_the_link_make_up_no_text",
    ),
    "leaving": Asked(
        frames.LeaveRoom,
        lambda w, by, about, n: frames.LeaveRoom(n, *_signed(by)),
        code="bad_statement",  # all may leave, by their own statement
        alone="end_to_end.evil.test_bystanders::"
        "test_the_others_are_told_of_no_leave_that_the_member_did_not_sign_for_now",
    ),
    "the end": Asked(
        frames.EndRoom,
        lambda w, by, about, n: frames.EndRoom(n, *_signed(by)),
        alone="end_to_end.evil.test_lies::test_an_end_that_no_facilitator_signed_is_called_lost",
    ),
    "the chain": Asked(frames.ReadChain, lambda w, by, about, n: frames.ReadChain(n, 0), code=None),
    "a desk frame": Asked(
        frames.SendDesk,
        lambda w, by, about, n: frames.SendDesk(n, 10**6, 1, bytes(1024)),
        code=None,
    ),
    "a vote in a new log": Asked(
        frames.Reseat,
        lambda w, by, about, n: frames.Reseat(n, *_signed(by), b"", b"", b""),
        code="bad_statement",  # all may vote, by their own statement
        alone="end_to_end.evil.test_brought_back::test_a_stale_facilitator_who_is_first_gives_way",
    ),
    "a ticket": Asked(
        frames.Park,
        lambda w, by, about, n: frames.Park(n, w.random(16), w.random(32), w.random(100)),
        code=None,
    ),
    "an ask of the members": Asked(
        frames.AskMembers,
        lambda w, by, about, n: frames.AskMembers(n, w.random(16), *_signed(by)),
        alone="end_to_end.evil.test_standby_lies::"
        "test_members_that_hear_a_facilitator_answer_no_ask",
    ),
    "an answer to a standby": Asked(
        frames.AnswerAsker,
        lambda w, by, about, n: frames.AnswerAsker(n, bytes(16), b"answer"),
        code="unknown_knock",
        alone="end_to_end.evil.test_standby_lies::"
        "test_garbage_in_the_place_of_an_answer_is_ignored",
    ),
}
"""What a member may ask of the relay."""

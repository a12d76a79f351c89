"""The vault, the private line, answers and the talk at the door; and wishes to step down."""

from dataclasses import replace
from typing import Any

from alcove import mls
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
from alcove.group.desk_settings import has_desk_settings
from alcove.group.extensions import RoomExtension
from alcove.group.external_wrap import unwrap_external, wrap_external
from alcove.group.facilitator_seals import (
    DeskFrame,
    Reply,
    VaultRoute,
    open_answer,
    open_slot,
    open_talk,
    open_vault,
    return_psk,
    seal_answer,
    seal_slot,
    seal_talk,
    seal_vault,
    standby_psk,
)
from alcove.group.keys import ROOM_SUITE, SigningKey
from alcove.group.rights import NotAllowed, judge_step_down
from alcove.group.sealing import Psk, desk_psk, request_psk
from alcove.group.vault import VaultPost, judge_vault, sign_vault
from alcove.mls.secret import Secret
from alcove_protocol.errors import Malformed
from alcove_protocol.invite import Invite, InviteRole, door_id_of
from alcove_protocol.labels import Label
from alcove_protocol.sealed import VaultBody
from alcove_protocol.statements import Signed, StepDownStatement

from tests.vectors.parts import (
    FACILITATOR,
    FACILITATOR_MLS,
    MEMBER,
    MEMBER_MLS,
    ROOM,
    Case,
    fixed_random,
    key_of,
    public,
)
from tests.vectors.wire import DOOR, SECRET

KINDS = ("vault", "slot", "frame", "answer", "talk")
VERDICTS = ("step down", "vault", "desk")
EPOCH, TICK = 7, 41
HPKE = mls.ciphersuite(ROOM_SUITE)
LOBBY, OWN_DESK, DESK, REPLY = (
    HPKE.hpke_keypair(fixed_random(name)) for name in ("lobby", "own desk", "desk", "reply")
)
REQUEST, AT_DESK = (
    make(fixed_random(name)(32), EPOCH)
    for make, name in ((request_psk, "exporter"), (desk_psk, "desk exporter"))
)
POST = VaultPost(ROOM, EPOCH, public(FACILITATOR_MLS), public(MEMBER_MLS))


def _signer(name: str) -> SigningKey:
    return SigningKey.from_seed(bytes(key_of(name)))


def _vault() -> Signed:
    return sign_vault(
        POST,
        3,
        LOBBY.private,
        {DOOR: Secret(SECRET)},
        _signer("facilitator, MLS"),
    )


# --- seals ------------------------------------------------------------------------------------


def _keyed(keys: mls.HpkeKeyPair) -> Case:
    return {"private": keys.private.expose().hex(), "public": keys.public.hex()}


def _psk(psk: Psk) -> Case:
    return {"psk": psk.secret.hex(), "psk_id": psk.id.hex()}


def seals() -> list[Case]:
    random = fixed_random("facilitation")
    sender, recipient, id = public(FACILITATOR), public(MEMBER), random(16)
    route, reply = VaultRoute(ROOM, sender, recipient), Reply(ROOM, id, sender)
    frame = DeskFrame(ROOM, EPOCH, recipient, TICK, random(32))
    link = Invite(InviteRole.STANDBY, DOOR, ROOM, "https://relay.example", SECRET)
    standby = standby_psk(link.standby_psk(), public(key_of("standby, MLS")))
    at_door = Psk(link.lobby_psk(), DOOR)
    by_leaf = return_psk(DESK.public, public(key_of("facilitator, MLS")))
    by_leaf_random = fixed_random("by the leaf")
    to_reply = {"to": id.hex(), "sender": sender.hex(), **_keyed(REPLY)}
    to_lobby = {"to": id.hex(), "sender": recipient.hex(), **_keyed(LOBBY)}
    line = Reply(ROOM, id, recipient)
    return [
        {
            "kind": "vault",
            "sender": sender.hex(),
            "recipient": recipient.hex(),
            **_keyed(DESK),
            **_psk(REQUEST),
            "sealed": seal_vault(route, DESK.public, _vault(), REQUEST, random),
        },
        {
            "kind": "slot",
            "epoch": EPOCH,
            "sender": recipient.hex(),
            "tick": TICK,
            "bodies": frame.bodies.hex(),
            "sender_desk": OWN_DESK.public.hex(),
            **_keyed(DESK),
            **_psk(AT_DESK),
            "sealed": seal_slot(frame, DESK.public, OWN_DESK, b"a body key", AT_DESK, random),
        },
        *frames(),
        {
            "kind": "external commit",
            "key": fixed_random("wrapping key")(32).hex(),
            "epoch": EPOCH,
            "sealed": wrap_external(
                fixed_random("wrapping key")(32), ROOM, EPOCH, b"an external commit", random
            ),
        },
        {
            "name": "answer to a standby",
            "kind": "answer",
            **to_reply,
            **_psk(standby),
            "sealed": seal_answer(reply, REPLY.public, b"to a standby", standby, random),
        },
        {
            "name": "answer after a reload",
            "kind": "answer",
            **to_reply,
            **_psk(REQUEST),
            "sealed": seal_answer(reply, REPLY.public, b"after a reload", REQUEST, random),
        },
        {
            "name": "answer by the leaf after a reload",
            "kind": "answer",
            **to_reply,
            **_psk(by_leaf),
            "sealed": seal_answer(reply, REPLY.public, b"by a newcomer", by_leaf, by_leaf_random),
        },
        {
            "name": "talk to a newcomer",
            "kind": "talk",
            **to_reply,
            **_psk(at_door),
            "sealed": seal_talk(reply, REPLY.public, b"Welcome; one moment.", at_door, random),
        },
        {
            "name": "talk of a newcomer",
            "kind": "talk",
            **to_lobby,
            **_psk(at_door),
            "sealed": seal_talk(line, LOBBY.public, b"I can wait.", at_door, random),
        },
    ]


def frames() -> list[Case]:
    """Frames of the private line: to two facilitators that get other bodies, of a facilitator with
    an own slot for nobody, empty, and to six. `opened` is the heartbeat's hash and the text."""
    random = fixed_random("frames")
    route = DeskRoute(ROOM, EPOCH, public(MEMBER), TICK)
    beat = random(32)
    said, other = DeskBody(beat, b"Can we talk?"), DeskBody(beat, b"To you alone.")
    first, second = DeskSlot(DESK.public, 0), DeskSlot(LOBBY.public, 1)
    nobody = DeskSlot(None, 0)
    nothing = DeskBody(NO_BEAT)
    made = {
        "to the first facilitator": (DESK, 0, (first, second), (said, other), 1024),
        "to the second facilitator": (LOBBY, 1, (first, second), (said, other), 1024),
        "of a facilitator": (LOBBY, 1, (nobody, second), (said, said), 1024),
        "without a word": (DESK, 0, (first, second), (nothing, nothing), 1024),
        "of the larger size": (DESK, 0, (first, *[second] * 5), (said, other), 2048),
    }
    return [
        {
            "kind": "frame",
            "name": f"frame {name}",
            "epoch": EPOCH,
            "sender": public(MEMBER).hex(),
            "tick": TICK,
            "sender_desk": OWN_DESK.public.hex(),
            "position": position,
            "slots": len(slots),
            **_keyed(keys),
            **_psk(AT_DESK),
            "sealed": seal_frame(route, size, bodies, slots, OWN_DESK, AT_DESK, random),
        }
        for name, (keys, position, slots, bodies, size) in made.items()
    ]


def open_seal(case: Case, keys: mls.HpkeKeyPair, sealed: bytes, psk: Psk) -> bytes:
    """Raises `NotTrusted`."""
    room, sender = bytes.fromhex(case["room"]), bytes.fromhex(case["sender"])
    if case["kind"] == "vault":
        route = VaultRoute(room, sender, bytes.fromhex(case["recipient"]))
        return open_vault(route, keys, sealed, psk).encode()
    if case["kind"] == "frame":
        desk_route = DeskRoute(room, case["epoch"], sender, case["tick"])
        place = DeskPlace(case["position"], case["slots"])
        own = bytes.fromhex(case["sender_desk"])
        body = open_frame(desk_route, sealed, place, keys, own, psk)
        return body.beat + body.content
    if case["kind"] == "slot":
        bodies, own = bytes.fromhex(case["bodies"]), bytes.fromhex(case["sender_desk"])
        frame = DeskFrame(room, case["epoch"], sender, case["tick"], bodies)
        return open_slot(frame, keys, own, sealed, psk)
    reply = Reply(room, bytes.fromhex(case["to"]), sender)
    opens = open_answer if case["kind"] == "answer" else open_talk
    return opens(reply, keys, sealed, psk)


def open_external(case: Case, sealed: bytes) -> bytes:
    """Raises `NotTrusted`."""
    try:
        return unwrap_external(
            bytes.fromhex(case["key"]), bytes.fromhex(case["room"]), case["epoch"], sealed
        )
    except Malformed:
        raise NotTrusted("cannot_open", "It does not open.") from None


def other(value: object) -> object:
    """Another value of a field: the next number, or a key of another."""
    if isinstance(value, int):
        return value + 1
    return OTHER_KEY.hex() if len(str(value)) == 64 else bytes(16).hex()


OTHER_KEY = LOBBY.public
"""A key that is one, so that what is refused is refused for being another's."""


# --- verdicts -----------------------------------------------------------------------------------


def judged(case: Case) -> Case:
    """The case with the code's verdict."""
    state = RoomExtension.decode(bytes.fromhex(case["state"]))
    if case["kind"] == "desk":
        fits = has_desk_settings(state, case["members"])
        return {**case, "code": None if fits else "desk_settings"}
    room, signed = bytes.fromhex(case["room"]), Signed.decode(bytes.fromhex(case["signed"]))
    try:
        if case["kind"] == "step down":
            judge_step_down(state, room, case["epoch"], bytes.fromhex(case["asker"]), signed)
            return {**case, "code": None}
        sender, recipient = (bytes.fromhex(case[name]) for name in ("sender", "recipient"))
        post = VaultPost(room, case["epoch"], sender, recipient)
        vault = judge_vault(state, post, case["newest"], signed)
        return {**case, "code": None, "complete": vault.is_complete(state)}
    except NotAllowed as error:
        return {**case, "code": error.code}


def step_downs(alone: RoomExtension, two: RoomExtension) -> list[Case]:
    """Of the second facilitator, whose MLS key is the member's."""
    asker = public(MEMBER_MLS)
    right = StepDownStatement(ROOM, asker, EPOCH)

    def case(
        name: str,
        said: StepDownStatement = right,
        state: RoomExtension = two,
        signer: str = "member, MLS",
        by: bytes = asker,
        label: Label = Label.STEP_DOWN,
    ) -> Case:
        return judged(
            {
                "kind": "step down",
                "name": f"step down, {name}",
                "state": state.encode().hex(),
                "room": ROOM.hex(),
                "epoch": EPOCH,
                "asker": by.hex(),
                "signed": _signer(signer).sign(label, said).encode().hex(),
            }
        )

    first = public(FACILITATOR_MLS)
    return [
        case("right"),
        case("of another room", StepDownStatement(bytes(32), asker, EPOCH)),
        case("of an earlier epoch", StepDownStatement(ROOM, asker, EPOCH - 1)),
        case("of a later epoch", StepDownStatement(ROOM, asker, EPOCH + 1)),
        case("of another facilitator", StepDownStatement(ROOM, first, EPOCH)),
        case("signed by another", signer="facilitator, MLS"),
        case("under another label", label=Label.LEAVE),
        case("of a participant", state=alone),
        case(
            "of the last facilitator",
            StepDownStatement(ROOM, first, EPOCH),
            alone,
            "facilitator, MLS",
            first,
        ),
    ]


def desks(alone: RoomExtension) -> list[Case]:
    """The private line's interval and size after a commit, for so many members."""

    def case(name: str, members: int, facilitators: int, interval: int, size: int) -> Case:
        keys = b"".join(
            public(key_of(f"facilitator {number}")) + public(key_of(f"relay {number}"))
            for number in range(facilitators)
        )
        state = replace(alone, facilitators=keys, desk_interval=interval, desk_size=size)
        found: Case = {"kind": "desk", "name": name, "members": members}
        return judged({**found, "state": state.encode().hex()})

    return [
        case("twenty members", 20, 1, 5, 1024),
        case("twenty-one members", 21, 1, 30, 1024),
        case("two hundred members", 200, 1, 30, 1024),
        case("two hundred and one members", 201, 1, 120, 1024),
        case("four facilitators", 20, 4, 5, 1024),
        case("five facilitators", 20, 5, 5, 2048),
        case("too slow for twenty", 20, 1, 30, 1024),
        case("too fast for twenty-one", 21, 1, 5, 1024),
        case("too fast for two hundred and one", 201, 1, 30, 1024),
        case("too small for five facilitators", 20, 5, 5, 1024),
        case("too large for four facilitators", 20, 4, 5, 2048),
        case("a size of its own", 20, 4, 5, 1500),
    ]


def vaults(two: RoomExtension) -> list[Case]:
    """From the first facilitator to the second. The state lists one door."""

    def body(**changed: Any) -> VaultBody:
        values: dict[str, Any] = {
            "room": ROOM,
            "recipient": POST.recipient,
            "epoch": EPOCH,
            "counter": 3,
            "lobby_private": LOBBY.private.expose(),
            "doors": DOOR + SECRET,
        }
        return VaultBody(**{**values, **changed})

    def case(
        name: str,
        said: VaultBody,
        signer: str = "facilitator, MLS",
        sender: bytes = POST.sender,
        recipient: bytes = POST.recipient,
        label: Label = Label.VAULT,
    ) -> Case:
        return judged(
            {
                "kind": "vault",
                "name": f"vault, {name}",
                "state": two.encode().hex(),
                "room": ROOM.hex(),
                "epoch": EPOCH,
                "sender": sender.hex(),
                "recipient": recipient.hex(),
                "newest": 2,
                "signed": _signer(signer).sign(label, said).encode().hex(),
            }
        )

    more = fixed_random("another door")(32)
    another = door_id_of(ROOM, more) + more
    outsider = public(key_of("outsider, MLS"))
    return [
        case("right", body()),
        case("with one door more", body(doors=DOOR + SECRET + another)),
        case("without the door", body(doors=b"")),
        case("with another lobby key", body(lobby_private=bytes(31) + b"\1")),
        case("of another room", body(room=bytes(32))),
        case("for another recipient", body(recipient=POST.sender)),
        case("of an earlier epoch", body(epoch=EPOCH - 1)),
        case("with the counter of the last", body(counter=2)),
        case("with a door that is not the secret's", body(doors=bytes(8) + SECRET)),
        case("with a door twice", body(doors=2 * (DOOR + SECRET))),
        case("with half a door", body(doors=DOOR)),
        case("signed by another", body(), "member, MLS"),
        case("under another label", body(), label=Label.REQUEST),
        case("from an outsider", body(), "outsider, MLS", outsider),
        case("from oneself", body(), recipient=POST.sender),
    ]

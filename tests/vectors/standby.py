"""The room's state with a standby: what a commit may do to it; asks, entries and listings."""

from dataclasses import replace

from alcove.group.appointments import unpack_appointments
from alcove.group.extensions import LeafExtension, RoomExtension
from alcove.group.keys import SigningKey
from alcove.group.standby import StandbyKeys, checked_ask, standby_of
from alcove.group.standby_rules import appointed_fault, is_listing
from alcove_protocol.codec import pack_list
from alcove_protocol.labels import Label
from alcove_protocol.statements import Appointment, AskStatement, Signed

from tests.vectors.parts import MEMBER, MEMBER_MLS, ROOM, Case, code_of, key_of, public

BOX = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
"""The X25519 key of RFC 7748, section 6.1."""
KEYS = StandbyKeys(
    public(key_of("standby, MLS")), public(key_of("standby, relay")), BOX, bytes(range(32))
)


def _appointed(keys: StandbyKeys, by: str = "facilitator, MLS") -> bytes:
    signer = SigningKey.from_seed(bytes(key_of(by)))
    statement = Appointment(ROOM, signer.public, keys.mls_key, keys.relay_key)
    return pack_list([signer.sign(Label.APPOINT, statement).encode()])


def _set(state: RoomExtension, keys: StandbyKeys) -> RoomExtension:
    return replace(state, standby=keys.encode(), appointments=state.appointments + _appointed(keys))


def changes(two: RoomExtension) -> dict[str, tuple[RoomExtension, RoomExtension]]:
    """States before and after a commit by the first of two facilitators."""
    other = StandbyKeys(
        public(key_of("other, MLS")), public(key_of("other, relay")), BOX, bytes(32)
    )
    there = _set(two, KEYS)
    known = replace(other, mls_key=public(MEMBER_MLS), relay_key=public(MEMBER))
    by_other = replace(
        two,
        standby=KEYS.encode(),
        appointments=two.appointments + _appointed(KEYS, "member, MLS"),
    )
    alone = replace(
        by_other,
        facilitators=two.facilitators[:64],
        lobby_key=BOX,
    )
    return {
        "a standby is set": (two, there),
        "a standby is set without an appointment": (two, replace(two, standby=KEYS.encode())),
        "a standby is set with another's appointment": (two, by_other),
        "a standby is appointed and not set": (
            two,
            replace(two, appointments=two.appointments + _appointed(KEYS)),
        ),
        "a standby is replaced": (there, _set(there, other)),
        "a standby is cleared": (there, replace(there, standby=None)),
        "a standby is set again": (replace(there, standby=None), _set(there, KEYS)),
        "a standby with the keys of a facilitator": (two, _set(two, known)),
        "a standby stays without the facilitator that set it": (by_other, alone),
        "a standby goes with the facilitator that set it": (by_other, replace(alone, standby=None)),
        "a standby is set, and one more is appointed and not listed": (
            two,
            replace(there, appointments=there.appointments + _appointed(other)),
        ),
        "a facilitator takes the last place but the standby's": (_many(there, 6), _many(there, 7)),
        "a facilitator takes the standby's place": (_many(there, 7), _many(there, 8)),
        "an appointment takes the last place but the standby's": (
            _former(there, 30),
            _many(_former(there, 30), 3),
        ),
        "an appointment takes the standby's place": (
            _former(there, 31),
            _many(_former(there, 31), 3),
        ),
    }


def _person(name: str) -> StandbyKeys:
    """Keys of another person, as far as an appointment has them."""
    return StandbyKeys(public(key_of(f"{name}, MLS")), public(key_of(f"{name}, relay")), BOX, BOX)


def _many(state: RoomExtension, most: int) -> RoomExtension:
    """The state with so many facilitators, each new one appointed."""
    for number in range(len(state.facilitators) // 64, most):
        new = _person(f"facilitator {number}")
        state = replace(
            state,
            facilitators=state.facilitators + new.mls_key + new.relay_key,
            appointments=state.appointments + _appointed(new),
        )
    return state


def _former(state: RoomExtension, most: int) -> RoomExtension:
    """The state with so many appointments, of persons who facilitated once."""
    for number in range(len(unpack_appointments(state.appointments)), most):
        former = _appointed(_person(f"former {number}"))
        state = replace(state, appointments=state.appointments + former)
    return state


VERDICTS = ("ask", "enters", "lists")
"""An ask, the leaf of an external commit, and the listing of that leaf."""


def judged(case: Case) -> Case:
    """The case with the code's verdict."""

    def data(name: str) -> bytes:
        return bytes.fromhex(case[name])

    if case["kind"] == "ask":
        state, signed = RoomExtension.decode(data("state")), Signed.decode(data("signed"))
        ask = data("room"), data("id"), data("key")
        return {**case, "code": code_of(lambda: checked_ask(state, *ask, signed))}
    leaf, before = LeafExtension.decode(data("leaf")), RoomExtension.decode(data("before"))
    if case["kind"] == "lists":
        after = RoomExtension.decode(data("after"))
        right = is_listing(before, after, data("mls_key"), leaf)
        return {**case, "code": None if right else "standby_listing"}
    standby = standby_of(before)
    if standby is None:
        return {**case, "code": "committer"}
    found: list[str | None] = []

    def judge() -> None:
        args = data("room"), data("mls_key"), leaf, before, standby
        found.append(appointed_fault(*args))

    fault = code_of(judge)
    return {**case, "code": fault or found[0]}


def asks(two: RoomExtension) -> list[Case]:
    there, id, asker = _set(two, KEYS), bytes(range(16)), KEYS.relay_key
    right = AskStatement(ROOM, id, KEYS.mls_key, asker, BOX, 3)

    def case(
        name: str,
        said: AskStatement = right,
        state: RoomExtension = there,
        signer: str = "standby, MLS",
        label: Label = Label.STANDBY,
        key: bytes = asker,
    ) -> Case:
        key_pair = SigningKey.from_seed(bytes(key_of(signer)))
        return judged(
            {
                "kind": "ask",
                "name": f"ask, {name}",
                "state": state.encode().hex(),
                "room": ROOM.hex(),
                "id": id.hex(),
                "key": key.hex(),
                "signed": key_pair.sign(label, said).encode().hex(),
            }
        )

    fresh = public(key_of("fresh, relay"))
    listed, own = two.facilitator_list()[0].relay_key, public(key_of("facilitator, MLS"))
    of_own = replace(right, mls_key=own, relay_key=listed, epoch=7)
    return [
        case("right"),
        case("of a facilitator", of_own, signer="facilitator, MLS", key=listed),
        case("of a facilitator without a standby", of_own, two, "facilitator, MLS", key=listed),
        case(
            "of a facilitator without an epoch",
            replace(of_own, epoch=None),
            signer="facilitator, MLS",
            key=listed,
        ),
        case("of a standby with an epoch", replace(right, epoch=7)),
        case("of a facilitator's relay key, by the standby", of_own, key=listed),
        case("of the key that enters", replace(right, relay_key=fresh), key=fresh),
        case("without a standby", state=two),
        case("signed by a facilitator", signer="facilitator, MLS"),
        case("under another label", label=Label.REQUEST),
        case("of another room", replace(right, room=bytes(32))),
        case("told under another id", replace(right, id=bytes(16))),
        case("told from another key", key=fresh),
    ]


def _leaf(
    room: bytes = ROOM,
    by: str = "standby, MLS",
    mls_key: str = "fresh, MLS",
    agreement: bytes | None = None,
    two: RoomExtension | None = None,
) -> LeafExtension:
    signer = SigningKey.from_seed(bytes(key_of(by)))
    relay_key = public(key_of("fresh, relay"))
    said = Appointment(room, signer.public, public(key_of(mls_key)), relay_key)
    agreed = two.agreement if two is not None else agreement or bytes(32)
    return LeafExtension(1, relay_key, BOX, agreed, signer.sign(Label.APPOINT, said).encode())


def entries(two: RoomExtension) -> list[Case]:
    there = _set(two, KEYS)
    right = _leaf(two=two)
    signed = Signed.decode(right.appointment or b"")

    def case(name: str, leaf: LeafExtension, before: RoomExtension = there) -> Case:
        return judged(
            {
                "kind": "enters",
                "name": f"enters, {name}",
                "room": ROOM.hex(),
                "before": before.encode().hex(),
                "mls_key": public(key_of("fresh, MLS")).hex(),
                "leaf": leaf.encode().hex(),
            }
        )

    forged = Signed(signed.body, bytes(64)).encode()
    return [
        case("appointed by the link", right),
        case("without an appointment", replace(right, appointment=None)),
        case("without a standby", right, replace(there, standby=None)),
        case("appointed by a facilitator", _leaf(by="facilitator, MLS", two=two)),
        case("appointed in another room", _leaf(room=bytes(32), two=two)),
        case("with the appointment of another", _leaf(mls_key="another, MLS", two=two)),
        case("with another relay key", replace(right, relay_key=public(MEMBER))),
        case("with a forged appointment", replace(right, appointment=forged)),
        case("with an agreement that is not the room's", _leaf()),
    ]


def listings(two: RoomExtension) -> list[Case]:
    before, leaf = replace(_set(two, KEYS), locked=True, slow=30), _leaf(two=two)
    mls_key = public(key_of("fresh, MLS"))
    right = replace(
        before,
        facilitators=before.facilitators + mls_key + leaf.relay_key,
        appointments=before.appointments + pack_list([leaf.appointment or b""]),
        standby=None,
        lobby_key=BOX,
        doors=b"",
        desk_size=2048,
    )

    def case(name: str, **changed: object) -> Case:
        after = replace(right, **changed)  # type: ignore[arg-type]
        return judged(
            {
                "kind": "lists",
                "name": f"lists, {name}",
                "before": before.encode().hex(),
                "after": after.encode().hex(),
                "mls_key": mls_key.hex(),
                "leaf": leaf.encode().hex(),
            }
        )

    return [
        case("itself"),
        case("and keeps the lobby key", lobby_key=before.lobby_key),
        case("and keeps the standby", standby=before.standby),
        case("and keeps the invites", doors=before.doors),
        case("and unlocks the door", locked=False),
        case("and pauses a member", paused=public(MEMBER_MLS)),
        case("and takes a facilitator off the list", facilitators=right.facilitators[64:]),
        case("nobody", facilitators=before.facilitators),
        case("another relay key", facilitators=before.facilitators + mls_key + public(MEMBER)),
        case("without its appointment", appointments=before.appointments),
        case("and changes the agreement", agreement=bytes(32), agreement_version=2),
    ]

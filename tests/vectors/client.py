"""What clients seal to each other, and the rights that they judge by."""

from dataclasses import replace
from typing import Any

from alcove import mls
from alcove.errors import NotTrusted
from alcove.group.extensions import FacilitatorKeys, RoomExtension
from alcove.group.keys import ROOM_SUITE, SigningKey
from alcove.group.rights import Act, NotAllowed, _judge_state, may
from alcove.group.sealing import (
    KnockBody,
    Psk,
    RefusalBody,
    door_psk,
    open_card,
    open_knock,
    open_late_knock,
    open_refusal,
    open_request,
    open_welcome,
    request_psk,
    seal_card,
    seal_knock,
    seal_late_knock,
    seal_padded,
    seal_refusal,
    seal_request,
    seal_welcome,
)
from alcove.mls.secret import Secret
from alcove_protocol import limits
from alcove_protocol.card import AgreementText, Card, agreement_hash, pack_agreement
from alcove_protocol.codec import pack_list
from alcove_protocol.invite import Invite, InviteRole, door_id_of
from alcove_protocol.labels import Label
from alcove_protocol.sealed import RequestBody, RequestKind
from alcove_protocol.statements import Appointment

from tests.vectors import agreement, facilitation, standby
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
from tests.vectors.wire import DOOR, SECRET, _opening

INVITE = Invite(InviteRole.PARTICIPANT, DOOR, ROOM, "https://relay.example", SECRET)
AGREEMENT = pack_agreement([AgreementText("en", "Be kind.", "Be kind to each other.")])
HPKE = mls.ciphersuite(ROOM_SUITE)


def _box(name: str) -> mls.HpkeKeyPair:
    return HPKE.hpke_keypair(fixed_random(name))


LOBBY, REPLY = _box("lobby"), _box("reply")
EPOCH = 7
REQUEST_PSK = request_psk(fixed_random("exporter")(32), EPOCH)


def _mls_signer(name: str) -> SigningKey:
    return SigningKey.from_seed(bytes(key_of(name)))


# --- seals ------------------------------------------------------------------------------------


def _invite_of(case: Case) -> Invite:
    room, secret, door = (bytes.fromhex(case[name]) for name in ("room", "secret", "door"))
    return Invite(InviteRole.PARTICIPANT, door, room, "https://relay.example", secret)


def _open(case: Case) -> bytes:
    """What a reader makes of the sealed bytes. Raises `NotTrusted`."""
    sealed, room = bytes.fromhex(case["sealed"]), bytes.fromhex(case["room"])
    kind = case["kind"]
    if kind == "card":
        return open_card(_invite_of(case), case["number"], sealed).encode()
    if kind == "external commit":
        return facilitation.open_external(case, sealed)
    private, public_key = bytes.fromhex(case["private"]), bytes.fromhex(case["public"])
    keys = mls.HpkeKeyPair(Secret(private), public_key)
    if kind == "knock":
        return open_knock(_invite_of(case), keys, bytes.fromhex(case["id"]), sealed).encode()
    if kind == "late knock":
        return open_late_knock(_invite_of(case), keys, bytes.fromhex(case["id"]), sealed).encode()
    psk = Psk(bytes.fromhex(case["psk"]), bytes.fromhex(case["psk_id"]))
    if kind == "welcome":
        return open_welcome(room, keys, sealed, psk)
    if kind == "refusal":
        return open_refusal(room, keys, sealed, psk).encode()
    if kind in facilitation.KINDS:
        return facilitation.open_seal(case, keys, sealed, psk)
    return open_request(room, keys, bytes.fromhex(case["sender"]), sealed, psk).encode()


def _opened(case: Case) -> Case:
    try:
        return {**case, "opened": _open(case).hex()}
    except NotTrusted:
        return {**case, "opened": None}


def _keyed(keys: mls.HpkeKeyPair) -> Case:
    return {"private": keys.private.expose().hex(), "public": keys.public.hex()}


def _psk(psk: Psk) -> Case:
    return {"psk": psk.secret.hex(), "psk_id": psk.id.hex()}


def _flipped(sealed: str) -> str:
    return sealed[:-2] + f"{int(sealed[-2:], 16) ^ 1:02x}"


def seals() -> list[Case]:
    random = fixed_random("seals")
    signer = _mls_signer("facilitator, MLS")
    card = signer.sign(
        Label.CARD,
        Card(
            ROOM, 1, signer.public, _opening().encode(), b"", LOBBY.public, "Thursday",
            1, AGREEMENT, "en", "", 50, 1800, ROOM_SUITE,
        ),
    )  # fmt: skip
    knock = KnockBody(
        "Ben", b"a KeyPackage", public(MEMBER), REPLY.public, agreement_hash(ROOM, 1, AGREEMENT)
    )
    request = _mls_signer("member, MLS").sign(
        Label.REQUEST,
        RequestBody(ROOM, EPOCH, 3, bytes(32), RequestKind.UPDATE, b"an Update"),
    )
    id, sender, psk = random(16), public(MEMBER), door_psk(INVITE)
    at_door: Case = {"secret": SECRET.hex(), "door": DOOR.hex()}
    whole: list[Case] = [
        {"kind": "card", "number": 1, **at_door, "sealed": seal_card(INVITE, 1, card, random)},
        {
            "kind": "knock",
            "id": id.hex(),
            **at_door,
            **_keyed(LOBBY),
            "sealed": seal_knock(INVITE, LOBBY.public, id, knock, random),
        },
        {
            "kind": "welcome",
            **_keyed(REPLY),
            **_psk(psk),
            "sealed": seal_welcome(ROOM, REPLY.public, b"a Welcome", psk, random),
        },
        {
            "kind": "refusal",
            **_keyed(REPLY),
            **_psk(psk),
            "sealed": seal_refusal(ROOM, REPLY.public, RefusalBody("name_taken"), psk, random),
        },
        {
            "kind": "request",
            "sender": sender.hex(),
            **_keyed(LOBBY),
            **_psk(REQUEST_PSK),
            "sealed": seal_request(ROOM, LOBBY.public, sender, request, REQUEST_PSK, random),
        },
        {
            "kind": "late knock",
            "id": id.hex(),
            **at_door,
            **_keyed(LOBBY),
            "sealed": seal_late_knock(INVITE, LOBBY.public, id, knock, random),
        },
        *facilitation.seals(),
    ]
    found: list[Case] = []
    for part in whole:
        case = {"room": ROOM.hex(), **part, "sealed": part["sealed"].hex()}
        name = case.setdefault("name", case["kind"])
        found.append(_opened(case))
        for fault, spoiled in _spoiled(case).items():
            found.append(_opened({**case, **spoiled, "name": f"{name}, {fault}"}))
        if name == "knock":
            title = {"name": "knock, sealed with another PSK"}
            found.append(_opened({**case, **_no_invite(id), **title}))
    return found


def _no_invite(id: bytes) -> Case:
    """A knock of an outsider with the lobby key, the room and the door, and without the invite."""
    body = KnockBody("Eve", b"a KeyPackage", public(MEMBER), REPLY.public, bytes(32))
    aad = ROOM + DOOR + id
    sealed = seal_padded(
        LOBBY.public,
        Label.KNOCK.bytes + aad,
        aad,
        body.encode(),
        limits.KNOCK // 2,
        Psk(bytes(32), DOOR),
        fixed_random("no invite"),
    )
    return {"sealed": sealed.hex()}


def _spoiled(case: Case) -> dict[str, Case]:
    spoiled: dict[str, Case] = {
        "altered": {"sealed": _flipped(case["sealed"])},
        "cut off": {"sealed": case["sealed"][:-2]},
        "of another room": {"room": bytes(32).hex()},
    }
    if "psk" in case:
        spoiled["with another PSK"] = {"psk": bytes(32).hex()}
    if "number" in case:
        spoiled["with another number"] = {"number": 2}
    if "secret" in case:
        other_secret = bytes(32)
        door = door_id_of(ROOM, other_secret)
        spoiled["with another secret"] = {"secret": other_secret.hex(), "door": door.hex()}
    for name in (
        "sender",
        "recipient",
        "to",
        "tick",
        "epoch",
        "bodies",
        "sender_desk",
        "key",
        "position",
    ):
        if name in case:
            other: object = facilitation.other(case[name])
            spoiled[f"of another {name.replace('_', ' ')}"] = {name: other}
    return spoiled


def check_seal(case: Case) -> None:
    found = dict(case)
    expected = found.pop("opened")
    assert _opened(found)["opened"] == expected, case["name"]
    assert (expected is not None) is ("," not in case["name"])


# --- rights -----------------------------------------------------------------------------------


def _state(**changed: Any) -> RoomExtension:
    values: dict[str, Any] = {
        "version": 1,
        "facilitators": _keys(FACILITATOR_MLS, FACILITATOR),
        "appointments": b"",
        "lobby_key": LOBBY.public,
        "agreement_version": 1,
        "agreement": agreement_hash(ROOM, 1, AGREEMENT),
        "paused": b"",
        "doors": DOOR,
        "locked": False,
        "listen_only": False,
        "slow": 0,
        "ttl": 1800,
    }
    return RoomExtension(**{**values, **changed})


def _keys(mls_key: Any, relay_key: Any) -> bytes:
    return FacilitatorKeys(public(mls_key), public(relay_key)).encode()


def _appointment(by: str, room: bytes = ROOM) -> bytes:
    signer = _mls_signer(by)
    statement = Appointment(room, signer.public, public(MEMBER_MLS), public(MEMBER))
    return pack_list([signer.sign(Label.APPOINT, statement).encode()])


def _verdict(case: Case) -> str | None:
    before, after = (
        RoomExtension.decode(bytes.fromhex(case[name])) for name in ("before", "after")
    )
    try:
        _judge_state(bytes.fromhex(case["room"]), bytes.fromhex(case["committer"]), before, after)
    except NotAllowed as error:
        return error.code
    return None


def _judged(name: str, before: RoomExtension, after: RoomExtension) -> Case:
    case: Case = {
        "kind": "state",
        "name": name,
        "room": ROOM.hex(),
        "committer": public(FACILITATOR_MLS).hex(),
        "before": before.encode().hex(),
        "after": after.encode().hex(),
    }
    return {**case, "code": _verdict(case)}


def rights() -> list[Case]:
    alone = _state()
    signed = _appointment("facilitator, MLS")
    both = _keys(FACILITATOR_MLS, FACILITATOR) + _keys(MEMBER_MLS, MEMBER)
    two = replace(alone, facilitators=both, appointments=signed)
    one = replace(
        two,
        facilitators=_keys(FACILITATOR_MLS, FACILITATOR),
        lobby_key=public(key_of("another lobby key")),
    )
    other = bytes(32)
    held = replace(alone, locked=True, listen_only=True, hold=b"generate" + bytes(7) + b"\x05")
    folded = replace(alone, folded=public(MEMBER_MLS))
    states: dict[str, tuple[RoomExtension, RoomExtension]] = {
        "nothing changes": (alone, alone),
        "locked, listen-only, slow, another door": (
            alone,
            replace(alone, locked=True, listen_only=True, slow=30, doors=DOOR + b"12345678"),
        ),
        "another door": (alone, replace(alone, doors=DOOR + b"12345678")),
        "how long messages stay": (alone, replace(alone, ttl=10)),
        "a member is paused": (alone, replace(alone, paused=public(MEMBER_MLS))),
        "a paused member may write again": (replace(alone, paused=public(MEMBER_MLS)), alone),
        "a facilitator is paused": (alone, replace(alone, paused=public(FACILITATOR_MLS))),
        "a paused member is appointed": (replace(alone, paused=public(MEMBER_MLS)), two),
        "a paused member is appointed and stays paused": (
            replace(alone, paused=public(MEMBER_MLS)),
            replace(two, paused=public(MEMBER_MLS)),
        ),
        "the room goes slowly": (alone, replace(alone, slow=60)),
        "the room is held": (alone, held),
        "the room is held and everybody writes": (alone, replace(held, listen_only=False)),
        "the door opens while the room is held": (held, replace(held, locked=False)),
        "the room goes on": (held, replace(alone, locked=True)),
        "all that a member writes is folded": (alone, folded),
        "all that a facilitator writes is folded": (
            alone,
            replace(alone, folded=public(FACILITATOR_MLS)),
        ),
        "a member is not folded any more": (folded, alone),
        "a folded member is appointed and stays folded": (
            folded,
            replace(two, folded=public(MEMBER_MLS)),
        ),
        "unlocked, and no longer listen-only": (
            replace(alone, locked=True, listen_only=True),
            alone,
        ),
        "a new agreement": (alone, replace(alone, agreement=other, agreement_version=2)),
        "a new agreement with the same version": (alone, replace(alone, agreement=other)),
        "another version of the same agreement": (alone, replace(alone, agreement_version=2)),
        "a facilitator is appointed": (alone, two),
        "a facilitator is demoted": (two, one),
        "a facilitator is demoted and the lobby key stays": (
            two,
            replace(one, lobby_key=two.lobby_key),
        ),
        "a new lobby key": (two, replace(two, lobby_key=one.lobby_key)),
        "a demoted facilitator comes back by the old appointment": (one, two),
        "a demoted facilitator is appointed again": (
            one,
            replace(one, facilitators=both, appointments=signed + signed),
        ),
        "listed without an appointment": (alone, replace(alone, facilitators=both)),
        "appointed and not listed": (alone, replace(alone, appointments=signed)),
        "appointed twice": (alone, replace(two, appointments=signed + signed)),
        "appointed by themselves": (
            alone,
            replace(two, appointments=_appointment("member, MLS")),
        ),
        "appointed in another room": (
            alone,
            replace(two, appointments=_appointment("facilitator, MLS", bytes(32))),
        ),
        "another relay key than the appointment's": (
            alone,
            replace(
                two,
                facilitators=_keys(FACILITATOR_MLS, FACILITATOR)
                + _keys(MEMBER_MLS, key_of("another")),
            ),
        ),
        "the appointment of a facilitator is left out": (two, replace(two, appointments=b"")),
        "an appointment that nobody needs is left out": (two, replace(one, appointments=b"")),
        "one of two appointments that nobody needs is left out": (
            replace(two, appointments=signed + signed),
            replace(one, appointments=signed),
        ),
        "the earlier of two appointments is left out": (
            replace(two, appointments=signed + signed),
            two,
        ),
        "the committer takes themselves off the list": (
            two,
            replace(two, facilitators=_keys(MEMBER_MLS, MEMBER)),
        ),
        "a field without a command": (alone, replace(alone, absent=30)),
    }
    states |= agreement.changes(alone) | standby.changes(two)
    found = [_judged(name, *pair) for name, pair in states.items()]
    found += agreement.good(alone) + agreement.told(alone, ROOM)
    found += facilitation.step_downs(alone, two) + facilitation.vaults(two)
    found += facilitation.desks(alone)
    found += standby.asks(two) + standby.entries(two) + standby.listings(two)
    for key_name, key in (("facilitator", FACILITATOR_MLS), ("participant", MEMBER_MLS)):
        for state_name, state in (
            ("open", alone),
            ("listen-only", replace(alone, listen_only=True)),
            ("paused", replace(alone, paused=public(MEMBER_MLS))),
        ):
            for act in Act:
                found.append(
                    {
                        "kind": "act",
                        "name": f"{act.value} by a {key_name}, {state_name}",
                        "state": state.encode().hex(),
                        "key": public(key).hex(),
                        "act": act.value,
                        "may": may(state, public(key), act),
                    }
                )
    return found


def check_right(case: Case) -> None:
    if case["kind"] in facilitation.VERDICTS:
        assert facilitation.judged(case) == case, case["name"]
    elif case["kind"] in standby.VERDICTS:
        assert standby.judged(case) == case, case["name"]
    elif case["kind"] in ("accepted", "told"):
        agreement.check(case)
    elif case["kind"] == "state":
        assert _verdict(case) == case["code"], case["name"]
    else:
        state = RoomExtension.decode(bytes.fromhex(case["state"]))
        allowed = may(state, bytes.fromhex(case["key"]), Act(case["act"]))
        assert allowed is case["may"], case["name"]

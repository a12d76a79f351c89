"""Cases of the agreement: what a commit may do to it, and whose messages are shown under it."""

from dataclasses import replace
from typing import Any

from alcove.group.extensions import CORRECTED, RoomExtension
from alcove.messages.agreements import Agreements
from alcove.messages.payload import ToldAgreement
from alcove_protocol.card import AgreementText, agreement_hash, pack_agreement

Case = dict[str, Any]
ONE, TWO, THREE = (bytes([number]) * 32 for number in (1, 2, 3))
TEXTS = pack_agreement(
    (
        AgreementText("en", "Be kind.", "Be kind to each other."),
        AgreementText("de", "Seid freundlich.", "Seid freundlich zueinander."),
    )
)


def changes(state: RoomExtension) -> dict[str, tuple[RoomExtension, RoomExtension]]:
    """States before and after a commit, by name. `state` is one whose agreement is the first."""
    first = state.agreement
    corrected = replace(state, agreement=ONE, agreement_version=2, corrected=first)
    third = replace(corrected, agreement=TWO, agreement_version=3)
    hashes = [bytes([number]) * 32 for number in range(100, 100 + CORRECTED)]
    full = replace(corrected, corrected=b"".join(hashes))
    return {
        "a correction": (state, corrected),
        "a second correction": (corrected, replace(third, corrected=first + ONE)),
        "a new rule after a correction": (corrected, replace(third, corrected=b"")),
        "a good hash without a change": (state, replace(state, corrected=first)),
        "a good hash that was never the room's": (state, replace(corrected, corrected=THREE)),
        "a good hash beside the one before": (state, replace(corrected, corrected=first + THREE)),
        "a correction in another order": (
            corrected,
            replace(third, corrected=ONE + first),
        ),
        "a correction that forgets an earlier one": (
            corrected,
            replace(third, corrected=ONE),
        ),
        "a new rule that keeps what was good": (corrected, third),
        "what was good taken back without a change": (corrected, replace(corrected, corrected=b"")),
        "a new rule after sixteen corrections": (full, replace(third, corrected=b"")),
    }


def good(state: RoomExtension) -> list[Case]:
    """Whether what a member accepted is good: their messages are shown, and they may be added."""
    corrected = replace(state, agreement=ONE, agreement_version=2, corrected=state.agreement)
    cases = (
        ("the present agreement", corrected, ONE),
        ("one that a correction left good", corrected, state.agreement),
        ("another", corrected, TWO),
        ("one that a new rule replaced", replace(corrected, corrected=b""), state.agreement),
    )
    return [
        {
            "kind": "accepted",
            "name": f"accepted: {name}",
            "state": held.encode().hex(),
            "agreement": accepted.hex(),
            "good": accepted in held.good_agreements(),
            "code": None,
        }
        for name, held, accepted in cases
    ]


def told(state: RoomExtension, room: bytes) -> list[Case]:
    """What becomes of a text that a facilitator told, at once and after a commit names it."""
    named = replace(state, agreement=agreement_hash(room, 2, TEXTS), agreement_version=2)
    cut = TEXTS[:-1]
    cases = (
        ("before the commit that names it", state, named, 2, TEXTS),
        ("after the commit that names it", named, named, 2, TEXTS),
        ("of another version", state, named, 3, TEXTS),
        (
            "that cannot be read",
            state,
            replace(named, agreement=agreement_hash(room, 2, cut)),
            2,
            cut,
        ),
        ("that no commit names", state, replace(named, agreement=TWO), 2, TEXTS),
    )
    found = []
    for name, before, after, version, texts in cases:
        case: Case = {
            "kind": "told",
            "name": f"told: {name}",
            "room": room.hex(),
            "body": ToldAgreement(version, texts).encode().hex(),
            "before": before.encode().hex(),
            "after": after.encode().hex(),
            "code": None,
        }
        found.append({**case, "shown": _shown(case)})
    return found


def _shown(case: Case) -> bool:
    room, before, after = (bytes.fromhex(case[name]) for name in ("room", "before", "after"))
    body = ToldAgreement.decode(bytes.fromhex(case["body"]))
    known, state = Agreements(), RoomExtension.decode(after)
    known.told(b"", body.version, body.texts, RoomExtension.decode(before), room)
    known.moved(state)
    return known.of(state) is not None


def check(case: Case) -> None:
    """Hold a case of these kinds to the code."""
    if case["kind"] == "told":
        assert _shown(case) is case["shown"], case["name"]
        return
    state = RoomExtension.decode(bytes.fromhex(case["state"]))
    found = bytes.fromhex(case["agreement"]) in state.good_agreements()
    assert found is case["good"], case["name"]

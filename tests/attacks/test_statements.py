"""A signed statement that is kept: used later, in another room, or in another member's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from alcove.events import CloseReason
from alcove_protocol.frames import Bye, LobbyItem, LobbyKind
from alcove_protocol.labels import Label
from alcove_protocol.roster import Change, Op, RosterEntry
from alcove_protocol.sealed import RequestBody, RequestKind
from alcove_protocol.statements import (
    Appointment,
    EndStatement,
    LeaveStatement,
    Signed,
    StepDownStatement,
)

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import (
    committer_of,
    context,
    demote,
    entry_by,
    group_of,
    keys_of,
    relay_key,
    rogue_commit,
    room_of,
    roster_of,
    state_of,
)
from tests.end_to_end.evil.rogue_requests import psk_of, rejoin_of, tell
from tests.end_to_end.evil.rooms import commit_by, epochs, goes_on, two_facilitators
from tests.end_to_end.evil.test_many_requests import returns
from tests.end_to_end.evil.test_rights import refusal
from tests.end_to_end.world import Client

ELSEWHERE = bytes(32)
"""The id of another room, in which the same keys are used."""


@dataclass
class Scene:
    """Ann and Bob facilitate, Cleo and Dora take part. Dora came last."""

    world: EvilWorld
    ann: Client
    bob: Client
    cleo: Client
    dora: Client

    @classmethod
    def make(cls) -> Scene:
        world, ann, bob, cleo = two_facilitators()
        return cls(world, ann, bob, cleo, world.join(ann, "Dora"))


# --- a leave ----------------------------------------------------------------------------------


def leave(scene: Scene, room: bytes, by: Client, *, later: bool) -> bool:
    """Whether Dora is let go for it. `later`: it was signed before her seat in this room."""
    counter = roster_of(scene.dora).since[relay_key(scene.dora)] - later
    wish = LeaveStatement(room, relay_key(scene.dora), counter)
    signed = by.engine.identity.relay.sign(Label.LEAVE, wish)
    number = committer_of(scene.ann).lobby.number + 1
    id, key = scene.world.random(16), relay_key(scene.dora)
    item = LobbyItem(number, LobbyKind.LEAVE, id, key, 0, signed.encode())
    scene.world.forge(scene.ann, item)
    scene.world.settle()
    return "Dora" not in scene.bob.members()


# --- the end, and a removal -------------------------------------------------------------------


def shown(scene: Scene, code: str, signed: Signed) -> CloseReason | None:
    scene.world.forge(scene.cleo, Bye(code, "", signed.body, signed.signature))
    closed = scene.cleo.engine.closed
    return closed.reason if closed is not None else None


def end(scene: Scene, room: bytes, by: Client, *, later: bool) -> bool:
    """Whether Cleo's client believes that the room was ended."""
    roster = roster_of(scene.ann)
    said = EndStatement(room, relay_key(by), roster.counter, roster.head)
    signed = by.engine.identity.relay.sign(Label.END, said)
    if later:
        scene.world.join(scene.ann, "Eve")
    return shown(scene, "ended", signed) is CloseReason.ENDED


def removal(scene: Scene, room: bytes, by: Client, *, later: bool) -> bool:
    """Whether Cleo's client believes that it was removed. `later`: another commit was taken."""
    removes = Change(Op.REMOVE, relay_key(scene.cleo))
    signed = entry_by(by.engine.identity.relay, scene.ann, b"a commit", removes)
    entry = replace(RosterEntry.decode(signed.body), room=room)
    signed = by.engine.identity.relay.sign(Label.ROSTER, entry)
    if later:
        commit_by(scene.world, scene.bob)
    return shown(scene, "removed", signed) is CloseReason.REMOVED


# --- a request to be let in again -------------------------------------------------------------


def rejoin(scene: Scene, room: bytes, by: Client, *, later: bool) -> bool:
    """Whether a facilitator lets Cleo in again for it. `later`: she came back in the meantime."""
    kept, psk = replace(rejoin_of(scene.world, scene.cleo), room=room), psk_of(scene.ann)
    if later:
        tell(scene.world, scene.ann, scene.cleo, rejoin_of(scene.world, scene.cleo), by, None)
        scene.world.advance(130)  # she replaces the leaf that she was given
    before = returns(scene.ann)
    tell(scene.world, scene.ann, scene.cleo, kept, by, psk)
    scene.world.advance(62)  # a minute lies between two returns of one member
    return returns(scene.ann) > before


# --- an appointment ---------------------------------------------------------------------------


def appoint(scene: Scene, room: bytes, by: Client, *, later: bool) -> bool:
    """Whether a member takes Ann's commit that lists Bob (later) or Cleo as a facilitator."""
    appointee = scene.bob if later else scene.cleo
    if later:  # his appointment is among those of the state, and no new one comes
        demote(scene.world, scene.ann, scene.bob)
    state = state_of(scene.ann)
    appointments = state.appointments
    if not later:
        keys = keys_of(appointee)
        signer = by.engine.identity.mls_signer()
        named = by.engine.identity.signature.public
        said = Appointment(room, named, keys.mls_key, keys.relay_key)
        item = signer.sign(Label.APPOINT, said).encode()
        appointments += len(item).to_bytes(4, "big") + item
    listed = replace(
        state,
        facilitators=state.facilitators + keys_of(appointee).encode(),
        appointments=appointments,
    )
    return refusal(scene.dora, rogue_commit(scene.ann, context(listed))) is None


Use = Callable[..., bool]
SIGNER: dict[str, tuple[Use, str, str]] = {
    "leave": (leave, "dora", "cleo"),
    "end": (end, "ann", "dora"),
    "removal": (removal, "ann", "dora"),
    "rejoin request": (rejoin, "cleo", "dora"),
    "appointment": (appoint, "ann", "bob"),
}
"""How each is used, by whom rightly, and by whom falsely."""


@pytest.mark.parametrize("statement", SIGNER)
def test_a_statement_counts_here_and_now_for_who_signed_it(statement: str) -> None:
    scene = Scene.make()
    use, right, _ = SIGNER[statement]
    assert use(scene, room_of(scene.ann), getattr(scene, right), later=False)


@pytest.mark.parametrize("statement", SIGNER)
def test_a_statement_that_is_used_later_counts_for_nothing(statement: str) -> None:
    scene = Scene.make()
    use, right, _ = SIGNER[statement]
    assert not use(scene, room_of(scene.ann), getattr(scene, right), later=True)


@pytest.mark.parametrize("statement", SIGNER)
def test_a_statement_that_is_used_elsewhere_counts_for_nothing(statement: str) -> None:
    scene = Scene.make()
    use, right, _ = SIGNER[statement]
    assert not use(scene, ELSEWHERE, getattr(scene, right), later=False)


@pytest.mark.parametrize("statement", SIGNER)
def test_a_statement_that_another_signed_counts_for_nothing(statement: str) -> None:
    scene = Scene.make()
    use, _, wrong = SIGNER[statement]
    assert not use(scene, room_of(scene.ann), getattr(scene, wrong), later=False)


def test_a_wish_of_another_epoch_and_a_made_up_vault_serve_nobody() -> None:
    """A wish to step down, of the epoch before, and a vault that the relay makes up."""
    scene = Scene.make()
    world, ann, bob = scene.world, scene.ann, scene.bob
    before = epochs(ann, bob)
    key = bob.engine.identity.signature.public
    said = StepDownStatement(room_of(ann), key, group_of(bob).epoch - 1)
    content = bob.engine.identity.mls_signer().sign(Label.STEP_DOWN, said).encode()
    body: RequestBody = replace(
        rejoin_of(world, bob), kind=RequestKind.STEP_DOWN, content=content, reply_key=None
    )
    tell(world, ann, bob, body, bob, None)
    number = committer_of(ann).lobby.number + 1
    vault = LobbyItem(number, LobbyKind.VAULT, world.random(16), relay_key(bob), 0, content)
    world.forge(ann, vault)
    world.settle()
    assert epochs(ann, bob) == before
    assert key in state_of(ann).facilitator_keys()
    goes_on(world, ann, bob, scene.cleo, scene.dora)

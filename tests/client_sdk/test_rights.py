"""The tables of messages and rights are about the same kinds, so that receiving one never fails.

And every field of the room's state is either one that facilitators change, or one that they cannot.
"""

from dataclasses import fields
from typing import Final

from alcove.group.extensions import RoomExtension
from alcove.group.rights import ACTS, NOT_OFFERED, Act
from alcove.messages.payload import BODIES

CHANGED: Final = {
    "version",
    "facilitators",
    "appointments",
    "lobby_key",
    "agreement_version",
    "agreement",
    "corrected",
    "doors",
    "paused",
    "locked",
    "listen_only",
    "slow",
    "hold",
    "folded",
    "standby",
    "desk_interval",
    "desk_size",
}
"""Fields that a facilitator's commit may change, within what `judge` says of them."""


def test_every_kind_of_message_is_an_act_with_a_rule() -> None:
    assert {act.value for act in Act} == BODIES.keys()
    assert ACTS.keys() == set(Act)


def test_a_field_of_the_state_is_refused_until_a_facilitator_may_change_it() -> None:
    assert CHANGED.isdisjoint(NOT_OFFERED)
    assert CHANGED | set(NOT_OFFERED) == {field.name for field in fields(RoomExtension)}

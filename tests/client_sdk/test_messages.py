"""The tables of messages and rights are about the same kinds, so that receiving one never fails."""

from alcove.group.rights import ACTS, Act
from alcove.messages.payload import BODIES


def test_every_kind_of_message_is_an_act_with_a_rule() -> None:
    assert {act.value for act in Act} == BODIES.keys()
    assert ACTS.keys() == set(Act)

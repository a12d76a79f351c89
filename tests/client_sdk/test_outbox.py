"""What goes next of all that waits to be sent."""

import os

import pytest
from alcove.messages.outbox import Outbox, Outgoing

EPOCH = 3


def item(kind: str, *, epoch: int = -1, given: bool = False) -> Outgoing:
    return Outgoing(b"", 0, kind, b"", 60, b"", blob=b"blob", epoch=epoch, given=given)


@pytest.mark.parametrize(
    ("waiting", "stands_in"),
    [
        ([], False),
        ([item("void")], True),
        ([item("text"), item("void")], False),
        ([item("text", epoch=EPOCH), item("void")], True),
        ([item("text", epoch=EPOCH - 1), item("void")], False),
        ([item("void", epoch=EPOCH, given=True)], False),  # it is on its way, or was there before
        ([item("void", epoch=EPOCH - 1, given=True)], False),  # the relay may have it where it was
    ],
)
def test_a_void_that_waits_stands_in_for_one_put_first(
    waiting: list[Outgoing], stands_in: bool
) -> None:
    outbox = Outbox(os.urandom)
    for one in waiting:
        outbox.append(one)
    assert outbox.begins_with("void", EPOCH) is stands_in

"""A text needs something to see."""

import pytest
from alcove.errors import InvalidInput

from tests.end_to_end.world import World

NOTHING = [
    "",
    " \n\t",
    "\u00a0",
    "\u200b\u200d",
    "\u00ad",
    "\u2800",
    "\u3164\u115f",
    "\u0301",
    "\ufe0f",
]
SOMETHING = ["a", ".", "\u0301a", "👩\u200d👧", "日", "\U0001fae8", "\U0001fac6", "ा"]


@pytest.mark.parametrize("text", NOTHING)
def test_a_text_without_anything_to_see_is_not_sent(text: str) -> None:
    ann = World().open("Ann")
    with pytest.raises(InvalidInput) as refused:
        ann.say(text)
    assert refused.value.code == "text_empty"


@pytest.mark.parametrize("text", SOMETHING)
def test_a_text_with_anything_to_see_is(text: str) -> None:
    world = World()
    ann = world.open("Ann")
    bob = world.join(ann, "Bob")
    ann.say(text)
    world.settle()
    assert bob.texts() == [text]

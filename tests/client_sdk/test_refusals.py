"""A refused newcomer reads a sentence of their own client, so it has one for every reason."""

import ast
import inspect
from collections.abc import Callable
from types import ModuleType

from alcove.facilitation import knock_check, lobby, refusals
from alcove.facilitation.intents import check_welcome
from alcove.joining import names
from alcove.joining.door_words import REASONS, REFUSAL_SENTENCES, refusal_sentence

UNSENT = {"expired", "no_welcome"}
"""The relay tells the first by an empty reason. The newcomer's own client says the second."""


def codes_given(source: ModuleType | Callable[..., object], *calls: str) -> set[str]:
    """Every constant text among the arguments of these calls that is spelled as a code."""
    tree = ast.parse(inspect.getsource(source))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in calls:
            for one in node.args:
                if isinstance(one, ast.Constant) and str(one.value).replace("_", "").isalpha():
                    found.add(str(one.value))
    return found


def test_every_reason_that_a_facilitator_gives_has_a_sentence() -> None:
    given = codes_given(lobby, "_refuse") | codes_given(knock_check, "CannotAdmit")
    given |= codes_given(check_welcome, "NotNow")
    given |= codes_given(names, "InvalidInput")
    assert {"agreement", "name_empty"} <= given
    given |= {*REASONS, refusals.LINK_CLOSED}
    assert given | UNSENT == REFUSAL_SENTENCES.keys()


def test_the_hosts_contact_stands_where_a_person_may_want_it() -> None:
    assert refusal_sentence("refused", "host@group.example").endswith("host@group.example.")
    assert "example" not in refusal_sentence("name_taken", "host@group.example")
    assert "another one" in refusal_sentence("link_closed")

"""What a person types."""

import pytest
from alcove import events
from alcove.cli import words
from alcove.cli.commands import (
    Accept,
    Admit,
    End,
    Leave,
    Refuse,
    Remove,
    Retract,
    Send,
    SendAnyway,
)
from alcove.cli.conversation import Conversation
from alcove.cli.slash_commands import Help, Misread, Reveal, ShowInvite, ShowRules, Typed, Who, read

from tests.client_sdk.cli.fake_room import INVITE, KNOCK, RULES, FakeMember

MEMBERS = (FakeMember("Mara", facilitator=True, you=True), FakeMember("Robin"))


def conversation() -> Conversation:
    state = Conversation()
    state.apply(KNOCK)
    state.posted("aa")
    state.posted("bb")
    return state


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("", None),
        ("   ", None),
        (" hello ", Send(text="hello")),
        ("//shrug", Send(text="/shrug")),
        ("/admit", Admit(id="aa01")),
        ("/admit Robin", Admit(id="aa01")),
        ("/refuse", Refuse(id="aa01")),
        ("/remove Robin", Remove(name="Robin")),
        ("/retract", Retract(id="bb")),
        ("/accept", Accept()),
        ("/anyway", SendAnyway()),
        ("/leave", Leave()),
        ("/quit", Leave()),
        ("/end", End()),
        ("/help", Help()),
        ("/who", Who()),
        ("/invite", ShowInvite()),
        ("/invite new", ShowInvite(new=True)),
        ("/rules", ShowRules()),
        ("/show", Reveal()),
    ],
)
def test_what_is_understood(line: str, wanted: Typed | None) -> None:
    assert read(line, conversation(), MEMBERS) == wanted


@pytest.mark.parametrize(
    "line", ["/dance", "/admit Sam", "/remove", "/remove Sam", "/leave me alone", "/end it", "/"]
)
def test_what_is_not(line: str) -> None:
    with pytest.raises(Misread, match=r"\.$"):
        read(line, conversation(), MEMBERS)


@pytest.mark.parametrize("line", ["/admit", "/refuse", "/retract"])
def test_where_there_is_nothing_to_act_on(line: str) -> None:
    with pytest.raises(Misread):
        read(line, Conversation(), ())


def test_two_who_wait_are_not_mixed_up() -> None:
    state = conversation()
    state.apply(events.Knocked("aa02", "Sam", "", False))
    with pytest.raises(Misread, match="Several"):
        read("/admit", state, MEMBERS)
    assert read("/admit Sam", state, MEMBERS) == Admit(id="aa02")
    state.apply(events.Knocked("aa03", "Sam", "", False))
    with pytest.raises(Misread, match="Several"):
        read("/admit Sam", state, MEMBERS)
    state.apply(events.KnockGone("aa02"))
    assert read("/admit Sam", state, MEMBERS) == Admit(id="aa03")


def test_help_names_what_is_understood() -> None:
    for word, _ in words.HELP + words.FACILITATORS_HELP:
        line = word.replace("NAME", "Robin").replace("//text", "//slash")
        assert read(line, conversation(), MEMBERS) is not None
    assert "/remove" in words.help_for(True)
    assert "/remove" not in words.help_for(False)


def test_what_is_gone_is_forgotten() -> None:
    state = Conversation()
    for event in (RULES, events.Opened(INVITE), events.Message("cc", "Robin", "sad", 9, "grief")):
        state.apply(event)
    assert state.rules == RULES
    assert state.invite == INVITE
    shown = state.reveal()
    assert shown is not None
    assert shown[1].text == "sad"
    assert state.reveal() is None
    state.apply(events.Message("dd", "Robin", "sadder", 9, "grief"))
    state.apply(events.Expired("dd"))
    assert state.reveal() is None
    state.posted("ee")
    state.apply(events.Retracted("ee"))
    assert state.my_last() is None
    assert "sad" not in repr(vars(state))

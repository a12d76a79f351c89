"""The lines that a person types."""

import re
from dataclasses import replace

import pytest
from alcove import events
from alcove.cli import help_words, state_words, words
from alcove.cli.commands import (
    AcceptCommand,
    ActsCommand,
    AdmitAllCommand,
    AdmitCommand,
    AgreementChangeCommand,
    AppointCommand,
    DemoteCommand,
    DoorSayCommand,
    DoorTakeCommand,
    EndCommand,
    FoldCommand,
    HandOverCommand,
    HoldCommand,
    InsideCommand,
    InviteNewCommand,
    InvitesCommand,
    LeaveCommand,
    ListenOnlyCommand,
    LockCommand,
    OutsideCommand,
    PauseCommand,
    RefuseCommand,
    RejoinCommand,
    RemoveCommand,
    RetractCommand,
    RevokeCommand,
    SendAnywayCommand,
    SendCommand,
    SlowCommand,
    StepDownCommand,
    TicketCommand,
    UnpauseCommand,
    WordsCommand,
)
from alcove.cli.kept_text import KeptText
from alcove.cli.leaving import LastQuestion
from alcove.cli.naming import Misread
from alcove.cli.room_view import RoomView
from alcove.cli.slash_commands import (
    ChooseWord,
    Help,
    Reveal,
    ShowInvite,
    ShowRules,
    UserAction,
    Who,
    completed,
    read,
)

from tests.client_sdk.cli.fake_room import (
    INVITE,
    KNOCK,
    NEW_RULES,
    OPEN_INVITES,
    RULES,
    FakeMember,
)

ALONE = (FakeMember("Mara", facilitator=True, you=True), FakeMember("Robin"))
LEE = replace(KNOCK, name="Lee")
MEMBERS = (*ALONE, FakeMember("Kim", facilitator=True))


def a_view() -> RoomView:
    state = RoomView()
    state.apply(KNOCK)
    state.posted("aa")
    state.posted("bb")
    for number, sender in enumerate(("Kim", "Robin", "Kim", "Robin", "Gone")):
        state.apply(events.Message(f"c{number}", sender, "so", 600))
    return state


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("/invites", InvitesCommand()),
        ("/personal", InviteNewCommand(uses=1)),
        ("/personal 8", InviteNewCommand(count=8, uses=1)),
        ("/invite ask Who sent you?", InviteNewCommand(question="Who sent you?")),
        ("", None),
        ("   ", None),
        (" hello ", SendCommand(text="hello")),
        ("//shrug", SendCommand(text="/shrug")),
        ("/admit", AdmitCommand(id="aa01")),
        ("/admit Robin", AdmitCommand(id="aa01")),
        ("/admit all", AdmitAllCommand()),
        ("/take", DoorTakeCommand(id="aa01")),
        ("/outside", OutsideCommand()),
        ("/inside", InsideCommand()),
        ("/inside Robin", InsideCommand(name="Robin")),
        ("/door Robin Hello there.", DoorSayCommand(text="Hello there.", id="aa01")),
        ("/door all We are late.", DoorSayCommand(text="We are late.")),
        ("/tolisten Robin", AdmitCommand(id="aa01", to_listen=True)),
        ("/tolisten all", AdmitAllCommand(to_listen=True)),
        ("/refuse Robin late", RefuseCommand(id="aa01", reason="too_late")),
        ("/refuse tonight", RefuseCommand(id="aa01", reason="not_tonight")),
        ("/refuse", RefuseCommand(id="aa01")),
        ("/remove Robin", RemoveCommand(name="Robin")),
        ("/remove Robin fold", RemoveCommand(name="Robin", fold=True)),
        (
            "/remove Robin ask Who sent you?",
            RemoveCommand(name="Robin", fold=True, link="question", question="Who sent you?"),
        ),
        ("/appoint Robin", AppointCommand(name="Robin")),
        ("/demote Kim", DemoteCommand(name="Kim")),
        ("/pause Robin", PauseCommand(name="Robin")),
        ("/unpause Robin", UnpauseCommand(name="Robin")),
        ("/listen", ListenOnlyCommand(on=True)),
        ("/listen off", ListenOnlyCommand(on=False)),
        ("/lock on", LockCommand(on=True)),
        ("/lock off", LockCommand(on=False)),
        ("/hold", HoldCommand(on=True)),
        ("/hold Robin", HoldCommand(on=True, since="c1")),
        ("/hold Gone", HoldCommand(on=True, since="c4")),
        ("/resume", HoldCommand(on=False)),
        ("/slow 60", SlowCommand(seconds=60)),
        ("/slow off", SlowCommand(seconds=0)),
        ("/fold Robin", FoldCommand(name="Robin")),
        ("/unfold Robin", FoldCommand(name="Robin", on=False)),
        ("/foldlast Robin", FoldCommand(id="c3")),
        ("/handover Robin", HandOverCommand(name="Robin")),
        ("/stepdown", StepDownCommand()),
        ("/words", WordsCommand()),
        ("/acts", ActsCommand()),
        ("/retract", RetractCommand(id="bb")),
        ("/accept", AcceptCommand()),
        ("/rules de", ShowRules("de")),
        ("/newrules my rules.toml", AgreementChangeCommand(file="my rules.toml")),
        ("/correct r.toml", AgreementChangeCommand(file="r.toml", correction=True)),
        ("/anyway", SendAnywayCommand()),
        ("/rejoin", RejoinCommand()),
        ("/ticket", TicketCommand()),
        ("/leave", LeaveCommand()),
        ("/quit", LeaveCommand()),
        ("/end", EndCommand()),
        ("/help", Help()),
        ("/who", Who()),
        ("/invite", ShowInvite()),
        ("/invite new", ShowInvite(new=True)),
        ("/rules", ShowRules()),
        ("/show", Reveal()),
    ],
)
def test_lines_that_are_read(line: str, wanted: UserAction | None) -> None:
    assert read(line, a_view(), MEMBERS) == wanted


@pytest.mark.parametrize(
    "line",
    [
        "/dance",
        "/admit Sam",
        "/remove",
        "/remove Sam",
        "/remove Robin now",
        "/remove Robin ask",
        "/remove Robin fold it",
        "/leave me alone",
        "/accept it all",
        "/retract my last",
        "/end it",
        "/",
        "/lock out",
        "/hold Sam",
        "/foldlast",
        "/slow",
        "/slow down",
        "/foldlast Sam",
        "/fold Gone",
        "/resume now",
        "/door",
        "/door Sam hello",
        "/pause",
    ],
)
def test_lines_that_are_refused(line: str) -> None:
    with pytest.raises(Misread, match=r"\.$"):
        read(line, a_view(), MEMBERS)


@pytest.mark.parametrize("said", ["", "down", "3601", "99999", "-1"])
def test_the_most_seconds_of_slow_mode_are_named(said: str) -> None:
    with pytest.raises(Misread, match=r"^Say how many seconds, at most 3600: /slow 60, or"):
        read(f"/slow {said}", a_view(), MEMBERS)
    assert read("/slow 3600", a_view(), MEMBERS) == SlowCommand(seconds=3600)


def test_one_newcomer_is_named_at_a_time() -> None:
    with pytest.raises(Misread, match="one name at a time"):
        read("/admit Robin, Sam", a_view(), MEMBERS)


@pytest.mark.parametrize("line", ["/admit", "/refuse", "/retract"])
def test_commands_with_nothing_to_act_on_are_refused(line: str) -> None:
    with pytest.raises(Misread):
        read(line, RoomView(), ())


def test_two_newcomers_are_not_mixed_up() -> None:
    state = a_view()
    state.apply(events.Knocked("aa02", "Sam", "", False))
    with pytest.raises(Misread, match="Several"):
        read("/admit", state, MEMBERS)
    assert read("/admit Sam", state, MEMBERS) == AdmitCommand(id="aa02")
    state.apply(events.Knocked("aa03", "Sam", "", False))
    with pytest.raises(Misread, match="Several"):
        read("/admit Sam", state, MEMBERS)
    state.apply(events.KnockGone("aa02"))
    assert read("/admit Sam", state, MEMBERS) == AdmitCommand(id="aa03")


AWAY = ("Ash Lee", "Kim (x)")
"""Outside, or let go for a lost connection."""


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("/remove ash lee", RemoveCommand(name="Ash Lee")),
        ("/remove Kim (x)", RemoveCommand(name="Kim (x)")),
        ("/remove ash lee fold", RemoveCommand(name="Ash Lee", fold=True)),
        (
            "/remove Ash Lee ask Who sent you?",
            RemoveCommand(name="Ash Lee", fold=True, link="question", question="Who sent you?"),
        ),
        ("/remove Kim", RemoveCommand(name="Kim")),  # the member, and no other
        ("/remove robin, ash lee", RemoveCommand(names=("Robin", "Ash Lee"))),
        ("/remove Robin,Kim, Robin fold", RemoveCommand(names=("Robin", "Kim"), fold=True)),
        (
            "/remove Kim (x), Robin ask Who are you?",
            RemoveCommand(
                names=("Kim (x)", "Robin"), fold=True, link="question", question="Who are you?"
            ),
        ),
    ],
)
def test_a_removal_finds_one_that_is_away(line: str, wanted: RemoveCommand) -> None:
    assert read(line, a_view(), MEMBERS, AWAY) == wanted


@pytest.mark.parametrize("word", ["/pause", "/unpause", "/appoint", "/demote", "/fold", "/unfold"])
def test_of_one_that_is_away_other_commands_say_so(word: str) -> None:
    with pytest.raises(Misread, match=rf"^Ash Lee is not in the room .*{word} can do nothing"):
        read(f"{word} ash lee", a_view(), MEMBERS, AWAY)


def test_one_that_is_outside_is_let_in_only_while_they_wait() -> None:
    with pytest.raises(Misread, match=r"^Ash Lee does not wait at the door"):
        read("/inside ash lee", a_view(), MEMBERS, AWAY)
    locked = a_view()
    locked.locked = True
    with pytest.raises(Misread, match=r"it is locked\. /lock off opens it, and then they can come"):
        read("/inside ash lee", locked, MEMBERS, AWAY)
    state = a_view()
    state.apply(events.Knocked("aa09", "Ash Lee", "", False, outside=True))
    assert read("/inside ash lee", state, MEMBERS, AWAY) == InsideCommand(name="Ash Lee")


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("/remove ash", "/remove Ash Lee"),
        ("/remove k", None),  # Kim, and Kim (x)
        ("/pause ash", None),
        ("/hold g", "/hold Gone"),
        ("/foldlast g", "/foldlast Gone"),
        ("/admit r", "/admit Robin"),
        ("/take r", "/take Robin"),
        ("/fold r", "/fold Robin"),
    ],
)
def test_a_name_is_completed_where_the_command_can_be_about_it(line: str, whole: str) -> None:
    assert completed(line, a_view(), MEMBERS, AWAY) == whole


def test_the_list_of_members_has_those_that_may_come_back() -> None:
    state = a_view()
    state.apply(events.Joined("Mara", you=True, members=("Mara",)))
    state.apply(events.Knocked("aa09", "Ash Lee", "", False, outside=True))
    said = words.who_is_here(MEMBERS, state, ("Ash Lee", "Lou", "Robin"))
    assert said[-1] == "Lou [not here, may come back]"
    assert sum("may come back" in line for line in said) == 1  # the others stand there already


def asked(question: LastQuestion, members: tuple[FakeMember, ...]) -> str:
    try:
        question.check(LeaveCommand(), members)
    except Misread as misread:
        return str(misread)
    return ""


def test_a_lone_facilitator_is_asked_before_the_room_is_lost() -> None:
    question = LastQuestion()
    thrice = [asked(question, ALONE) for _ in range(3)]
    assert thrice == [words.LONE_LEAVE, "", words.LONE_LEAVE]
    question.check(SendCommand(text="not yet"), ALONE)
    assert asked(question, ALONE) == words.LONE_LEAVE


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/end", "End the room for everybody?"),
        ("/handover robin", "Hand over to Robin?"),
        ("/stepdown", "Step down?"),
    ],
)
def test_what_cannot_be_undone_is_asked_about_once(line: str, said: str) -> None:
    question, wanted = LastQuestion(), read(line, a_view(), MEMBERS)
    for _ in range(2):
        with pytest.raises(Misread) as told:
            question.check(wanted, MEMBERS)
        sentence = str(told.value)
        assert sentence.startswith(said)
        assert sentence.endswith("once more.")
        assert "\n" not in sentence
        question.check(wanted, MEMBERS)  # the same line again
    with pytest.raises(Misread):
        question.check(wanted, MEMBERS)
    question.check(SendCommand(text="not yet"), MEMBERS)  # anything between takes it back
    with pytest.raises(Misread):
        question.check(wanted, MEMBERS)
    participant = tuple(replace(member, you=member.name == "Robin") for member in MEMBERS)
    LastQuestion().check(wanted, participant)  # the room refuses it


def test_a_facilitator_is_asked_before_they_leave_the_room_to_one_that_is_away() -> None:
    ash = FakeMember("Ash", facilitator=True, presence="away")
    assert asked(LastQuestion(), (*ALONE, ash)) == state_words.AWAY_LEAVE
    for presence in ("here", "unknown"):
        there = FakeMember("Ash", facilitator=True, presence=presence)
        assert asked(LastQuestion(), (*ALONE, there)) == ""


@pytest.mark.parametrize("line", ["/remove Kim", "/remove Robin, Kim", "/remove Mara"])
def test_nothing_is_asked_about_a_removal_that_the_room_refuses(line: str) -> None:
    LastQuestion().check(read(line, a_view(), MEMBERS), MEMBERS)


def test_a_question_of_long_ago_is_asked_again() -> None:
    now = [0.0]
    question, wanted = LastQuestion(lambda: now[0]), read("/end", a_view(), MEMBERS)
    for later in (0.0, 600.0):
        now[0] = later
        with pytest.raises(Misread, match="once more"):
            question.check(wanted, MEMBERS)
    now[0] += 60
    question.check(wanted, MEMBERS)


def test_a_line_that_cannot_be_read_is_no_part_of_an_answer() -> None:
    question, wanted = LastQuestion(), read("/end", a_view(), MEMBERS)
    with pytest.raises(Misread, match="once more"):
        question.check(wanted, MEMBERS)
    question.typed()
    with pytest.raises(Misread, match="no such command"):
        read("/edn", a_view(), MEMBERS)
    question.typed()
    with pytest.raises(Misread, match="once more"):
        question.check(wanted, MEMBERS)


@pytest.mark.parametrize(
    ("line", "members"),
    [("/stepdown", ALONE), ("/handover Mara", MEMBERS), ("/demote Kim", MEMBERS)],
)
def test_what_the_room_refuses_or_can_be_undone_is_not_asked_about(
    line: str, members: tuple[FakeMember, ...]
) -> None:
    LastQuestion().check(read(line, a_view(), members), members)


@pytest.mark.parametrize("line", ["/remove Robin, Sam", "/remove Robin,", "/remove Robin, Kim out"])
def test_no_removal_of_several_is_done_in_part(line: str) -> None:
    with pytest.raises(Misread):
        read(line, a_view(), MEMBERS, AWAY)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/remove Robin, Ash Lee", "Remove Robin and Ash Lee? Ash Lee is not here now, and can"),
        ("/remove Robin, Kim fold", "Remove Robin and Kim and fold all that they wrote? Links"),
        (
            "/remove Robin, Kim ask Who?",
            "Remove Robin and Kim and fold all that they wrote? Open l",
        ),
    ],
)
def test_a_removal_of_several_is_asked_about_once(line: str, said: str) -> None:
    people = (*ALONE, FakeMember("Kim"))
    question, removal = LastQuestion(), read(line, a_view(), people, AWAY)
    with pytest.raises(Misread) as told:
        question.check(removal, people, (), AWAY)
    assert str(told.value).startswith(said)
    assert ('"Who?"' in str(told.value)) is ("Who?" in line)
    question.check(removal, people, (), AWAY)


def test_a_removal_of_one_that_is_away_says_so() -> None:
    removal = read("/remove Ash Lee", a_view(), MEMBERS, AWAY)
    with pytest.raises(
        Misread, match=r"^Remove Ash Lee\? Ash Lee is not here now, and can then be"
    ):
        LastQuestion().check(removal, MEMBERS, (), AWAY)
    with pytest.raises(Misread, match=r"^Remove Robin\? If Robin came"):
        LastQuestion().check(read("/remove Robin", a_view(), MEMBERS), MEMBERS, (), AWAY)


def test_a_removal_is_asked_about_by_name_and_answered_by_name() -> None:
    question = LastQuestion()
    removal = read("/remove Robin fold", a_view(), MEMBERS)
    with pytest.raises(Misread, match=r"all that Robin wrote\?"):
        question.check(removal, MEMBERS)
    with pytest.raises(Misread, match=r"Remove Robin\? If Robin came"):
        question.check(read("/remove Robin", a_view(), MEMBERS), MEMBERS)  # another removal
    with pytest.raises(Misread, match="Remove Robin and fold"):
        question.check(removal, MEMBERS)
    question.check(removal, MEMBERS)  # the same line again
    with pytest.raises(Misread, match="the link stays open, and asks"):
        question.check(read("/remove Robin ask Who?", a_view(), MEMBERS), MEMBERS)
    participant = tuple(replace(member, you=member.name == "Robin") for member in MEMBERS)
    LastQuestion().check(removal, participant)  # the room refuses it


@pytest.mark.parametrize(
    ("line", "waiting", "said"),
    [
        ("/remove Robin", (LEE,), "Lee waits, perhaps by the same link, and can be let in as"),
        ("/remove Robin fold", (LEE, replace(LEE, id="b")), "2 people wait, perhaps by the sa"),
        ("/remove Robin ask Who?", (LEE,), ""),  # the link stays
        ("/remove Robin", (), ""),
        ("/remove Robin", (replace(LEE, outside=True),), ""),  # by a door of their own
        ("/remove Robin", (replace(LEE, code=""),), ""),  # a member, by no link
        ("/remove Robin", (replace(LEE, door_revoked=True),), ""),  # by another one
    ],
)
def test_a_removal_asks_with_a_word_on_newcomers_that_may_have_the_same_link(
    line: str, waiting: tuple[events.Knocked, ...], said: str
) -> None:
    with pytest.raises(Misread, match=r"type the same line once more\.$") as asked:
        LastQuestion().check(read(line, a_view(), MEMBERS), MEMBERS, waiting)
    assert said in str(asked.value)
    assert ("perhaps" in str(asked.value)) is bool(said)


@pytest.mark.parametrize(
    "members",
    [(), ALONE[:1], MEMBERS, (FakeMember("Mara", facilitator=True), FakeMember("Robin", you=True))],
)
def test_nobody_else_is_asked(members: tuple[FakeMember, ...]) -> None:
    assert asked(LastQuestion(), members) == ""


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("/app", "/appoint"),
        ("/pa", "/pause"),
        ("/unpause r", "/unpause Robin"),
        ("/hold r", "/hold Robin"),
        ("/foldl", "/foldlast"),
        ("/unfold r", "/unfold Robin"),
        ("/lo", "/lock"),
        ("/re", None),
        ("/appoint R", "/appoint Robin"),
        ("/demote k", "/demote Kim"),
        ("/demote x", None),
        ("/demote ", None),
        ("/leave n", None),
        ("hello", None),
        ("//app", None),
    ],
)
def test_what_a_line_can_become(line: str, whole: str | None) -> None:
    assert completed(line, a_view(), MEMBERS) == whole


def test_every_line_of_the_help_is_read() -> None:
    for word, _ in help_words.HELP + help_words.FACILITATORS_HELP:
        line = (
            word.replace("NAME", "Robin")
            .replace("TEXT", "hello")
            .replace("//text", "//slash")
            .replace("NUMBER", "2")
            .replace("SECONDS", "60")
        )
        state = a_view()
        state.apply(events.InvitesListed(OPEN_INVITES))
        assert read(line, state, MEMBERS) is not None
    assert "/remove" in help_words.help_for(True)
    assert "/remove" not in help_words.help_for(False)


def test_every_command_of_the_help_is_completed() -> None:
    shown = help_words.help_for(True)
    offered = set(re.findall(r"(?<![/\w])/[a-z]+", shown))
    assert len(offered) > 20
    assert {word for word in offered if completed(word, a_view(), MEMBERS) != word} == set()


def test_an_invite_is_named_by_its_number_in_the_list_that_was_shown() -> None:
    state = a_view()
    with pytest.raises(Misread, match="Type /invites first"):
        read("/revoke 1", state, MEMBERS)
    state.apply(events.InvitesListed(OPEN_INVITES))
    assert read("/revoke 2", state, MEMBERS) == RevokeCommand(door=OPEN_INVITES[1].door)
    for line in ("/revoke", "/revoke 0", "/revoke 4", "/revoke x", "/revoke 1111"):
        with pytest.raises(Misread):
            read(line, state, MEMBERS)


def test_an_expired_message_is_forgotten() -> None:
    state = RoomView()
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


def test_a_person_accepts_the_agreement_that_is_on_their_screen() -> None:
    state = a_view()
    state.apply(RULES)
    assert read("/accept", state, MEMBERS) == AcceptCommand(version=1)
    state.apply(NEW_RULES)
    assert read("/accept", state, MEMBERS) == AcceptCommand(version=2)


def test_the_answer_to_the_question_of_an_invite_goes_with_the_acceptance() -> None:
    state = RoomView()
    state.apply(replace(RULES, question="Who sent you?"))
    with pytest.raises(Misread, match="asks a question"):
        read("/accept", state, MEMBERS)
    assert read("/accept Kim did", state, MEMBERS) == AcceptCommand(version=1, answer="Kim did")
    state.apply(RULES)
    with pytest.raises(Misread, match="stands alone"):
        read("/accept Kim did", state, MEMBERS)


def test_a_word_for_today_goes_with_the_acceptance_and_is_kept_no_longer() -> None:
    state = RoomView()
    state.apply(RULES)
    assert read("/word  Blue  kettle", state, MEMBERS) == ChooseWord("blue kettle")
    state.word = "blue kettle"
    assert read("/accept", state, MEMBERS) == AcceptCommand(version=1, word="blue kettle")
    state.apply(replace(RULES, question="Who sent you?"))
    asked = AcceptCommand(version=1, answer="Kim did", word="blue kettle")
    assert read("/accept Kim did", state, MEMBERS) == asked
    assert "kettle" not in repr((asked, ChooseWord("blue kettle")))
    for line, why in (("/word", "Say which word"), ("/word abc", "four letters")):
        with pytest.raises(Misread, match=why):
            read(line, state, MEMBERS)
    state.apply(events.Waiting(""))
    assert state.word == ""
    # One that had chosen none read that theirs is on its way.
    with pytest.raises(Misread, match="goes along with /accept, and you have accepted already"):
        read("/word Blue kettle", state, MEMBERS)


def test_the_ground_rules_are_accepted_once() -> None:
    """A second time the room would not answer, so that it seemed not to be done."""
    state = RoomView()
    state.apply(RULES)
    assert read("/accept", state, ()) == AcceptCommand(version=1)
    state.apply(events.Waiting(""))
    with pytest.raises(Misread, match="accepted the ground rules already, and wait"):
        read("/accept", state, ())
    state.apply(replace(RULES, version=2))
    assert read("/accept", state, ()) == AcceptCommand(version=2)
    state.apply(events.Joined("Sam", you=True, members=("Mara", "Sam")))
    assert read("/accept", state, ()) == AcceptCommand(version=2)  # the room says so
    state.apply(events.Outside("Sam", you=True))
    with pytest.raises(Misread, match="/inside comes back"):
        read("/accept", state, ())


def test_what_a_person_types_that_waits_goes_to_the_facilitators() -> None:
    state = RoomView()
    state.apply(RULES)
    with pytest.raises(Misread, match="First type /accept"):
        read("hello", state, ())
    state.apply(events.Waiting("lamp river"))
    assert read("hello", state, ()) == DoorSayCommand(text="hello")
    assert read("//hello", state, ()) == DoorSayCommand(text="/hello")
    state.apply(events.Joined("Sam", you=True, members=("Mara", "Sam")))
    assert read("hello", state, ()) == SendCommand(text="hello")


def test_a_name_may_be_typed_in_small_letters() -> None:
    state = RoomView()
    state.apply(KNOCK)
    facilitator = FakeMember("Mara", facilitator=True, you=True)
    people = (facilitator, FakeMember("Ash Lee"), FakeMember("ROY"), FakeMember("Roy"))
    assert read("/admit robin", state, people) == AdmitCommand(id=KNOCK.id)
    assert read("/door ROBIN hello", state, people) == DoorSayCommand(text="hello", id=KNOCK.id)
    assert read("/pause ash lee", state, people) == PauseCommand(name="Ash Lee")
    assert read("/remove ash lee fold", state, people) == RemoveCommand(name="Ash Lee", fold=True)
    assert read("/pause Roy", state, people) == PauseCommand(name="Roy")
    with pytest.raises(Misread, match="Several people"):
        read("/pause roy", state, people)


@pytest.mark.parametrize("line", ["/admit all", "/admit", "/refuse Robin"])
def test_a_participant_is_not_told_that_nobody_waits(line: str) -> None:
    with pytest.raises(Misread, match="Only a facilitator"):
        read(line, RoomView(), (FakeMember("Robin", you=True),))


async def test_a_command_behind_a_text_that_stays_is_done_and_the_text_stays() -> None:
    kept, asked = KeptText(), list[str]()

    async def do(wanted: str) -> bool:
        asked.append(wanted)
        return wanted.startswith("/")

    for line, wanted, stays in (
        ("what was that", "what was that", "what was that"),
        ("what was that/leave", "/leave", "what was that"),
        ("what was that /members", "/members", "what was that"),
        ("what was that/or so", "what was that/or so", "what was that/or so"),
        ("and", "and", "and"),  # the line was cleared
        ("/leave", "/leave", ""),
        ("/leave", "/leave", ""),
    ):
        assert (await kept.enter(line, do), asked.pop()) == (stays, wanted)

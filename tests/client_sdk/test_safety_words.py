"""The words that facilitators compare, and what clients remember of their acts."""

from alcove import events
from alcove.group.safety_words import WORDS, proquint, safety_words

from tests.end_to_end.facilitating import ask, do
from tests.end_to_end.world import Client, room_of_three


def said(client: Client) -> tuple[str, ...]:
    client.engine.commands.safety_words(ref="r")
    client.collect()
    event = client.of(events.SafetyWords)[-1]
    assert event.ref == "r"
    return event.words


def test_a_word_is_a_proquint() -> None:
    """The examples of arXiv:0901.4016: 127.0.0.1 is lusab-babad."""
    assert [proquint(number) for number in (0x7F00, 0x0001, 0x3F54, 0xDCC1)] == [
        "lusab",
        "babad",
        "gutih",
        "tugad",
    ]


def test_facilitators_have_the_same_words_until_the_group_changes() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    words = said(ann)
    assert len(words) == WORDS
    assert words == said(bob)
    membership = cleo.engine.require_member().membership
    assert safety_words(membership.group) == words
    do(world, ann, "appoint", "Cleo")
    assert said(ann) == said(bob) == said(cleo) != words
    assert repr(cleo.of(events.SafetyWords)[-1]).count(said(ann)[0]) == 0


def test_every_member_can_look_up_what_facilitators_did() -> None:
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    dora = world.join(ann, "Dora")
    do(world, bob, "demote", "Ann")
    do(world, bob, "remove", "Dora")
    world.advance(60)
    for client in (ann, bob, cleo):
        client.engine.commands.acts(ref="r")
        client.collect()
        event = client.of(events.PastActs)[-1]
        assert ("revoke", True) in [(act.act, act.aside) for act in event.acts]  # Dora's link
        assert {act.act for act in event.acts if act.aside} <= {"lobby_key", "revoke", "invite"}
        acts = [(act.act, act.name, act.by) for act in event.acts if act.act != "revoke"]
        assert acts[-5:] == [
            ("appoint", "Bob", "Ann"),
            ("admit", "Dora", "Ann"),
            ("demote", "Ann", "Bob"),
            ("lobby_key", "", "Bob"),
            ("remove", "Dora", "Bob"),
        ]
        assert event.acts[-1].age >= 60
    assert dora.engine.closed is not None


def test_who_granted_a_wish_to_step_down_knows_whose_act_it_was() -> None:
    """The list said to a person that they had made the other one a participant."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    do(world, ann, "appoint", "Cleo")
    dora = world.join(ann, "Dora")
    stepped = ask(ann, "step_down")
    world.advance(20)
    assert stepped == [None]
    (changed,) = (one for one in dora.of(events.RoleChanged) if not one.facilitator)
    for client, by in ((ann, "Ann"), (bob, "Ann"), (cleo, "Ann"), (dora, changed.by)):
        acts = client.engine.require_member().act_log.acts()
        told = [(act.name, act.by) for act in acts if act.act == "demote"]
        assert told == [("Ann", by)], client.name
    do(world, bob, "demote", "Cleo")
    assert bob.engine.require_member().act_log.acts()[-2].by == "Bob"

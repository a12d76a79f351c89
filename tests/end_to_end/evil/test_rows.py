"""Each attack on a room is tried in one that several facilitators hold. What links lead to too."""

import asyncio
import importlib
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from alcove_server.net.admission import Admission
from alcove_server.process.pages import make_app
from starlette.types import Message, Scope

from tests.end_to_end.evil import rooms
from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rooms import begins_with_three, forget, three, two_facilitators
from tests.end_to_end.facilitating import facilitators, new_link, newcomer
from tests.end_to_end.test_invites import listed
from tests.end_to_end.world import HOST

ROWS = {
    "1": "evil.test_way_in::test_a_ghost_on_the_roster_is_never_shown_and_is_warned_of",
    "2": "evil.test_commits::"
    "test_a_forbidden_commit_of_a_facilitator_is_burned_and_the_room_goes_on",
    "3": "evil.test_races::"
    "test_a_race_of_a_demotion_and_an_act_has_one_order_and_refuses_the_demoted",
    "4": "evil.test_authors::"
    "test_the_author_is_the_member_whom_mls_names_not_one_named_in_the_payload",
    "5": "evil.test_commits::"
    "test_a_forbidden_commit_of_a_facilitator_is_burned_and_the_room_goes_on",
    "6": "evil.test_races::test_of_two_commits_in_one_epoch_one_wins_and_the_other_is_built_anew",
    "7": "evil.test_split::test_two_versions_of_the_conversation_show_within_one_heartbeat",
    "8": "evil.test_messages::test_a_replayed_message_is_refused",
    "9": "evil.test_held::test_a_client_without_a_commit_is_held_and_let_in_again",
    "10": "evil.test_commits::test_an_external_commit_is_burned",
    "11": "evil.test_way_in::test_a_removed_member_is_refused_with_their_old_keys",
    "12": "evil.test_way_in::test_a_key_package_admits_once",
    "13": "evil.test_way_in::test_a_replayed_welcome_changes_nothing_for_a_member",
    "14": "evil.test_insiders::"
    "test_a_helper_under_a_facilitators_name_keeps_nobody_from_demoting_them",
    "14b": "evil.test_way_in::test_a_group_of_the_relays_own_is_refused",
    "14c": "evil.test_way_in::test_another_holder_of_the_link_cannot_answer_a_knock",
    "14d": "evil.test_way_in::test_a_roster_entry_replayed_or_recombined_is_refused_and_warned_of",
    "15": "evil.test_lies::"
    "test_clients_hide_posts_of_paused_members_even_if_the_relay_lets_them_through",
    "16": "evil.test_way_in::test_no_frame_holds_an_invite_its_keys_or_the_words_of_members",
    "17": "evil.test_rows::test_a_robot_that_opens_links_uses_nothing_up",
    "18": "evil.test_rows::test_a_link_in_a_text_makes_no_client_ask_for_anything",
    "27": "test_after_the_end::test_no_members_leaf_outlives_the_room",
    "31": "evil.test_roster_roles::"
    "test_a_role_or_pause_of_the_roster_alone_is_told_with_the_name_of_its_author",
    "32": "evil.test_agreement::test_updates_and_beats_carry_the_agreement_that_the_person_saw",
    "33": "evil.test_appointments::"
    "test_a_junk_appointment_is_burned_by_all_and_the_room_stays_open",
}
"""One test for each attack, and for each there are more."""

NUMBERS = {*map(str, range(1, 19)), "14b", "14c", "14d", "27", "31", "32", "33"}


def held_by_several(module: object, test: Callable[..., None]) -> bool:
    """It runs, or runs too, in a room of two facilitators."""
    if two_facilitators.__name__ in test.__code__.co_names:
        return True
    marks = [*getattr(test, "pytestmark", ()), getattr(module, "pytestmark", None)]
    second = next((mark for mark in marks if mark is not None and mark.name == "second"), None)
    return second is not None and bool(second.args) and begins_with_three(test)


def test_each_attack_on_a_room_has_a_test_with_several_facilitators() -> None:
    assert set(ROWS) == NUMBERS
    for number, named in ROWS.items():
        path, _, name = named.partition("::")
        module = importlib.import_module(f"tests.end_to_end.{path}")
        assert held_by_several(module, getattr(module, name)), number


@pytest.mark.second("Bob", "Cleo")
def test_the_mark_appoints_the_one_it_names(request: pytest.FixtureRequest) -> None:
    _, ann, bob, cleo = three()
    named = request.node.callspec.params["second"]
    assert named == rooms.SECOND
    for client in (ann, bob, cleo):
        assert facilitators(client) == {"Ann", named} - {""}


# --- rows 17 and 18: who follows links --------------------------------------------------------


def opened(world: EvilWorld, link: str) -> int:
    """The status of the relay's page at this link, for a browser or a robot."""
    assert world.relay is not None
    admission = Admission(
        world.clock, world.random, connections=9, per_prefix=9, shared=frozenset()
    )
    app = make_app(world.relay.relay, admission, clients=True, health=False)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": urlsplit(link).path,
        "query_string": urlsplit(link).query.encode(),
        "headers": [(b"host", HOST.encode())],
    }

    async def ask() -> None:
        await app(scope, receive, send)

    asyncio.run(ask())
    status = sent[0]["status"]
    assert isinstance(status, int)
    return status


def test_a_robot_that_opens_links_uses_nothing_up() -> None:
    world, ann, bob, cleo = two_facilitators()
    links = (ann.invite(), new_link(world, bob))
    before = [listed(world, ann), listed(world, bob)]
    for link in links * 3:
        assert opened(world, link) == 200
    assert [listed(world, ann), listed(world, bob)] == before
    for link, name, by in zip(links, ("Dora", "Eve"), (bob, ann), strict=True):
        newcomer(world, link, name, by)
    assert cleo.members() == {"Ann", "Bob", "Cleo", "Dora", "Eve"}
    assert [listed(world, ann), listed(world, bob)] != before  # the control: a person uses it up


def test_a_link_in_a_text_makes_no_client_ask_for_anything() -> None:
    world, ann, bob, cleo = two_facilitators()
    forget(ann, bob, cleo)
    for author in (ann, bob, cleo):
        world.record.clear()
        author.say("https://elsewhere.test/a.png " + ann.invite())
        world.settle()
        assert {seen.client for seen in world.record if seen.from_client} == {author}
    assert (len(ann.texts()), len(bob.texts()), len(cleo.texts())) == (2, 2, 2)

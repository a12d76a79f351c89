"""A relay that lies to one who comes back by a ticket, and members that must not answer."""

from dataclasses import replace

import pytest
from alcove import events, mls
from alcove.engine import standby_answers
from alcove.group.admission import leaf_lifetime
from alcove.group.extensions import capabilities
from alcove.group.keys import ROOM_SUITE, Identity
from alcove.group.sealing import Psk
from alcove.group.standby import StandbySecrets
from alcove.joining.standby_asks import AskKeys
from alcove.joining.ticket_comer import ALONE, TicketComer
from alcove_protocol import frames
from alcove_protocol.codec import pack_list, unpack_list
from alcove_protocol.frames import BlobClass, BlobIs
from alcove_protocol.labels import Label
from alcove_protocol.statements import AskStatement
from alcove_protocol.ticket import Ticket

from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.rogue import leaf_of, rogue_commit, room_of
from tests.end_to_end.evil.rooms import forget, three, two_facilitators
from tests.end_to_end.evil.test_standby_answers import branch_of
from tests.end_to_end.evil.test_standby_lies import old_answers
from tests.end_to_end.evil.test_way_in import with_entry
from tests.end_to_end.facilitating import do, goes_on
from tests.end_to_end.standing_by import comes, orphaned
from tests.end_to_end.test_return_among_newcomers import outrun
from tests.end_to_end.ticketing import codes, crashes, resumes, ticket_of
from tests.end_to_end.world import Client, World, closed, room_of_three


def test_a_history_that_lacks_what_was_seen_is_refused() -> None:
    """Without the entry that removed Cleo, as a former facilitator would have it."""
    world, ann, bob, _ = room_of_three()
    ann.remove("Cleo")
    world.advance(1)
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    again = world.client("Bob")

    def older(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        if isinstance(frame, frames.ChainIs):
            kept = unpack_list(frame.entries, most=100)[:-1]
            return [replace(frame, entries=pack_list(kept), more=False).to_bytes()]
        return [data]

    again.to_client = older
    again.engine.begin_resuming(Ticket.parse(ticket))
    world.settle()
    world.advance(2)
    assert again.engine.closed is not None
    assert again.engine.closed.code == "bad_roster"


def test_an_answer_of_an_earlier_epoch_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    world, ann, bob, cleo = room_of_three()
    old_answers(monkeypatch, bob, cleo)
    do(world, ann, "listen_only", True)
    do(world, ann, "listen_only", False)
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    again = resumes(world, ticket, "Ann", wait=60)
    assert not again.of(events.Joined)
    assert "false_answer" not in codes(again)
    assert bob.engine.require_member().membership.base.number < 20
    monkeypatch.undo()
    world.advance(60)
    goes_on(world, again, bob, cleo)


def strange_leaf(world: World) -> mls.Proposal:
    """An Add of a leaf that MLS takes, and no client of a room has made."""
    who = Identity.generate("Eve", mls.ciphersuite(ROOM_SUITE), world.random)
    credential, lifetime = mls.Credential.basic(b"Eve"), leaf_lifetime(world.wall())
    bundle = mls.KeyPackageBundle.create(
        who.suite, who.signature, credential, capabilities(who.suite), lifetime, rng=world.random
    )
    return mls.Add(bundle.key_package)


def test_a_group_with_a_leaf_that_cannot_be_read_is_of_no_use() -> None:
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    with pytest.MonkeyPatch.context() as patch:
        branch_of(bob, patch, strange_leaf(world))
        again = resumes(world, ticket, "Ann", wait=200)
    assert again.of(events.Joined)
    goes_on(world, again, cleo)


def test_a_member_that_hears_another_facilitator_answers_nothing() -> None:
    """Though the relay passes the ask on: it lies, or is another node."""
    world, ann, bob, cleo = room_of_three()
    do(world, ann, "appoint", "Bob")
    world.advance(35)
    ticket = ticket_of(world, ann)
    crashes(world, ann)
    answers: list[bytes] = []

    def note(client: Client, data: bytes) -> list[bytes]:
        if isinstance(frames.from_client(data), frames.AnswerAsker):
            answers.append(data)
        return [data]

    cleo.to_relay = note
    with pytest.MonkeyPatch.context() as patch:
        for where in ("standby", "publish"):
            patch.setattr(f"alcove_server.requests.{where}.require_alone", lambda requester: None)
        bob.to_relay = lambda client, data: (  # he grants nothing, and beats
            []
            if isinstance(frames.from_client(data), frames.Publish) and not _beat(data)
            else [data]
        )
        again = resumes(world, ticket, "Ann", wait=40)
    assert not answers
    assert not again.of(events.Joined)


def _beat(data: bytes) -> bool:
    frame = frames.from_client(data)
    return isinstance(frame, frames.Publish) and frame.blob_class == frames.BlobClass.BEAT


def test_who_does_not_know_its_leaf_answers_in_vain() -> None:
    """The relay knows the MLS key, and answers as a newcomer would, with the best group."""
    world, ticket, _, dora = outrun()
    with pytest.MonkeyPatch.context() as patch:
        made_up: list[Psk] = []

        def guessed(desk_key: bytes, mls_key: bytes) -> Psk:
            made_up.append(Psk(mls_key, mls_key))
            return made_up[-1]

        patch.setattr(standby_answers, "return_psk", guessed)
        again = resumes(world, ticket, "Ann", wait=120)
        assert made_up
        assert not again.of(events.Joined)
    world.advance(60)
    goes_on(world, again, dora)


@pytest.mark.parametrize("way", ["right", "forged", "demoted"])
def test_who_knows_no_epoch_of_an_ask_answers_its_facilitator_alone(way: str) -> None:
    """Not one without its MLS key, and not the very one once it does not facilitate any more. The
    relay tells their asks all the same."""
    world, ann, bob, cleo = two_facilitators()
    if way == "demoted":
        do(world, ann, "demote", "Bob")
    world.advance(5)
    key = bob.engine.identity
    asker = cleo.engine.identity if way == "forged" else key
    random, room = world.random, room_of(ann)
    reply = mls.ciphersuite(ROOM_SUITE).hpke_keypair(random).public
    said = AskStatement(room, random(16), key.signature.public, key.relay.public, reply, 1, 2**20)
    signed = asker.mls_signer().sign(Label.STANDBY, said)
    crashes(world, ann)
    world.advance(95, stay_away=(bob,))
    bob.cut()
    world.forge(cleo, frames.Asked(said.id, key.relay.public, signed.body, signed.signature))
    world.advance(10, stay_away=(bob,))
    assert bool(world.seen(frames.AnswerAsker, cleo)) is (way == "right")


def test_what_does_not_open_is_no_ticket() -> None:
    world, _, bob, _ = room_of_three()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    again = world.client("Bob")

    def altered(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        if isinstance(frame, frames.Fetched):
            turned = frame.blob[:-1] + bytes([frame.blob[-1] ^ 1])
            return [replace(frame, blob=turned).to_bytes()]
        return [data]

    again.to_client = altered
    again.engine.begin_resuming(Ticket.parse(ticket))
    world.settle()
    assert again.engine.closed is not None
    assert again.engine.closed.code == "bad_ticket"


def test_a_holder_of_a_link_asks_for_nothing_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an epoch in its ask, as a facilitator's has, and a relay that takes it."""
    world, link, bob, cleo = orphaned()
    monkeypatch.setattr("alcove_server.rooms.rules.ask", lambda *of: None)
    made = AskKeys.of_link

    def with_epoch(secrets: StandbySecrets) -> AskKeys:
        return replace(made(secrets), epoch=1)

    monkeypatch.setattr(AskKeys, "of_link", with_epoch)
    dora = comes(world, link, wait=130)
    assert not dora.of(events.Joined)
    for client in (bob, cleo):
        assert not client.of(events.StandbyAsked)
        assert client.engine.require_member().standby_answers._known == {}


def test_a_request_that_was_granted_is_void_though_it_may_name_an_earlier_leaf() -> None:
    """The relay tells it to one that facilitates since then, after the next Update as well."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, bob)
    crashes(world, bob)
    asked: list[frames.LobbyItem] = []

    def note(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        if isinstance(frame, frames.LobbyItem) and frame.kind == frames.LobbyKind.REQUEST:
            asked.append(frame)
        return [data]

    ann.to_client = note
    again = resumes(world, ticket, "Bob", wait=5)
    assert asked
    do(world, ann, "appoint", "Cleo")
    world.advance(60)
    for number in (1000, 1001):
        epoch = cleo.engine.require_member().membership.group.epoch
        lobby = cleo.engine.require_facilitator().lobby
        lobby.receive(replace(asked[0], number=number, id=world.random(16)))
        world.advance(90)
        assert cleo.engine.require_member().membership.group.epoch == epoch
        again.engine.require_member()._key_updates.hasten()
        world.advance(15)
    assert len(cleo.of(events.Reloaded)) == 1
    goes_on(world, ann, again, cleo)


def requests_to(world: EvilWorld, client: Client) -> list[frames.LobbyItem]:
    kind = frames.LobbyKind.REQUEST
    return [item for item in world.seen(frames.LobbyItem, client) if item.kind == kind]


def entries_by(world: EvilWorld, client: Client) -> list[frames.Publish]:
    return [one for one in world.seen(frames.Publish, client) if one.entry is not None]


def let_in_once(world: EvilWorld, decides: Client, item: frames.LobbyItem, again: Client) -> None:
    """The relay tells a facilitator an old request, and once more after another Update."""
    for number in (1000, 1001):
        again.engine.require_member()._key_updates.hasten()
        world.advance(75)
        before = len(entries_by(world, decides))
        world.forge(decides, replace(item, number=number, id=world.random(16)))
        world.advance(15)
        assert len(entries_by(world, decides)) == before
    assert again.engine.closed is None
    assert len(again.of(events.Joined)) == 1


def test_a_granted_request_is_void_for_one_that_was_not_shown_the_entry() -> None:
    """The group says who was let in. The relay alone chooses what it shows of the list."""
    world, ann, bob, cleo = three()
    ticket = ticket_of(world, cleo)
    crashes(world, cleo)
    hidden = world.alter(
        bob, BlobIs, lambda blob: replace(blob, entry=None, signature=None), with_entry, most=1
    )
    again = resumes(world, ticket, "Cleo", wait=5)
    assert again.of(events.Joined)
    assert hidden.hits
    do(world, ann, "appoint", "Bob")
    let_in_once(world, bob, requests_to(world, ann)[-1], again)


def test_a_granted_request_is_void_for_one_that_came_by_a_ticket_soon_after() -> None:
    """It had read the list before, and came in by the facilitator that granted it."""
    world, ann, bob, cleo = two_facilitators()
    tickets = ticket_of(world, bob), ticket_of(world, cleo)
    crashes(world, bob)
    crashes(world, cleo)
    waits = world.keep_back(ann, frames.LobbyItem)
    bob = resumes(world, tickets[0], "Bob", wait=0)
    assert len(waits.hits) == 1
    waits.stop()
    again = resumes(world, tickets[1], "Cleo", wait=2)
    assert again.of(events.Joined)
    asked = requests_to(world, ann)[-1]
    world.release(waits)
    world.advance(20)
    assert bob.of(events.Joined)
    let_in_once(world, bob, asked, again)


def test_a_granted_request_is_void_for_one_that_returned_alone_to_an_earlier_epoch() -> None:
    """It knows the epoch in which the other one asked. The list says who was let in since."""
    world, ann, bob, cleo = three()
    tickets = ticket_of(world, ann), ticket_of(world, bob)
    world.drop(ann, frames.Park)
    crashes(world, bob)
    again = resumes(world, tickets[1], "Bob", wait=5)
    asked = requests_to(world, ann)[-1]
    crashes(world, ann)
    ann = resumes(world, tickets[0], "Ann", wait=60)
    assert ALONE in [one.text for one in ann.of(events.Problem)]
    let_in_once(world, ann, asked, again)
    goes_on(world, ann, again, cleo)


def test_the_way_back_of_an_earlier_program_done_once_more_is_told_as_another_program() -> None:
    """What remains: after two returns a facilitator commits the KeyPackage of the first once more.
    The program of the second did not make it, and nobody has its keys."""
    world, ann, bob, cleo = two_facilitators()
    ticket = ticket_of(world, cleo)
    crashes(world, cleo)
    first = resumes(world, ticket, "Cleo")
    assert isinstance(first.engine.newcomer, TicketComer)
    assert first.engine.newcomer._offer is not None
    old = first.engine.newcomer._offer.bundle.key_package
    world.advance(62)
    ticket = ticket_of(world, first)
    crashes(world, first)
    second = resumes(world, ticket, "Cleo")
    assert second.of(events.Joined)
    world.advance(62)
    forget(ann, second)
    blob = rogue_commit(bob, mls.Remove(leaf_of(second)), mls.Add(old))
    bob.cut()
    world.take(room_of(ann), blob, BlobClass.COMMIT)
    world.advance(5, stay_away=(bob,))
    assert "Another program with your keys" in closed(second).text
    assert ann.of(events.Reloaded) == [events.Reloaded("Cleo")]
    world.advance(30, stay_away=(bob,))
    again = world.knock(ann.invite(), "Cleo")  # as after any loss of the keys: a person decides
    world.advance(2, stay_away=(bob,))
    assert ann.of(events.Knocked)[-1].again == "Cleo"
    ann.admit(ann.of(events.Knocked)[-1])
    world.advance(3, stay_away=(bob,))
    assert again.of(events.Joined)
    assert ann.members() == {"Ann", "Bob", "Cleo"}


def test_a_program_that_is_not_told_of_its_return_goes_on_alone_and_its_person_reads_why() -> None:
    """Ann's device was cut off while her ticket brought another program back. The relay keeps that
    one commit from it. It facilitates alone, and so takes what comes later for made up."""
    world, ann, bob, cleo = room_of_three()
    ticket = ticket_of(world, ann)
    ann.cut()
    again = world.client("Ann")
    again.engine.begin_resuming(Ticket.parse(ticket))
    world.advance(60, stay_away=(ann,))
    do(world, again, "listen_only", True)
    do(world, again, "listen_only", False)
    ann.to_client = lambda client, data: [] if _external(data) else [data]
    world.advance(40)
    assert ann.engine.closed is None
    assert {"commit_unreadable", "replaced"} <= set(codes(ann))
    for member in (bob, cleo):
        assert member.of(events.RoomChanged)[-1].state is events.RoomState.SPLIT
    ann.say("do you hear me?")
    world.advance(40)
    assert "do you hear me?" not in bob.texts() + cleo.texts() + again.texts()
    crashes(world, ann)
    world.advance(70)
    # To the new program these heartbeats were its own: a person decides.
    assert again.of(events.RoomChanged)[-1].state is events.RoomState.SPLIT
    again.engine.commands.send_anyway()
    goes_on(world, again, bob, cleo)


def _external(data: bytes) -> bool:
    frame = frames.from_relay(data)
    return isinstance(frame, BlobIs) and frame.blob_class == BlobClass.EXTERNAL

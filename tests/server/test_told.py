"""What is sent because of a client counts for its part of the network, whatever it is."""

from __future__ import annotations

from hashlib import sha256

from alcove_protocol import limits
from alcove_protocol.frames import (
    CardIs,
    ChainIs,
    Done,
    Fetch,
    Fetched,
    LobbyRequest,
    Park,
    ReadCard,
    ReadChain,
)
from alcove_server.net.admission import Allowance

from tests.server.scene import Person
from tests.server.test_fairness import Limited


def left_of(person: Person) -> float:
    """Bytes that may still be sent for the person's part of the network."""
    session = person.link.session
    assert session is not None
    assert session.client.place is not None
    part = session.client.place.allowance
    assert isinstance(part, Allowance)
    return part._told._tokens


def used_up(scene: Limited, person: Person) -> None:
    """Of the part of the network from which this person came."""
    session = person.link.session
    assert session is not None
    assert session.client.place is not None
    while session.client.place.allowance.tell(64 * limits.MIB):
        pass


def test_requests_count_for_each_facilitator_that_is_told() -> None:
    scene = Limited()
    scene.open()
    scene.comes_from(scene.host, "192.0.2.1")
    asked = LobbyRequest(scene.host.next_n(), bytes(16), b"wish", None)
    used_up(scene, scene.host)
    assert scene.host.refused(asked) == "rate_limited"
    scene.clock.advance(60)
    scene.host.send(asked)
    assert not any(getattr(one, "code", "") for one in scene.host.fetch())


def test_a_facilitator_that_reads_the_lobby_pays_for_it() -> None:
    scene = Limited()
    scene.open()
    ann = scene.member(scene.put_door())
    for number in range(4):
        asked = LobbyRequest(ann.next_n(), bytes([number]) * 16, bytes(limits.REQUEST), None)
        ann.send(asked)
    scene.comes_from(scene.host, "192.0.2.1")
    before = left_of(scene.host)
    scene.host.resume(bytes(16))
    assert before - left_of(scene.host) >= 4 * limits.REQUEST


def test_a_member_that_comes_for_its_welcome_again_and_again_pays_for_it() -> None:
    scene = Limited()
    scene.open()
    bob = scene.newcomer(scene.put_door())
    bob.knock()
    assert bob.door is not None
    welcome = bytes(100_000)
    scene.land(
        scene.commit(scene.room.add(bob.public, bob.door.id), welcomes={bob.public: welcome})
    )
    bob.link.close()
    again = Person(scene, bob.key)
    scene.comes_from(again, "192.0.2.1")
    before = left_of(again)
    again.send(again.auth_frame("member"))
    assert before - left_of(again) >= 100_000


def test_a_network_that_had_too_much_sent_says_nothing_more_for_a_while() -> None:
    scene = Limited()
    scene.open()
    scene.comes_from(scene.host, "192.0.2.1")
    big = bytes(limits.APPLICATION_BLOB)
    scene.host.beat()
    used_up(scene, scene.host)
    assert any([said(scene.host, big) for _ in range(3)])
    scene.clock.advance(60)
    scene.host.beat()
    assert not said(scene.host, big)


def said(person: Person, content: bytes) -> bool:
    """Whether this was refused as too much."""
    frame = person.blob(content)
    person.send(frame)
    answers = [one for one in person.fetch() if getattr(one, "n", None) == frame.n]
    return getattr(answers[0], "code", "") == "rate_limited"


def test_a_network_that_had_too_much_sent_reads_no_card() -> None:
    scene = Limited()
    scene.open()
    newcomer = scene.newcomer(scene.put_door())
    scene.comes_from(newcomer, "192.0.2.1")
    used_up(scene, newcomer)
    assert newcomer.refused(ReadCard(newcomer.next_n())) == "rate_limited"
    scene.clock.advance(60)
    newcomer.ask(ReadCard(newcomer.next_n()), CardIs)


def test_a_network_that_had_too_much_sent_fetches_nothing() -> None:
    scene = Limited()
    scene.open()
    park = Park(scene.host.next_n(), b"s" * 16, sha256(b"t" * 32).digest(), b"sealed")
    scene.host.ask(park, Done)
    scene.host.link.close()
    holder = Person(scene)
    scene.comes_from(holder, "192.0.2.1")
    used_up(scene, holder)
    fetch = Fetch(1, scene.room.id, b"s" * 16, b"t" * 32)
    assert holder.refused(fetch) == "rate_limited"
    scene.clock.advance(60)
    holder.ask(fetch, Fetched)


def test_a_network_that_had_too_much_sent_reads_no_chain() -> None:
    scene = Limited()
    scene.open()
    scene.comes_from(scene.host, "192.0.2.1")
    used_up(scene, scene.host)
    assert scene.host.refused(ReadChain(scene.host.next_n(), 0)) == "rate_limited"
    scene.clock.advance(60)
    scene.host.ask(ReadChain(scene.host.next_n(), 0), ChainIs)


def test_parts_of_a_chain_count_for_the_network() -> None:
    scene = Limited()
    scene.open()
    scene.comes_from(scene.host, "192.0.2.1")
    before = left_of(scene.host)
    part = scene.host.ask(ReadChain(scene.host.next_n(), 0), ChainIs)
    assert before - left_of(scene.host) == len(part.entries)


def test_pages_of_the_log_count_for_the_network() -> None:
    scene = Limited()
    scene.open()
    scene.host.beat()
    scene.host.say(bytes(1000))
    scene.comes_from(scene.host, "192.0.2.1")
    before = left_of(scene.host)
    scene.host.resume(bytes(16))
    assert before - left_of(scene.host) >= 1000

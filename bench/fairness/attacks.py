"""The attacks. Each prepares with `port`, and then, when it is told to, attacks for some seconds.

python -m bench.fairness.attacks NAME PORT SECONDS      # prints READY, waits for a line
"""

from __future__ import annotations

import os
import resource
import ssl
import sys
import time
from collections.abc import Callable
from typing import Final

from alcove_protocol import limits
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import (
    BlobClass,
    EndRoom,
    Knock,
    LobbyRequest,
    OpenRoom,
    Publish,
    PutDoor,
    ReadCard,
    Reseat,
    Resume,
    Settle,
    Withdraw,
)
from alcove_protocol.labels import Label
from alcove_protocol.roster import NO_HASH, Change, Op, Seat
from alcove_protocol.statements import DoorStatement, ReseatStatement, Signed
from nacl.signing import SigningKey

from bench.fairness.crowd import Crowd, posts
from bench.fairness.stage import (
    Hall,
    at_door,
    bare,
    member_proof,
    source,
    upgrade_request,
)
from bench.fanout.alcove_wire import Member
from bench.fanout.wires import masked
from tests.server.keys import Door, Facilitated, answer, public, sign

Go = Callable[[float], None]
"""Attacks for so many seconds."""
Prepare = Callable[[int], Go]

BIG: Final = 30_000


def _once(crowd: Crowd, *messages: bytes) -> Go:
    """Each connection sends all of its messages at once; what comes is read."""

    def go(seconds: float) -> None:
        for number, link in enumerate(crowd.all):
            crowd.send(link, messages[number % len(messages)])
        crowd.pump(seconds)

    return go


def _again(crowd: Crowd, make: Callable[[], bytes], pause: float) -> Go:
    """Each connection sends more and more, as fast as the relay takes it."""

    def go(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(crowd):
            for link in crowd.all:
                if not crowd.waiting(link):
                    crowd.send(link, make())
            crowd.pump(pause)

    return go


def _hall(port: int, connected: int = 57, net: int = 31) -> tuple[Hall, Crowd]:
    hall = Hall(port, connected, net, one_network=connected < 58)
    return hall, Crowd([one.stream for one in hall.members])


def nothing(port: int) -> Go:
    """Peace."""
    return lambda seconds: time.sleep(seconds)


def burst(port: int) -> Go:
    """57 members publish 115 small blobs each, in one write."""
    hall, crowd = _hall(port)
    return _once(crowd, *(posts(hall.base, 115) for _ in crowd.all))


def burst_large(port: int) -> Go:
    """The same with 50 blobs of 30 KB each."""
    hall, crowd = _hall(port)
    return _once(crowd, *(posts(hall.base, 50, BIG) for _ in crowd.all))


def sustained(port: int) -> Go:
    """57 members publish as fast as the relay reads."""
    hall, crowd = _hall(port)
    return _again(crowd, lambda: posts(hall.base, 20), 0.02)


def crowd_of_500(port: int) -> Go:
    """500 members of ten networks publish ten blobs of 1 KB each at once, again and again."""
    hall, crowd = _hall(port, 500)
    return _again(crowd, lambda: posts(hall.base, 10, 1000), 0.05)


def many_rooms(port: int) -> Go:
    """30 rooms of 10, each with one who publishes blobs of 30 KB."""
    halls = [Hall(port, 10, 41 + number // 5) for number in range(30)]
    crowds = [Crowd([one.stream for one in hall.members]) for hall in halls]

    def go(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for hall, crowd in zip(halls, crowds, strict=True):
                if crowd.all and not crowd.waiting(crowd.all[0]):
                    crowd.send(crowd.all[0], posts(hall.base, 20, BIG))
                crowd.pump(0.001)

    return go


def beats(port: int) -> Go:
    """A facilitator's heartbeats of 30 KB to 300 members."""
    hall, crowd = _hall(port, 300)
    first = crowd.all[0]

    def go(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(crowd):
            if not crowd.waiting(first):
                crowd.send(first, posts(hall.base, 20, BIG, BlobClass.BEAT, 90))
            crowd.pump(0.02)

    return go


def deaf(port: int) -> Go:
    """300 members read nothing, while three of them publish blobs of 30 KB."""
    hall = Hall(port, 300, 32)
    crowd = Crowd([one.stream for one in hall.members], reads=False)

    def go(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(crowd):
            for link in crowd.all[:3]:
                if not crowd.waiting(link):
                    crowd.send(link, posts(hall.base, 10, BIG))
            crowd.pump(0.05)

    return go


def cards(port: int) -> Go:
    """58 newcomers of two networks ask 116 times for its card of 32 KB."""
    hall, door = Hall(port, 2, 33), Door(card=os.urandom(limits.CARD))
    hall.put_door(door)
    crowd = Crowd([at_door(port, hall, door, f"127.34.{n // 40}.1").stream for n in range(58)])
    return _once(crowd, b"".join(masked(ReadCard(n).to_bytes()) for n in range(2, 118)))


def resumes(port: int) -> Go:
    """57 members ask again and again for a log of 2.4 MB."""
    hall, crowd = _hall(port)
    for link in crowd.all[:8]:
        crowd.send(link, posts(hall.base, 10, limits.APPLICATION_BLOB - 10, ttl=600))
    crowd.pump(1.5)
    resume = masked(Resume(7, bytes(16), 0).to_bytes())
    return _again(crowd, lambda: 4 * resume, 0.3)


def chains(port: int) -> Go:
    """Six clients restore one room, with a chain of 1.5 MB."""
    room = Facilitated()
    size, key = 0, public(SigningKey.generate())
    while size < limits.ROSTER_CHAIN * 3 // 4:
        known = key in room.roster.seats
        change = Change(Op.REMOVE, key) if known else Change(Op.ADD, key, Seat(bytes(8)))
        entry = room.entry([change], base=bytes(16), commit=b"c")
        room.take(entry)
        size += len(entry.encode()) + 4
    said = ReseatStatement(
        room=room.id, relay_key=public(room.relay_key), head=room.roster.head, commit=NO_HASH
    )
    signed = sign(room.relay_key, Label.RESEAT, said)
    packed = pack_list([one.encode() for one in room.chain])
    frame = masked(Reseat(2, signed.body, signed.signature, packed, b"", b"").to_bytes())
    return _once(Crowd([_restoring(port, room).stream for _ in range(6)]), frame)


def _restoring(port: int, room: Facilitated) -> Member:
    from alcove_protocol.frames import Authenticate, Authenticated

    member = Member(port, room.relay_key, "127.35.1.1")
    said = answer(room.relay_key, room.id, "reseat", member._nonce, host=member._host)
    signed = sign(room.relay_key, Label.CHALLENGE, said)
    opening = room.chain[0].encode()
    member.ask(Authenticate(1, signed.body, signed.signature, None, opening), Authenticated)
    return member


def restating(port: int) -> Go:
    """Facilitators of three rooms state a list of a thousand anew, as often as they may."""
    halls = [Hall(port, 2, 36 + number) for number in range(3)]
    keys = [[SigningKey.generate() for _ in range(998)] for _ in halls]
    # A room of two takes no thousand: these rooms are made for them.
    for hall in halls:
        hall.seated = hall.seated.__class__(port, 999, source(39, 0))
        hall.members = [hall.seated.facilitator]

    def go(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for hall, some in zip(halls, keys, strict=True):
                frame = hall.restated(some)
                try:
                    from alcove_protocol.frames import Published

                    hall.seated.base = hall.members[0].ask(frame, Published).position
                except ConnectionError:
                    time.sleep(0.2)
                    continue
                assert frame.entry is not None
                assert frame.signature is not None
                hall.seated.room.take(Signed(frame.entry, frame.signature))

    return go


def dismissal(port: int) -> Go:
    """A facilitator states a list without its 500 connected members."""
    hall, crowd = _hall(port, 500)
    return _to_first(crowd, masked(hall.restated([]).to_bytes()))


def end_of_a_room(port: int) -> Go:
    """A facilitator ends a room with 500 connected members."""
    hall, crowd = _hall(port, 500)
    signed = hall.seated.room.end(hall.seated.keys[0])
    return _to_first(crowd, masked(EndRoom(99, signed.body, signed.signature).to_bytes()))


def _to_first(crowd: Crowd, frame: bytes) -> Go:
    def go(seconds: float) -> None:
        crowd.send(crowd.all[0], frame)
        crowd.pump(seconds)

    return go


def rooms(port: int) -> Go:
    """60 connections from the shared address open seven rooms each."""
    crowd = Crowd([Member(port, SigningKey.generate()).stream for _ in range(60)])
    frames = []
    for _ in crowd.all:
        made = [Facilitated().chain[0] for _ in range(7)]
        frames.append(
            b"".join(
                masked(OpenRoom(n, one.body, one.signature).to_bytes())
                for n, one in enumerate(made, 1)
            )
        )
    return _once(crowd, *frames)


def knocks(port: int) -> Go:
    """40 newcomers from the shared address knock and withdraw, again and again."""
    hall, door = Hall(port, 2, 43), Door()
    hall.put_door(door)
    listening = [one.stream for one in hall.members]
    crowd = Crowd([at_door(port, hall, door, "127.0.0.1").stream for _ in range(40)])
    for one in listening:
        crowd.add(one.socket)

    def pair() -> bytes:
        knock = Knock(2, os.urandom(16), os.urandom(16_000))
        return masked(knock.to_bytes()) + masked(Withdraw(3).to_bytes())

    return _again(crowd, lambda: pair() + pair(), 0.1)


def doors(port: int) -> Go:
    """15 facilitators put and revoke doors with cards of 32 KB."""
    halls = [Hall(port, 2, 44 + number // 5) for number in range(15)]
    crowd = Crowd([hall.members[0].stream for hall in halls])

    def frames(hall: Hall) -> bytes:
        out, key = b"", hall.seated.keys[0]
        for _ in range(10):
            door = Door(card=os.urandom(32_000))
            put = door.statement(hall.seated.room)
            gone = DoorStatement(
                room=hall.seated.room.id,
                door=door.id,
                door_key=public(door.key),
                uses=0,
                ttl=0,
                card_number=2,
                card_hash=bytes(32),
            )
            revoke = sign(key, Label.DOOR, gone)
            out += masked(PutDoor(5, put.body, put.signature, door.card).to_bytes())
            out += masked(PutDoor(6, revoke.body, revoke.signature, b"").to_bytes())
        return out

    made = {link: frames(hall) for link, hall in zip(crowd.all, halls, strict=True)}
    return _once(crowd, *(made[link] for link in crowd.all))


def requests(port: int) -> Go:
    """57 members send the facilitator requests of 32 KB, and settle what nobody asked."""
    _, crowd = _hall(port)

    def some() -> bytes:
        asked = LobbyRequest(5, os.urandom(16), os.urandom(limits.REQUEST - 100), None)
        return masked(asked.to_bytes()) + 10 * masked(Settle(6, bytes(16)).to_bytes())

    return _again(crowd, some, 0.1)


def heads(port: int) -> Go:
    """200 connections send a long head byte by byte."""
    crowd = Crowd([bare(port, f"127.47.{n // 100}.1") for n in range(200)])
    for link in crowd.all:
        crowd.send(link, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 15_000)
    return _again(crowd, lambda: b"a", 0.002)


def prefixes(port: int) -> Go:
    """3,000 connections, each from a network of its own."""

    def go(seconds: float) -> None:
        held = [bare(port, f"127.{100 + n // 250}.{n % 250}.1") for n in range(3000)]
        time.sleep(seconds)
        for one in held:
            one.close()

    return go


def handshakes(port: int) -> Go:
    """1,000 connections from 20 networks ask for their upgrade in one moment."""
    crowd = Crowd([bare(port, source(48, n)) for n in range(1000)])
    return _once(crowd, upgrade_request(port))


def proofs(port: int) -> Go:
    """500 members of a room prove their keys in one moment."""
    hall = Hall(port, 2, 49)
    hall.seated = hall.seated.__class__(port, 500, source(49, 60))
    members = [
        Member(port, hall.seated.keys[n], source(50, n)) for n in range(1, len(hall.seated.keys))
    ]
    sent = [member_proof(one, hall.seated.room.id) for one in members]
    return _once(Crowd([one.stream for one in members]), *sent)


def wrong_proofs(port: int) -> Go:
    """As many connections answer the challenge with a wrong signature."""
    members = [Member(port, SigningKey.generate(), source(51, n)) for n in range(500)]
    sent = [member_proof(one, os.urandom(32))[:-1] + b"x" for one in members]
    return _once(Crowd([one.stream for one in members]), *sent)


def silence(port: int) -> Go:
    """1,000 connections get their challenge and say nothing until all are late together."""
    members = [Member(port, SigningKey.generate(), source(52, n)) for n in range(1000)]
    crowd = Crowd([one.stream for one in members])
    return lambda seconds: crowd.pump(max(seconds, 11))


def pages(port: int) -> Go:
    """300 connections ask 50 times each for a page, in one write."""
    crowd = Crowd([bare(port, source(53, n)) for n in range(300)])
    return _once(crowd, b"GET /join HTTP/1.1\r\nHost: a\r\n\r\n" * 50)


def halves(port: int) -> Go:
    """58 connections hold half a message each before they prove anything."""
    members = [Member(port, SigningKey.generate(), "127.54.1.1") for _ in range(58)]
    return _once(Crowd([one.stream for one in members]), masked(bytes(65_500))[:-400])


def large_halves(port: int) -> Go:
    """150 members of three networks hold half a megabyte of a commit each."""
    hall, crowd = _hall(port, 150, 55)
    frame = Publish(5, bytes(16), hall.base, BlobClass.COMMIT, 60, bytes(900_000)).to_bytes()
    return _once(crowd, masked(frame)[:500_000])


def fragments(port: int) -> Go:
    """58 connections send fragments of one byte, and pings between."""
    members = [Member(port, SigningKey.generate(), "127.56.1.1") for _ in range(58)]
    crowd = Crowd([one.stream for one in members])
    whole = masked(b"x", 0x02) + masked(b"x", 0x00) * 126 + masked(b"x", 0x80)
    return _once(crowd, whole * 3 + (masked(b"x" * 64, 0x02) + masked(b"x" * 64, 0x00) * 1000))


def pings(port: int) -> Go:
    """58 connections send 20,000 pings each."""
    members = [Member(port, SigningKey.generate(), "127.57.1.1") for _ in range(58)]
    return _once(Crowd([one.stream for one in members]), masked(b"", 0x89) * 20_000)


def nested(port: int) -> Go:
    """57 members send frames that are nested too deep, and come with many fields."""
    _, crowd = _hall(port)
    odd = masked(b"\xde\x00\x20" + b"".join(b"\xa2%02d\x01" % n for n in range(32)))
    return _once(crowd, odd * 200)


def records(port: int) -> Go:
    """30 connections send TLS records of one byte each."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    links = []
    for _ in range(30):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secure, link = context.wrap_bio(incoming, outgoing), bare(port, "127.58.1.1")
        while True:
            try:
                secure.do_handshake()
            except ssl.SSLWantReadError:
                link.sendall(outgoing.read())
                incoming.write(link.recv(1 << 16))
            else:
                link.sendall(outgoing.read())
                break
        for _ in range(11_000):
            secure.write(b"a")
        links.append((link, outgoing.read()))
    crowd = Crowd([link for link, _ in links])
    return _once(crowd, *(data for _, data in links))


ATTACKS: Final[dict[str, Prepare]] = {
    one.__name__.replace("_", "-"): one
    for one in (
        nothing, burst, burst_large, sustained, crowd_of_500, many_rooms, beats, deaf, cards,
        resumes, chains, restating, dismissal, end_of_a_room, rooms, knocks, doors, requests,
        heads, prefixes, handshakes, proofs, wrong_proofs, silence, pages, halves, large_halves,
        fragments, pings, nested, records,
    )
}  # fmt: skip
OVER_TLS: Final = frozenset({"records"})


def main(name: str, port: int, seconds: float) -> None:
    """Prepare, wait, attack."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    go = ATTACKS[name](port)
    print("READY", flush=True)
    sys.stdin.readline()
    go(seconds)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))

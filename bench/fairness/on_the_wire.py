"""Attacks of strangers, who prove nothing: on accepting, upgrading, proving and parsing."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import time

from nacl.signing import SigningKey

from bench.fairness.crowd import Crowd, Go, again, once
from bench.fairness.stage import (
    bare,
    member_proof,
    source,
    trusting,
    upgrade_request,
)
from bench.fanout.alcove_wire import Member, SeatedRoom
from bench.fanout.wires import masked


def heads(port: int) -> Go:
    """200 connections send a long head byte by byte."""
    crowd = Crowd([bare(port, f"127.47.{n // 100}.1") for n in range(200)])
    for link in crowd.all:
        crowd.send(link, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 15_000)
    return again(crowd, lambda: b"a", 0.002)


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
    return once(crowd, upgrade_request(port))


def proofs(port: int) -> Go:
    """500 members of a room prove their keys in one moment."""
    seated = SeatedRoom(port, 500, source(49, 60))
    members = [Member(port, key, source(50, n)) for n, key in enumerate(seated.keys[1:], 1)]
    sent = [member_proof(one, seated.room.id) for one in members]
    return once(Crowd([one.stream for one in members]), *sent)


def wrong_proofs(port: int) -> Go:
    """As many connections answer the challenge with a wrong signature."""
    members = [Member(port, SigningKey.generate(), source(51, n)) for n in range(500)]
    sent = [member_proof(one, os.urandom(32))[:-1] + b"x" for one in members]
    return once(Crowd([one.stream for one in members]), *sent)


def silence(port: int) -> Go:
    """1,000 connections get their challenge in one moment, and say nothing until all are late."""
    crowd = Crowd([bare(port, source(52, n)) for n in range(1000)])
    asking = once(crowd, upgrade_request(port))
    return lambda seconds: asking(max(seconds, 12))


def pages(port: int) -> Go:
    """300 connections ask 50 times each for a page, in one write."""
    crowd = Crowd([bare(port, source(53, n)) for n in range(300)])
    return once(crowd, b"GET /join HTTP/1.1\r\nHost: a\r\n\r\n" * 50)


def halves(port: int) -> Go:
    """58 connections hold half a message each before they prove anything."""
    members = [Member(port, SigningKey.generate(), "127.54.1.1") for _ in range(58)]
    return once(Crowd([one.stream for one in members]), masked(bytes(65_500))[:-400])


def fragments(port: int) -> Go:
    """58 connections send fragments of one byte, and pings between."""
    members = [Member(port, SigningKey.generate(), "127.56.1.1") for _ in range(58)]
    crowd = Crowd([one.stream for one in members])
    whole = masked(b"x", 0x02) + masked(b"x", 0x00) * 126 + masked(b"x", 0x80)
    return once(crowd, whole * 3 + (masked(b"x" * 64, 0x02) + masked(b"x" * 64, 0x00) * 1000))


def pings(port: int) -> Go:
    """58 connections send 20,000 pings each."""
    members = [Member(port, SigningKey.generate(), "127.57.1.1") for _ in range(58)]
    return once(Crowd([one.stream for one in members]), masked(b"", 0x89) * 20_000)


def records(port: int) -> Go:
    """30 connections send a long head in TLS records of one byte each."""
    links = []
    for _ in range(30):
        link, secure, outgoing = _tls(port, "127.58.1.1")
        secure.write(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        for _ in range(14_000):
            secure.write(b"a")
        links.append((link, outgoing.read()))
    crowd = Crowd([link for link, _ in links])
    return once(crowd, *(data for _, data in links))


def hellos(port: int) -> Go:
    """1,000 connections from 20 networks begin with TLS in one moment."""
    hello = _hello()[2].read()
    return once(Crowd([bare(port, source(59, n)) for n in range(1000)]), hello)


def _hello() -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
    """A client that trusts any certificate, and has written its first flight."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    secure = trusting().wrap_bio(incoming, outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        secure.do_handshake()
    return secure, incoming, outgoing


def _tls(port: int, address: str) -> tuple[socket.socket, ssl.SSLObject, ssl.MemoryBIO]:
    """A connection whose handshake is done, and where its records are written to."""
    secure, incoming, outgoing = _hello()
    link = bare(port, address)
    while True:
        link.sendall(outgoing.read())
        incoming.write(link.recv(1 << 16))
        with contextlib.suppress(ssl.SSLWantReadError):
            secure.do_handshake()
            link.sendall(outgoing.read())
            return link, secure, outgoing

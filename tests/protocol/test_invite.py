"""Invites: one link, one spelling; what is odd is refused with words for a person."""

import base64
import textwrap

import pytest
from alcove_protocol.errors import FAULTS, Malformed
from alcove_protocol.invite import Invite, InviteRole, door_id_of, hkdf_sha256, origin_of
from alcove_protocol.labels import hash_with
from hypothesis import given
from hypothesis import strategies as st

from tests.growth import LINEAR, growth
from tests.protocol.support import ROOM, refused, taken

SECRET = bytes(range(32))
DOOR = door_id_of(ROOM, SECRET)
INVITE = Invite(InviteRole.PARTICIPANT, DOOR, ROOM, "https://relay.example", SECRET)
CODES = frozenset({"bad_invite", "invite_version"})


def fragment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def content(
    version: int = 1,
    role: int = 0,
    tail: bytes = b"",
    *,
    door: bytes = DOOR,
    origin: bytes = b"https://relay.example",
) -> bytes:
    """With a right check, so that what is wrong is the only thing that is."""
    fixed = bytes([version, role]) + door + ROOM + SECRET
    return fixed + hash_with("invite", fixed, tail or origin)[:4] + tail


GOOD = INVITE.url()
ELSEWHERE = INVITE.url("https://chat.example")
LINKS = (GOOD, ELSEWHERE, INVITE.url("http://relay.example:8400"))

hosts = st.from_regex(r"[a-z0-9-]{1,20}(\.[a-z]{2,8}){0,3}", fullmatch=True) | st.sampled_from(
    ["127.0.0.1", "[::1]", "[2001:db8::7]", "abcdefgh.onion", "xn--bcher-kva.example"]
)
origins = st.builds(
    lambda scheme, host, port: origin_of(f"{scheme}://{host}{port}"),
    st.sampled_from(["http", "https"]),
    hosts,
    st.just("") | st.integers(1, 65535).map(lambda port: f":{port}"),
)
invites = st.builds(
    lambda role, room, origin, secret: Invite(role, door_id_of(room, secret), room, origin, secret),
    st.sampled_from(InviteRole),
    st.binary(min_size=32, max_size=32),
    origins,
    st.binary(min_size=32, max_size=32),
)


@given(invites, st.none() | origins)
def test_invites_come_back(invite: Invite, elsewhere: str | None) -> None:
    url = invite.url(elsewhere)
    assert Invite.parse(url) == invite
    assert Invite.parse(f" {url}\n") == invite
    assert url.startswith(f"{elsewhere or invite.origin}/join#")
    assert "=" not in url


def test_the_relays_own_link_does_not_name_it_again() -> None:
    own = INVITE.url().partition("#")[2]
    assert base64.urlsafe_b64decode(own + "=" * (-len(own) % 4)) == content()
    assert len(own) == 104
    assert INVITE.url("https://relay.example/") == INVITE.url()
    elsewhere = INVITE.url("https://chat.example/sub/")
    assert elsewhere.startswith("https://chat.example/sub/join#")
    assert Invite.parse(elsewhere) == INVITE


def test_the_secret_is_in_the_fragment_only_and_does_not_print() -> None:
    before = GOOD.partition("#")[0]
    assert before == "https://relay.example/join"
    assert "secret" not in repr(INVITE)
    assert repr(SECRET) not in repr(INVITE)


BAD: dict[str, tuple[str, str]] = {
    "nothing": ("", "bad_invite"),
    "no fragment": ("https://relay.example/join", "bad_invite"),
    "an empty fragment": ("https://relay.example/join#", "bad_invite"),
    "a fragment alone": ("#" + fragment(content()), "bad_invite"),
    "cut off": (GOOD[:-1], "bad_invite"),
    "cut off by a quantum": (GOOD[:-4], "bad_invite"),
    "one letter": ("https://relay.example/join#A", "bad_invite"),
    "padding characters": (GOOD + "=", "bad_invite"),
    "the other alphabet": (f"https://relay.example/join#{'+' * 99}", "bad_invite"),
    "leftover bits": (ELSEWHERE[:-1] + chr(ord(ELSEWHERE[-1]) + 1), "bad_invite"),
    "a newline within": (GOOD[:60] + "\n" + GOOD[60:], "bad_invite"),
    "a newline in the host": (GOOD.replace("relay", "re\nlay"), "bad_invite"),
    "a space within": (GOOD[:60] + " " + GOOD[60:], "bad_invite"),
    "two fragments": (GOOD + "#a", "bad_invite"),
    "letters of another script": (GOOD + "é", "bad_invite"),
    "half of a surrogate pair": (GOOD + "\ud800", "bad_invite"),
    "too long": (f"https://relay.example/{'a' * 1000}#{fragment(content())}", "bad_invite"),
    "a very long fragment": ("https://relay.example/join#" + "A" * 1_000_000, "bad_invite"),
    "no version": ("https://relay.example/join#=", "bad_invite"),
    "version 0": (f"https://relay.example/join#{fragment(content(0))}", "invite_version"),
    "version 2": (f"https://relay.example/join#{fragment(content(2))}", "invite_version"),
    "a short one of a later version": ("https://relay.example/join#Ag", "invite_version"),
    "role 1": (f"https://relay.example/join#{fragment(content(role=1))}", "bad_invite"),
    "role 255": (f"https://relay.example/join#{fragment(content(role=255))}", "bad_invite"),
    "no origin at all": (f"join#{fragment(content())}", "bad_invite"),
    "no origin, but one in the fragment": (
        f"join#{fragment(content(tail=b'https://relay.example'))}",
        "bad_invite",
    ),
    "another door": (
        f"https://relay.example/join#{fragment(content(door=bytes(8)))}",
        "bad_invite",
    ),
    "a script": (f"javascript:alert()#{fragment(content())}", "bad_invite"),
}
TAILS = {
    "a path": b"https://relay.example/",
    "a query": b"https://relay.example?x",
    "a socket": b"wss://relay.example",
    "capital letters": b"https://Relay.example",
    "a default port": b"https://relay.example:443",
    "a user": b"https://me@relay.example",
    "a trailing dot": b"https://relay.example.",
    "not UTF-8": b"https://relay.example\xff",
    "a file": b"file:///etc/passwd",
    "only a host": b"relay.example",
    "a space": b" https://relay.example",
    "NUL": b"\0",
}


@pytest.mark.parametrize(("url", "code"), BAD.values(), ids=BAD.keys())
def test_bad_links(url: str, code: str) -> None:
    with refused(code):
        Invite.parse(url)


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS.keys())
def test_a_relay_named_in_the_fragment_is_an_origin_and_nothing_else(tail: bytes) -> None:
    with refused("bad_invite"):
        Invite.parse(f"https://chat.example/join#{fragment(content(tail=tail))}")


ORIGINS = {
    "https://relay.example": "https://relay.example",
    "https://relay.example/": "https://relay.example",
    "https://relay.example/v1/connect?a=b#c": "https://relay.example",
    "HTTPS://Relay.EXAMPLE": "https://relay.example",
    "wss://relay.example/v1/connect": "https://relay.example",
    "ws://127.0.0.1:8080": "http://127.0.0.1:8080",
    "https://relay.example:443": "https://relay.example",
    "http://relay.example:80": "http://relay.example",
    "http://relay.example:443": "http://relay.example:443",
    "https://relay.example:": "https://relay.example",
    "https://relay.example:08443": "https://relay.example:8443",
    "https://relay.example:65535": "https://relay.example:65535",
    "https://[::1]:8443/": "https://[::1]:8443",
    "https://[0:0:0::0:1]": "https://[::1]",
    "https://[2001:DB8::A]": "https://[2001:db8::a]",
    "https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
    "http://localhost:8080": "http://localhost:8080",
    "http://my_relay:8080": "http://my_relay:8080",
    f"https://{'a' * 63}.example": f"https://{'a' * 63}.example",
}
NO_ORIGINS = [
    "",
    "relay.example",
    "//relay.example",
    "https:relay.example",
    "https://",
    "https:///join",
    "https://:443",
    "ftp://relay.example",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://relay.example:0",
    "https://relay.example:65536",
    "https://relay.example:99999",
    "https://relay.example:" + "1" * 5000,
    "https://relay.example:-1",
    "https://relay.example:+1",
    "https://relay.example:8_0",
    "https://relay.example:port",
    "https://relay.example:4٣",
    "https://user@relay.example",
    "https://user:word@relay.example",
    "https://@relay.example",
    "https://:@relay.example",
    "https://relay.example.",
    "https://relay..example",
    "https://.relay.example",
    "https://bücher.example",
    "https://ｒelay.example",
    "https://relay。example",
    "https://relay.example\u200b",
    "https://re lay.example",
    "https://re\nlay.example",
    "https://re\tlay.example",
    "https://relay.example\r\n",
    "https://relay.example/\x00",
    "https://relay%2eexample",
    "https://relay.example\\@evil.example",
    "https://relay;example",
    "https://[::1",
    "https://::1",
    "https://[::1]x",
    "https://x[::1]",
    "https://[::1%25eth0]",
    "https://[fe80::1%eth0]",
    "https://[127.0.0.1]",
    "https://[relay.example]",
    "https://[v1.x]",
    "https://[]",
    "https://" + "a" * 64 + ".example",
    "https://" + "a." * 127 + "example",
    "https://relay.example/\ud800",
]


@pytest.mark.parametrize(("url", "origin"), ORIGINS.items(), ids=ORIGINS.keys())
def test_origins(url: str, origin: str) -> None:
    assert origin_of(url) == origin
    assert origin_of(origin) == origin


@pytest.mark.parametrize("url", NO_ORIGINS, ids=ascii)
def test_what_is_no_origin(url: str) -> None:
    with pytest.raises(ValueError, match=r"^not the (address|port) of a relay$"):
        origin_of(url)
    with refused("bad_invite"):
        Invite.parse(f"{url}#{fragment(content())}")


@given(st.text(max_size=60) | st.text(max_size=40).map(lambda text: f"https://{text}"))
def test_arbitrary_addresses_raise_nothing_but_value_errors(url: str) -> None:
    try:
        origin = origin_of(url)
    except ValueError:
        origin = "https://relay.example"
    assert origin_of(origin) == origin
    assert origin.isascii()


@given(st.text(max_size=120) | st.text(max_size=60).map(lambda text: GOOD + text))
def test_arbitrary_links_raise_nothing_but_malformed(url: str) -> None:
    invite = taken(Invite.parse, url, CODES)
    assert invite is None or Invite.parse(invite.url()) == invite


@given(st.binary(min_size=60, max_size=140))
def test_arbitrary_contents_raise_nothing_but_malformed(data: bytes) -> None:
    fixed, tail = bytes([1]) + data[:73], data[77:]
    check = hash_with("invite", fixed, tail or b"https://chat.example")[:4]
    link = f"https://chat.example/join#{fragment(fixed + check + tail)}"
    invite = taken(Invite.parse, link, CODES)
    assert invite is None or Invite.parse(invite.url("https://chat.example")) == invite


@given(st.integers(0, len(GOOD) - 1), st.characters(max_codepoint=0x17F))
def test_a_mutated_link_is_refused_or_another_invite(at: int, letter: str) -> None:
    url = GOOD[:at] + letter + GOOD[at + 1 :]
    invite = taken(Invite.parse, url, CODES)
    if at >= GOOD.index("#") and letter != GOOD[at]:
        assert invite != INVITE


def is_told(link: str) -> bool:
    """Whether the reader refuses it, with the sentence that says what to do."""
    try:
        Invite.parse(link)
    except Malformed as error:
        return (error.code, str(error)) == ("bad_invite", FAULTS["bad_invite"])
    return False


@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_is_cut_anywhere_is_told(link: str) -> None:
    for at in range(len(link)):
        assert is_told(link[:at]), at
        assert is_told(link[at + 1 :]), at
    for start in range(link.index("#") + 1, len(link)):
        for end in range(start + 1, len(link) + 1):
            assert not is_read(link[:start] + link[end:]), (start, end)


def is_read(link: str) -> bool:
    try:
        Invite.parse(link)
    except Malformed:
        return False
    return True


@pytest.mark.parametrize("link", LINKS)
def test_a_character_dropped_doubled_or_swapped_leads_to_no_other_room(link: str) -> None:
    """Nothing reads the path, and the host before the fragment is not the relay's in every link."""
    told = 0
    for at in range(len(link)):
        changed = {
            link[:at] + link[at + 1 :],
            link[: at + 1] + link[at:],
            link[:at] + link[at + 1 : at + 2] + link[at] + link[at + 2 :],
        } - {link}
        for other in changed:
            if is_read(other):
                assert Invite.parse(other) == INVITE
                assert at < link.index("#")
            told += not is_read(other)
    assert told > 2 * 104


def test_a_mistyped_host_of_the_relays_own_link_is_told() -> None:
    for wrong in ("http://relay.example", "https://relay.exampel", "https://relay.example:8443"):
        assert is_told(GOOD.replace("https://relay.example", wrong))


@pytest.mark.parametrize("link", LINKS)
def test_parts_of_a_link_in_another_order_are_told(link: str) -> None:
    """Lines that a screen had wrapped, pasted the wrong way round."""
    start = link.index("#") + 1
    for width in range(8, 60):
        head, lines = link[:start], textwrap.wrap(link[start:], width, break_on_hyphens=False)
        for at in range(len(lines) - 1):
            swapped = [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
            if swapped != lines:
                assert not is_read(head + "".join(swapped))


@given(st.integers(0, len(GOOD) - 1), st.sampled_from("ABCxyz019-_"))
def test_a_mistyped_character_of_the_fragment_is_refused(at: int, letter: str) -> None:
    wrong = GOOD[:at] + letter + GOOD[at + 1 :]
    if at > GOOD.index("#") and wrong != GOOD:
        assert not is_read(wrong)


def test_long_links_cost_little() -> None:
    def link(size: int) -> str:
        return "https://" + "[" * size + "#" + "A" * size

    def parse(given: str) -> None:
        with refused("bad_invite"):
            Invite.parse(given)

    assert growth(link, parse, 2_000_000) < LINEAR


def test_the_longest_origins_still_make_a_link() -> None:
    name = ".".join(["a" * 60] * 4)
    invite = Invite(InviteRole.STANDBY, DOOR, ROOM, f"https://{name}:65535", SECRET)
    assert Invite.parse(invite.url(f"http://b{name[1:]}:65534")) == invite


@pytest.mark.parametrize(
    ("door", "room", "origin", "secret"),
    [
        (DOOR[:-1], ROOM, "https://relay.example", SECRET),
        (DOOR, ROOM + b"\0", "https://relay.example", SECRET),
        (DOOR, ROOM, "https://relay.example", SECRET[:-1]),
        (DOOR, ROOM, "https://relay.example/", SECRET),
        (DOOR, ROOM, "wss://relay.example", SECRET),
        (DOOR, ROOM, "", SECRET),
    ],
)
def test_an_invite_that_would_be_read_otherwise_is_not_made(
    door: bytes, room: bytes, origin: str, secret: bytes
) -> None:
    with pytest.raises(ValueError, match=r"size|origin|relay"):
        Invite(InviteRole.PARTICIPANT, door, room, origin, secret)


def test_hkdf_is_rfc_5869() -> None:
    """Appendix A.3, the case without salt, as far as one block goes."""
    secret = bytes([0x0B] * 22)
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    assert hkdf_sha256(secret, b"", 32).hex() == expected
    assert hkdf_sha256(secret, b"", 16).hex() == expected[:32]
    with pytest.raises(ValueError, match="one block"):
        hkdf_sha256(secret, b"", 33)


@given(invites, invites)
def test_the_three_keys_differ_and_are_of_one_room_and_door(one: Invite, other: Invite) -> None:
    keys = {one.door_seed(), one.lobby_psk(), one.card_key()}
    assert len(keys) == 3
    same = (one.secret, one.room, one.door) == (other.secret, other.room, other.door)
    assert (other.door_seed() == one.door_seed()) is same
    assert {len(key) for key in keys} == {32}


def test_a_door_id_is_of_one_secret_and_one_room() -> None:
    ids = {
        door_id_of(ROOM, bytes(32)),
        door_id_of(ROOM, b"\x01" * 32),
        door_id_of(bytes(32), bytes(32)),
    }
    assert {len(id) for id in ids} == {8}
    assert len(ids) == 3

"""Every prefix of every type, bytes behind the end, and what nests: refused by name."""

from __future__ import annotations

import pytest
from alcove import mls
from alcove.mls.codec import Reader, opaque
from alcove.mls.proposals import proposal_codec

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

# What has no end of its own, or reads a text: a prefix of it may be another right value.
_OPEN_ENDED: tuple[str, ...] = ("Invite", "wire.agreement", "unwrap", "peek", "receive", "unpad")
_OPEN_ENDED += ("Signed", "unpack", "roster_entry")
STRUCTURES = [t for t in TARGETS if not any(part in t.name for part in _OPEN_ENDED)]
_STEP = 97
"""Of a long encoding, every prefix near both ends and each 97th between."""


def prefixes(data: bytes) -> list[bytes]:
    ends = [*range(min(len(data), 400)), *range(max(0, len(data) - 200), len(data))]
    return [data[:size] for size in sorted({*ends, *range(0, len(data), _STEP)})]


@pytest.mark.parametrize("target", STRUCTURES, ids=lambda target: target.name)
def test_every_prefix_of_every_type_is_refused(target: Target) -> None:
    for seed in target.seeds:
        if not seed:
            continue
        try:
            target.run(seed)
        except target.refusals:
            continue  # a seed for the fuzzer that is not right by itself
        for prefix in prefixes(seed):
            with pytest.raises(target.refusals):
                target.run(prefix)
        for longer in (seed + b"\x00", seed + seed):
            with pytest.raises(target.refusals):
                target.run(longer)


def test_a_length_that_says_more_than_there_is_takes_no_memory() -> None:
    for claim in (b"\x80\x00\x10\x00", b"\xbf\xff\xff\xff", b"\x7f\xff", b"\x3f"):
        for read in (Reader.opaque, lambda r: r.vector(mls.Extension.read)):
            with pytest.raises(mls.MalformedMessage):
                read(Reader(claim + bytes(8)))


@pytest.mark.parametrize("depth", [1, 2, 10, 1_000, 100_000])
def test_extensions_inside_extensions_are_bytes_and_no_recursion(depth: int) -> None:
    """What is inside an extension is read by its users only: no parser goes down by itself."""
    data = b""
    for _ in range(depth):
        data = (b"\xf0\x01" + opaque(data))[: 2**20]
    extension = mls.Extension(0xF001, data)
    change = mls.GroupContextExtensions((extension,))
    written = proposal_codec.write(change)
    assert proposal_codec.decode(written) == change
    inner = mls.Extension(mls.ExtensionType.REQUIRED_CAPABILITIES, extension.encode())
    with pytest.raises(mls.MalformedMessage):
        mls.RequiredCapabilities.decode(inner.encode())


def test_a_count_of_elements_is_bounded_before_they_are_made() -> None:
    many = opaque(b"\x00\x01\x00" * 400_000)
    with pytest.raises(mls.MalformedMessage):
        Reader(many).vector(mls.Extension.read)

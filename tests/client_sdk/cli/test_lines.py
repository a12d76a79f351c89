"""Lines of bounded length, from any descriptor."""

import itertools
import os
from pathlib import Path

from alcove.cli.lines import Lines, LineSplitter, TooLong
from hypothesis import given
from hypothesis import strategies as st


def show(lines: list[bytes | TooLong]) -> list[bytes | None]:
    return [None if isinstance(line, TooLong) else line for line in lines]


@given(st.lists(st.binary(max_size=12)), st.lists(st.integers(0, 60)))
def test_cuts_in_the_stream_change_nothing(parts: list[bytes], cuts: list[int]) -> None:
    data = b"\n".join(parts)
    whole = LineSplitter(8)
    expected = show(whole.feed(data) + whole.end())
    piecewise = LineSplitter(8)
    got: list[bytes | TooLong] = []
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, end in itertools.pairwise(edges):
        got += piecewise.feed(data[start:end])
    assert show(got + piecewise.end()) == expected
    lines = data.split(b"\n")
    lines = lines[:-1] if not lines[-1] else lines
    assert expected == [line if len(line) <= 8 else None for line in lines]


def test_a_long_line_is_not_kept() -> None:
    splitter = LineSplitter(100)
    for _ in range(1000):
        assert splitter.feed(b"x" * 1000) == []
        assert len(splitter._held) <= 100
    assert show(splitter.feed(b"\nnext\n")) == [None, b"next"]


async def test_a_file_works_like_a_pipe(tmp_path: Path) -> None:
    file = tmp_path / "commands"
    file.write_bytes(b"first\nsecond\nthird")
    fd = os.open(file, os.O_RDONLY)
    try:
        lines = Lines(fd, 100)
        assert lines.first() == b"first"
        assert show([line async for line in lines]) == [b"second", b"third"]
        assert lines.first() is None
    finally:
        os.close(fd)


def test_a_descriptor_that_is_closed_is_an_end() -> None:
    read, write = os.pipe()
    os.close(read)
    os.close(write)
    assert Lines(read, 100).first() is None

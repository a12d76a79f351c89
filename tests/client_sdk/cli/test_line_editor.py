"""The line that a person types in plain mode."""

import pytest
from alcove.cli import wrapping
from alcove.cli.line_editor import LONGEST, Key, LineEditor, TypedLine
from hypothesis import given
from hypothesis import strategies as st

LEFT, RIGHT, HOME, END, DELETE = "\x1b[D", "\x1b[C", "\x1b[H", "\x1bOF", "\x1b[3~"
FAMILY = "👩‍👩‍👧"


def typed(keys: str) -> list[TypedLine | Key]:
    return LineEditor().feed(keys.encode())


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("hello\r", "hello"),
        ("helo" + LEFT + "l\n", "hello"),
        ("ello" + HOME + "h" + END + "!\r", "hello!"),
        ("hexllo" + HOME + RIGHT * 2 + DELETE + "\r", "hello"),
        ("one two three\x17\x17and\r", "one and"),
        ("wrong\x15right\r", "right"),
        ("ello\x01h\x05!\r", "hello!"),
        ("a" + FAMILY + "\x7fb\r", "ab"),
        ("e\u0301\x7f\r", ""),
        ("می\u200cخواهم\r", "می\u200cخواهم"),
        (FAMILY + "\r", FAMILY),
        ("a\x1b[99;99Zb\x1bcd\r", "abcd"),
        ("\x7f\x7f" + LEFT + RIGHT + DELETE + "a\r", "a"),
        ("a\tb\x07\x00c\r", "a bc"),
    ],
)
def test_keys_edit_the_line(keys: str, line: str) -> None:
    assert typed(keys) == [TypedLine(line)]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_paste_waits_for_enter_and_keeps_its_lines(end: str) -> None:
    pasted = f"\x1b[200~one{end}two\x1b[31m\x1b[201~"
    assert typed(pasted) == []
    assert typed(pasted + "!\r") == [TypedLine("one\ntwo[31m!")]


def test_control_d_is_no_end() -> None:
    assert typed("a\x04b\r") == [Key.CONTROL_D, TypedLine("ab")]


def test_a_line_is_bounded_and_nothing_of_it_is_lost() -> None:
    editor = LineEditor()
    assert editor.feed(b"x" * LONGEST) == []
    assert editor.feed(b"y") == [Key.FULL]
    assert editor.feed(b"\x1b[200~" + b"z" * 9 + b"\x1b[201~\r") == [
        Key.FULL,
        TypedLine("x" * LONGEST),
    ]


def test_a_line_that_was_not_sent_comes_back_unless_the_next_was_begun() -> None:
    editor = LineEditor()
    editor.restore("too early")
    assert editor.drawn(40) == ("too early", 9)
    editor.restore("another")
    assert editor.feed(b"!\r") == [TypedLine("too early!")]


@given(st.lists(st.sampled_from(["é", FAMILY, LEFT, "\x1b[200~a\nb\x1b[201~", "\x7f", "\r", "日"])))
def test_cuts_between_bytes_change_nothing(keys: list[str]) -> None:
    data = "".join(keys).encode()
    whole, bytewise = LineEditor(), LineEditor()
    expected = whole.feed(data)
    assert [done for byte in data for done in bytewise.feed(bytes([byte]))] == expected
    assert whole.drawn(20) == bytewise.drawn(20)


def test_a_long_line_is_drawn_by_looking_at_what_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A paste that is looked at as a whole, once for each of its letters, stops the heartbeats."""
    looked_at: list[str] = []
    cells = wrapping.cells

    def counted(text: str) -> int:
        looked_at.append(text)
        return cells(text)

    monkeypatch.setattr(wrapping, "cells", counted)
    editor = LineEditor()
    editor.feed(b"\x1b[200~" + b"x" * LONGEST + b"\x1b[201~")
    assert editor.drawn(80) == ("x" * 79, 79)
    assert len("".join(looked_at)) <= 2 * 80


@given(st.text(st.characters(), max_size=80), st.integers(4, 40), st.integers(0, 80))
def test_the_cursor_is_always_seen(text: str, columns: int, back: int) -> None:
    editor = LineEditor()
    editor.feed(text.replace("\r", "").replace("\n", "").encode("utf-8", "replace"))
    editor.feed(LEFT.encode() * back)
    shown, at = editor.drawn(columns)
    assert wrapping.cells(shown) < columns
    assert 0 <= at < columns

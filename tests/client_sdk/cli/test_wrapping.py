"""Nothing that others wrote begins a line of the terminal."""

import pytest
from alcove.cli import wrapping
from hypothesis import given
from hypothesis import strategies as st

WIDTHS = st.sampled_from([None, 1, 12, 20, 40, 80])


@given(st.text(st.characters()), WIDTHS)
def test_no_line_is_wider_than_the_terminal_or_stands_at_its_edge(
    raw: str, width: int | None
) -> None:
    lines = wrapping.wrap(f"Robin: {raw}", width, hanging=True)
    assert lines[0].startswith("Robin:")
    assert all(line.startswith("    ") for line in lines[1:])
    if width is not None:
        # A cluster that is wider than the whole line cannot be broken.
        assert all(wrapping.cells(line) <= max(width, wrapping.NARROWEST) for line in lines)
    below = wrapping.wrap(raw, width, hanging=False)
    assert all(line.startswith("    ") for line in below)


@given(st.text(st.characters(categories=("L", "N", "P", "Zs"))), st.sampled_from([12, 40]))
def test_no_letter_is_lost(raw: str, width: int) -> None:
    lines = wrapping.wrap(raw, width, hanging=False)
    assert "".join("".join(lines).split()) == "".join(wrapping.folded(raw).split())


def test_spaces_push_nothing_to_the_next_line() -> None:
    forged = "yes" + " " * 70 + "[room] Mara was removed by a facilitator."
    lines = wrapping.wrap(f"Robin: {forged}", 80, hanging=True)
    assert lines[0].startswith("Robin: yes [room] Mara")
    blanks = "\u00a0\u3000\u2800\u3164\u115f\uffa0\U0001d159"
    assert wrapping.wrap(f"Robin: a{blanks}b", 80, hanging=True) == ["Robin: a b"]


@pytest.mark.parametrize(("text", "columns"), [("ab", 2), ("日本", 4), ("e\u0301", 1), ("🌱", 2)])
def test_columns_are_counted_as_terminals_draw_them(text: str, columns: int) -> None:
    assert wrapping.cells(text) == columns

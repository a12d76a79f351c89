"""An invite as a QR code, in half blocks: two rows of the code in one line of the terminal."""

from typing import Final

QUIET: Final = 2
"""Light modules around the code. Four are usual; readers find the code with two."""
NO_SEGNO: Final = "QR codes need one more package: pip install 'alcove[cli]'."
_HALVES: Final = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}


class NoCode(Exception):
    """No code can be drawn. The sentence says why."""


def code(link: str, *, columns: int | None = None, rows: int | None = None) -> list[str]:
    """Return the lines of the code of `link`, dark on light. Raises `NoCode` when it is larger than
    `columns` and `rows`. A line for a sentence below it comes on top of these rows."""
    try:
        import segno
    except ImportError:
        raise NoCode(NO_SEGNO) from None
    made = segno.make(link, error="l", micro=False, boost_error=False)
    modules = [list(row) for row in made.matrix_iter(border=QUIET)]
    if len(modules) % 2:
        modules.append([0] * len(modules[0]))
    width, height = len(modules[0]), len(modules) // 2
    if (columns is not None and columns < width) or (rows is not None and rows < height):
        lines = "" if rows is None else f" and {height + 1} lines"
        raise NoCode(
            f"The code needs a window of {width} columns{lines}. Make this one larger, or use the "
            "link."
        )
    pairs = zip(modules[::2], modules[1::2], strict=True)
    return [
        "".join(_HALVES[_dark(a), _dark(b)] for a, b in zip(*pair, strict=True)) for pair in pairs
    ]


def _dark(module: int) -> int:
    return 1 if module else 0

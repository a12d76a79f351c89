"""An invite as a QR code."""

import builtins

import pytest
from alcove.cli import qr

from tests.client_sdk.cli.fake_room import INVITE


def test_the_code_is_the_link_dark_on_light() -> None:
    import segno

    lines = qr.code(INVITE, columns=80)
    modules = [
        list(row)
        for row in segno.make(INVITE, error="l", micro=False, boost_error=False).matrix_iter(
            border=qr.QUIET
        )
    ]
    drawn = []
    for line in lines:
        drawn.append([character in "▀█" for character in line])
        drawn.append([character in "▄█" for character in line])
    assert drawn[: len(modules)] == [[bool(module) for module in row] for row in modules]
    assert all(len(line) == len(modules[0]) for line in lines)


@pytest.mark.parametrize("size", [{"columns": 40}, {"rows": 18}])
def test_a_window_that_is_too_small_is_told(size: dict[str, int]) -> None:
    with pytest.raises(qr.NoCode, match="needs a window of"):
        qr.code(INVITE, **size)


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_segno(name: str, *rest: object, **more: object) -> object:
        if name == "segno":
            raise ImportError
        return real(name, *rest, **more)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(builtins, "__import__", without_segno)
    with pytest.raises(qr.NoCode, match="pip install"):
        qr.code(INVITE)

"""Write names.json of the SDK: which characters a name may have, and what looks alike.

Run it for a new version of Unicode only:

    uv run --no-project --with icu4py==1.2.0 python scripts/name_table.py

The data are those of the ICU library that the icu4py package carries. No platform's own tables are
read, so that every client judges by the same version: the file says which.
"""

import ctypes
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

OUTPUT: Final = Path(__file__).parents[1] / "client_sdk/alcove/joining/names.json"
ICU: Final = "78"
SETTLED: Final = 14
"""The version of Unicode that every platform has: Python 3.11's. Normalisation may change a newer
character on one platform and not on another, so the table leaves such ones out."""

# UIdentifierType of ICU's uchar.h (UTS 39, table 1).
NOT_NFKC, ALLOWED_TYPES, REFUSED_TYPES = 3, (8, 9, 10, 11), (1, 2, 3, 4)
# UProperty and UCharCategory of uchar.h.
EXTENDED_PICTOGRAPHIC, EMOJI_MODIFIER, REGIONAL_INDICATOR = 64, 59, 62
JOINING_TYPE = 0x1007
MARKS, SPACES_AND_SIGNS = {6, 7, 8}, {12, 13, 14, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29}
NONSPACING, VIRAMA = {6, 7}, 9
EXTRA: Final = "&_+,!"
"""Signs that names are written with, beside those that UTS 39 includes."""
LEFT_OUT: Final = ":\u2010\u30a0\u200c\u200d"
"""Included by UTS 39. A colon ends a name on the screen; a joiner has rules of its own."""


class Icu:
    """What the script asks of ICU."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("icu4py")
        if spec is None or spec.origin is None:
            sys.exit("icu4py is not installed: run this as its docstring says")
        libraries = Path(spec.origin).parents[1] / "icu4py.libs"
        self._libraries = [
            ctypes.CDLL(str(next(libraries.glob(f"{name}-*"))), mode=ctypes.RTLD_GLOBAL)
            for name in ("libicudata", "libicuuc", "libicui18n")
        ]
        self._functions: dict[str, Any] = {}
        status = ctypes.c_int(0)
        open_checker = self._call("uspoof_open", ctypes.c_void_p)
        self._checker = ctypes.c_void_p(open_checker(ctypes.byref(status)))
        assert status.value <= 0

    def _call(self, name: str, result: Any = ctypes.c_int32) -> Any:
        if name not in self._functions:
            own = f"{name}_{ICU}"
            library = next(one for one in self._libraries if hasattr(one, own))
            self._functions[name] = getattr(library, own)
            self._functions[name].restype = result
        return self._functions[name]

    def version(self) -> str:
        """The version of Unicode, as in 17.0."""
        parts = (ctypes.c_uint8 * 4)()
        self._call("u_getUnicodeVersion", None)(parts)
        return f"{parts[0]}.{parts[1]}"

    def age(self, character: int) -> int:
        """The major version of Unicode that brought it."""
        parts = (ctypes.c_uint8 * 4)()
        self._call("u_charAge", None)(character, parts)
        return int(parts[0])

    def category(self, character: int) -> int:
        return int(self._call("u_charType", ctypes.c_int8)(character))

    def combining(self, character: int) -> int:
        return int(self._call("u_getCombiningClass", ctypes.c_uint8)(character))

    def has(self, character: int, flag: int) -> bool:
        return bool(self._call("u_hasBinaryProperty", ctypes.c_int8)(character, flag))

    def joining(self, character: int) -> int:
        """UJoiningType: 0 none, 1 join-causing, 2 dual, 3 left, 4 right, 5 transparent."""
        return int(self._call("u_getIntPropertyValue")(character, JOINING_TYPE))

    def is_type(self, character: int, kind: int) -> bool:
        return bool(self._call("u_hasIDType", ctypes.c_int8)(character, kind))

    def _text(self, function: Callable[..., Any], text: str) -> str:
        units = text.encode("utf-16-le")
        output, status = (ctypes.c_uint16 * 256)(), ctypes.c_int(0)
        length = function(units, len(units) // 2, output, 256, ctypes.byref(status))
        assert status.value <= 0
        return bytes(output)[: 2 * length].decode("utf-16-le")

    def skeleton(self, text: str) -> str:
        """UTS 39, section 4."""

        def call(units: bytes, length: int, output: Any, size: int, status: Any) -> int:
            function = self._call("uspoof_getSkeleton")
            return int(function(self._checker, 0, units, length, output, size, status))

        return self._text(call, text)

    def fold(self, text: str) -> str:
        """Full case folding."""

        def call(units: bytes, length: int, output: Any, size: int, status: Any) -> int:
            return int(self._call("u_strFoldCase")(output, size, units, length, 0, status))

        return self._text(call, text)

    def decompose(self, text: str) -> str:
        """NFD."""
        return self._normal("unorm2_getNFDInstance", text)

    def compatible(self, text: str) -> str:
        """NFKC."""
        return self._normal("unorm2_getNFKCInstance", text)

    def _normal(self, instance: str, text: str) -> str:
        status = ctypes.c_int(0)
        form = ctypes.c_void_p(self._call(instance, ctypes.c_void_p)(ctypes.byref(status)))

        def call(units: bytes, length: int, output: Any, size: int, status: Any) -> int:
            function = self._call("unorm2_normalize")
            return int(function(form, units, length, output, size, status))

        return self._text(call, text)


def ranges(characters: Iterable[int]) -> list[int]:
    """First and last of each run, one after the other, each as the distance from the one before."""
    edges: list[int] = []
    for character in sorted(characters):
        if edges and edges[-1] == character - 1:
            edges[-1] = character
        else:
            edges += [character, character]
    return [edge - before for before, edge in zip([0, *edges], edges, strict=False)]


def table(icu: Icu) -> dict[str, Any]:
    every = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    pictographs = {
        c
        for c in every
        if c > 0x7F
        and any(icu.has(c, p) for p in (EXTENDED_PICTOGRAPHIC, EMOJI_MODIFIER, REGIONAL_INDICATOR))
        and icu.compatible(chr(c)) == chr(c)
    }
    allowed = {ord(c) for c in EXTRA}
    for c in every:
        types = [kind for kind in range(12) if icu.is_type(c, kind)]
        good = any(kind in ALLOWED_TYPES for kind in types)
        if not good or any(kind in REFUSED_TYPES for kind in types) or chr(c) in LEFT_OUT:
            continue
        stable = icu.age(c) <= SETTLED or (
            icu.combining(c) == 0 and icu.decompose(chr(c)) == chr(c) == icu.compatible(chr(c))
        )
        if stable:
            allowed.add(c)
    allowed -= pictographs
    written = {
        c
        for c in every
        if c not in allowed
        and icu.age(c) <= SETTLED
        and icu.is_type(c, NOT_NFKC)
        and icu.compatible(chr(c)) != chr(c)
        and all(ord(part) in allowed or part == " " for part in icu.compatible(chr(c)))
    }
    marks = {c for c in allowed if icu.category(c) in MARKS}
    silent = {c for c in allowed if icu.category(c) in SPACES_AND_SIGNS}
    return {
        "unicode": icu.version(),
        "source": f"ICU of icu4py {importlib.metadata.version('icu4py')}",
        "allowed": ranges(allowed),
        "written": ranges(written),
        "pictographs": ranges(pictographs),
        "marks": ranges(marks),
        "nonspacing": ranges(c for c in marks if icu.category(c) in NONSPACING),
        "signs": ranges(silent),
        "viramas": ranges(c for c in marks if icu.combining(c) == VIRAMA),
        "joins_next": ranges(c for c in allowed if icu.joining(c) in (2, 3)),
        "joins_previous": ranges(c for c in allowed if icu.joining(c) in (2, 4)),
        "transparent": ranges(c for c in allowed if icu.joining(c) == 5),
        "looks": looks(icu, allowed | pictographs, silent),
    }


def looks(icu: Icu, characters: set[int], silent: set[int]) -> list[str]:
    """For each character of a decomposed name that is not its own picture: the character, how it
    looks, and how it looks as a small letter, when that is another."""
    parts = {part for c in characters for part in icu.decompose(chr(c))}
    parts |= {part for one in list(parts) for part in icu.decompose(icu.fold(one))}
    lines = []
    for part in sorted(parts - {chr(c) for c in silent}):
        folded_first = seen(icu, icu.skeleton(icu.fold(part)), silent)
        folded_last = seen(icu, icu.skeleton(icu.fold(icu.skeleton(part))), silent)
        if (folded_first, folded_last) != (part, part):
            alike = folded_first == folded_last
            lines.append("\t".join([part, folded_first, *([] if alike else [folded_last])]))
    return lines


def seen(icu: Icu, text: str, silent: set[int]) -> str:
    return "".join(c for c in icu.decompose(text) if ord(c) not in silent)


def main() -> None:
    icu = Icu()
    found = table(icu)
    lines = ",\n".join(
        f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=True)}" for key, value in found.items()
    )
    OUTPUT.write_text(f"{{\n{lines}\n}}\n")
    sys.stdout.write(f"{OUTPUT.name}: Unicode {found['unicode']}, {OUTPUT.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()

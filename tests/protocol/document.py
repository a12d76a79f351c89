"""Rewrite the tables and byte examples of docs/protocol.md: `python -m tests.protocol.document`.

`test_examples` fails when the document and the code differ. This command mends the document.
"""

import re
import textwrap
from typing import TypeAlias

from alcove_protocol.errors import FAULTS, REFUSALS
from alcove_protocol.frames import FROM_CLIENT, FROM_RELAY

from tests.protocol.examples import PATH, made
from tests.protocol.support import OTHERS, STATEMENTS, describe

WIDTH = 64
Tables: TypeAlias = "dict[str, dict[str, str]]"


def tables() -> Tables:
    """For each heading of section 12: the first column and the second."""
    return {
        "Frames of a client": {kind: describe(frame) for kind, frame in FROM_CLIENT.items()},
        "Frames of the relay": {kind: describe(frame) for kind, frame in FROM_RELAY.items()},
        "Records": {kind.__name__: describe(kind) for kind in (*STATEMENTS, *OTHERS)},
        "Faults": dict(FAULTS),
        "Refusals": dict(REFUSALS),
    }


def rewritten(document: str, tables: Tables) -> str:
    """The document with these tables and examples as the code has them."""
    for title, rows in tables.items():
        lines = "".join(f"| `{name}` | {text} |\n" for name, text in rows.items())
        document, count = re.subn(
            rf"(^### {title}\n(?:(?!^\| `).*\n)*)(?:^\| `.*\n)+",
            # Mypy infers no lambda with defaults.
            lambda found, lines=lines: found[1] + lines,  # type: ignore[misc]
            document,
            flags=re.MULTILINE,
        )
        assert count == 1, title
    for name, value in made().items():
        text = value if isinstance(value, str) else value.hex()
        lines = textwrap.indent("\n".join(textwrap.wrap(text, WIDTH, break_on_hyphens=False)), "  ")
        document, count = re.subn(
            rf"(^{re.escape(name)}:\n)(?:^  .*\n)+",
            rf"\g<1>{lines}\n",
            document,
            flags=re.MULTILINE,
        )
        assert count == 1, name
    return document


if __name__ == "__main__":
    PATH.write_text(rewritten(PATH.read_text(), tables()))

"""Agreements for common groups, and the files that people write their own in.

A file is TOML. Each table is a language (a BCP 47 tag) with these keys:

    title        a title for a room of this kind (optional)
    summary      at most five lines, which everybody reads
    text         the ground rules
    finding      how a member can be found, and how not
    confidence   when confidence may be broken, and by whom
    prevention   what cannot be prevented
    telling      whom to tell

The last four are the sentences without which nobody can agree to anything. A template needs them in
every language, or it is refused. A file that a person writes may leave them out. The agreement is
`text` and then these, a paragraph each.
"""

import tomllib
from importlib import resources
from typing import Any, Final

from alcove_protocol.card import AgreementText

from alcove.errors import InvalidInput

TEMPLATES: Final = ("peer-support", "recovery", "grief", "carers", "youth")
"""The names of all templates, which are files of this package."""
REQUIRED: Final = ("finding", "confidence", "prevention", "telling")
"""The keys without which a template is refused."""
_KEYS: Final = frozenset({"title", "summary", "text", *REQUIRED})


def template_source(name: str) -> str:
    """Return the file of a template, to be changed by a person.

    Raises `InvalidInput` (`unknown_template`).
    """
    if name not in TEMPLATES:
        text = f"There is no such template. There are {', '.join(TEMPLATES)}."
        raise InvalidInput("unknown_template", text)
    return resources.files(__name__).joinpath(f"{name}.toml").read_text("utf-8")


def template(name: str) -> tuple[AgreementText, ...]:
    """Return the agreement of a template, in each of its languages, for `open_room`.

    Raises `InvalidInput` (`unknown_template`).
    """
    return read_template(template_source(name))


def read_template(source: str) -> tuple[AgreementText, ...]:
    """Return the agreement that a template states. Raises `InvalidInput` (`bad_agreement`), also
    when a language lacks its summary or one of the required sentences."""
    return _read(source, required=("summary", "text", *REQUIRED))


def read_agreement_file(source: str) -> tuple[AgreementText, ...]:
    """Return the agreement that a person's file states. Raises `InvalidInput` (`bad_agreement`)."""
    return _read(source, required=("text",))


def _read(source: str, *, required: tuple[str, ...]) -> tuple[AgreementText, ...]:
    try:
        languages = tomllib.loads(source)
    except (tomllib.TOMLDecodeError, RecursionError):
        raise _bad("It is not TOML.") from None
    if not languages:
        raise _bad("It has no language.")
    return tuple(_language(tag, table, required) for tag, table in languages.items())


def _language(tag: str, table: Any, required: tuple[str, ...]) -> AgreementText:
    if not isinstance(table, dict) or not all(isinstance(text, str) for text in table.values()):
        raise _bad("Each language is a table of texts, such as [en].")
    if not table.keys() <= _KEYS:
        raise _bad(f"Each language has these keys and no others: {', '.join(sorted(_KEYS))}.")
    texts: dict[str, str] = {key: text.strip() for key, text in table.items()}
    for key in required:
        if not texts.get(key):
            raise _bad(f"A language has no `{key}`.")
    whole = "\n\n".join(texts[key] for key in ("text", *REQUIRED) if texts.get(key))
    return AgreementText(tag, texts.get("summary", ""), whole)


def _bad(text: str) -> InvalidInput:
    return InvalidInput("bad_agreement", f"The file of the ground rules cannot be used. {text}")

"""The file that holds an agreement: plain text, or TOML with several languages."""

from pathlib import Path
from typing import Final

from alcove_protocol import limits
from alcove_protocol.card import AgreementText

from alcove.errors import InvalidInput
from alcove.templates import read_agreement_file

FILE_MAX: Final = 2 * limits.AGREEMENT
"""Bytes of a file that are read at most: comments and keys are no part of the agreement."""


def read_agreement(path: Path) -> str | tuple[AgreementText, ...]:
    """Return the agreement of a file: as one text, or, of a `.toml`, in each of its languages.

    Raises `InvalidInput` (`bad_agreement_file`, `bad_agreement`).
    """
    text = _text(path)
    if path.suffix.lower() == ".toml":
        return read_agreement_file(text)
    if not text:
        raise InvalidInput("bad_agreement_file", "The file of the ground rules is empty.")
    if len(text.encode()) > limits.AGREEMENT:
        raise _too_long()
    return text


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            # The read is bounded: the file might be a device that never ends.
            data = file.read(FILE_MAX + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name is no path"
        text = f"The file of the ground rules cannot be read: {why}."
        raise InvalidInput("bad_agreement_file", text) from None
    if len(data) > FILE_MAX:
        raise _too_long()
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").strip()
    except UnicodeDecodeError:
        raise InvalidInput(
            "bad_agreement_file", "The file of the ground rules is not UTF-8 text."
        ) from None


def _too_long() -> InvalidInput:
    kib = limits.AGREEMENT // limits.KIB
    return InvalidInput("bad_agreement_file", f"The ground rules are longer than {kib} KiB.")

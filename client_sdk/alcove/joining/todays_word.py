"""Today's word: chosen at the door, to be known again after a device died and its keys are gone.

A person that comes back so knocks under the same name, with the same word. A knock carries 32 bytes
that are made of the word, and never the word itself: people use their words elsewhere too.

The derivation is slow on purpose. A facilitator's client holds the 32 bytes while the member is in
the room, and could try a list of words on them. It is bound to the room and the name, so it says
nothing about another room, and two members with one word have other bytes.
"""

import re
import unicodedata
from hashlib import pbkdf2_hmac
from typing import Final

from alcove.errors import InvalidInput

WORD_SIZE: Final = 32
NO_WORD: Final = bytes(WORD_SIZE)
"""In a knock of a person that chose none: every knock has the same size."""
ROUNDS: Final = 600_000
"""Of PBKDF2-HMAC-SHA256, which every browser has: what OWASP asks for, a fifth of a second here."""
LEAST: Final = 4
"""Bytes of a word. Shorter ones are tried through within the few tries that count."""
MOST: Final = 64
"""Characters of a word."""
_LABEL: Final = b"alcove v1 word"


def clean_word(word: str) -> str:
    """The word as it counts: in NFKC, in small letters, with single spaces, so that the keyboard of
    another device gives the same. Raises `InvalidInput` (`bad_word`)."""
    if len(word) > 4 * MOST:  # before work is done on it
        raise _bad("Choose a shorter word for today.")
    word = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).lower())
    word = re.sub("[ \t\r\n]+", " ", word).strip(" ")
    try:
        size = len(word.encode())
    except UnicodeEncodeError:
        raise _bad("That is no word: it has half a character.") from None
    if len(word) > MOST:
        raise _bad("Choose a shorter word for today.")
    if size < LEAST:
        raise _bad("Choose a longer word for today: four letters at least.")
    return word


def word_key(room: bytes, name: str, word: str) -> bytes:
    """What a knock carries of this word: 32 bytes, of the room, the newcomer's name (as the
    credential has it) and the word. It takes a fifth of a second. Raises `InvalidInput`
    (`bad_word`), also for a word that is the name."""
    word = clean_word(word)
    if word == unicodedata.normalize("NFKC", name).lower():
        raise _bad("Choose another word for today than your name.")
    salt = _LABEL + room + name.encode()
    return pbkdf2_hmac("sha256", word.encode(), salt, ROUNDS, WORD_SIZE)


def _bad(text: str) -> InvalidInput:
    return InvalidInput("bad_word", text)

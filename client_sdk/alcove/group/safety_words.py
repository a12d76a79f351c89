"""Eight words that are the same at every member of one epoch, and at nobody else.

Facilitators read them to each other at one moment, over another channel. If they differ while
both have followed the same changes, the relay shows them different groups. They are proquints
(arXiv:0901.4016): 16 bits a word, five letters, consonants and vowels in turn. So they can be said
in many languages, and need no list.
"""

from typing import Final

from alcove import mls

LABEL: Final = "alcove words"
WORDS: Final = 8
_CONSONANTS: Final = "bdfghjklmnprstvz"
_VOWELS: Final = "aiou"


def safety_words(group: mls.Group) -> tuple[str, ...]:
    """The words of the group's present epoch: MLS-Exporter (RFC 9420, section 8.5), 16 bytes."""
    secret = group.export(LABEL, b"", 2 * WORDS)
    data = secret.expose()
    secret.wipe()
    return tuple(proquint(int.from_bytes(data[at : at + 2])) for at in range(0, 2 * WORDS, 2))


def proquint(number: int) -> str:
    """The word of 16 bits, the highest first."""
    letters = (
        _CONSONANTS[number >> 12 & 15],
        _VOWELS[number >> 10 & 3],
        _CONSONANTS[number >> 6 & 15],
        _VOWELS[number >> 4 & 3],
        _CONSONANTS[number & 15],
    )
    return "".join(letters)

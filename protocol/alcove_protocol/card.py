"""The room card: what a newcomer reads before the knock, and the agreement on it.

    room id → entry 0 → appointments → the card's signer → the card

A card has a number, so that a newer one replaces an older one. The number begins with a roster
counter. The relay refuses a counter above its own: otherwise one card with the largest number keeps
every later card, and so every later lobby key, off the door.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Final

from alcove_protocol import limits
from alcove_protocol.codec import pack_list, unpack_list
from alcove_protocol.errors import Malformed
from alcove_protocol.labels import hash_with
from alcove_protocol.records import AtMost, Exactly, Record
from alcove_protocol.statements import APPOINTMENT_SIZE, HASH_SIZE, KEY_SIZE

SEQUENCE_BITS: Final = 16
_ITEM_OVERHEAD: Final = 80
"""The most that one language of an agreement takes beside its summary and text."""
AGREEMENT_LIST: Final = limits.AGREEMENT + limits.AGREEMENT_LANGUAGES * _ITEM_OVERHEAD
VERSION_MAX: Final = 2**32 - 1
SUITE_MAX: Final = 2**16 - 1


@dataclass(frozen=True, slots=True)
class AgreementText(Record):
    """The agreement in one language (a BCP 47 tag): a summary of a few lines, and the whole.

    The language has at most 35 bytes, the summary 1 KiB and five lines, the text 16 KiB.
    """

    language: Annotated[str, AtMost(limits.LANGUAGE_TAG, least=1)]
    summary: Annotated[str, AtMost(limits.SUMMARY)]
    text: Annotated[str, AtMost(limits.AGREEMENT, least=1)]


@dataclass(frozen=True, slots=True)
class Card(Record):
    """What a newcomer reads before the knock, label `card`, signed by a facilitator's MLS key.

    It travels sealed under the door's card key. `opening` is the signed roster entry 0 and
    `appointments` a list of signed appointments. They lead from the room id in the invite to the
    key that signed this card, so that a newcomer need not trust the relay. Knocks are sealed to
    `lobby_key`, an X25519 key. `agreement` lists the `AgreementText` of each language.
    `suite` is the MLS ciphersuite of the group, which the newcomer's KeyPackage must have.
    `question` is asked at the door. `contact` is the host's, outside the room. `host` is reserved
    for a key that signs the agreement; readers of this version take it and do not use it.
    """

    room: Annotated[bytes, Exactly(HASH_SIZE)]
    number: Annotated[int, AtMost(limits.REQUEST_NUMBER)]
    signer: Annotated[bytes, Exactly(KEY_SIZE)]
    opening: Annotated[bytes, AtMost(limits.STATEMENT)]
    appointments: Annotated[bytes, AtMost(limits.APPOINTMENTS * APPOINTMENT_SIZE)]
    lobby_key: Annotated[bytes, Exactly(KEY_SIZE)]
    title: Annotated[str, AtMost(limits.TITLE)]
    agreement_version: Annotated[int, AtMost(VERSION_MAX, least=1)]
    agreement: Annotated[bytes, AtMost(AGREEMENT_LIST, least=1)]
    languages: Annotated[str, AtMost(limits.LANGUAGES)]
    helplines: Annotated[str, AtMost(limits.HELPLINES)]
    members: Annotated[int, AtMost(limits.MEMBERS_MAX)]
    ttl: Annotated[int, AtMost(limits.TTL_MAX)]
    suite: Annotated[int, AtMost(SUITE_MAX, least=1)]
    question: Annotated[str, AtMost(limits.QUESTION)] | None = field(default=None, repr=False)
    contact: Annotated[str, AtMost(limits.CONTACT)] | None = None
    host: Annotated[bytes, Exactly(KEY_SIZE)] | None = None


def pack_agreement(texts: Sequence[AgreementText]) -> bytes:
    """Return the bytes of an agreement, which its hash covers whole.

    Raises `Malformed` as `unpack_agreement`.
    """
    packed = pack_list([text.encode() for text in texts])
    unpack_agreement(packed)
    return packed


def unpack_agreement(data: bytes) -> tuple[AgreementText, ...]:
    """Return the agreement in each of its languages, of which there is at least one.

    Raises `Malformed`: as `unpack_list` and `Record.decode`, or `bad_field` when there is no
    language, when one comes twice, and when all together is larger than `limits.AGREEMENT`.
    """
    items = unpack_list(data, most=limits.AGREEMENT_LANGUAGES)
    texts = tuple(AgreementText.decode(item) for item in items)
    if not texts or len({text.language for text in texts}) != len(texts):
        raise Malformed("bad_field", "An agreement has no language, or one language twice.")
    if sum(len(f"{text.summary}{text.text}".encode()) for text in texts) > limits.AGREEMENT:
        raise Malformed("bad_field", f"An agreement has more than {limits.AGREEMENT} bytes.")
    return texts


def agreement_hash(room: bytes, version: int, agreement: bytes) -> bytes:
    """Return what an acceptance binds: these bytes, as this version, in this room."""
    return hash_with("agreement", room, version.to_bytes(8, "big"), agreement)


def card_number(counter: int, sequence: int) -> int:
    """Return the number of the card of this sequence after the roster entry of this counter.

    Raises `Malformed` (`bad_number`) for a sequence above 65,535 or a counter of 2^37 or more.
    """
    number = (counter << SEQUENCE_BITS) + sequence
    if not 0 <= sequence < 1 << SEQUENCE_BITS or not 0 <= number <= limits.REQUEST_NUMBER:
        raise Malformed("bad_number", "A card has no such number.")
    return number


def card_counter(number: int) -> int:
    """Return the roster counter that a card's number begins with."""
    return number >> SEQUENCE_BITS

"""The card and the agreement on it."""

from typing import Any

import pytest
from alcove_protocol import limits
from alcove_protocol.card import (
    SEQUENCE_BITS,
    AgreementText,
    Card,
    agreement_hash,
    card_counter,
    card_number,
    pack_agreement,
    unpack_agreement,
)
from alcove_protocol.codec import pack_list
from alcove_protocol.labels import Label
from alcove_protocol.padding import pad
from alcove_protocol.statements import APPOINTMENT_SIZE, Appointment
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.support import FACILITATOR, ROOM, ROOT, opening, public, refused, sign, taken

KEY = public(FACILITATOR)
EN = AgreementText("en", "Be kind.", "Be kind. What is said here stays here.")
FA = AgreementText("fa", "مهربان باش.", "مهربان باش. آنچه اینجا گفته می‌شود همین‌جا می‌ماند.")


def appointment() -> bytes:
    statement = Appointment(ROOM, KEY, KEY, KEY)
    return sign(Label.APPOINT, statement.encode(), FACILITATOR).encode()


def card(**changed: Any) -> Card:
    values: dict[str, Any] = {
        "room": ROOM,
        "number": 1,
        "signer": KEY,
        "opening": sign(Label.OPEN, opening().encode(), ROOT).encode(),
        "appointments": b"",
        "lobby_key": bytes(32),
        "title": "Thursday",
        "agreement_version": 1,
        "agreement": pack_agreement([EN]),
        "languages": "en",
        "helplines": "",
        "members": 50,
        "ttl": 1800,
        "suite": 3,
    }
    return Card(**{**values, **changed})


# --- the agreement ----------------------------------------------------------------------------


def test_an_agreement_comes_back_in_all_its_languages() -> None:
    assert unpack_agreement(pack_agreement([EN, FA])) == (EN, FA)
    assert unpack_agreement(card().agreement) == (EN,)


def test_an_agreement_has_a_language_and_each_once() -> None:
    for texts in ([], [EN, EN], [EN, FA, AgreementText("en", "", "Another text.")]):
        with refused("bad_field"):
            pack_agreement(texts)
        with refused("bad_field"):
            unpack_agreement(pack_list([text.encode() for text in texts]))


def test_an_agreement_is_bounded_over_all_its_languages() -> None:
    half = limits.AGREEMENT // 2
    texts = [AgreementText("en", "", "a" * half), AgreementText("fa", "", "ش" * (half // 2))]
    assert len(pack_agreement(texts)) < limits.AGREEMENT + 200
    with refused("bad_field"):
        pack_agreement([*texts, AgreementText("fr", "", "é")])
    with refused("bad_field"):
        pack_agreement([AgreementText("en", "", "a" * (limits.AGREEMENT + 1))])
    many = [AgreementText(f"x-{n}", "", "a") for n in range(limits.AGREEMENT_LANGUAGES + 1)]
    assert len(unpack_agreement(pack_agreement(many[1:]))) == limits.AGREEMENT_LANGUAGES
    with refused("too_many_items"):
        pack_agreement(many)


def test_the_largest_agreement_fits_on_a_card() -> None:
    size = limits.AGREEMENT // limits.AGREEMENT_LANGUAGES
    summary, text = "s" * 300, "a" * (size - 300)
    tags = [f"x-{n}".ljust(limits.LANGUAGE_TAG, "a") for n in range(limits.AGREEMENT_LANGUAGES)]
    agreement = pack_agreement([AgreementText(tag, summary, text) for tag in tags])
    assert Card.decode(card(agreement=agreement).encode()).agreement == agreement


@given(st.binary(max_size=200))
def test_arbitrary_agreements(data: bytes) -> None:
    texts = taken(unpack_agreement, data)
    assert texts is None or unpack_agreement(pack_agreement(texts)) == texts


def test_the_hash_covers_every_language_the_version_and_the_room() -> None:
    both = pack_agreement([EN, FA])
    hashes = {
        agreement_hash(ROOM, 1, both),
        agreement_hash(ROOM, 2, both),
        agreement_hash(bytes(32), 1, both),
        agreement_hash(ROOM, 1, pack_agreement([EN])),
        agreement_hash(ROOM, 1, pack_agreement([FA, EN])),
        agreement_hash(ROOM, 1, pack_agreement([EN, AgreementText("fa", "", FA.text)])),
    }
    assert len(hashes) == 6


# --- the card ---------------------------------------------------------------------------------


def test_an_appointment_takes_what_its_bound_says() -> None:
    assert len(pack_list([appointment()])) == APPOINTMENT_SIZE


def test_a_full_card_fits_in_its_bucket() -> None:
    agreement = pack_agreement([AgreementText("en", "", "a" * limits.AGREEMENT)])
    full = card(
        number=limits.REQUEST_NUMBER,
        appointments=pack_list([appointment()] * limits.APPOINTMENTS),
        title="t" * limits.TITLE,
        agreement=agreement,
        languages="l" * limits.LANGUAGES,
        helplines="h" * limits.HELPLINES,
        question="q" * limits.QUESTION,
        contact="c" * limits.CONTACT,
        host=bytes(32),
    )
    signed = sign(Label.CARD, full.encode(), FACILITATOR)
    assert Card.decode(signed.body, limit=limits.CARD) == full
    assert len(pad(signed.encode(), most=limits.CARD_BUCKET)) == limits.CARD_BUCKET
    with refused("bad_field"):
        card(appointments=bytes(limits.APPOINTMENTS * APPOINTMENT_SIZE + 1)).encode()


def test_what_a_card_may_leave_out() -> None:
    bare = card()
    assert (bare.question, bare.contact, bare.host) == (None, None, None)
    assert {"question", "contact", "host"}.isdisjoint(bare.to_map())
    asks = card(question="Who invited you?", contact="help@example.org", host=KEY)
    assert Card.decode(asks.encode()) == asks


# --- numbers ----------------------------------------------------------------------------------


@given(st.integers(0, 2**37 - 1), st.integers(0, 2**16 - 1))
def test_a_number_begins_with_its_counter(counter: int, sequence: int) -> None:
    number = card_number(counter, sequence)
    assert card_counter(number) == counter
    assert number <= limits.REQUEST_NUMBER


@pytest.mark.parametrize(
    ("counter", "sequence"), [(0, 2**SEQUENCE_BITS), (0, -1), (-1, 0), (2**37, 0)]
)
def test_numbers_that_no_card_has(counter: int, sequence: int) -> None:
    with refused("bad_number"):
        card_number(counter, sequence)


def test_a_later_entry_gives_a_higher_number() -> None:
    last = card_number(4, 2**SEQUENCE_BITS - 1)
    assert card_number(5, 0) == last + 1

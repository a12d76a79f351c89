"""Names by their rules. The verdicts on single names are in protocol/vectors/names.json."""

import unicodedata

from alcove.errors import InvalidInput
from alcove.joining.names import clean_name, looks_like_any, looks_of, name_table
from hypothesis import given
from hypothesis import strategies as st

TABLE = name_table()
SOME = "AaBb0OoIl1mM.-' \u0301\u093f\u094d\u200c\u200dकसمی\ufe0f❤👩日가"


def cleaned(name: str) -> str | None:
    try:
        return clean_name(name)
    except InvalidInput:
        return None


@given(st.text(st.characters() | st.sampled_from(SOME), max_size=40))
def test_a_name_has_one_spelling_and_nothing_that_is_not_in_the_table(name: str) -> None:
    clean = cleaned(name)
    if clean is None:
        return
    assert clean == cleaned(clean) == unicodedata.normalize("NFKC", clean)
    assert 1 <= len(clean) <= 32
    assert len(clean.encode()) <= 128
    for one in clean:
        known = one in TABLE.allowed or one in TABLE.pictographs
        assert known or one in " \u200c\u200d\ufe0f"
    assert clean.isprintable() or any(one in clean for one in "\u200c\u200d") or newer(clean)


def newer(name: str) -> bool:
    """Whether this Python does not know a character yet."""
    return any(unicodedata.category(one) == "Cn" for one in name)


@given(st.text(st.sampled_from(SOME), min_size=1, max_size=12))
def test_a_name_looks_like_itself_in_small_letters_and_without_what_cannot_be_seen(
    name: str,
) -> None:
    assert looks_like_any(name, [name])
    assert looks_like_any(name, [name.lower()])
    assert looks_of(name + ".") == looks_of(name)
    assert looks_of(name.replace(" ", "")) == looks_of(name)


@given(st.text(st.sampled_from("aAlIiO0o1bB"), min_size=1, max_size=8))
def test_letters_that_look_alike_make_a_twin(name: str) -> None:
    twin = name.translate(str.maketrans("0I1", "Oll"))
    assert looks_like_any(name, [twin])


def test_the_table_says_where_it_comes_from_and_has_every_platforms_letters() -> None:
    for letter in "aÅзקम한日":
        assert letter in TABLE.allowed
    for blank in "\u2800\u3164":
        assert blank not in TABLE.allowed

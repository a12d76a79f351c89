"""The agreements for common groups: none is without the sentences that everybody has to know."""

import tomllib
from pathlib import Path

import alcove
import pytest
from alcove import AgreementText, InvalidInput, templates
from alcove.agreeing import SUMMARY_LINES, checked_agreement
from alcove.messages.agreements import in_language
from alcove.templates import REQUIRED, TEMPLATES, read_agreement_file, read_template

ENTRIES = [
    (name, tag) for name in TEMPLATES for tag in tomllib.loads(templates.template_source(name))
]


def test_every_template_is_a_file_and_every_file_a_template() -> None:
    files = Path(templates.__file__).parent.glob("*.toml")
    assert {file.stem for file in files} == set(TEMPLATES)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_can_be_the_agreement_of_a_room(name: str) -> None:
    texts = checked_agreement(alcove.template(name))
    assert texts[0].language == "en"
    assert len(texts) == 2
    assert all(len(text.summary.splitlines()) == SUMMARY_LINES for text in texts)
    alcove.open_room("https://relay.example", title="T", agreement=texts, name="Mara")


@pytest.mark.parametrize(("name", "tag"), ENTRIES)
def test_every_template_says_the_required_sentences(name: str, tag: str) -> None:
    said = tomllib.loads(templates.template_source(name))[tag]
    whole = in_language(alcove.template(name), tag).text
    for key in REQUIRED:
        assert said[key].strip() in whole


@pytest.mark.parametrize("key", ["summary", "text", *REQUIRED])
@pytest.mark.parametrize(("name", "tag"), ENTRIES)
def test_a_template_without_one_of_them_is_refused(name: str, tag: str, key: str) -> None:
    source = templates.template_source(name)
    start = source.index(f"{key} = ", source.index(f"[{tag}]"))
    end = source.index('"""', source.index('"""', start) + 3) + 3
    with pytest.raises(InvalidInput, match=key):
        read_template(source[:start] + source[end:])
    with pytest.raises(InvalidInput, match=key):
        read_template(source[:start] + f'{key} = "  "' + source[end:])


@pytest.mark.parametrize(
    "source",
    [
        "",
        "en = 'text'",
        "[en",
        "[en]\ntext = 5",
        "[en]\nsummary = 'no text'",
        "[en]\ntext = 'a'\nrules = 'b'",
        "[en]\ntext = 'a'\n[en]\ntext = 'b'",
        "a = " + "[" * 5000,
    ],
)
def test_a_file_that_says_something_else_is_refused(source: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_agreement_file(source)
    assert raised.value.code == "bad_agreement"


def test_a_persons_own_file_may_say_less() -> None:
    source = "[en]\ntext = 'Be kind.'\n[de-AT]\nsummary = 'Kurz.'\ntext = 'Seid nett.'"
    assert read_agreement_file(source) == (
        AgreementText("en", "", "Be kind."),
        AgreementText("de-AT", "Kurz.", "Seid nett."),
    )


def test_no_template_of_another_name() -> None:
    with pytest.raises(InvalidInput, match="peer-support"):
        alcove.template("../peer-support")


@pytest.mark.parametrize(
    "agreement",
    [
        "",
        "  \n",
        (),
        "\ud800",
        "x" * (16 * 1024 + 1),
        (AgreementText("en", "\n".join("abcdef"), "Six lines."),),
        (AgreementText("en", "", "a"), AgreementText("en", "", "b")),
        (AgreementText("en", "", " "),),
        (AgreementText("e" * 36, "", "a"),),
    ],
)
def test_what_no_agreement_is(agreement: str | tuple[AgreementText, ...]) -> None:
    with pytest.raises(InvalidInput) as raised:
        checked_agreement(agreement)
    assert raised.value.code == "bad_agreement"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("", "en"),
        ("en", "en"),
        ("de", "de"),
        ("de-AT-1996", "de"),
        ("DE_ch", "de"),
        ("pt", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("zh-Hant-TW", "zh-Hant"),
        ("fr", "en"),
    ],
)
def test_a_reader_gets_their_language_or_the_first(wanted: str, found: str) -> None:
    tags = ("en", "de", "pt-BR", "zh-Hant", "zh")
    texts = [AgreementText(tag, "", tag) for tag in tags]
    assert in_language(texts, wanted).language == found

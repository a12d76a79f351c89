"""Every refusal has a code that a client can act on and a sentence that a person can."""

import ast
from pathlib import Path

import alcove_protocol
import pytest
from alcove_protocol.errors import FAULTS, REFUSALS, AlcoveProtocolError, Malformed, Refusal
from alcove_protocol.frames import RequestRefused, from_relay

PACKAGE = Path(alcove_protocol.__file__).parent
SENTENCES = {**FAULTS, **REFUSALS}


def raised() -> list[tuple[str, ast.expr]]:
    """Each `Malformed(code, text)` of the package: its code, and the text as it is written."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Malformed":
                code, text = node.args
                assert isinstance(code, ast.Constant)
                found.append((str(code.value), text))
    return found


def test_every_code_of_the_package_is_in_a_table_and_every_fault_is_used() -> None:
    codes = {code for code, _ in raised()}
    assert codes <= SENTENCES.keys()
    assert codes >= FAULTS.keys()


def test_every_text_is_a_sentence() -> None:
    assert len(raised()) > 30
    for code, text in raised():
        if isinstance(text, ast.Subscript):
            continue  # FAULTS[...], which the next test reads
        if isinstance(text, ast.Name):
            assert code == "bad_field"  # the one text that is too long for its line
            continue
        parts = text.values if isinstance(text, ast.JoinedStr) else [text]
        first, last = parts[0], parts[-1]
        assert isinstance(first, ast.Constant | ast.FormattedValue)
        assert isinstance(last, ast.Constant)
        assert str(last.value).endswith("."), ast.unparse(text)
        if isinstance(first, ast.Constant):
            assert str(first.value)[0].isupper(), ast.unparse(text)


@pytest.mark.parametrize(("code", "sentence"), SENTENCES.items(), ids=SENTENCES.keys())
def test_every_code_has_a_sentence_that_fits_in_a_frame(code: str, sentence: str) -> None:
    assert code == code.lower()
    assert code.replace("_", "").isalpha()
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert from_relay(RequestRefused(1, code, sentence).to_bytes()) == RequestRefused(
        1, code, sentence
    )


def test_no_code_and_no_sentence_twice() -> None:
    assert FAULTS.keys().isdisjoint(REFUSALS)
    assert len(set(SENTENCES.values())) == len(SENTENCES)
    # a dict takes a key that is written twice without a word
    tree = ast.parse((PACKAGE / "errors.py").read_text())
    written = [
        key.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    ]
    assert sorted(map(str, written)) == sorted(SENTENCES)


def test_the_tables_cannot_be_changed() -> None:
    for table in (FAULTS, REFUSALS):
        with pytest.raises(TypeError):
            table["new"] = "A sentence."  # type: ignore[index]  # frozen, which is what is tried


def test_a_refusal_says_its_sentence_unless_told_otherwise() -> None:
    assert str(Refusal("stale")) == REFUSALS["stale"]
    assert Refusal("stale").code == "stale"
    assert Refusal("stale", "Another sentence.").text == "Another sentence."
    with pytest.raises(KeyError):
        Refusal("no such code")


def test_both_are_caught_as_one() -> None:
    for error in (Malformed("truncated", "Cut off."), Refusal("stale")):
        assert isinstance(error, AlcoveProtocolError)
        assert error.text == str(error)

"""Names that are welcome, names that are not, and pairs that look alike or do not."""

import pytest
from alcove.errors import InvalidInput
from alcove.joining.names import clean_name, looks_like_any

from tests.vectors.parts import Case

WELCOME = (
    *("Ann", "José", "O'Neil", "Ann-Marie", "Dr. K", "Tom & Jo", "J_78", "D’Arcy", "Nguyễn Thị"),
    *("မြတ်နိုး", "ကျော်ကျော်", "राजेश्वरी", "कृष्णा", "สมชาย", "น้ำฝน", "தமிழ்ச்செல்வி", "ශ්‍රී"),
    *("نیلوفر", "می‌نا", "مُحَمَّد", "שָׁרָה", "李小龍", "𠮷野", "さくら", "김민지", "Ольга", "Γιώργος"),
    *("Հայկ", "ნინო", "አበበ", "ᎠᏓ", "𞤀𞤣𞤤𞤢𞤥", "ߒߞߏ", "ਗੁਰਪ੍ਰੀਤ", "সৌম্য", "ലക്ഷ്മി", "ಕಾವ್ಯ"),
    *("తెలుగు", "ស្រីមុំ", "ວັນນາ", "བཀྲ་ཤིས", "👩‍🚀 Zoe", "❤️ Sam", "🏳️‍🌈", "👍🏽", "🇳🇿 Kim", "🫩"),
    *(
        "  Sam \n",
        "Ann   Lee",
        "Ｍｉｋａ",
        "ﬁn",
        "Zoe\N{COMBINING DIAERESIS}",
        "Ann\N{NO-BREAK SPACE}Lee",
    ),
    *("x" * 32, "Hosta", "Adam", "Yousef", "Модест"),
)
"""What is taken, in its one spelling."""
REFUSED = (
    *("", "   ", "...", "-", "\u3164", "Bob\u115f", "\u1160", "\uffa0", "\u2800", "Bob\U0001d159"),
    *(
        "Rob\u200din",
        "An\u200bn",
        "Ann\u202e",
        "An\u00adn",
        "Ann\ufe0f",
        "Ann\U000e0067",
        "\u200dAnn",
    ),
    *("می‌", "❤️‍", "A\tB", "A\nB", "Ann\ufffd", "\ue000", "\U0010ffff", "\u0378", "A\U00016110"),
    *("[Ann]", "Ann (she)", "Ann: hello", "<b>", "Ann/Bob", "@ann", "Ann*", "«Ann»", "a|b", "#1"),
    *("q" + "\u0301\u0302\u0303\u0304\u0305", "กิิ", "\u0301a", "A \u0301", "❤\u0301", "x" * 33),
    *("Facilitator", "Ana facilitator", "FaciIitator", "M0DERAT0R", "Administrators", "Ana.Host"),
    *("You", "Y0u", "the host", "ALCOVE", "admin-2", "Relay"),
    "𞤀" * 31 + "𞤀𞤣",
)
ALIKE = (
    *(("B0b", "Bob"), ("BiIl", "Bill"), ("CIeo", "Cleo"), ("0live", "Olive"), ("РАUL", "Paul")),
    *(("Аnn", "Ann"), ("rnary", "Mary"), ("❤️", "❤"), ("Ann Marie", "AnnMarie"), ("می‌نا", "مینا")),
    *(("ANN", "ann"), ("Zoё", "Zoë"), ("نيلوفر", "نیلوفر"), ("Мах", "Max"), ("ѕam", "Sam")),
    *(("1isa", "Lisa"), ("Ann.", "Ann"), ("Каі", "Kai"), ("Ɩvan", "Ivan"), ("M0M", "mom")),
    *(("Αlex", "Alex"), ("Νina", "Nina"), ("Оскар", "Ocкap"), ("Jоe", "Joe"), ("Ｍika", "Mika")),
    *(("Tοm", "Tom"), ("Сarl", "Carl"), ("Ꭰana", "Dana"), ("Еva", "Eva"), ("Luсy", "Lucy")),
    *(("Iris", "lris"), ("O'Neil", "ONeil"), ("Ann\u2019", "Ann"), ("José", "Jose\u0301")),
)
APART = (
    *(("Ali", "All"), ("José", "Jose"), ("Sam", "Pam"), ("Anna", "Ann"), ("နေ", "နီ")),
    *(("राम", "रमा"), ("Đan", "Dan"), ("สมชาย", "สมชัย"), ("👍🏽", "👍🏿"), ("李", "季")),
)


def cases() -> list[Case]:
    return [
        *(_judged("welcome", text) for text in WELCOME),
        *(_judged("refused", text) for text in REFUSED),
        *(_pair("alike", *pair) for pair in ALIKE),
        *(_pair("apart", *pair) for pair in APART),
    ]


def _judged(kind: str, text: str) -> Case:
    case: Case = {"name": f"{kind} {text!a}", "kind": "name", "text": text}
    try:
        return case | {"code": None, "clean": clean_name(text)}
    except InvalidInput as error:
        return case | {"code": error.code}


def _pair(kind: str, one: str, other: str) -> Case:
    case: Case = {"name": f"{kind} {one!a} {other!a}", "kind": "pair"}
    return case | {"text": one, "other": other, "alike": looks_like_any(one, [other])}


def check(case: Case) -> None:
    kind = case["name"].split()[0]
    if case["kind"] == "pair":
        assert case["alike"] == (kind == "alike") == looks_like_any(case["text"], [case["other"]])
        assert case["alike"] == looks_like_any(case["other"], [case["text"]])
        return
    assert (case["code"] is None) == (kind == "welcome"), case
    if case["code"] is None:
        assert clean_name(case["text"]) == clean_name(case["clean"]) == case["clean"]
        assert looks_like_any(case["clean"], [case["clean"].swapcase()])
    else:
        with pytest.raises(InvalidInput) as refused:
            clean_name(case["text"])
        assert refused.value.code == case["code"]

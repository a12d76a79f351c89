"""The check of an agreement that a person gives, before anything is sent."""

from collections.abc import Sequence

from alcove_protocol import limits
from alcove_protocol.card import AgreementText, pack_agreement
from alcove_protocol.errors import Malformed

from alcove.errors import InvalidInput

SUMMARY_LINES = 5
"""Lines of a summary at most: all of it is read."""
UNDETERMINED = "und"
"""The tag of a language that was not named (BCP 47, section 4.1)."""


def checked_agreement(
    agreement: str | Sequence[AgreementText], languages: str = ""
) -> tuple[AgreementText, ...]:
    """Return the agreement in each of its languages. A text alone is in the first of `languages`.

    Raises `InvalidInput` (`bad_agreement`) when a text is empty, a summary has more than 5 lines,
    a language comes twice, or all together has more than 16 KiB.
    """
    if isinstance(agreement, str):
        first = languages.replace(",", " ").split()[:1]
        tag = first[0] if first and len(first[0].encode()) <= limits.LANGUAGE_TAG else UNDETERMINED
        agreement = (AgreementText(tag, "", agreement),)
    texts = tuple(agreement)
    if any(len(text.summary.strip().splitlines()) > SUMMARY_LINES for text in texts):
        text = f"The summary of ground rules has at most {SUMMARY_LINES} lines."
        raise InvalidInput("bad_agreement", text)
    if not texts or any(not text.text.strip() for text in texts):
        raise InvalidInput("bad_agreement", "Ground rules need a text in each of their languages.")
    try:
        pack_agreement(texts)
    except UnicodeEncodeError:
        text = "The ground rules have characters that cannot be sent."
        raise InvalidInput("bad_agreement", text) from None
    except Malformed:
        kib = limits.AGREEMENT // limits.KIB
        text = f"Ground rules have at most {kib} KiB in all, and each language once."
        raise InvalidInput("bad_agreement", text) from None
    return texts

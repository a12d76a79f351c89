"""The part of a room that is about its agreement: to read it, to accept it, to change it."""

from collections.abc import Sequence

from alcove_protocol import limits
from alcove_protocol.card import AgreementText, pack_agreement
from alcove_protocol.errors import Malformed

from alcove.errors import InvalidInput
from alcove.messages.agreements import in_language
from alcove.shell import RoomShell

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
        text = f"The summary of an agreement has at most {SUMMARY_LINES} lines."
        raise InvalidInput("bad_agreement", text)
    if not texts or any(not text.text.strip() for text in texts):
        raise InvalidInput("bad_agreement", "An agreement needs a text in each of its languages.")
    try:
        pack_agreement(texts)
    except UnicodeEncodeError:
        text = "The agreement has characters that cannot be sent."
        raise InvalidInput("bad_agreement", text) from None
    except Malformed:
        kib = limits.AGREEMENT // limits.KIB
        text = f"An agreement has at most {kib} KiB in all, and each language once."
        raise InvalidInput("bad_agreement", text) from None
    return texts


class Agreeing(RoomShell):
    """What `Room` says of its agreement, and does with it."""

    @property
    def agreement(self) -> str:
        """The ground rules, in the reader's language. Empty until the card has arrived."""
        texts = self.agreement_texts
        return in_language(texts, self._engine.agreements.language).text if texts else ""

    @property
    def agreement_texts(self) -> tuple[AgreementText, ...]:
        """The newest ground rules whose text is here, in all languages of the room."""
        shown = self._engine.agreements.shown
        return shown.texts if shown is not None else ()

    async def accept(self, version: int | None = None) -> None:
        """Accept the ground rules: on the card, and knock; or new ones in the room. Give the
        `version` that the person read, so that no later one is accepted in its place.

        Only a person's act calls this. Raises `NotNow` (`nothing_to_accept`, `no_agreement`,
        `agreement_changed`), `RoomClosed`.
        """
        self._commands.accept(version)
        self._after()

    async def change_agreement(
        self, agreement: str | Sequence[AgreementText], *, correction: bool = False
    ) -> None:
        """Give the room other ground rules. You accept them by that, and everybody else is asked
        and posts nothing before. With `correction`, for a mistake in the wording, they are not
        asked.

        Raises `InvalidInput` (`bad_agreement`), `NotNow` (`agreement_race`, when another
        facilitator's change came first, `agreement_same`, `agreement_under_way`,
        `too_many_corrections`, `not_facilitator`), `RoomClosed`.
        """
        present = self.agreement_texts
        texts = checked_agreement(agreement, present[0].language if present else "")
        await self._call(
            lambda done: self._commands.change_agreement(texts, done, correction=correction)
        )

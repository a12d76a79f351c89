"""The texts of the room's agreement, in all its languages, by their hash.

    told by a facilitator ──of the next version──▶ pending ──a commit names its hash──▶ current
                          ──of the current hash──▶ current

A commit holds the hash alone, so the text comes before it, in a message, or on a newcomer's card.
A text that no commit names is never shown. Nothing here judges a commit: a client that lacks a
text follows the commit all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from alcove_protocol.card import AgreementText, agreement_hash, unpack_agreement
from alcove_protocol.errors import Malformed

from alcove.events import AgreementShown
from alcove.group.extensions import RoomExtension

UNSEEN: Final = (
    "No member who answered has the text of this room's ground rules, so it cannot be shown here. "
    "If you accept, you come in as a facilitator without having read them. Then give the room its "
    "ground rules anew: /newrules FILE. All members are asked to accept those."
)
"""To the holder of a standby's link, in the place of the text."""
PENDING: Final = 4
"""Texts of one facilitator that no commit has named yet. The newest are kept."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One version of the agreement, in all its languages."""

    version: int
    hash: bytes
    packed: bytes
    """What the hash covers."""
    texts: tuple[AgreementText, ...]


def read_agreement(room: bytes, version: int, packed: bytes) -> Agreement:
    """Return what these bytes of a card or a message say. Raises `Malformed`."""
    texts = unpack_agreement(packed)
    return Agreement(version, agreement_hash(room, version, packed), packed, texts)


def in_language(texts: Sequence[AgreementText], wanted: str) -> AgreementText:
    """Return the text for a reader of this language (a BCP 47 tag), or else the first.

    A longer tag falls back to its beginning (RFC 4647, section 3.4), and then to any text in the
    same language: a reader of `pt` gets `pt-BR`.
    """
    by_tag = {text.language.casefold(): text for text in reversed(texts)}
    parts = wanted.casefold().replace("_", "-").split("-")
    for length in range(len(parts), 0, -1):
        found = by_tag.get("-".join(parts[:length]))
        if found is not None:
            return found
    same = [text for text in texts if text.language.casefold().split("-")[0] == parts[0]]
    return (same or list(texts))[0]


class Agreements:
    """The texts that this client knows. `language` is its reader's."""

    def __init__(self, language: str = "") -> None:
        self.language = language
        self.title = ""
        """The room's title, which is shown above the agreement."""
        self.unseen = b""
        """The hash of the agreement that the person accepted without its text, if any."""
        self._current: Agreement | None = None
        self._pending: dict[bytes, list[Agreement]] = {}

    @property
    def shown(self) -> Agreement | None:
        """The newest agreement of the room whose text is here."""
        return self._current

    def of(self, state: RoomExtension) -> Agreement | None:
        """The agreement of this state, if its text is here."""
        known = self._current
        return known if known is not None and known.hash == state.agreement else None

    def begin(self, agreement: Agreement, title: str) -> None:
        """Take what a verified card says, or what the opener wrote."""
        self._current, self.title = agreement, title

    def told(
        self, author: bytes, version: int, packed: bytes, state: RoomExtension, room: bytes
    ) -> bool:
        """Take what the facilitator with this MLS key told. Return whether it is the text of the
        present agreement. What can become none, or cannot be read, is dropped."""
        try:
            agreement = read_agreement(room, version, packed)
        except Malformed:
            return False
        if agreement.hash == state.agreement:
            self._current = agreement
            return True
        if version == state.agreement_version + 1:
            known = [item for item in self._pending.get(author, []) if item != agreement]
            self._pending[author] = [*known, agreement][-PENDING:]
        return False

    def moved(self, state: RoomExtension) -> None:
        """A commit was merged. A text that was told before may be the current one now, and every
        other one of that version never will be."""
        for agreement in (item for items in self._pending.values() for item in items):
            if agreement.hash == state.agreement:
                self._current = agreement
        self._pending = {
            author: kept
            for author, items in self._pending.items()
            if (kept := [item for item in items if item.version > state.agreement_version])
        }

    def shown_event(self, agreement: Agreement, *, asked: bool) -> AgreementShown:
        """The event that shows an agreement in the reader's language."""
        text = in_language(agreement.texts, self.language)
        tags = tuple(item.language for item in agreement.texts)
        return AgreementShown(
            agreement.version, text.text, self.title, text.language, text.summary, asked, tags
        )

    def unseen_event(self, version: int, title: str, *, asked: bool) -> AgreementShown:
        """The event that says that no member that answered has the text of the agreement."""
        self.title = title
        return AgreementShown(version, UNSEEN, title, "en", asked=asked, unseen=True)

    def forget(self) -> None:
        """At close: forget every text."""
        self._current, self.title, self.unseen = None, "", b""
        self._pending.clear()

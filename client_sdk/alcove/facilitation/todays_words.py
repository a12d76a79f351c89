"""What members chose as today's word, held against a knock under the name of one that is silent.

    a knock brings 32 bytes of its word ──admitted──▶ they are its member's, while in the room
    the member is let go by ABSENT      ──▶ and for the two hours in which the name is remembered
    a knock under the member's name     ──▶ fits, differs, or brings none: a person is told

Guessing is bounded. Anybody who knows the invite and the name may try. So `WRONG_MOST` different
words are compared for a member, and after these the word says nothing any more, also the right one:
a bound that refused the knock would keep the true person out. The same wrong word again is no new
guess, since a client knocks again by itself. Nobody but a facilitator learns whether a word fits.

Each client knows the words of those whose knock it opened. They are in no vault: a room may have
more members than fit. Where this client does not know it says so.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final

from alcove_protocol import limits

from alcove.group.outcomes import Merged, Person
from alcove.joining.todays_word import NO_WORD
from alcove.members import WordCheck

WRONG_MOST: Final = 5
"""Different wrong words for a member: enough for mistakes, and too few for guesses."""
COMMIT_MAY_COME: Final = 600.0
"""Seconds that the word of a knock is kept which no longer waits: it may have been admitted."""

GONE_MOST: Final = 256
"""Knocks that no longer wait, whose words are kept at a time. One more takes the place of the
first."""


@dataclass(slots=True)
class _Brought:
    """What a knock brought. `gone_at` is when it ceased to wait."""

    word: bytes = field(repr=False)
    gone_at: float | None = None


@dataclass(slots=True)
class _Chosen:
    """What the member of this name chose; the wrong words; since when they are let go."""

    name: str
    word: bytes = field(repr=False)
    wrong: set[bytes] = field(default_factory=set, repr=False)
    gone_at: float | None = None


class TodaysWords:
    """Of one room, as one facilitator's client knows them. In memory, until it closes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._brought: dict[bytes, _Brought] = {}
        self._chosen: dict[bytes, _Chosen] = {}

    def brought(self, key: bytes, word: bytes) -> None:
        """The knock of the leaf with this MLS key waits, and brought this word."""
        self._forget_old()
        self._brought[key] = _Brought(word)

    def waits_no_more(self, key: bytes) -> None:
        """The knock of that leaf was admitted or refused, or is over."""
        brought = self._brought.pop(key, None)
        if brought is None:
            return
        brought.gone_at = self._clock()
        self._brought[key] = brought  # behind those that were gone before
        gone = [k for k, one in self._brought.items() if one.gone_at is not None]
        for old in gone[:-GONE_MOST]:
            del self._brought[old]

    def check(self, key: bytes, word: bytes) -> WordCheck:
        """How this word compares with that of the member with this MLS key."""
        self._forget_old()
        chosen = self._chosen.get(key)
        if chosen is None:
            return "unknown"
        if chosen.word == NO_WORD:
            return "none"
        if word in chosen.wrong:
            return "differs"
        if len(chosen.wrong) >= WRONG_MOST:
            return "spent"
        if word == NO_WORD:
            return "missing"
        if compare_digest(word, chosen.word):
            return "fits"
        chosen.wrong.add(word)
        return "differs"

    def merged(self, outcome: Merged) -> None:
        """A newcomer has the word of the knock. One that comes under the name of a member that
        goes, or was let go, and brought none, keeps that member's."""
        now, absent = self._clock(), {leaf.signature_key for leaf in outcome.absent}
        coming = {person.name for person in outcome.joined}
        for person in outcome.gone:
            chosen = self._chosen.get(person.key)
            if chosen is not None and (person.key in absent or person.name in coming):
                chosen.gone_at = now
            else:
                self._chosen.pop(person.key, None)
        for person in outcome.joined:
            self._seat(person)
        self._forget_old()

    def _seat(self, person: Person) -> None:
        brought, same = self._brought.pop(person.key, None), self._chosen.pop(person.key, None)
        gone = [
            k
            for k, one in self._chosen.items()
            if one.gone_at is not None and one.name == person.name
        ]
        old = same or (self._chosen[gone[-1]] if gone else None)
        for key in gone:
            del self._chosen[key]
        if brought is not None and (old is None or brought.word != NO_WORD):
            self._chosen[person.key] = _Chosen(person.name, brought.word)
        elif old is not None and (same is not None or brought is not None):
            old.gone_at = None
            self._chosen[person.key] = old

    def _forget_old(self) -> None:
        now = self._clock()
        self._brought = {
            key: one
            for key, one in self._brought.items()
            if one.gone_at is None or now - one.gone_at <= COMMIT_MAY_COME
        }
        self._chosen = {
            key: one
            for key, one in self._chosen.items()
            if one.gone_at is None or now - one.gone_at <= limits.AWAY
        }

    def forget(self) -> None:
        """This client facilitates no more."""
        self._brought.clear()
        self._chosen.clear()

"""The keys of each try to come in: of the knock, and of each request for a Welcome that is late.

Each try has keys of its own, since a facilitator takes no KeyPackage twice.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from alcove_protocol import frames
from alcove_protocol.invite import Invite

from alcove.errors import NotTrusted
from alcove.group.admission import Offer
from alcove.group.door_texts import fixed_text
from alcove.group.keys import Identity
from alcove.group.sealing import KnockBody, Psk, door_psk, open_welcome
from alcove.mls.secret import Random

TRIES_KEPT: Final = 5
"""The knock, and as many requests as the relay keeps of one member: a facilitator who comes back
answers the oldest."""


@dataclass(frozen=True, slots=True)
class Try:
    """The id that a refusal names, and the keys that open an answer. `late` says that it was a
    request for a Welcome that is late, and no knock."""

    id: bytes
    offer: Offer
    late: bool


@dataclass(frozen=True, slots=True)
class Unanswered:
    """What a newcomer asked that came in by the answer to another try. A facilitator that has not
    heard of them yet can still grant it, and seals the Welcome with `psk`."""

    offers: tuple[Offer, ...]
    psk: Psk


class Tries:
    """The last ones. A Welcome may be late, and answer an earlier one than the newest."""

    def __init__(self, invite: Invite, random: Random) -> None:
        self._invite = invite
        self._random = random
        self._kept: deque[Try] = deque()

    @property
    def newest(self) -> Try | None:
        return self._kept[-1] if self._kept else None

    def make(
        self,
        identity: Identity,
        agreement: bytes,
        answer: str,
        word: bytes,
        now: float,
        *,
        late: bool,
    ) -> tuple[Try, KnockBody]:
        """One more, and what it offers. `word` is as `KnockBody` has it. `now` is in Unix
        seconds."""
        offer = Offer.make(identity, agreement, now, self._random)
        made = Try(self._random(frames.ID_SIZE), offer, late)
        if len(self._kept) == TRIES_KEPT:
            self._kept.popleft().offer.wipe()
        self._kept.append(made)
        return made, KnockBody(
            identity.name,
            offer.bundle.key_package.encode(),
            identity.relay.public,
            offer.reply.public,
            agreement,
            fixed_text(answer),
            word,
        )

    def open(self, sealed: bytes) -> tuple[Try, bytes]:
        """The try that a Welcome answers, and the Welcome. Raises `NotTrusted` (`cannot_open`)."""
        psk = door_psk(self._invite)
        for made in reversed(self._kept):
            try:
                return made, open_welcome(self._invite.room, made.offer.reply, sealed, psk)
            except NotTrusted:
                continue
        text = "A Welcome came that does not open: it is old, or was altered. Asking again."
        raise NotTrusted("cannot_open", text)

    def take_unanswered(self, answered: Try) -> Unanswered:
        """The requests but the one that was answered. They are the caller's to wipe."""
        taken = [made for made in self._kept if made.late and made is not answered]
        self._kept = deque(made for made in self._kept if made not in taken)
        return Unanswered(tuple(made.offer for made in taken), door_psk(self._invite))

    def wipe(self) -> None:
        """Forget the keys of every try."""
        while self._kept:
            self._kept.pop().offer.wipe()

"""A facilitator changes the agreement, and repeats its text for those who missed it.

    change ──text in the outbox──▶ told ──the relay numbered it──▶ committed ──▶ current
                                     └─ refused: nothing changed

The text is in the log before the commit that makes it current. A client that dies between leaves a
text that no commit names, and the room as it was. Any facilitator repeats the text while the leaf
of a member names an agreement that is not good: that person may not have seen it. The same when a
member came back by a ticket, without any text, and it was not told since.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alcove_protocol.card import AgreementText, agreement_hash, pack_agreement
from alcove_protocol.errors import Malformed

from alcove import events
from alcove.errors import AlcoveError, InvalidInput, NotNow
from alcove.facilitation.agreement_intent import FULL, ChangeAgreement
from alcove.facilitation.facilitator import Facilitator
from alcove.facilitation.intents import Done
from alcove.facilitation.overdue import Overdue
from alcove.group.agreement_rules import may_correct
from alcove.group.extensions import leaf_extension
from alcove.group.membership import Membership
from alcove.group.outcomes import Merged, Person
from alcove.messages.agreements import Agreement, Agreements
from alcove.messages.conversation import Conversation
from alcove.messages.payload import ToldAgreement
from alcove.relay.ports import Ports

REPEAT: Final = 60.0
"""Seconds until a facilitator repeats a text for the first time. Each time it waits twice as long,
but no longer than half of a message's life, if that is longer than this: then the log always holds
the text."""
RANK: Final = 10.0
"""Seconds that each facilitator waits longer than the one before in the list."""


@dataclass(frozen=True, slots=True)
class _Change:
    message: bytes
    intent: ChangeAgreement
    told: bool = False
    """Whether the relay has the text. From then on the committer waits."""


class AgreementChange:
    """What only a facilitator's client does with the agreement. `facilitator` is None elsewhere."""

    def __init__(
        self,
        membership: Membership,
        agreements: Agreements,
        conversation: Conversation,
        ports: Ports,
        *,
        facilitator: Callable[[], Facilitator | None],
    ) -> None:
        self._membership = membership
        self._agreements = agreements
        self._conversation = conversation
        self._emit: Callable[[events.AnyEvent], None] = ports.emit
        self._clock = ports.clock
        self._facilitator = facilitator
        self._change: _Change | None = None
        self._told = b""
        """The hash of the texts that this client told last, for a commit of its own."""
        self._came_since = False
        """Whether a member came in after that, before the commit: the text is not for them."""
        self._reloaded = False
        """Whether a member came back by a ticket since the present text was told last."""
        self._overdue = Overdue(ports)
        self._repeating: bytes | None = None
        self._repeat_at: float | None = None
        self._wait = REPEAT
        self._accepted_by: dict[bytes, bytes] = {}
        """Empty until this client facilitates."""

    # --- changing it ---------------------------------------------------------------------------

    def change(self, texts: tuple[AgreementText, ...], done: Done, *, correction: bool) -> None:
        """Tell the texts, then commit their hash.

        Raises `InvalidInput` (as `unpack_agreement`), `NotNow` (`agreement_under_way`,
        `agreement_same`, `too_many_corrections`).
        """
        membership, state = self._membership, self._membership.state
        room, version = membership.group.group_id, state.agreement_version + 1
        if self._change is not None:
            text = "A change of the ground rules is on its way already; wait for it."
            raise NotNow("agreement_under_way", text)
        try:
            packed = pack_agreement(texts)
        except Malformed as error:
            raise InvalidInput.of(error) from None
        present = self._agreements.of(state)
        if present is not None and present.packed == packed:
            raise NotNow("agreement_same", "These are the ground rules already.")
        if correction and not may_correct(state):
            raise NotNow("too_many_corrections", FULL)
        self._agreements.told(membership.own.key, version, packed, state, room)

        def finished(error: AlcoveError | None) -> None:
            self._change = None
            done(error)

        hashed = agreement_hash(room, version, packed)
        intent = ChangeAgreement(finished, version, hashed, correction)
        message = self._conversation.tell_first(ToldAgreement(version, packed))
        self._told, self._came_since = hashed, False
        self._change = _Change(message, intent)

    def own(self, message: bytes, sent: bool) -> None:
        """What became of a message of this client."""
        if message == self._repeating:
            self._repeating, self._reloaded = None, self._reloaded and not sent
        change, facilitator = self._change, self._facilitator()
        if change is None or message != change.message:
            return
        if sent and facilitator is not None:
            self._change = _Change(message, change.intent, told=True)
            facilitator.committer.want(change.intent)
        else:
            text = "The new ground rules were not sent, and nothing changed."
            change.intent.done(NotNow("agreement_not_sent", text))

    # --- what others have accepted ---------------------------------------------------------------

    def _leaves(self) -> dict[bytes, bytes]:
        """The agreement that each member's leaf names, by MLS key."""
        members = self._membership.group.members()
        return {m.leaf.signature_key: leaf_extension(m.leaf).agreement for m in members}

    def _lags(self, person: Person) -> bool:
        return self._accepted_by.get(person.key) != self._membership.state.agreement

    def merged(self, outcome: Merged, *, own: bool) -> None:
        """A commit was merged: put the new agreement on the cards, and tell of acceptances."""
        before, had = self._accepted_by, outcome.before.agreement
        came = (*outcome.joined, *outcome.rejoined)
        self._came_since |= bool(came)
        self._reloaded |= bool(outcome.reloaded)
        self.came_back(own=own)
        if self._facilitator() is None:
            return
        state = self._membership.state
        agreement = self._agreements.of(state)
        if state.agreement == had:  # else its author alone has accepted it, by making it
            for person in outcome.people:
                new = before.get(person.key) not in (None, state.agreement)
                if new and not self._lags(person) and person.key != self._membership.own.key:
                    self._emit(events.Accepted(person.name))
        late = own and state.agreement == self._told != had and self._came_since
        away = own and (any(self._lags(person) for person in came) or bool(outcome.reloaded))
        if agreement is not None and (late or away):
            self._repeat(agreement)  # they were not there when it was told

    # --- repeating it ----------------------------------------------------------------------------

    def heard(self) -> None:
        """Another facilitator told the present text, for the first time here or again."""
        self._reloaded = False
        self.came_back()
        if self._repeat_at is not None:
            self._put_off()

    def came_back(self, *, own: bool = False) -> None:
        """This client is in the group anew, or facilitates from now on, or has the text now."""
        facilitator, agreement = self._facilitator(), self._agreements.of(self._membership.state)
        if facilitator is None:
            return
        self._accepted_by = self._leaves()
        if agreement is not None:
            facilitator.agreement_is(agreement, own=own)

    def tick(self, *, ready: bool) -> None:
        """Repeat the text when it is time and the client may send. Tell when the relay does not
        take the text of a change."""
        self._overdue.tick(waits=self._change is not None and not self._change.told)
        if not ready:
            return
        agreement = self._agreements.of(self._membership.state)
        if self._facilitator() is None or agreement is None or not self._anyone_lacks_it():
            self._repeat_at, self._wait = None, REPEAT
        elif self._repeat_at is None:
            self._repeat_at = self._clock() + self._wait + self._rank
        elif self._clock() >= self._repeat_at:
            self._repeat(agreement)
            self._put_off()

    def _put_off(self) -> None:
        self._wait = min(2 * self._wait, max(REPEAT, self._membership.state.ttl / 2))
        self._repeat_at = self._clock() + self._wait + self._rank

    @property
    def _rank(self) -> float:
        keys = [item.mls_key for item in self._membership.state.facilitator_list()]
        own = self._membership.own.key
        return RANK * keys.index(own) if own in keys else 0.0

    def _anyone_lacks_it(self) -> bool:
        """Whether any other member may lack the text."""
        good, own = self._membership.state.good_agreements(), self._membership.own.key
        behind = any(has not in good for key, has in self._accepted_by.items() if key != own)
        return behind or self._reloaded

    def _repeat(self, agreement: Agreement) -> None:
        if self._repeating is None:
            told = ToldAgreement(agreement.version, agreement.packed)
            self._repeating = self._conversation.tell_first(told)

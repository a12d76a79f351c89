"""A member's part when a standby asks to come in: tell the person, and answer when it is its turn.
The same for a facilitator that lost its group and comes back by a ticket.

A member answers only when it has heard no facilitator for 90 s, but the one that asks. All members
are told the ask, and three at a time answer: their order is drawn from the ask itself, so that no
member has to know which others are there.
"""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.card import pack_agreement
from alcove_protocol.errors import Malformed
from alcove_protocol.statements import AskStatement, Signed

from alcove import events, mls
from alcove.engine.following import Following
from alcove.facilitation.doors import RoomCard
from alcove.group.extensions import leaf_extension
from alcove.group.facilitator_seals import Reply, return_psk, seal_answer, standby_psk
from alcove.group.membership import Membership
from alcove.group.sealing import Psk, request_psk
from alcove.group.standby import checked_ask, standby_of
from alcove.group.standby_entry import StandbyAnswer, group_info_of
from alcove.messages.presence import Presence
from alcove.relay.ports import Ports

HELD_AFTER: Final = 5.0
"""Seconds that a held member waits beyond its turn: one that follows knows more."""
TOLD_AGAIN: Final = 600.0
"""Seconds in which a person is told of no second ask."""
_KNOWN: Final = 64
"""Asks that are remembered, so that a relay cannot repeat them."""


class StandbyAnswers:
    """One member's. `card` gives what this member knows of the room's texts: without ground rules
    when it has not those of now."""

    def __init__(
        self,
        membership: Membership,
        presence: Presence,
        following: Following,
        ports: Ports,
        card: Callable[[], RoomCard],
    ) -> None:
        self._membership = membership
        self._presence = presence
        self._following = following
        self._ports = ports
        self._card = card
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._due: dict[bytes, tuple[float, AskStatement]] = {}
        """By the MLS key that asks, the standby's or a facilitator's: none takes another's turn."""
        self._told_at: float | None = None

    def asked(self, notice: frames.Asked) -> None:
        """A standby asks. What the room's standby did not sign is ignored."""
        try:
            signed = Signed(notice.statement, notice.signature)
            state, room = self._membership.state, self._membership.group.group_id
            statement = checked_ask(state, room, notice.id, notice.key, signed)
        except Malformed:
            return
        if statement.id in self._known or not self._alone(statement):
            return  # it is of no use while a facilitator is heard
        self._known[statement.id] = None
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        now = self._ports.clock()
        told = self._told_at is not None and now - self._told_at <= TOLD_AGAIN
        if statement.epoch is None and not told:
            self._told_at = now
            self._ports.emit(events.StandbyAsked(False))
        wait = float(self._turn(statement.id))
        wait += HELD_AFTER if self._following.held else 0.0
        due, key = now + wait, statement.mls_key
        if key in self._due:  # the next ask puts off no turn of the one before
            due = min(due, self._due[key][0])
        self._due[key] = (due, statement)
        self.tick()

    def _alone(self, statement: AskStatement) -> bool:
        """Whether no facilitator is heard, but the one that asks."""
        if statement.epoch is None:
            return self._presence.in_doubt
        others = self._membership.facilitator_keys - {statement.mls_key} - self._presence.gone
        heard = self._presence.heard_within
        return not any(heard(key, limits.READ_ONLY_AFTER) for key in others)

    def _psk(self, statement: AskStatement) -> Psk | None:
        """What the answer is sealed with, if this member has it."""
        if statement.epoch is None:
            standby = standby_of(self._membership.state)
            return None if standby is None else standby_psk(standby.psk, standby.mls_key)
        secret = self._membership.request_secrets.of(statement.epoch)
        if secret is not None:
            return request_psk(secret, statement.epoch)
        # This member came in later. The leaf is of the key that signed, so its owner asks.
        leaf = self._membership.leaf_of(statement.mls_key)
        if leaf is None:
            return None
        return return_psk(leaf_extension(leaf).desk_key, leaf.signature_key)

    def _turn(self, id: bytes) -> int:
        """How many groups of members come before this one, a second for each."""
        people = self._membership.people()
        order = sorted(sha256(id + one.relay_key).digest() for one in people if not one.facilitator)
        own = sha256(id + self._membership.own.relay_key).digest()
        before = sum(other < own for other in order)
        return before // limits.ANSWERERS

    def tick(self) -> None:
        """Answer when it is this member's turn."""
        now, own = self._ports.clock(), self._membership.own
        for key, (due, statement) in list(self._due.items()):
            if now < due:
                continue
            del self._due[key]
            if self._alone(statement) and not own.entering and not own.facilitator:
                self._answer(statement)

    def _answer(self, statement: AskStatement) -> None:
        membership, card = self._membership, self._card()
        psk = self._psk(statement)
        if psk is None or not self._ports.link.live:
            return
        try:
            group_info, key = group_info_of(membership)
            answer = StandbyAnswer(
                membership.base.encode(),
                self._following.held,
                key,
                group_info,
                card.title,
                pack_agreement(card.texts) if card.texts else b"",
                card.languages,
                card.helplines,
            )
            reply = Reply(statement.room, statement.id, membership.own.relay_key)
            sealed = seal_answer(
                reply, statement.reply_key, answer.encode(), psk, self._ports.random
            )
            self._ports.link.request(
                lambda n: frames.AnswerAsker(n, statement.id, sealed), lambda answer: None
            )
        except (Malformed, mls.MLSError):
            return  # too large, or nothing may be sealed to its key: another member may do better

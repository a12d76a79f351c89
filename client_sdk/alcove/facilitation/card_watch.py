"""Reads the cards of the room's doors, and compares each with the group's state.

    right ──▶ another door, a little later
    wrong ──▶ read again ──still wrong──▶ put anew, by the first in line, then by the others
                                             └─ its number leaves none above it: the invite closes

Any facilitator may put a card at any door. By one with a lobby key of their own they alone can read
the knocks there. No state tells of it, for the relay cannot read cards. So each client reads them
all, one after the other, and a card at once when a knock came that it cannot open.

A card is signed, and its number begins with a roster counter. The signer of another lobby key than
the state had at that counter, or with a number above that of a right card, did it knowingly and is
named. A card from before is only old: its facilitator may be gone, or the relay shows it again. A
lone facilitator has no other to look after. In a room that was brought back and is not settled none
is judged: the newer state may be the other client's.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from alcove_protocol import frames
from alcove_protocol.card import card_counter
from alcove_protocol.frames import RelayAnswer

from alcove import events
from alcove.errors import AlcoveError, NotNow, NotTrusted
from alcove.facilitation.door_keeper import DoorKeeper
from alcove.facilitation.doors import Door, Doors
from alcove.facilitation.in_line import OTHERS_WAIT, InLine
from alcove.facilitation.intents import Done, not_awaited
from alcove.group.membership import Membership
from alcove.joining.card import CheckedCard, read_card
from alcove.relay.ports import Ports

ROUND: Final = 60.0
"""Seconds in which each door is read once, if there are few."""
APART: Final = 5.0
"""Seconds between two reads, however many doors there are: each answer may have 32 KiB."""
SETTLED: Final = 2 * OTHERS_WAIT
"""Seconds after a change of the state in which the cards are put anew, and none is judged."""
CONFIRM: Final = 2.0
"""Seconds after which a wrong card is read again: another's client may be putting it anew."""

FORGED: Final = (
    "{name} put a card at an invite with another key than the room's: a knock there reached them "
    "alone, or nobody, and you were not shown it. Your client puts the right card there."
)
WRONG: Final = (
    "The card of an invite does not show this room as it is, and newcomers cannot come in by it. "
    "Your client puts the right one there. A facilitator may have put the wrong one, or the relay."
)
OTHER_WORDS: Final = (
    "{name} put a card at an invite whose title, helplines or contact are not those that you know. "
    "Newcomers read that card. Ask about it, or close the invite: /invites lists it, and "
    "/revoke NUMBER closes it."
)
SHUT: Final = (
    "The relay lets nobody knock by an invite that the room still lists: a facilitator closed it "
    "without telling the group, or the relay did. Make a new invite for "
    "those who have this one: /invite new."
)
NO_NUMBER: Final = (
    "A wrong card stands at an invite, and no other card can take its place, so your client closes "
    "the invite. Make a new one for those who have it: /invite new."
)
NOT_TAKEN: Final = (
    "A wrong card stands at an invite, and the relay takes no other card there. Close the "
    "invite (/revoke NUMBER, by its number in /invites), "
    "and make a new one for those who have it."
)


@dataclass(slots=True)
class _Found:
    """Something wrong at a door. `mark` tells it from another: a number, or a refusal's code."""

    mark: int | str
    again_at: float


class CardWatch:
    """One facilitator's. `close` takes a door off the state's list."""

    def __init__(
        self,
        membership: Membership,
        doors: Doors,
        door_keeper: DoorKeeper,
        in_line: InLine,
        ports: Ports,
        close: Callable[[bytes, Done], None],
    ) -> None:
        self._membership = membership
        self._doors = doors
        self._door_keeper = door_keeper
        self._in_line = in_line
        self._link = ports.link
        self._emit = ports.emit
        self._clock = ports.clock
        self._close = close
        self._key_since = self._key_known
        """The least roster counter at which every signer knew the present lobby key."""
        self._shows = self._shown
        self._look_at = ports.clock() + SETTLED
        self._read_at = -APART
        self._due: list[bytes] = []
        self._found: dict[bytes, _Found] = {}
        self._right: dict[bytes, int] = {}
        """The number of the right card that was last read at each door."""
        self._put: set[bytes] = set()
        """Doors whose card was put right since the state shows something else on it."""
        self._told: set[tuple[bytes, str, str]] = set()

    @property
    def _key_known(self) -> int:
        """The last entry's counter, if the chain names the state's lobby key. Else the next one's:
        a card of the last one may be from before this key."""
        roster = self._membership.roster
        return roster.counter + (roster.lobby != self._membership.state.lobby_key)

    @property
    def _shown(self) -> tuple[bytes, bytes]:
        """What a card shows of the state, and what the commit that changes it has put anew."""
        state = self._membership.state
        return state.lobby_key, state.agreement

    # --- when ----------------------------------------------------------------------------------

    def moved(self) -> None:
        """The group moved on."""
        shown, listed = self._shown, self._membership.state.door_ids()
        self._found = {door: found for door, found in self._found.items() if door in listed}
        self._told = {one for one in self._told if one[0] in listed}
        if shown == self._shows:
            return
        if shown[0] != self._shows[0]:
            self._key_since = self._key_known
        self._shows = shown
        self._found.clear()
        self._right.clear()
        self._put.clear()
        self._look_at = max(self._look_at, self._clock() + SETTLED)

    def look_now(self, door: bytes) -> None:
        """A knock at this door does not open: its card may name another lobby key."""
        if door in self._membership.state.door_ids() and door not in self._found:
            self._found[door] = _Found("knock", self._clock())

    def tick(self, *, settled: bool) -> None:
        """To be called while this client is in step, and its vault complete. Not `settled`: the log
        began anew, and may be of an epoch that this client does not know yet."""
        now, alone = self._clock(), self._membership.facilitates_alone
        if alone or not settled or not self._doors.fits(self._membership):
            self._look_at = now + SETTLED
            self._found.clear()
            return
        if now - self._read_at < CONFIRM:
            return
        listed = self._doors.of_state(self._membership.state.door_ids())
        suspect = next((door for door in listed if self._is_suspect(door.id, now)), None)
        if suspect is not None:
            self._read(suspect)
        elif now >= self._look_at and (door := self._next(listed)) is not None:
            self._look_at = now + max(APART, ROUND / len(listed))
            self._read(door)

    def _is_suspect(self, door: bytes, now: float) -> bool:
        found = self._found.get(door)
        return found is not None and now >= found.again_at

    def _next(self, listed: list[Door]) -> Door | None:
        """The doors one after the other."""
        known = {door.id: door for door in listed}
        self._due = [id for id in self._due if id in known] or list(known)
        return known[self._due.pop(0)] if self._due else None

    # --- what is found -------------------------------------------------------------------------

    def _read(self, door: Door) -> None:
        epoch, self._read_at = self._membership.group.epoch, self._clock()

        def answered(answer: RelayAnswer | None) -> None:
            if answer is None:  # the connection is over, and perhaps the room: its keys are wiped
                self._found.pop(door.id, None)
            elif epoch == self._membership.group.epoch:  # else it may be of the state before
                self._judge(door, answer)

        self._link.request(lambda n: frames.ReadCard(n, door.id), answered)

    def _judge(self, door: Door, answer: RelayAnswer) -> None:
        if isinstance(answer, frames.RequestRefused) and answer.code == "door_revoked":
            if self._is_confirmed(door, answer.code):
                self._tell("invite_shut", SHUT, door)
        elif isinstance(answer, frames.CardIs):
            self._judge_card(door, answer)
        else:
            self._found.pop(door.id, None)  # over, used up, or not known: that is no card

    def _judge_card(self, door: Door, answer: frames.CardIs) -> None:
        checked = self._checked(door, answer)
        if checked is not None:
            door.seen = max(door.seen, answer.number)
            if self._is_right(checked):
                self._found.pop(door.id, None)
                self._right[door.id] = answer.number
                self._compare_words(door, checked)
                return
        if self._is_confirmed(door, answer.number):
            del self._found[door.id]
            self._tell_of(door, checked)
            self._put_right(door)

    def _tell_of(self, door: Door, checked: CheckedCard | None) -> None:
        """An old card is told of only when it stands there again: its facilitator may be gone."""
        if checked is not None and self._is_forged(door, checked):
            name = self._name(checked)
            self._tell("card_forged", FORGED.format(name=name), door, name)
        elif checked is None or door.id in self._put:
            self._tell("card_wrong", WRONG, door)

    def _put_right(self, door: Door) -> None:
        """Put the card anew. Numbers of signed cards alone were noted: no invite is closed because
        the relay names a large one."""
        if card_counter(door.seen + 1) > self._membership.roster.counter:
            self._tell("card_stays", NO_NUMBER, door)
            with suppress(NotNow):  # another facilitator's client was first
                self._close(door.id, not_awaited)
            return

        def put(error: AlcoveError | None) -> None:
            if error is not None:
                self._tell("card_stays", NOT_TAKEN, door)

        self._put.add(door.id)
        self._door_keeper.put_anew(door, put)

    def _is_confirmed(self, door: Door, mark: int | str) -> bool:
        """Whether the same was found before, and this client's place in line is due."""
        found, now = self._found.get(door.id), self._clock()
        if found is not None and found.mark == mark:
            return now >= found.again_at
        self._found[door.id] = _Found(mark, now + CONFIRM + self._in_line.delay())
        return False

    @staticmethod
    def _checked(door: Door, answer: frames.CardIs) -> CheckedCard | None:
        """None when no newcomer would take it."""
        try:
            return read_card(door.invite, answer)
        except NotTrusted:
            return None

    def _is_right(self, checked: CheckedCard) -> bool:
        """Whether all facilitators can read a knock by it, and may let its newcomer in."""
        membership, card = self._membership, checked.card
        return (
            (card.lobby_key, checked.agreement) == self._shown
            and card.suite == membership.group.suite.number
            and (card.members, card.ttl) == (membership.roster.members, membership.state.ttl)
        )

    def _is_forged(self, door: Door, checked: CheckedCard) -> bool:
        """Whether its signer knew the present lobby key: then another is no mistake."""
        number = checked.card.number
        knew = card_counter(number) >= self._key_since
        later = number > self._right.get(door.id, number)
        return checked.card.lobby_key != self._shown[0] and (knew or later)

    def _compare_words(self, door: Door, checked: CheckedCard) -> None:
        """Tell when people read something else on it than on this client's card. No state has these
        words, so nothing says whose are right. A client without any takes these, if there are any:
        a card without them may be of such a client, and even of this person's program before."""
        card, own = checked.card, self._doors.card
        shown = (card.title, card.languages, card.helplines, card.contact or "")
        _, languages, helplines, contact = shown
        said = any((languages, helplines, contact))
        if not own.known and card.title == own.title and said:
            self._doors.card = replace(
                own, languages=languages, helplines=helplines, contact=contact, known=True
            )
        elif shown == (own.title, own.languages, own.helplines, own.contact):
            return
        elif card.signer == self._membership.own.key and not said:
            self._put_right(door)  # this person's program put it while it knew none
        else:
            name = self._name(checked)
            self._tell("card_differs", OTHER_WORDS.format(name=name), door, name)

    def _name(self, checked: CheckedCard) -> str:
        person = self._membership.find_key(checked.card.signer)
        return "A former facilitator" if person is None else person.name

    def _tell(self, code: str, text: str, door: Door, sender: str | None = None) -> None:
        """Once for each door, and for each person of whom it is told."""
        known = (door.id, code, sender or "")
        if known not in self._told:
            self._told.add(known)
            self._emit(events.Problem(code, text, sender=sender))

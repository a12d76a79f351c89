"""The way in by a standby's link, while no facilitator is there.

    READING ──chain verified──▶ ASKING ──answers──▶ SHOWN ──accept──▶ ENTERING ──taken──▶ (a member)
                                 ▲  │                                    │
                                 │  └─ a facilitator is there: wait      │
                                 └───────────────────────────────────────┘
                                    the room went on meanwhile: ask again

Over this connection the client has proved the link's key, which only lets it ask. The keys that it
brings into the room are fresh ones. A false answer is noticed after that, and the way begins anew
with other keys (engine/standby_entering.py).
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from alcove_protocol import frames
from alcove_protocol.frames import ConnectionRole, RelayAnswer
from alcove_protocol.invite import Invite
from alcove_protocol.position import Position
from alcove_protocol.roster import Roster
from alcove_protocol.statements import Opening, Signed

from alcove import events
from alcove.errors import PASSING, AlcoveError, NotNow, NotTrusted, Refused
from alcove.group.extensions import name_of
from alcove.group.keys import Identity, room_suite
from alcove.group.standby import StandbySecrets
from alcove.group.standby_entry import Candidate, Entry, make_entry, read_answer
from alcove.joining.candidates import Candidates
from alcove.joining.card import CheckedCard
from alcove.joining.chain_reader import ChainReader
from alcove.joining.door_words import REFUSAL_SENTENCES, RULES_CHANGED, refusal_sentence
from alcove.joining.names import looks_like_any
from alcove.joining.standby_asks import AskKeys, StandbyAsks
from alcove.messages.agreements import Agreements, read_agreement
from alcove.relay.link import Proof
from alcove.relay.ports import Ports

ASK_AGAIN: Final = 10.0
"""Seconds after which the members are asked again, when no answer came that is of use."""
LOOK_AGAIN: Final = 15.0
"""Seconds after which the relay is asked again that has no place, or heard a facilitator."""
FACILITATED: Final = (
    "The relay says that a facilitator is in this room, so the standby's link lets nobody in now. "
    "Ask them for an invite. Your program waits here, and asks again when no facilitator is heard."
)
ASKING: Final = (
    "Your program asks the members of the room to let you in. This works while one of them is "
    "connected; you need to do nothing."
)
_ON_THE_WAY: Final = "You accepted the ground rules already. Your program goes in by itself."


class WayIn(Enum):
    READING = auto()
    ASKING = auto()
    SHOWN = auto()
    ENTERING = auto()


class StandbyComer:
    """A client that came by a standby's link, before it is in the room.

    With `accept` the person accepts any agreement. `on_known` is called once the room's history was
    verified, `on_member` once the relay took the external commit, with the position of it or of the
    commit before, and `fail` when the way in has ended. `candidates` know of the members
    what earlier tries by this link showed.
    """

    card: CheckedCard | None = None
    knocked = False

    def __init__(
        self,
        invite: Invite,
        identity: Identity,
        ports: Ports,
        *,
        accept: bool,
        agreements: Agreements,
        candidates: Candidates | None = None,
        on_known: Callable[[], None],
        on_member: Callable[[Entry, Position], None],
        fail: Callable[[AlcoveError], None],
    ) -> None:
        self.invite = invite
        self.identity = identity
        """The fresh keys. Once a member answered, they are in the room's suite."""
        self.secrets = StandbySecrets.of(invite)
        self.candidates = candidates or Candidates(ports.clock)
        self.used: Candidate | None = None
        """The answer that the external commit was made of."""
        self.accepted: bytes | None = None
        """The agreement that the person accepted."""
        self._asked: tuple[int, bytes] | None = None
        """The version and the hash of the agreement that the person is asked to accept."""
        self._asks = StandbyAsks(invite.room, AskKeys.of_link(self.secrets), ports)
        self._ports = ports
        self._clock = ports.clock
        self._link = ports.link
        self._emit = ports.emit
        self._accept_all = accept
        self._agreements = agreements
        self._on_known = on_known
        self._on_member = on_member
        self._fail = fail
        self._again_at: float | None = None
        self._pending: Entry | None = None
        self._told: set[str] = set()
        self._chain = ChainReader(
            invite.room,
            ports,
            on_known=self._known,
            on_late=self._later,
            on_wrong=self._wrong,
        )
        self.stage = WayIn.READING

    def proof(self) -> Proof:
        return Proof(self.invite.room, ConnectionRole.STANDBY, self.secrets.relay)

    @property
    def opening(self) -> tuple[Opening, Signed]:
        """Entry 0, verified. Only once `on_known` was called."""
        return self._chain.opening

    def authenticated(self, answer: frames.Authenticated) -> None:
        """The relay knows the link: read on in the room's history."""
        self._again_at = None
        self._chain.read()

    # --- the chain -----------------------------------------------------------------------------

    def _wrong(self, first: bool) -> None:
        """The relay's history does not follow. At first there is nothing to begin anew with."""
        if first:
            text = "The relay's history of this room is not signed as it must be; do not go on."
            self._fail(NotTrusted("bad_roster", text))
        else:
            self._drop_pending()
            self._later()

    def _known(self, roster: Roster) -> None:
        if self.stage is WayIn.READING:
            self.stage = WayIn.ASKING
            self._on_known()
        pending, self._pending = self._pending, None
        if pending is not None:
            if pending.after.head == roster.head:
                self._on_member(pending, pending.base)  # taken, and the answer was lost
                return
            pending.staged.drop()
        if self.secrets.keys.relay_key not in roster.links():
            self._fail(Refused("link_closed", refusal_sentence("link_closed")))
            return
        self._ask()

    def _drop_pending(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.staged.drop()

    # --- asking --------------------------------------------------------------------------------

    def _ask(self) -> None:
        roster = self._chain.roster
        if self.stage is WayIn.SHOWN or roster is None:
            return  # the person reads; what is true then is asked then
        self.stage = WayIn.ASKING

        def answered(answer: RelayAnswer | None) -> None:
            if isinstance(answer, frames.Done):
                self._tell_once("standby_asks", ASKING)
                self._again_at = self._clock() + ASK_AGAIN
            elif answer is not None:
                self._refused(answer)

        self._asks.ask(self.secrets.relay, roster.counter, answered)

    def _refused(self, answer: RelayAnswer) -> None:
        code = answer.code if isinstance(answer, frames.RequestRefused) else "malformed"
        if code == "facilitated":
            self._tell_once("facilitated", FACILITATED)
        elif code not in PASSING | {"stale", "bad_roster"}:
            self._fail(Refused.by_relay(code))
            return
        self._later()

    def _later(self) -> None:
        self._again_at = self._clock() + LOOK_AGAIN
        if self.stage is WayIn.ENTERING:
            self.stage = WayIn.ASKING

    def _tell_once(self, code: str, text: str) -> None:
        if code not in self._told:
            self._told.add(code)
            self._emit(events.Problem(code, text))

    def answered(self, notice: frames.Answered) -> None:
        """A member answers. What does not open, or is not of this room, is ignored."""
        if self.stage is not WayIn.ASKING:
            return
        try:
            content = self._asks.open(notice)
            if content is None:
                return
            opening, keys = self._chain.opening[0], self.secrets.keys
            self.candidates.add(read_answer(content, notice.key, opening, keys))
        except NotTrusted:
            return

    def tick(self) -> None:
        """Look what is due: to decide, or to ask again."""
        now = self._clock()
        if self.stage is WayIn.ASKING and self.candidates.due:
            self._decide()
        elif self._again_at is not None and now >= self._again_at and self._link.authenticated:
            self._again_at = None
            self._chain.read()

    def _decide(self) -> None:
        """Take the best answer."""
        best = self.candidates.best(self.accepted)
        if best is None:
            return
        state = best.state
        accepted = self._accept_all or self.accepted == state.agreement
        if self.accepted != state.agreement or self._agreements.unseen == state.agreement:
            self._show(best, asked=not accepted)
        if accepted:
            self.accepted = state.agreement
            self._enter(best)
        else:
            self._asked = (state.agreement_version, state.agreement)
            self.candidates.shown(best.by)
            self.stage = WayIn.SHOWN

    def _show(self, best: Candidate, *, asked: bool) -> None:
        """Show the ground rules, or that no member that answered has their text."""
        state, answer = best.state, best.answer
        if best.texts:
            rules = read_agreement(self.invite.room, state.agreement_version, answer.agreement)
            self._agreements.begin(rules, answer.title)
            self._agreements.unseen = b""
            self._emit(self._agreements.shown_event(rules, asked=asked))
        elif self._agreements.unseen != state.agreement:
            self._agreements.unseen, version = state.agreement, state.agreement_version
            self._emit(self._agreements.unseen_event(version, answer.title, asked=asked))

    def accept(self, version: int | None = None, answer: str = "", word: bytes = b"") -> None:
        """Accept the agreement that was shown, and go in. `version` is the one that was read. The
        holder of a link is asked nothing else, so `answer` and `word` are not used.

        Raises `NotNow` (`no_agreement`, `agreement_changed`).
        """
        accepted = self._asked is not None and self._asked[1] == self.accepted
        if self.stage is not WayIn.SHOWN and accepted:
            raise NotNow("no_agreement", _ON_THE_WAY)
        if self.stage is not WayIn.SHOWN or self._asked is None:
            raise NotNow("no_agreement", "The ground rules have not arrived yet; wait a moment.")
        if version not in (None, self._asked[0]):
            raise NotNow("agreement_changed", RULES_CHANGED)
        self.accepted = self._asked[1]
        self.stage = WayIn.ASKING
        if self._link.authenticated:
            self._chain.read()

    # --- entering ------------------------------------------------------------------------------

    def _enter(self, candidate: Candidate) -> None:
        roster = self._chain.roster
        if roster is None:
            return
        try:
            self.identity = self.identity.in_suite(room_suite(candidate.context.cipher_suite))
            entry = make_entry(
                candidate,
                self.identity,
                self.secrets,
                roster,
                now=self._ports.wall(),
                random=self._ports.random,
            )
        except NotTrusted:
            self._led_nowhere(candidate)
            return
        except NotNow as error:
            self._ends(candidate, error)
            return
        leaves = entry.staged.members_after()
        names = [name_of(one.leaf) for one in leaves if one.index != entry.staged.committer]
        if looks_like_any(self.identity.name, names):
            entry.staged.drop()
            self._ends(candidate, Refused("name_taken", REFUSAL_SENTENCES["name_taken"]))
            return
        self.used, self.stage, self._again_at = candidate, WayIn.ENTERING, None
        self._publish(entry, candidate.by)

    def _led_nowhere(self, candidate: Candidate) -> None:
        self.candidates.led_nowhere(candidate.by)
        self._later()

    def _ends(self, candidate: Candidate, error: AlcoveError) -> None:
        """By this answer the person cannot come in: fail, or hear other members first."""
        if self.candidates.ends_by(candidate.by, error):
            self._fail(error)
        else:
            self._later()

    def _publish(self, entry: Entry, by: bytes) -> None:
        id = self._ports.random(frames.ID_SIZE)

        def answered(answer: RelayAnswer | None) -> None:
            if isinstance(answer, frames.Published):
                self._on_member(entry, Position.decode(answer.position))
            elif answer is None:
                self._pending = entry  # the chain tells whether it was taken
            else:
                entry.staged.drop()
                if isinstance(answer, frames.RequestRefused) and answer.code == "stale":
                    self.candidates.led_nowhere(by)  # it named another base
                self._refused(answer)

        self._link.request(lambda n: entry.publish(n, id), answered)

    # --- the end -------------------------------------------------------------------------------

    def hand_over_asks(self) -> StandbyAsks:
        """The asks, for the member that this client is now."""
        return self._asks

    def withdraw(self) -> None:
        """Forget everything. Nothing waits at the relay."""
        self.wipe()

    def wipe(self) -> None:
        """Forget the link's keys."""
        self._drop_pending()
        self._asks.wipe()
        self.secrets.wipe()

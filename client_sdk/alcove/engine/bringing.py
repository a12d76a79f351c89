"""A log that this client did not know: the relay lost its memory, and a client brought the room.

    known ──another generation──▶ unsettled ──the relay says so──▶ known
                                     │ name the own head; bring the chain if the relay lacks it

In an unsettled log nothing is committed, and this client follows no commit that it had not merged
before: what was brought first may be stale. docs/protocol.md section 9.
"""

from collections.abc import Callable
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.codec import pack_list
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.labels import Label
from alcove_protocol.roster import NO_HASH
from alcove_protocol.statements import ReseatStatement, Signed

from alcove import events
from alcove.engine.chain_keeper import ChainKeeper, packed
from alcove.engine.loss_told import OTHERS_BRING, YOURS_BRINGS, LossTold
from alcove.errors import Refused
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.relay.link import OnAnswer
from alcove.relay.ports import Ports

LOOK_AGAIN: Final = 20.0
"""Seconds after which the relay is asked again whether the log is settled."""
BRING_AGAIN: Final = 60.0
"""Seconds after which a chain that the relay did not take is brought again."""
OTHERS_FIRST: Final = 45.0
"""Seconds that a participant leaves to the facilitators before it brings a room: they know best
what was committed last."""
_REST: Final = 4 * limits.KIB
"""Bytes of a frame for what is beside chain, commits and doors."""


class Bringing:
    """State and requests. `doors` packs those that this client put, if it is a facilitator's.
    `abandoned` says whether no facilitator holds the room any more."""

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        ports: Ports,
        doors: Callable[[bool], bytes],
        abandoned: Callable[[], bool],
    ) -> None:
        self._identity = identity
        self._membership = membership
        self._link = ports.link
        self._emit = ports.emit
        self._clock = ports.clock
        self._doors = doors
        self._abandoned = abandoned
        self._named = False
        self._look_at = 0.0
        self._bring_at = 0.0
        self._told = False
        self._loss = LossTold(ports.emit)
        self.chain = ChainKeeper(membership, ports)
        self.unsettled = False
        self.conflicts = False
        """Whether the relay has another history than this client."""

    # --- in the new log ------------------------------------------------------------------------

    def resumed(self, answer: frames.Resumed, *, new_log: bool) -> None:
        """`resume` said where the log stands."""
        self.unsettled = answer.unsettled > 0
        self._look_at = self._clock() + min(float(answer.unsettled), LOOK_AGAIN)
        facilitates = self._membership.own.facilitator
        if not self.unsettled:
            self._loss.over(facilitates=facilitates)
        elif new_log:
            self._loss.brought(facilitates=facilitates)
        if new_log:
            self._named = self._told = self.conflicts = False
        if answer.disputed or not self.unsettled:
            self._tell_dispute(answer.disputed)
        if (self.unsettled or new_log) and not self._named:
            self._name()
        elif self.unsettled and self.conflicts and self._clock() >= self._bring_at:
            self.bring(lambda answer: None)

    @property
    def look_due(self) -> bool:
        """Whether it is time to ask the relay again."""
        return self.unsettled and self._clock() >= self._look_at

    def look_later(self) -> None:
        """The relay is asked."""
        self._look_at = self._clock() + LOOK_AGAIN

    def has_all_again(self) -> None:
        """The log has what it lacked of this client's commits. A relay that took no door because of
        an entry that it did not know takes it now."""
        self.chain.fetch()
        if not self._named:
            self._name()

    def _name(self, *, anew: bool = True) -> None:
        """Tell the relay the head of the own chain. It counts the first one of each member.

        Doors come along, with cards that are made `anew`. Those name the newest entry of this
        client's chain, which the relay may have lost. Then the cards of before are good for it."""
        signed, doors = self._statement(), self._doors(anew)

        def answered(answer: RelayAnswer | None) -> None:
            refused = answer.code if isinstance(answer, frames.RequestRefused) else ""
            if isinstance(answer, frames.Done):
                self._named = True
            elif refused == "bad_statement" and anew:
                self._name(anew=False)
            elif refused == "bad_roster":
                self._named = True
                self.bring(lambda answer: None)  # the relay lacks entries of this client's chain

        self._link.request(
            lambda n: frames.Reseat(n, signed.body, signed.signature, b"", b"", doors), answered
        )

    def _statement(self) -> Signed:
        membership, relay = self._membership, self._identity.relay
        commit = membership.commit_hash if membership.commit_blob else NO_HASH
        said = ReseatStatement(
            membership.group.group_id, relay.public, membership.roster.head, commit
        )
        return relay.sign(Label.RESEAT, said)

    # --- the whole room ------------------------------------------------------------------------

    def forgotten(self, *, brings: bool) -> None:
        """The relay does not know the room. Tell the person what follows. `brings` says whether
        this client is the first to bring it."""
        mine = brings and self.opening is not None
        self._loss.forgotten(YOURS_BRINGS if mine else OTHERS_BRING)

    @property
    def opening(self) -> Signed | None:
        """Entry 0, if this client can bring the room now. It brings none that was abandoned: the
        relay did not lose that one, and deletes it for good."""
        may = self._clock() >= self._bring_at and not self._abandoned()
        chain = self._whole() if may else None
        return chain[0] if chain is not None else None

    def _whole(self) -> list[Signed] | None:
        """The chain, with which this client has the last commit's bytes. One that came by a Welcome
        and has merged nothing since lacks them: by its log, all others would be out of step."""
        if self._membership.group.epoch > 0 and not self._membership.commit_blob:
            return None
        chain = self.chain.whole()
        fits = chain is not None and len(packed(chain)) <= limits.ROSTER_CHAIN
        return chain if fits else None

    def bring(self, done: OnAnswer) -> None:
        """Give the room to a relay that lost its memory, or has another history of it."""
        chain = self._whole()
        self._bring_at = self._clock() + BRING_AGAIN
        if chain is None:
            done(None)
            return
        signed, doors, commit = self._statement(), self._doors(True), self._membership.commit_blob
        whole = packed(chain)
        place = limits.FRAME - _REST - len(whole) - len(commit) - len(doors)
        earlier = self._membership.merged.before_last(min(limits.EARLIER_BYTES, place))

        def answered(answer: RelayAnswer | None) -> None:
            self.conflicts = (
                isinstance(answer, frames.RequestRefused) and answer.code == "roster_conflict"
            )
            self._tell_dispute(self.conflicts)
            if isinstance(answer, frames.Done):
                self._bring_at = 0.0  # it may lose its memory again at once
            done(answer)

        self._link.request(
            lambda n: frames.Reseat(
                n,
                signed.body,
                signed.signature,
                whole,
                commit,
                doors,
                pack_list(earlier) if earlier else None,
            ),
            answered,
        )

    def _tell_dispute(self, disputed: bool) -> None:
        """Tell the person, once for each log, that two histories were brought."""
        if disputed and not self._told:
            self._told = True
            text = Refused.by_relay("roster_conflict").text
            self._emit(events.Problem("roster_conflict", text))

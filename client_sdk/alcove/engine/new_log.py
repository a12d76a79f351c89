"""This client in a log that was brought back: what it keeps back, and what it publishes again."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Final

from alcove_protocol import frames, limits
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import BlobClass, RelayAnswer
from alcove_protocol.position import Position

from alcove import mls
from alcove.engine.bringing import Bringing
from alcove.engine.following import Following
from alcove.facilitation.facilitator import Facilitator
from alcove.group.framing import unpack_commit
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.messages.stream import Advance, Stream
from alcove.relay.ports import Ports

LOOK_AHEAD: Final = 4.0
"""Seconds after which a facilitator's client with a lost commit asks whether the log is settled."""
LOST_COMMITS_FIRST: Final = LOOK_AHEAD + 4.0
"""Seconds after a log is settled in which commits that the relay lost come again before others:
until such a client asks, and its commit comes."""
READ_BEFORE: Final = 64
"""Numbers before its admission that a newcomer's client reads, for the commits among them."""


class NewLog:
    """`published`: as for `Publisher`. `gap` tells that messages were missed. `facilitator` is None
    for a participant's client."""

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        stream: Stream,
        following: Following,
        bringing: Bringing,
        ports: Ports,
        *,
        published: Callable[[Position, BlobClass, bytes], Advance],
        gap: Callable[[], None],
    ) -> None:
        self._identity = identity
        self._membership = membership
        self._stream = stream
        self._following = following
        self._bringing = bringing
        self._link = ports.link
        self._clock = ports.clock
        self._random = ports.random
        self._published = published
        self._gap = gap
        self._commits_at = 0.0
        self._asked_at = 0.0
        self._before: deque[bytes] = deque(maxlen=limits.EARLIER_COMMITS)
        self._told_lost = False
        self.known = stream.cursor.generation
        """The last log in which this client was in step, and which was settled."""

    @property
    def may_commit(self) -> bool:
        """Whether the log is settled, and those had their turn whose last commit it lost."""
        return not self._bringing.unsettled and self._clock() >= self._commits_at

    def read_admission(self, facilitator: Facilitator | None) -> None:
        """Read the commit by whose Welcome this client came, once, and what few stood right before
        it: with their bytes this client can bring the room, for those who missed them too. The
        first `resume` has told the relay that the Welcome arrived."""
        membership, cursor = self._membership, self._stream.cursor
        lacks = membership.group.epoch > 0 and not membership.commit_blob
        if not lacks or not cursor.number or cursor != membership.base:
            return
        before = replace(cursor, number=max(0, cursor.number - READ_BEFORE)).encode()
        lobby = facilitator.lobby.number if facilitator is not None else 0

        def answered(answer: RelayAnswer | None) -> None:
            if not isinstance(answer, frames.Resumed):
                return
            if self._stream.is_of_another_log(answer):
                self._link.hang_up = True
            else:
                self._stream.resumed(answer)

        self._link.request(lambda n: frames.Resume(n, before, lobby), answered)

    def fill_in(self, frame: frames.BlobIs) -> None:
        """Keep the bytes of these commits, and of nothing else that comes with them."""
        membership, position = self._membership, Position.decode(frame.position)
        if frame.blob_class != BlobClass.COMMIT or membership.commit_blob:
            return
        if membership.merged.fill_in(frame.blob, tuple(self._before)):
            self._before.clear()
        elif self._before_base(position):
            self._before.append(frame.blob)

    def keeps_back(self, frame: frames.BlobIs, facilitator: Facilitator | None) -> bool:
        """Whether the log is unsettled, and a commit came that this client had not merged: what was
        brought may be of a demoted facilitator. It comes again when the log is settled."""
        following, membership = self._following, self._membership
        if not self._bringing.unsettled or self._is_before_own(Position.decode(frame.position)):
            return False
        if not following.waits and frame.blob_class == BlobClass.COMMIT:
            item = facilitator.committer.in_flight if facilitator is not None else None
            own = item is not None and item.blob == frame.blob
            following.waits = not own and sha256(frame.blob).digest() not in membership.merged
        return following.waits

    def is_before(self, blob: bytes, position: Position) -> bool:
        """Whether this message is of an earlier epoch, and stands before the first commit of a log
        that began anew which this client had merged. Others had lost that commit until then."""
        following, base = self._following, self._membership.base
        # Out of step the base may be a commit of before this client came, which it only burned.
        met = position.generation == base.generation and position.number > base.number
        return following.new_log and not (following.in_step and met) and self._is_earlier(blob)

    def is_commit_before(self, blob: bytes, position: Position) -> bool:
        """Whether this commit, which this client could not read, is no alarm: it stands at the
        begin of a log that began anew, or before this client's own last one and is older."""
        following = self._following
        if not following.new_log or self._stream.opens(position):
            return following.new_log
        try:
            return not following.in_step and self._is_earlier(unpack_commit(blob)[1])
        except Malformed:
            return False

    def _is_earlier(self, blob: bytes) -> bool:
        """Whether this MLS message is of an earlier epoch than this client's."""
        try:
            return mls.peek(blob).epoch < self._membership.group.epoch
        except mls.MLSError:
            return False

    def is_ahead_of(self, digest: bytes, position: Position) -> bool:
        """Whether this client had merged this commit before its last one."""
        return self._merged_before(digest, position) or self._begins(position)

    def _merged_before(self, digest: bytes, position: Position) -> bool:
        """Whether it is the commit before this client's last one; in a log that began anew, before
        its last one is met there, also an earlier one."""
        membership, following = self._membership, self._following
        later = membership.merged.after(digest)
        if later is None or later.digest == membership.commit_hash:
            return later is not None
        return following.new_log and (not following.in_step or self._before_base(position))

    def _before_base(self, position: Position) -> bool:
        """Whether `resume` said that this client's last commit is at a later number of the log."""
        base = self._membership.base
        return base.generation == position.generation and position.number < base.number

    def _begins(self, position: Position) -> bool:
        """Whether a log begins anew here, of which `resume` said that it goes on to this client's
        own last commit. A newcomer's log may begin with the commit before theirs."""
        following = self._following
        begins = position.number == 1 or self._before_base(position)
        return following.new_log and begins and following.in_step

    def _is_before_own(self, position: Position) -> bool:
        """Whether `resume` said that this client's last commit is the log's, and this is before."""
        return self._following.in_step and self._before_base(position)

    def begin_log(self, position: Position) -> None:
        """This client's last commit is here. When only commits stand before it in a log that began
        anew, its log hash begins here: a member that came by a later one knows no earlier epoch."""
        following, context = self._following, self._membership.group.context
        if following.new_log and not following.held and self._stream.opens(position):
            self._stream.start_log(position, context.confirmed_transcript_hash)

    def passed(self, digest: bytes, position: Position) -> None:
        """The log has a commit that this client is ahead of. The next one comes again, and `resume`
        may have said where."""
        if not self._before_base(position):
            self._membership.base = position
            again = self._following.new_log and not self._following.in_step
            self._following.ahead = digest if again else b""

    def look_due(self, facilitator: Facilitator | None) -> bool:
        """Whether it is time to ask the relay whether the log is settled."""
        bringing = self._bringing
        hurries = facilitator is not None and bringing.unsettled and bool(self._following.ahead)
        return bringing.look_due or (hurries and self._clock() >= self._asked_at + LOOK_AHEAD)

    def look(self, facilitator: Facilitator | None, pump: Callable[[], None]) -> None:
        """Ask the relay whether the log is settled. What was kept back comes again."""
        lobby = facilitator.lobby.number if facilitator is not None else 0
        position = self._stream.cursor.encode()
        self._bringing.look_later()
        self._asked_at = self._clock()

        def answered(answer: RelayAnswer | None) -> None:
            if not isinstance(answer, frames.Resumed):
                return
            if self._stream.is_of_another_log(answer):
                self._link.hang_up = True
                return
            self._bringing.resumed(answer, new_log=False)
            if self._following.waits:
                self._following.waits = False
                self._stream.resumed(answer)
                told, self._told_lost = self._told_lost, answer.lost and self._bringing.unsettled
                if answer.lost and not (told and self._told_lost):
                    self._gap()  # what was kept back has expired meanwhile
            if not self._bringing.unsettled:
                self._settled(Position.decode(answer.base), facilitator, pump)

        self._link.request(lambda n: frames.Resume(n, position, lobby), answered)

    def _settled(
        self, base: Position, facilitator: Facilitator | None, pump: Callable[[], None]
    ) -> None:
        """What was brought stands. The commits that this client lacks are missed from now on."""
        self._following.expect(base)
        self.leave_turn()
        self.repeat_commit(facilitator, pump)

    def leave_turn(self) -> None:
        """The log is settled as far as this client knows. Those come first whose commits the relay
        had taken and lost."""
        if not self._following.ahead:
            self._commits_at = self._clock() + LOST_COMMITS_FIRST

    def repeat_commit(self, facilitator: Facilitator | None, pump: Callable[[], None]) -> None:
        """The relay took commits that this client has merged, and lost them. A client that had not
        heard of them brought the room, so that their followers would be on a dead branch. A
        facilitator publishes the next one again, with the same bytes and with an entry that follows
        the list as it is there, while nothing else was committed."""
        membership, following = self._membership, self._following
        if not following.ahead or following.held or self._bringing.unsettled:
            return
        lost = membership.merged.after(following.ahead)
        if facilitator is None or lost is None or not lost.blob or lost.external:
            return
        id, at = self._random(frames.ID_SIZE), membership.base
        entry = membership.entry_again(lost, self._identity.relay)

        def answered(answer: RelayAnswer | None) -> None:
            if not isinstance(answer, frames.Published) or membership.base != at:
                return  # when another one has published it, it comes from the log
            position = Position.decode(answer.position)
            self._published(position, BlobClass.COMMIT, lost.blob)
            membership.base = position
            membership.came_again(lost.digest, entry)
            if lost.digest != membership.commit_hash:
                following.ahead = lost.digest
                self.repeat_commit(facilitator, pump)
                return
            self.begin_log(position)
            if following.caught_up():
                self._gap()
            self._bringing.has_all_again()
            pump()

        self._link.request(
            lambda n: frames.Publish(
                n,
                id,
                at.encode(),
                int(BlobClass.COMMIT),
                limits.TTL_MAX,
                lost.blob,
                entry.body if entry is not None else None,
                entry.signature if entry is not None else None,
            ),
            answered,
        )

"""The room's roster chain, read from entry 0 on and verified, before a client is in the room."""

from collections.abc import Callable
from typing import Final

from alcove_protocol import frames
from alcove_protocol.codec import unpack_list
from alcove_protocol.errors import Malformed
from alcove_protocol.frames import RelayAnswer
from alcove_protocol.roster import Op, Roster, extend, open_roster
from alcove_protocol.statements import Opening, Signed

from alcove.relay.ports import Ports

_ENTRIES: Final = 1000


class ChainReader:
    """Reads what it lacks at each `read`. `on_known` gets the list once all is read, `on_late` says
    that the relay gave nothing to go on with, and `on_wrong` that what it gave does not follow:
    true when nothing was read before."""

    def __init__(
        self,
        room: bytes,
        ports: Ports,
        *,
        on_known: Callable[[Roster], None],
        on_late: Callable[[], None],
        on_wrong: Callable[[bool], None],
    ) -> None:
        self._room = room
        self._link = ports.link
        self._on_known = on_known
        self._on_late = on_late
        self._on_wrong = on_wrong
        self._opening: Opening | None = None
        self._roster: Roster | None = None
        self._opening_entry: Signed | None = None
        self._heads: list[bytes] = []
        self._let_in: dict[bytes, int] = {}  # by relay key: the counter of its last REJOIN
        self._commits: dict[bytes, int] = {}  # by SHA-256: the counter of a commit's entry

    @property
    def roster(self) -> Roster | None:
        """The list after the entries that were read."""
        return self._roster

    @property
    def opening(self) -> tuple[Opening, Signed]:
        """Entry 0, verified. Only once `on_known` was called."""
        assert self._opening is not None
        assert self._opening_entry is not None
        return self._opening, self._opening_entry

    def head(self, counter: int) -> bytes:
        """The hash of the entry with this counter, empty when it was not read."""
        return self._heads[counter] if counter < len(self._heads) else b""

    def let_in_since(self, counter: int) -> frozenset[bytes]:
        """The relay keys of the members that an entry behind this counter let in again."""
        return frozenset(key for key, at in self._let_in.items() if at > counter)

    def counter_of(self, commit: bytes) -> int | None:
        """The counter of the entry of the commit with this SHA-256, if the relay took it."""
        return self._commits.get(commit)

    def begin_anew(self) -> None:
        """Read from entry 0 next: the room may be brought back with another history."""
        self._heads, self._roster = [], None
        self._let_in.clear()
        self._commits.clear()

    def read(self) -> None:
        """Read on."""
        first = len(self._heads)
        self._link.request(lambda n: frames.ReadChain(n, first), self._answered)

    def _answered(self, answer: RelayAnswer | None) -> None:
        if answer is None:
            return  # the connection dropped, and the next one reads on
        before = len(self._heads)
        if not isinstance(answer, frames.ChainIs) or answer.first != before:
            self._on_late()
            return
        try:
            for item in unpack_list(answer.entries, most=_ENTRIES):
                self._take(Signed.decode(item))
        except Malformed:
            self.begin_anew()
            self._on_wrong(before == 0)
            return
        if answer.more and len(self._heads) > before:
            self.read()
        elif self._roster is None:
            self._on_late()
        else:
            self._on_known(self._roster)

    def _take(self, entry: Signed) -> None:
        if self._roster is None:
            self._roster, opened = open_roster(entry, self._room)
            self._opening, self._opening_entry = opened.statement, entry
        else:
            self._roster, verified = extend(self._roster, entry)
            changes = verified.statement.decoded_changes()
            back = (change.key for change in changes if change.op is Op.REJOIN)
            self._let_in |= dict.fromkeys(back, self._roster.counter)
            self._commits[verified.statement.commit] = self._roster.counter
        self._heads.append(self._roster.head)

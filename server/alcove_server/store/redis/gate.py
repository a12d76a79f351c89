"""What may be told: nothing that a failover could still lose.

Redis answers before it has replicated. So everything that a connection brings (replies, pushes)
waits here until `WAIT` has confirmed a marker that was written after it. The marker is a write of
its own: `WAIT` looks at the last write of its connection, and a push may come from a write of
another node.

    commands, marker, WAIT          one batch
    replies, pushes, "marker set"   what came until now is covered by this WAIT
    pushes                          these need the next one
    WAIT's reply                    the covered part is told, in order

No I/O happens here. docs/decisions/0012-the-store-door.md states the rule.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

Reply = object
"""bytes, int, None, a list of replies, or `hiredis.ReplyError`."""
OnReply = Callable[[Reply], None]
"""Called once: with the reply, or with the `ConnectionError` that made it impossible."""
OnPush = Callable[[bytes, bytes], None]
"""Called with the channel and the message of a push."""


class Gate:
    """Holds back what came over one connection. `replicas` must confirm; 0 for a server alone, of
    which everything is told at once.

    `ask` sends a marker and `WAIT`. It is not called again before `confirmed` was."""

    def __init__(self, replicas: int, ask: Callable[[], None]) -> None:
        self._replicas = replicas
        self._ask = ask
        # What tells each, and for a reply what tells instead that the connection is gone.
        self._held: deque[tuple[Callable[[], None], OnReply | None, int]] = deque()
        self._covered = 0
        self._asked = False
        self.bytes = 0
        """Bytes of what waits here to be told."""

    def telling(self, tell: OnReply) -> OnReply:
        """What takes the reply that is for `tell`: `reply`, without the way there for a server
        alone."""
        return partial(self.reply, tell) if self._replicas else tell

    def reply(self, tell: OnReply, reply: Reply) -> None:
        """Take a reply. One that never came (`ConnectionError`) is told at once."""
        if not self._replicas or isinstance(reply, ConnectionError):
            tell(reply)
        else:
            self._hold(partial(tell, reply), tell, _size(reply))

    def push(self, tell: OnPush, channel: bytes, message: bytes) -> None:
        """Take a push."""
        if not self._replicas:
            tell(channel, message)
        else:
            self._hold(partial(tell, channel, message), None, len(message))

    def _hold(self, tell: Callable[[], None], on_reply: OnReply | None, size: int) -> None:
        self._held.append((tell, on_reply, size))
        self.bytes += size
        self.sending()

    def sending(self) -> None:
        """Something is sent, or waits to be told: see that a marker follows."""
        if self._replicas and not self._asked:
            self._asked = True
            self._ask()

    def marked(self) -> None:
        """The marker was written: what came before it is covered by the `WAIT` behind it."""
        self._covered = len(self._held)

    def confirmed(self, replicas: int) -> bool:
        """`WAIT` answered. Tell what it covers. Return false when too few replicas confirmed it:
        then nothing is told, and the same is asked again."""
        safe = replicas >= self._replicas
        covered, self._covered = self._covered, 0
        for _ in range(covered if safe else 0):
            tell, _, size = self._held.popleft()
            self.bytes -= size
            tell()
        self._asked = False
        if self._held:
            self.sending()
        return safe

    def drop(self, lost: ConnectionError) -> None:
        """The connection is gone. Replies that are not safe are told as lost, pushes not at all."""
        held, self._held = self._held, deque()
        self.bytes = self._covered = 0
        for _, on_reply, _ in held:
            if on_reply is not None:
                on_reply(lost)


def _size(reply: Reply) -> int:
    if isinstance(reply, list):
        return sum(map(_size, reply))
    return len(reply) if isinstance(reply, bytes) else 8

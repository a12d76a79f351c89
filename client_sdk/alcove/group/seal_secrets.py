"""Secrets of each epoch that seals between members have beside the recipient's key.

Each is an export of the group (RFC 9420, 8.5), so only members of the sender's epoch have it. A
recording of what is sealed stays closed without the group, even when X25519 is broken later.

    request     requests to the facilitators, and the vault; kept for 24 h, because a held member
                asks from an earlier epoch
    desk        the private line; kept for 15 min, because frames come late
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from alcove_protocol import limits

from alcove import mls
from alcove.mls.secret import Secret

LABEL: Final = "alcove seal"
SIZE: Final = 32
REQUEST: Final = b"request"
REQUESTS_KEPT: Final = float(limits.REJOIN_WINDOW)
DESK: Final = b"desk"
DESK_KEPT: Final = 15 * 60.0
KEPT_EPOCHS: Final = 4096
"""However fast epochs come, no more than these are kept."""


def request_after(staged: mls.StagedCommit) -> bytes:
    """The secret `request` of the epoch that this commit makes, 32 bytes."""
    secret = staged.export(LABEL, REQUEST, SIZE)
    exposed = secret.expose()
    secret.wipe()
    return exposed


@dataclass(slots=True)
class _Kept:
    """What is kept of one epoch."""

    secret: Secret
    leaf_key: bytes
    over: float | None = None
    """When the epoch was first seen to be over. None while it is the newest."""


class SealSecrets:
    """The newest epochs' secrets of one `context`, for `kept` seconds past their epoch."""

    def __init__(self, context: bytes, kept: float) -> None:
        self._context = context
        self._kept = kept
        self._epochs: OrderedDict[int, _Kept] = OrderedDict()

    def add(self, group: mls.Group) -> None:
        """Keep the secret of the epoch that the group is in."""
        leaf = group.member(group.own_index)
        assert leaf is not None  # a group has its own member
        secret = group.export(LABEL, self._context, SIZE)
        self._epochs[group.epoch] = _Kept(secret, leaf.encryption_key)
        if len(self._epochs) > KEPT_EPOCHS:
            self._forget(next(iter(self._epochs)))

    def learn(self, epoch: int, secret: bytes, leaf_key: bytes) -> None:
        """Keep the secret of an epoch before all that are known here: it was parked. `leaf_key` is
        the encryption key of this member's leaf then."""
        if epoch not in self._epochs:
            self._epochs[epoch] = _Kept(Secret(secret), leaf_key)
            self._epochs.move_to_end(epoch, last=False)

    def of(self, epoch: int) -> bytes | None:
        """The secret of an epoch, 32 bytes. None when it is not known, or not any more."""
        known = self._epochs.get(epoch)
        return None if known is None else known.secret.expose()

    def epochs(self) -> tuple[int, ...]:
        """The epochs whose secrets are known, the newest first."""
        return tuple(reversed(self._epochs))

    def leaf_key(self, epoch: int) -> bytes:
        """The encryption key of this member's leaf in one of `epochs`."""
        return self._epochs[epoch].leaf_key

    def tick(self, now: float) -> None:
        """Forget what was kept long enough. The newest epoch's stays."""
        for epoch, known in list(self._epochs.items())[:-1]:
            if known.over is None:
                known.over = now
            elif now - known.over > self._kept:
                self._forget(epoch)

    def _forget(self, epoch: int) -> None:
        self._epochs.pop(epoch).secret.wipe()

    def wipe(self) -> None:
        for epoch in list(self._epochs):
            self._forget(epoch)

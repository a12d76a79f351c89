"""A member's request to the facilitators, judged by the state and the bytes alone.

A relay keeps requests and delivers them late, twice, in another order, to another facilitator. So
a request is of one leaf: the key that the group holds for the member when it is judged. Once that
leaf is replaced, by a rejoin, an Update or a commit of the member's own, the request is void, and
no key comes back. That needs no memory: a facilitator who was appointed or let in a moment ago
judges like the others.

One that comes back by a ticket may not know its newest leaf: see `LetIn`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from alcove_protocol.labels import Label
from alcove_protocol.sealed import RequestBody
from alcove_protocol.statements import Signed, verify

from alcove.group.keys import check_hpke_key
from alcove.group.rights import NotAllowed


@dataclass(frozen=True, slots=True)
class Asker:
    """What the state says of the member with the relay key that a request came under."""

    room: bytes
    epoch: int
    """The present one."""
    signature_key: bytes
    leaf_key: bytes
    """The encryption key of the member's leaf."""
    seated: int
    """The counter of the roster entry that seated the member, 0 when that is not known."""


class LetIn:
    """In which epoch members were let in, as the groups say that this client followed.

    The list of members does not say it: the relay may show this client another one, and a commit
    that no member could follow puts its entry there all the same.
    """

    def __init__(self, epoch: int) -> None:
        """`epoch` is the one in which this client came in."""
        self._from = epoch
        self._epochs: dict[bytes, int] = {}  # by relay key, of members that are here

    def note(self, came: Iterable[bytes], epoch: int, here: Iterable[bytes]) -> None:
        """A commit let the members with these relay keys in. `here` has those of all members."""
        new = dict.fromkeys(came, epoch)
        if new:
            known = self._epochs | new
            self._epochs = {key: known[key] for key in here if key in known}

    def know_from(self, epoch: int, came: Iterable[bytes]) -> None:
        """This client came back alone, and knows from the chain which members `came` after an
        earlier epoch, which was parked."""
        self._epochs = dict.fromkeys(came, self._from)
        self._from = epoch

    def judge(self, asker: Asker, relay_key: bytes, body: RequestBody) -> Asker | None:
        """What judges a way back by a ticket. The program may have ended before it parked its
        newest leaf, so it may name an earlier one, if it was not let in after the epoch that it
        names. None when this client has not followed since then, and another may have."""
        if body.leaf_key == asker.leaf_key or body.epoch < self._epochs.get(relay_key, 0):
            return asker
        return None if body.epoch < self._from else replace(asker, leaf_key=body.leaf_key)


def verify_request(signed: Signed, sealed_epoch: int, asker: Asker) -> RequestBody:
    """Return what a member asks, when they signed it and the state has not gone past it.

    `sealed_epoch` is the epoch whose secret the request was sealed with.

    Raises `Malformed`, as `verify`, or with `bad_field` for a reply key to which nothing may be
    sealed. Raises `NotAllowed`: `room`, `epoch` (another than it is sealed with, or one to come),
    `counter` (before the member's seat), `leaf` (another than the group holds).
    """
    body = verify(RequestBody, Label.REQUEST, signed, asker.signature_key).statement
    if body.room != asker.room:
        raise NotAllowed("room")
    if body.epoch != sealed_epoch or body.epoch > asker.epoch:
        raise NotAllowed("epoch")
    if body.counter < asker.seated:
        raise NotAllowed("counter")
    if body.leaf_key != asker.leaf_key:
        raise NotAllowed("leaf")
    if body.reply_key is not None:
        check_hpke_key(body.reply_key)
    return body

"""A member's request to the facilitators, judged by the state and the bytes alone.

A relay keeps requests and delivers them late, twice, in another order, to another facilitator. So
a request is of one leaf: the key that the group holds for the member when it is judged. Once that
leaf is replaced, by a rejoin, an Update or a commit of the member's own, the request is void, and
no key comes back. That needs no memory: a facilitator who was appointed or let in a moment ago
judges like the others.
"""

from dataclasses import dataclass

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

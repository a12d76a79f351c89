"""One facilitator's acts about the standby: print a link, or close it.

The link is a secret that a person keeps outside this program, on paper. It is told once and not
kept: a facilitator that loses it makes another, which closes it.
"""

from collections.abc import Callable

from alcove_protocol.invite import SECRET_SIZE, Invite, InviteRole, door_id_of

from alcove.errors import AlcoveError
from alcove.facilitation.committer import Committer
from alcove.facilitation.intents import Done
from alcove.facilitation.standby_intents import SetStandby, check_place_for_standby
from alcove.group.keys import Identity
from alcove.group.membership import Membership
from alcove.group.standby import StandbySecrets
from alcove.relay.ports import Ports

LinkDone = Callable[[str, AlcoveError | None], None]
"""Is called once: with the link, which is empty when there is none, or with an error."""


class Standbys:
    """Of one facilitator. `origin` is the relay's."""

    def __init__(
        self,
        identity: Identity,
        membership: Membership,
        committer: Committer,
        origin: str,
        ports: Ports,
    ) -> None:
        self._identity = identity
        self._membership = membership
        self._committer = committer
        self._origin = origin
        self._random = ports.random

    def set(self, done: LinkDone) -> None:
        """Make a link, in the place of the one before. Raises `NotNow`
        (`too_many_facilitators`, `too_many_appointments`, `room_full`)."""
        check_place_for_standby(self._membership)
        room, secret = self._membership.group.group_id, self._random(SECRET_SIZE)
        link = Invite(InviteRole.STANDBY, door_id_of(room, secret), room, self._origin, secret)
        secrets = StandbySecrets.of(link)
        keys = secrets.keys
        secrets.wipe()

        def finished(error: AlcoveError | None) -> None:
            done("" if error is not None else link.url(), error)

        self._committer.want(SetStandby(finished, keys, self._identity))

    def clear(self, done: Done) -> None:
        """Close the link. It lets no person in any more."""
        self._committer.want(SetStandby(done))

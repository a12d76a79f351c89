"""The KeyPackages that a facilitator has seen: each is valid here, and used once."""

from collections import OrderedDict

from alcove_protocol import limits

from alcove import mls
from alcove.group.admission import room_policy
from alcove.group.membership import Membership
from alcove.group.rights import NotAllowed
from alcove.relay.ports import Ports


class KeyPackages:
    """Remembers the last `limits.USES_MAX` by their references."""

    def __init__(self, membership: Membership, ports: Ports) -> None:
        self._membership = membership
        self._wall = ports.wall
        self._used: OrderedDict[bytes, None] = OrderedDict()

    def verify(self, key_package: mls.KeyPackage) -> None:
        """Raises `mls.MLSError`."""
        policy = room_policy(self._membership.roster.members)
        key_package.verify(self._membership.group.suite, policy, int(self._wall()))

    def use(self, key_package: mls.KeyPackage) -> bytes:
        """Return its reference. Raises `NotAllowed` when it was used before."""
        reference = key_package.ref(self._membership.group.suite)
        if reference in self._used:
            raise NotAllowed("key_package_used")
        self._used[reference] = None
        if len(self._used) > limits.USES_MAX:
            self._used.popitem(last=False)
        return reference

    def give_back(self, reference: bytes) -> None:
        """It went into no commit."""
        self._used.pop(reference, None)

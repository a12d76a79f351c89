"""Whether a knock can be admitted: keys, agreement, name, lifetime, and a place in the room.

It is looked at when the knock comes, so that a person is shown only whom they can let in. The
commit looks again (`check_welcome`): another facilitator may have changed the room between.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from alcove_protocol.errors import Malformed

from alcove import mls
from alcove.errors import InvalidInput, NotNow
from alcove.facilitation.behind import AnotherWaits
from alcove.facilitation.intents import check_welcome
from alcove.facilitation.key_packages import KeyPackages
from alcove.facilitation.same_names import NamedMember
from alcove.group.extensions import leaf_extension, name_of
from alcove.group.membership import Membership
from alcove.group.rights import NotAllowed, check_leaf
from alcove.group.sealing import KnockBody, Psk
from alcove.joining.names import clean_name, looks_like_any
from alcove.relay.ports import Ports


@dataclass(frozen=True, slots=True)
class WaitingKnock:
    """A knock that a facilitator can admit. `door` is the id of the door it came by."""

    id: bytes
    door: bytes
    body: KnockBody
    key_package: mls.KeyPackage
    psk: Psk
    again: NamedMember | None = None
    """The silent member of the same name."""


class CannotAdmit(Exception):
    """This knock cannot be admitted. `code` tells the newcomer why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class KnockCheck:
    """Judges knocks by this client's view of the group."""

    def __init__(self, membership: Membership, key_packages: KeyPackages, ports: Ports) -> None:
        self._membership = membership
        self._key_packages = key_packages
        self._wall = ports.wall

    def check(
        self,
        relay_key: bytes,
        body: KnockBody,
        waiting: Sequence[str],
        kept: Sequence[str] = (),
        instead: bytes = b"",
    ) -> mls.KeyPackage:
        """Return the KeyPackage of a knock by this relay key, beside those that wait or may come
        back under these names, and instead of the member with this MLS key. It counts as used from
        then on. Raises `CannotAdmit`, and `AnotherWaits` beside one that waits by a name like it.
        """
        try:
            key_package = mls.KeyPackage.decode(body.key_package)
            self._check_lifetime(key_package)
            self._key_packages.verify(key_package)
            check_leaf(key_package.leaf_node)
            leaf = leaf_extension(key_package.leaf_node)
            credential = name_of(key_package.leaf_node)
        except (mls.MLSError, Malformed, NotAllowed):
            raise CannotAdmit("bad_key_package") from None
        if not relay_key == body.relay_key == leaf.relay_key or credential != body.name:
            raise CannotAdmit("bad_key_package")
        if body.agreement != leaf.agreement:
            raise CannotAdmit("agreement")
        self._check_name(body.name, kept)
        try:
            check_welcome(key_package.leaf_node, self._membership, instead)
        except NotNow as error:
            raise CannotAdmit(error.code) from None
        if looks_like_any(body.name, waiting):
            # It may be one person, whose first program died at the door. No member has the name.
            raise AnotherWaits
        try:
            self._key_packages.use(key_package)
        except NotAllowed:
            raise CannotAdmit("bad_key_package") from None
        return key_package

    def _check_lifetime(self, key_package: mls.KeyPackage) -> None:
        """This judges by this client's clock, so it judges knocks only and never a commit."""
        lifetime, now = key_package.leaf_node.lifetime, self._wall()
        if lifetime is None or not lifetime.not_before <= now <= lifetime.not_after:
            raise CannotAdmit("clock_wrong")

    def _check_name(self, name: str, kept: Sequence[str]) -> None:
        """Judge a name by itself and beside those of members that may come back."""
        try:
            if clean_name(name) != name:
                raise CannotAdmit("name_deceptive")
        except InvalidInput as error:
            raise CannotAdmit(error.code) from None
        if looks_like_any(name, kept):
            raise CannotAdmit("name_taken")

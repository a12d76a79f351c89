"""What becomes of a commit at a member, and members as people see them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A member as people see them. `key` is their MLS signature key."""

    key: bytes
    relay_key: bytes
    name: str
    facilitator: bool


@dataclass(frozen=True, slots=True)
class Merged:
    committer: bytes
    joined: tuple[Person, ...]
    gone: tuple[Person, ...]
    rejoined: tuple[Person, ...]
    by_wish: frozenset[bytes]
    """The relay keys of the members among `gone` who asked to leave, as the roster says."""
    by: str
    """The committer's name."""
    people: tuple[Person, ...]
    """All members now."""
    roles: tuple[Person, ...]
    """Members who are facilitators now and were not, or no more."""
    ttl: int | None
    """Seconds that messages live from now on, when the commit changed them."""


@dataclass(frozen=True, slots=True)
class Burned:
    """`read` says that the author's signature holds, so that all refuse it. Then `by` is the
    author's name, if that is known, and `what` they tried to do."""

    code: str
    read: bool = False
    by: str | None = None
    what: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    code: str
    leaf: bytes = b""
    """The encryption key of the leaf that a rejoin gave this client."""


@dataclass(frozen=True, slots=True)
class PutOut:
    by_wish: bool


Outcome = Merged | Burned | Held | PutOut

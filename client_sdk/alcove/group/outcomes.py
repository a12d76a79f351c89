"""What becomes of a commit at a member, and members as people see them."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from alcove import mls
from alcove.group.extensions import RoomExtension, leaf_extension, name_of


@dataclass(frozen=True, slots=True)
class Person:
    """A member as people see them. `key` is their MLS signature key. `entering` says that they came
    by the standby's link, and have not become a facilitator yet."""

    key: bytes
    relay_key: bytes
    name: str
    facilitator: bool
    entering: bool = False


def person_of(leaf: mls.LeafNode, facilitators: Container[bytes]) -> Person:
    """The member with this leaf. `facilitators` are the MLS signature keys of all facilitators."""
    key, extension = leaf.signature_key, leaf_extension(leaf)
    listed = key in facilitators
    entering = extension.appointment is not None and not listed
    return Person(key, extension.relay_key, name_of(leaf), listed, entering)


@dataclass(frozen=True, slots=True)
class Merged:
    committer: bytes
    joined: tuple[Person, ...]
    gone: tuple[Person, ...]
    rejoined: tuple[Person, ...]
    reloaded: tuple[Person, ...]
    """Those of the rejoined that came back by a ticket, as their leaves say."""
    by_wish: frozenset[bytes]
    """The relay keys of the members among `gone` who asked to leave, as the roster says."""
    absent: tuple[mls.LeafNode, ...]
    """The leaves of those among `gone` whose connection was lost for long, as the roster says."""
    by: str
    """The committer's name."""
    people: tuple[Person, ...]
    """All members now."""
    roles: tuple[Person, ...]
    """Members who are facilitators now and were not, or no more."""
    before: RoomExtension
    """The room's state before it."""
    state: RoomExtension
    """The room's state from now on."""

    @classmethod
    def of(
        cls,
        before: Mapping[bytes, Person],
        after: Mapping[bytes, Person],
        *,
        committer: bytes,
        added: Iterable[bytes],
        reloaded: Container[bytes],
        by_wish: frozenset[bytes],
        absent: tuple[mls.LeafNode, ...],
        states: tuple[RoomExtension, RoomExtension],
    ) -> "Merged":
        """Compare the members before and after, by MLS key. `added` has the key of each leaf that
        the commit added, `committer` is its author's, and `by_wish` is as above."""
        rejoined = tuple(after[key] for key in added if key in before and key in after)
        stayed = [(before[key], person) for key, person in after.items() if key in before]
        return cls(
            committer,
            joined=tuple(person for key, person in after.items() if key not in before),
            gone=tuple(person for key, person in before.items() if key not in after),
            rejoined=rejoined,
            reloaded=tuple(person for person in rejoined if person.key in reloaded),
            by_wish=by_wish,
            absent=tuple(leaf for leaf in absent if leaf.signature_key not in after),
            by=after[committer].name,
            people=tuple(after.values()),
            roles=tuple(now for then, now in stayed if then.facilitator != now.facilitator),
            before=states[0],
            state=states[1],
        )


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
    absent: bool = False
    """Whether the connection was lost for long. Then this client may come back."""
    replaced: bool = False
    """Whether another client is in the place of this one: one that came by the same standby's link,
    or a program with the same keys that a ticket brought back."""


Outcome = Merged | Burned | Held | PutOut


@dataclass(frozen=True, slots=True)
class KeptOut:
    """What one valid entry did to relay keys that had no leaf in the group: no commit says it. By
    it the relay goes, so it holds whatever became of the entry's commit."""

    removed: frozenset[bytes]
    """They are kept out: an ABSENT had taken them off the list."""
    dropped: frozenset[bytes]
    """A restated list leaves them out, so they do not come back as one that is absent does."""
    by: str
    """The name of the member that signed it. Empty when it is none of the group."""

"""The judgement of one commit, and who made it, also when all members refuse it."""

from collections.abc import Container
from typing import Final

from alcove import mls
from alcove.group.extensions import name_of
from alcove.group.rights import judge

SOMETHING: Final = "change the group"


class Trial(Container[bytes]):
    """The rights and the committers that MLS asks for while it reads a commit.

    It asks for the committer when it has verified the signature. So what it asked for is the
    author, whatever becomes of the commit then.
    """

    def __init__(self, group: mls.Group, committers: frozenset[bytes]) -> None:
        self._group = group
        self._committers = committers
        self._author: bytes | None = None
        self._seen: mls.CommitView | None = None

    def __contains__(self, key: object) -> bool:
        self._author = key if isinstance(key, bytes) else None
        return key in self._committers

    def approve(self, seen: mls.CommitView) -> None:
        """Raise `NotAllowed` unless the commit is within its author's rights."""
        self._seen = seen
        judge(self._group, seen)

    @property
    def author(self) -> str | None:
        """The author's name. None when no signature of a member was verified."""
        index = None if self._author is None else self._group.find(self._author)
        leaf = None if index is None else self._group.member(index)
        return None if leaf is None else name_of(leaf)

    @property
    def wish(self) -> str:
        """What the commit would have changed, as the end of "Ann tried to …"."""
        wishes = [self._wish(item.proposal) for item in self._seen.proposals] if self._seen else []
        known = list(dict.fromkeys(wish for wish in wishes if wish))
        return ", ".join(known[:3]) or SOMETHING

    def _wish(self, proposal: mls.Proposal) -> str:
        match proposal:
            case mls.Add(key_package=added):
                return f"let {name_of(added.leaf_node)} in"
            case mls.Remove(removed=index):
                leaf = self._group.member(index)
                return "" if leaf is None else f"remove {name_of(leaf)}"
            case mls.GroupContextExtensions():
                return "change the room's settings"
            case _:
                return ""

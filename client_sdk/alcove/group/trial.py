"""The judgement of one commit, and who made it, also when all members refuse it."""

from collections.abc import Iterable
from typing import Final

from alcove import mls
from alcove.group.extensions import name_of
from alcove.group.framing import check_class
from alcove.group.rights import NotAllowed, judge

SOMETHING: Final = "change the group"


class Trial:
    """The rights, as MLS asks for them when it has verified a commit's author and form."""

    def __init__(self, group: mls.Group) -> None:
        self._group = group
        self._view: mls.CommitView | None = None

    def read_proposals(self, messages: Iterable[bytes]) -> list[mls.ReceivedProposal]:
        """The Updates that the commit brings. A wrong one is left out: then the commit that names
        it fails for all members.

        They are read as if nothing had come before them. So no proposal of the lobby, of a burned
        commit, or shown to one member alone makes a member differ from the others.
        """
        found = []
        for message in messages:
            try:
                check_class(message, mls.ContentType.PROPOSAL)
                found.append(self._group.read_proposal(message))
            except (NotAllowed, mls.MLSError):
                pass
        return found

    def approve(self, view: mls.CommitView) -> None:
        """Raise `NotAllowed` unless the commit is within its author's rights."""
        self._view = view
        judge(self._group, view)

    @property
    def seen(self) -> bool:
        """Whether the commit was read and found valid, but for its author's rights."""
        return self._view is not None

    def told(self, error: Exception) -> tuple[bool, str | None, str]:
        """Of a commit that this error burns: whether it was read, its author, what they tried. What
        cannot be read may be right in another part of a split group."""
        judged = isinstance(error, mls.InvalidCommit | mls.MissingProposal)
        read = self.seen or (judged and not isinstance(error, mls.CommitUnreadable))
        return read, self.author, self.wish

    @property
    def author(self) -> str | None:
        """The author's name, where the author is known and has a leaf."""
        leaf = None if self._view is None else self._group.member(self._view.committer)
        return None if leaf is None else name_of(leaf)

    @property
    def wish(self) -> str:
        """What the commit would have changed, as the end of "Ann tried to …". Empty when it was
        not seen."""
        if self._view is None:
            return ""
        wishes = [self._wish(item.proposal) for item in self._view.proposals]
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

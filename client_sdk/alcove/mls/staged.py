"""The commits of one epoch that wait: worked out, and neither merged nor dropped.

A relay may say that it refused a commit of mine, and deliver it after all. So I can set it aside
instead of dropping it, and make another. Whichever of them comes in the log, in whatever bytes, is
judged as every other member judges it. Then it is found here by what was signed, and merged with
the secrets that it was made with.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from alcove.mls.errors import ConfirmationMismatch, OwnCommit
from alcove.mls.group_context import GroupContext
from alcove.mls.transition import Transition
from alcove.mls.view import CommitView


class WaitingCommit(CommitView):
    """A commit whose secrets wait to be used or wiped, once."""

    def __init__(
        self,
        before: GroupContext,
        transition: Transition,
        message: bytes = b"",
        welcome: bytes | None = None,
    ) -> None:
        super().__init__(before, transition, message, welcome)
        self._spent = False

    def _discard(self) -> None:
        """Wipe, unless this is the commit by which the group is left."""
        if not self._spent:
            self._spent = True
            self._transition.wipe()


Commit = TypeVar("Commit", bound=WaitingCommit)


class StagedCommits(Generic[Commit]):
    """Received commits and own ones. Of each the latest `most` are kept, and no more: others choose
    how many of theirs come. One's own that is pending is the latest, so it is never dropped."""

    __slots__ = ("_made", "_most", "_own", "_received", "pending")

    def __init__(self, most: int) -> None:
        self._most = most
        self._received: list[Commit] = []
        self._own: list[Commit] = []
        self._made: dict[bytes, bytes] = {}
        """The confirmation tags of all that I made, dropped ones included, by transcript hash."""
        self.pending: Commit | None = None
        """My own commit that is on its way, if one is."""

    def receive(self, commit: Commit) -> None:
        """Keep another member's commit."""
        self._keep(self._received, commit)

    def make(self, commit: Commit) -> None:
        """Keep a commit of mine, which is on its way from now on."""
        tag = commit._transition.authenticated.confirmation_tag
        self._made[_signed(commit)] = tag or b""
        self._keep(self._own, commit)
        self.pending = commit

    def _keep(self, commits: list[Commit], commit: Commit) -> None:
        commits.append(commit)
        for oldest in commits[: -self._most]:
            oldest._discard()
        del commits[: -self._most]

    def settle(self, commit: Commit) -> bool:
        """The commit is no longer on its way. False when it was not."""
        if commit is not self.pending:
            return False
        self.pending = None
        return True

    def forget(self, commit: Commit) -> None:
        """A commit was dropped."""
        for commits in (self._received, self._own):
            if commit in commits:
                commits.remove(commit)

    def find(self, signed: bytes, tag: bytes | None) -> Commit:
        """My commit with this confirmed transcript hash, which came back with this tag, and which
        every member takes but for its tag.

        No signature covers the tag, so it is compared with the one that I computed. Raises
        `ConfirmationMismatch` when it differs: then all refuse. Raises `OwnCommit` when what I
        made is dropped, or is not known by this signature: an ECDSA signature has a second form.
        """
        made = self._made.get(signed)
        if made is not None and made != tag:
            raise ConfirmationMismatch
        for commit in self._own:
            if _signed(commit) == signed:
                return commit
        raise OwnCommit

    def clear(self) -> None:
        """Wipe all but the one by which the group is left, at the end of the epoch."""
        waiting = (*self._received, *self._own)
        self._received.clear()
        self._own.clear()
        self._made.clear()
        self.pending = None
        for commit in waiting:
            commit._discard()


def _signed(commit: WaitingCommit) -> bytes:
    """The confirmed transcript hash, over the content and its signature (8.2)."""
    return commit.after.confirmed_transcript_hash

"""Refusing and misbehaving, for the tests of pitfalls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from alcove import mls
from alcove.mls import create_commit
from alcove.mls.framing import (
    AuthenticatedContent,
    PublicMessage,
    WireFormat,
    wrap,
)
from alcove.mls.proposals import Commit, ProposalOrRef

from tests.client_sdk.mls.support import (
    NOW,
    forge,
    release,
    seal,
    snapshot,
)

Patch = pytest.MonkeyPatch


def refused(group: mls.Group, message: bytes, error: type[mls.MLSError]) -> None:
    """The group refuses a message, with that error and no other, and is as it was before, but
    for the ratchet of a sender whose message was authentic."""
    before = snapshot(group)
    with pytest.raises(error) as caught:
        group.receive(message)
    assert type(caught.value) is error
    after = snapshot(group)
    assert before[:6] == after[:6]
    assert before[7] == after[7]


def public(content: AuthenticatedContent, tag: bytes | None = None) -> bytes:
    return wrap(WireFormat.PUBLIC_MESSAGE, PublicMessage(content, tag).encode())


def commit_badly(
    group: mls.Group, patch: Callable[[Patch], object], **arguments: Any
) -> mls.StagedCommit:
    """A commit of a member that misbehaves while making it."""
    with Patch.context() as misbehave:
        for name in ("check_own_path", "check_new_keys"):
            misbehave.setattr(create_commit, name, lambda *_judged: None)
        patch(misbehave)
        release(group)
        return group.commit(**arguments, now=NOW)


def pathless(group: mls.Group, *proposals: ProposalOrRef) -> bytes:
    """A signed commit without a path."""
    return seal(group, forge(group, Commit(tuple(proposals), None)))

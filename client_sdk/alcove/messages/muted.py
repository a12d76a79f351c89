"""Why a member may not write now, by the group's state. The relay's list says the same."""

from alcove.errors import NotNow
from alcove.group.membership import Membership
from alcove.group.rights import Act, may


def muted(membership: Membership) -> NotNow | None:
    """Why this client's person may not write now; None when they may."""
    if may(membership.state, membership.own.key, Act.TEXT):
        return None
    if membership.own.key in membership.state.paused_keys():
        text = "You can only read for now, so this was not sent. You are told when you can write."
        return NotNow("paused", text)
    if membership.state.hold is not None:
        text = (
            "The room is paused for a moment, so this was not sent. You have done nothing wrong. "
            "You are told when it goes on."
        )
        return NotNow("hold", text)
    text = (
        "Only facilitators can write at the moment, so this was not sent. You are told when you "
        "can write again."
    )
    return NotNow("listen_only", text)

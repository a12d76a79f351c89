"""Bounds: how much work and memory a message may ask for, and what is refused at once.

The RFC leaves these to the application (7.2, 8.6, 15.3). All members of a group use the same
values for what decides about a commit, or they would part over it: `max_leaves`, `max_lifetime`,
`max_leaf`, `max_message`, `max_handshakes`, `max_proposal_generation`, `max_psks`, the proposal
bounds, `replace_keys` and `accept_x509`. None of these depends on a clock.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Limits of one client in one group."""

    max_leaves: int
    """Leaves of the tree, blank ones included, up to the last member. The caller knows how many
    members its groups have. A parser without a bound works for strangers. More than 16,384 cannot
    be read at all (`codec.MAX_ELEMENTS`)."""

    max_lifetime: int
    """Seconds: the longest lifetime of a KeyPackage's leaf (7.2). It bounds how long a stolen
    init key is of use."""

    members_of_any_time: bool = False
    """Whether a joiner holds no leaf of the tree against its clock. Members follow an Add without a
    clock, so one committer can bring in a leaf of the far future, and a member that was away has an
    expired leaf. Either would keep all newcomers out. A committer still judges whom it adds."""

    forward_generations: int = 1_000
    """How far an application message may be ahead of the last known generation. One message makes
    a receiver derive that many ratchet secrets: about 2 ms, without any key being consumed."""

    max_handshakes: int = 1_024
    """Proposals and commits of one member in one epoch. The bound is on the generation itself and
    not on the distance to it, so all members refuse the same messages."""

    max_proposal_generation: int = 1_023
    """The last generation of a handshake ratchet under which a proposal is taken. Commits go on to
    `max_handshakes`. This bound too is on the generation itself."""

    max_skipped_keys: int = 1_000
    """Keys kept for messages that were overtaken, for each application ratchet. The oldest go
    first. Handshake keys all live as long as the epoch: whether a commit can be read must not
    depend on what came before it."""

    max_staged: int = 16
    """Commits of one epoch that are kept to be merged: received ones, and apart from them own ones
    that were set aside. The oldest is dropped. Each holds the secrets of an epoch to come."""

    past_epochs: int = 0
    """Epochs before the current one whose application messages can still be read."""

    past_resumption_psks: int = 0
    """Epochs before the current one whose resumption PSK is kept (8.6)."""

    max_psks: int = 128
    """Pre-shared keys of one commit, and of a Welcome. Each costs every reader some 7 µs before it
    can tell whether they are the right ones."""

    max_leaf: int = 64 * 1024
    """Bytes of one leaf. Each member chooses what its leaf holds, and every newcomer must be sent
    all leaves: with leaves of any size, one member's Update could make every Welcome too large."""

    max_message: int = 4 * 1024 * 1024
    """Bytes of one message, sent or received, with its padding."""

    member_proposals: int = 16 * 1024 * 1024
    """Bytes of the proposals of all members that one epoch remembers."""

    sender_proposals: int = 64 * 1024
    """Bytes of one member's proposals among them, so that one member cannot take all room."""

    outsider_proposals: int = 256 * 1024
    """Bytes of all proposals from outside that one epoch remembers. They are counted apart:
    outsiders are unlimited in number and never take the room of members."""

    replace_keys: bool = False
    """Whether an external commit may remove a member and bring a leaf with another signature key
    (12.2). A credential is a mere claim, so a stranger could put a member out and take its name.
    An application that allows it judges both leaves in `approve`."""

    accept_x509: bool = False
    """X.509 credentials are parsed and carried, and refused here: nothing checks their chains."""

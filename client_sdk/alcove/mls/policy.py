"""Bounds: how much work and memory a message may ask for, and what is not taken at all.

The RFC leaves these to the application (7.2, 8.6, 15.3). All members of a group must use the
same values for what decides about a commit, or they would part over it: `accept_x509`,
`max_lifetime`, `max_members` and `max_message`. None of these depends on a clock.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits of one client in one group."""

    forward_generations: int = 16_384
    """How far ahead of the last known generation a message may be. A member can make others do
    this many key derivations with one message: about 50 ms."""

    max_skipped_keys: int = 1_024
    """Keys kept for messages that were overtaken, for each ratchet; beyond, the oldest go."""

    past_epochs: int = 0
    """Epochs before the current one whose application messages can still be read."""

    past_resumption_psks: int = 0
    """Epochs before the current one whose resumption PSK is kept (8.6)."""

    max_members: int = 16_384
    """Leaves of the tree, blank ones included; more than this default cannot be read at all
    (`codec.MAX_ELEMENTS`)."""

    max_message: int = 4 * 1024 * 1024
    """Bytes of one message, sent or received; also the most that padding may reach."""

    max_cached_proposals: int = 4_096
    """Proposals remembered in one epoch, so that a commit can refer to them."""

    accept_x509: bool = False
    """X.509 credentials are parsed and carried, and refused here: nothing checks their chains."""

    max_lifetime: int | None = None
    """Seconds: the longest acceptable lifetime of a KeyPackage's leaf (7.2); None: any."""

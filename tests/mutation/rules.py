"""Every mutant, every place that is watched, and the reasons for what has no mutant."""

from types import MappingProxyType
from typing import Final

from tests.mutation import (
    agreement,
    door,
    facilitators,
    hard_minute,
    order,
    presence,
    rights,
    roster,
    standby,
    statements,
    tickets,
)
from tests.mutation.mls_beside import ALL_BESIDE
from tests.mutation.mls_commits import ALL_COMMITS
from tests.mutation.mls_members import MEMBERS
from tests.mutation.mls_proposals import ALL_PROPOSALS
from tests.mutation.mutant import Mutant
from tests.mutation.relay_doors import ALL_DOORS
from tests.mutation.relay_networks import ALL_NETWORKS
from tests.mutation.relay_service import ALL_SERVICE
from tests.mutation.relay_shares import ALL_SHARES
from tests.mutation.relay_turns import ALL_TURNS

MUTANTS: Final[tuple[Mutant, ...]] = (
    *MEMBERS,
    *ALL_PROPOSALS,
    *ALL_COMMITS,
    *ALL_BESIDE,
    *rights.ALL_RIGHTS,
    *facilitators.ALL_FACILITATORS,
    *hard_minute.ALL_HARD_MINUTE,
    *presence.ALL_PRESENCE,
    *door.ALL_DOOR,
    *roster.ALL_LINKS,
    *standby.ALL_STANDBY,
    *tickets.ALL_TICKETS,
    *order.ALL_ORDER,
    *agreement.ALL_AGREEMENT,
    *statements.ALL_STATEMENTS,
    *ALL_DOORS,
    *ALL_SHARES,
    *ALL_TURNS,
    *ALL_SERVICE,
    *ALL_NETWORKS,
)
WATCHED: Final = (
    *rights.WATCHED,
    *roster.WATCHED,
    *order.WATCHED,
    *agreement.WATCHED,
    *statements.WATCHED,
)
REASONS: Final = MappingProxyType(
    {**rights.REASONS, **roster.REASONS, **order.REASONS, **statements.REASONS}
)

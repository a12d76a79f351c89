"""Every mutant, every place that is watched, and the reasons for what has no mutant."""

from types import MappingProxyType
from typing import Final

from tests.mutation import agreement, order, rights, roster, statements
from tests.mutation.mls_beside import ALL_BESIDE
from tests.mutation.mls_commits import ALL_COMMITS
from tests.mutation.mls_members import MEMBERS
from tests.mutation.mls_proposals import ALL_PROPOSALS
from tests.mutation.mutant import Mutant

MUTANTS: Final[tuple[Mutant, ...]] = (
    *MEMBERS,
    *ALL_PROPOSALS,
    *ALL_COMMITS,
    *ALL_BESIDE,
    *rights.ALL_RIGHTS,
    *roster.ALL_LINKS,
    *order.ALL_ORDER,
    *agreement.ALL_AGREEMENT,
    *statements.ALL_STATEMENTS,
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

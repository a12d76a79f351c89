"""Mutants of what keeps facilitators together, and tells them when the relay does not."""

from typing import Final

from tests.mutation.mutant import Mutant
from tests.mutation.order_places import EVIL, MEMBERSHIP, order

APART: Final[tuple[Mutant, ...]] = (
    order(
        "kept waiting",
        "alcove.facilitation.vaults:Vaults._go_on",
        "if late or all(",
        "if all(",
        f"{EVIL}/test_kept_waiting.py"
        "::test_a_relay_that_takes_no_vault_keeps_no_facilitator_from_being_demoted",
    ),
    order(
        "denied appointment",
        f"{MEMBERSHIP}:Membership.commits_alone",
        " and not self.may_have_appointed",
        "",
        f"{EVIL}/test_denied_appointment.py"
        "::test_who_was_the_only_facilitator_asks_to_be_let_in_by_the_one_that_she_appointed",
    ),
    order(
        "denied appointment",
        "alcove.engine.rejoining:Rejoining.ask",
        " and not self._membership.facilitates_alone",
        "",
        f"{EVIL}/test_denied_appointment.py"
        "::test_who_may_have_appointed_nobody_does_not_leave_the_room_for_it",
    ),
    order(
        "silent facilitator",
        "alcove.messages.attendance:Attendance._is_late",
        "0 < named.number < then",
        "False",
        f"{EVIL}/test_silent_facilitators.py"
        "::test_heartbeats_that_the_relay_kept_do_not_make_a_facilitator_be_there",
    ),
    order(
        "silent facilitator",
        "alcove.messages.attendance:Attendance.line_is_good",
        "if now - self._line_at > LINE_BROKEN_AFTER:",
        "if False:",
        f"{EVIL}/test_silent_facilitators.py"
        "::test_a_client_that_was_away_itself_calls_nobody_silent",
    ),
    order(
        "revoked door",
        "alcove.facilitation.lobby:Lobby._knock",
        " or door.id not in self._membership.state.door_ids()",
        "",
        f"{EVIL}/test_revoked_door.py"
        "::test_a_facilitator_who_was_appointed_since_is_told_it_of_anothers_invite",
    ),
)

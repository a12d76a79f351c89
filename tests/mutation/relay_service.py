"""Mutants of the space of a chain, and of what an operator relies on: names, health, memory."""

from typing import Final

from tests.mutation.mutant import Mutant
from tests.mutation.order_places import CONTRACT
from tests.mutation.relay import FAIR, relay

_SPACE: Final = "rooms.chain_space:ChainSpace"
_CHAIN: Final = "tests/server/test_chain_space.py"
_DEMOTED: Final = (
    f"{_CHAIN}::test_the_culprit_is_demoted_though_the_chain_is_full_and_its_list_is_another"
)
_BYTES: Final = f"{CONTRACT}::test_memory_is_bounded_for_a_room_and_in_all"
_HEALTH: Final = "tests/server/test_health.py"

SPACE: Final[tuple[Mutant, ...]] = (
    relay(
        "chain",
        f"{_SPACE}.fits",
        "            and self.total + size <= limits.ROSTER_CHAIN\n",
        "",
        f"{_CHAIN}::test_removals_of_many_facilitators_one_after_the_other_end_with_the_chain",
    ),
    relay(
        "chain",
        f"{_SPACE}.fits",
        "self.beyond.get(signer, 0) + size <= self.removals",
        "True",
        f"{_CHAIN}::test_when_all_is_full_each_can_still_remove_members",
    ),
    relay(
        "chain",
        f"{_SPACE}.fits",
        "            removes\n            and self.beyond",
        "            self.beyond",
        f"{_CHAIN}::test_beyond_what_is_shared_only_removals_have_a_place",
    ),
    relay(
        "chain",
        f"{_SPACE}._is_shared",
        "facilitators - {signer}",
        "facilitators",
        f"{_CHAIN}::test_each_facilitator_has_a_part_that_no_other_can_use",
    ),
    relay(
        "chain",
        f"{_SPACE}._is_shared",
        "max(0, OWN - self.used.get(one, 0))",
        "OWN - self.used.get(one, 0)",
        f"{_CHAIN}::test_what_one_used_beyond_its_part_gives_others_no_more",
    ),
    relay(
        "chain",
        f"{_SPACE}._is_shared",
        "size + kept <= self._shared_end",
        "size <= self._shared_end",
        f"{_CHAIN}::test_each_facilitator_has_a_part_that_no_other_can_use",
    ),
    relay(
        "chain",
        f"{_SPACE}._is_shared",
        "<= self._shared_end",
        "<= limits.ROSTER_CHAIN",
        f"{_CHAIN}::test_beyond_what_is_shared_only_removals_have_a_place",
    ),
    relay(
        "chain",
        f"{_SPACE}.after",
        "used[signer] += size",
        "pass",
        f"{_CHAIN}::test_each_facilitator_has_a_part_that_no_other_can_use",
    ),
    relay(
        "chain",
        f"{_SPACE}.after",
        "beyond[signer] += size",
        "pass",
        f"{_CHAIN}::test_when_all_is_full_each_can_still_remove_members",
    ),
    relay(
        "chain",
        f"{_SPACE}.after",
        "if not self._is_shared(signer, before, size):",
        "if True:",
        f"{_CHAIN}::test_when_all_is_full_each_can_still_remove_members",
    ),
    relay(
        "chain",
        f"{_SPACE}.after",
        "ChainSpace(self.total + size,",
        "ChainSpace(self.total,",
        f"{_CHAIN}::test_removals_of_many_facilitators_one_after_the_other_end_with_the_chain",
    ),
    relay(
        "chain",
        "rooms.roster_history:fits",
        "bool(changes) and ",
        "",
        f"{_CHAIN}::test_an_entry_without_changes_is_no_removal",
    ),
    relay("chain", "rooms.roster_history:fits", "changes[0].op is Op.RESET:", "False:", _DEMOTED),
    relay("chain", f"{_SPACE}.removals", "RESTATED * CHANGE_SIZE", "0 * CHANGE_SIZE", _DEMOTED),
    relay(
        "chain",
        "rooms.roster_history:_takes_away",
        "change.key in history.facilitators and ",
        "",
        f"{_CHAIN}::test_what_takes_nobody_away_is_no_removal",
    ),
    relay(
        "chain",
        "rooms.roster_history:fits",
        " and changes[0].op is Op.RESET",
        "",
        f"{_CHAIN}::test_what_takes_nobody_away_is_no_removal",
    ),
    relay(
        "chain",
        "rooms.rules:commit_with_entry",
        "if not fits(history, entry.statement, len(frame.entry) + len(frame.signature)):",
        "if False:",
        f"{_CHAIN}::test_an_entry_that_has_no_place_in_the_chain_is_refused",
    ),
)

NAMES: Final[tuple[Mutant, ...]] = (
    relay(
        "names",
        "net.authorities:Authorities.__contains__",
        "_name(host) in self._names",
        "True",
        "tests/server/test_authorities.py::test_other_names",
    ),
    relay(
        "names",
        "net.front_door:FrontDoor._refusal",
        "if head.host not in self._entrance.authorities:",
        "if False:",
        "tests/server/test_authorities.py"
        "::test_a_client_of_another_name_is_refused_before_its_upgrade",
    ),
    relay(
        "names",
        "net.entrance:Entrance.may_connect",
        "origin is None or origin in self.web_origins",
        "True",
        "tests/server/test_authorities.py"
        "::test_web_origins_that_may_connect_have_a_list_of_their_own",
    ),
    relay(
        "names",
        "requests.proof:claim",
        "if answer.host not in upgrade.hosts:",
        "if False:",
        f"{FAIR}::test_an_answer_for_another_host_authenticates_no_client",
    ),
)

SERVICE: Final[tuple[Mutant, ...]] = (
    relay(
        "descriptors",
        "process.hardening:check_descriptors",
        "if limit is None or needed <= limit:",
        "if True:",
        f"{FAIR}::test_too_few_descriptors_are_named_with_what_to_set",
    ),
    relay(
        "descriptors",
        "net.accept:Accept._wait_after",
        "if self._told is None or now - self._told >= _TOLD_AGAIN:",
        "if True:",
        "tests/server/test_accept.py::test_used_up_descriptors_are_no_busy_loop_and_seldom_told",
    ),
    relay(
        "descriptors",
        "net.accept:Accept._wait_after",
        "self._loop.remove_reader(self._listener)",
        "pass",
        "tests/server/test_accept.py::test_used_up_descriptors_are_no_busy_loop_and_seldom_told",
    ),
    relay(
        "health",
        "net.front_door:FrontDoor._dispatch",
        "self._refused and head.path not in HEALTH",
        "self._refused",
        f"{_HEALTH}::test_health_is_answered_when_members_have_all_places",
    ),
    relay(
        "health",
        "process.pages:_readyz",
        "if relay.draining:",
        "if False:",
        f"{_HEALTH}::test_draining_is_visible_at_the_port_of_clients",
    ),
    relay(
        "health",
        "process.pages:_capacity",
        "if admission.full",
        "if False",
        f"{_HEALTH}::test_health_is_answered_when_members_have_all_places",
    ),
    relay(
        "health",
        "process.pages:make_app",
        "*(_FOR_HEALTH if health else ())",
        "*_FOR_HEALTH",
        f"{_HEALTH}::test_with_a_port_of_its_own_clients_do_not_reach_health",
    ),
    relay(
        "signals",
        "process.signals:handle",
        "add(RELOADING, reload)",
        "pass",
        f"{FAIR}::test_the_signals_that_do_not_stop_it_have_their_meaning",
    ),
    relay(
        "signals",
        "process.signals:handle",
        "add(REPORTING, report)",
        "pass",
        f"{FAIR}::test_the_signals_that_do_not_stop_it_have_their_meaning",
    ),
    relay(
        "memory",
        "process.garbage:Garbage.tick",
        " and self._blocks() - self._own <= SMALL",
        "",
        "tests/server/test_garbage.py::test_a_full_pass_is_made_when_it_is_due_and_short",
    ),
    relay(
        "memory",
        "net.incoming:check_utf8",
        "range(0, len(message), _TEXT_SLICE)",
        "range(0, len(message), max(1, len(message)))",
        "tests/server/test_text.py::test_wide_characters_take_no_more_memory_than_their_bytes",
        relay("", "net.incoming:check_utf8", "message[at : at + _TEXT_SLICE]", "message", "").edits[
            0
        ],
    ),
    relay(
        "memory",
        "store.memory.log:Log.append",
        "blob_size(blob, entry) + RECORD_OVERHEAD",
        "blob_size(blob, entry)",
        f"{FAIR}::test_what_is_remembered_of_a_publish_is_counted",
    ),
    relay(
        "memory",
        "store.memory.ended:EndedRooms.add",
        "self._budget.restore(tombstone_size(statement))",
        "pass",
        f"{FAIR}::test_what_is_remembered_of_an_ended_room_is_counted_and_bounded",
    ),
    relay(
        "memory",
        "store.memory.ended:EndedRooms.add",
        "if len(self._known) > self._most:",
        "if False:",
        f"{FAIR}::test_what_is_remembered_of_an_ended_room_is_counted_and_bounded",
    ),
    relay(
        "memory",
        "store.budget:Budget.check",
        "if after > most * part:",
        "if False:",
        _BYTES,
    ),
    relay(
        "memory",
        "store.budget:room_share",
        "min(most, max(SMALL, left // SHARE))",
        "most",
        "tests/server/test_strangers.py::test_rooms_that_are_full_leave_others_their_share",
    ),
    relay(
        "log",
        "process.refusal_log:RefusalLog.tick",
        "if self._clock() - self._since >= PERIOD:",
        "if True:",
        "tests/server/test_refusal_log.py::test_a_flood_makes_larger_numbers_and_not_more_lines",
    ),
    relay(
        "log",
        "process.refusal_log:RefusalLog.write",
        "if counts:",
        "if True:",
        "tests/server/test_refusal_log.py::test_nothing_refused_is_no_line",
    ),
    relay(
        "log",
        "session.session:Session._strike",
        'self._services.tally.count("rate_limited")',
        "pass",
        f"{FAIR}::test_a_client_that_asks_on_and_on_is_closed",
    ),
    relay(
        "log",
        "requests.entry:_turn_away",
        "requester.services.tally.count(refusal.code)",
        "pass",
        f"{FAIR}::test_an_answer_for_another_host_authenticates_no_client",
    ),
)

ALL_SERVICE: Final = (*SPACE, *NAMES, *SERVICE)

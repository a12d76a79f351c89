"""Mutants of what bounds newcomers: at doors, with knocks, and with rooms that they bring."""

from typing import Final

from tests.mutation.mutant import Mutant
from tests.mutation.relay import DOORSTEP, FAIR, LONG, relay

_STEP: Final = "rooms.doorstep:Doorstep"
_KNOCKS: Final = "rooms.waiting_knocks:WaitingKnocks"
_CROWD: Final = "ports.crowd:Crowd"
_NEWEST: Final = "rooms.waiting_knocks:_newest_of_the_largest"
_ROOM: Final = "rooms.room:LocalRoom"
_RESTORES: Final = "rooms.restores:Restores"
_RESTORE: Final = "requests.restore"
RESTORES: Final = "tests/server/test_restores.py"
LINE: Final = "tests/server/test_line.py"
_LINE: Final = "ports.line:FairLine"
_RENEWED: Final = (
    f"{DOORSTEP}::test_a_knock_taken_back_and_made_anew_in_one_turn_gives_way_as_others_do"
)

DOORS: Final[tuple[Mutant, ...]] = (
    relay(
        "doors",
        f"{_STEP}.make_room",
        "if len(crowd) >= most:",
        "if False:",
        f"{DOORSTEP}::test_one_prefix_shows_out_its_own_oldest",
    ),
    relay(
        "doors",
        f"{_STEP}.make_room",
        "            (AT_A_DOOR, [one for one, place in there.items() if place.door == door]),\n",
        "",
        f"{DOORSTEP}::test_a_crowd_behind_one_address_leaves_room_for_a_newcomer",
    ),
    relay(
        "doors",
        f"{_STEP}.make_room",
        "            (IN_A_ROOM, list(there)),\n",
        "",
        f"{DOORSTEP}::test_all_doors_of_a_room_together_are_bounded",
    ),
    relay(
        "doors",
        f"{_STEP}.make_room",
        "OF_A_PREFIX * (",
        "IN_A_ROOM * (",
        f"{DOORSTEP}::test_one_prefix_shows_out_its_own_oldest",
    ),
    relay(
        "doors",
        f"{_STEP}.make_room",
        "(part.weight if part is not None else IN_A_ROOM)",
        "1",
        f"{DOORSTEP}::test_a_crowd_behind_one_address_leaves_room_for_a_newcomer",
    ),
    relay(
        "doors",
        f"{_STEP}._of",
        " if place.part is part",
        "",
        f"{DOORSTEP}::test_all_doors_of_a_room_together_are_bounded",
    ),
    relay(
        "doors",
        f"{_STEP}._show_out",
        " if self._places[client].part in largest",
        "",
        f"{DOORSTEP}::test_at_a_crowded_door_the_largest_part_for_its_weight_gives_way",
    ),
    relay(
        "doors",
        f"{_STEP}._show_out",
        "next(client for client in crowd",
        "next(client for client in reversed(crowd)",
        f"{DOORSTEP}::test_at_a_crowded_door_the_largest_part_for_its_weight_gives_way",
    ),
    relay(
        "doors",
        f"{_STEP}._show_out",
        "if self._clock() - self._places[oldest].since < UNDISTURBED:",
        "if False:",
        f"{DOORSTEP}::test_a_newcomer_has_some_seconds_before_it_gives_way",
    ),
    relay(
        "doors",
        f"{_STEP}.knocked",
        "self._forget(client)",
        "pass",
        f"{DOORSTEP}::test_a_newcomer_that_waits_gives_way_to_nobody_and_stands_again_afterwards",
    ),
    relay(
        "doors",
        f"{_STEP}.answered",
        "self.stand(client, door)",
        "pass",
        f"{DOORSTEP}::test_a_newcomer_that_waits_gives_way_to_nobody_and_stands_again_afterwards",
    ),
    relay(
        "doors",
        f"{_STEP}.leave",
        "self._forget(client)",
        "pass",
        f"{DOORSTEP}::test_what_goes_leaves_nothing_behind",
    ),
    relay(
        "doors",
        f"{_STEP}.tick",
        "if place.since > end:",
        "if False:",
        f"{DOORSTEP}::test_reading_the_card_has_a_deadline_and_waiting_has_none",
    ),
    relay(
        "doors",
        f"{_STEP}.tick",
        "range(_LATE_AT_ONCE)",
        "range(len(self._places) + 1)",
        f"{DOORSTEP}::test_newcomers_that_read_too_long_are_closed_in_parts",
    ),
    relay(
        "doors",
        f"{_STEP}.standing_at",
        " if place.door in doors",
        "",
        f"{DOORSTEP}::test_the_end_of_an_invite_shows_out_those_at_its_door",
    ),
    relay(
        "doors",
        "requests.lobby:put_door",
        "await room.close_doors(frozenset({door.id}))",
        "pass",
        f"{DOORSTEP}::test_the_end_of_an_invite_shows_out_those_at_its_door",
    ),
    relay(
        "doors",
        f"{_ROOM}._follow",
        "await self.close_doors(outcome.revoked)",
        "pass",
        f"{DOORSTEP}::test_the_end_of_an_invite_shows_out_those_at_its_door",
    ),
    relay(
        "doors",
        f"{_ROOM}.close_doors",
        "if client in self._doorstep:",
        "if True:",
        f"{LONG}::test_a_newcomer_that_became_a_member_meanwhile_is_not_shown_out",
    ),
    relay(
        "doors",
        f"{_ROOM}.close_doors",
        "await self._services.pause(GOODBYE_STEPS)",
        "pass",
        f"{LONG}::test_a_door_that_is_revoked_is_closed_in_parts",
    ),
    relay(
        "doors",
        "requests.entry:_at_door",
        "requester.rooms.doorstep.make_room(room.id, claimed.door, requester.client.part)",
        "pass",
        f"{DOORSTEP}::test_one_prefix_shows_out_its_own_oldest",
    ),
    relay(
        "doors",
        "requests.entry:_at_door",
        "(doorstep.knocked if waiting else doorstep.stand)",
        "(doorstep.stand)",
        f"{DOORSTEP}::test_a_newcomer_that_comes_back_to_its_knock_does_not_stand_at_the_door",
    ),
)

KNOCKS: Final[tuple[Mutant, ...]] = (
    relay(
        "knocks",
        f"{_KNOCKS}.giving_way",
        " if at == door",
        "",
        f"{DOORSTEP}::test_knocks_of_one_prefix_do_not_close_a_door",
    ),
    relay(
        "knocks",
        f"{_KNOCKS}.giving_way",
        " and len(here) < limits.KNOCKS_PER_DOOR",
        "",
        f"{DOORSTEP}::test_at_a_door_where_all_are_alike_no_knock_gives_way",
    ),
    relay(
        "knocks",
        f"{_CROWD}.size",
        "max(own / part.weight, (self._wholes[whole] + more) / whole.weight)",
        "own / part.weight",
        f"{DOORSTEP}::test_knocks_from_many_networks_of_one_provider_do_not_close_a_door",
    ),
    relay(
        "knocks",
        f"{_CROWD}.size",
        "max(own / part.weight, (self._wholes[whole] + more) / whole.weight)",
        "(self._wholes[whole] + more) / whole.weight",
        f"{DOORSTEP}::test_and_those_networks_take_no_place_from_others_either",
    ),
    relay(
        "knocks",
        f"{_CROWD}.size",
        "            return own / part.weight\n",
        "            return own\n",
        f"{DOORSTEP}::test_the_knock_that_gives_way_is_of_the_largest_part_for_its_weight",
    ),
    relay(
        "knocks",
        _NEWEST,
        "crowd.size(one) > crowd.size(part, 1)",
        "crowd.size(one) >= crowd.size(part, 1)",
        f"{DOORSTEP}::test_at_a_door_where_all_are_alike_no_knock_gives_way",
    ),
    relay(
        "knocks",
        _NEWEST,
        "reversed(waiting.items())",
        "waiting.items()",
        f"{DOORSTEP}::test_knocks_of_one_prefix_do_not_close_the_doors_of_a_room",
    ),
    relay(
        "knocks",
        f"{_KNOCKS}.discard",
        "waiting.pop(key, None)",
        "pass",
        f"{DOORSTEP}::test_a_knock_that_was_answered_gives_way_no_more",
    ),
    relay(
        "knocks",
        "rooms.registry:Rooms.release",
        "self.waiting_knocks.forget(id)",
        "pass",
        f"{DOORSTEP}::test_nothing_is_held_of_a_room_without_clients",
    ),
    relay(
        "knocks",
        "requests.newcomer:knock",
        " or not await _show_out(requester)",
        "",
        f"{DOORSTEP}::test_knocks_of_one_prefix_do_not_close_a_door",
    ),
    relay(
        "knocks",
        "requests.newcomer:knock",
        "if not requester.may_knock():",
        "if False:",
        f"{DOORSTEP}::test_knocks_have_the_rate_of_their_part_of_the_network",
    ),
    relay(
        "knocks",
        f"{_ROOM}._tell_newcomers",
        "gone.keys() - await self._knocking(gone)",
        "set(gone)",
        f"{_RENEWED}[True]",
    ),
    relay(
        "knocks",
        f"{_ROOM}._knocking",
        "if key in noted or key in self.clients",
        "if key in self.clients",
        f"{_RENEWED}[False]",
    ),
)

BROUGHT: Final[tuple[Mutant, ...]] = (
    relay(
        "restores",
        f"{_RESTORES}.__init__",
        "Line(WAITING, OF_A_PREFIX)",
        "Line(0, OF_A_PREFIX)",
        f"{RESTORES}::test_all_restores_together_are_bounded_and_one_who_had_none_gets_a_place",
    ),
    relay(
        "restores",
        f"{_RESTORES}.line_of",
        "self._short if size <= SHORT else self._long",
        "self._long",
        f"{RESTORES}::test_a_short_restore_waits_for_no_long_one",
    ),
    relay(
        "restores",
        f"{_LINE}.enter",
        "if self._of_a_part and self._count(part) >= self._most_of(part):",
        "if False:",
        f"{LINE}::test_a_part_has_a_bound_of_its_own",
    ),
    relay(
        "restores",
        f"{_LINE}.enter",
        "one = _Waiting(part, (start, had, size)",
        "one = _Waiting(part, (start, 0.0, size)",
        f"{LINE}::test_a_newcomer_waits_for_none_of_those_that_come_again_and_again",
    ),
    relay(
        "restores",
        f"{_LINE}._put_out",
        "self._had[part] -= charged",
        "pass",
        f"{LINE}::test_who_is_gone_did_not_have_its_turn",
    ),
    relay(
        "restores",
        f"{_RESTORES}.gone",
        "self._short.gone(client)",
        "pass",
        f"{RESTORES}::test_a_client_that_went_while_it_waited_is_as_if_it_had_not_come",
    ),
    relay(
        "restores",
        "ports.runner:_adopt",
        "waited_for = work.throw(failure)",
        "raise",
        f"{RESTORES}::test_who_gives_way_in_the_line_is_told_so",
    ),
    relay(
        "restores",
        f"{_LINE}._most_of",
        "self._most // 2",
        "self._most",
        f"{LINE}::test_a_part_has_a_bound_of_its_own",
    ),
    relay(
        "restores",
        f"{_LINE}.enter",
        "start = max([self._of(one) for one in _counted(part)])",
        "start = self._now",
        f"{LINE}::test_a_part_that_was_away_has_saved_nothing_up",
    ),
    relay(
        "restores",
        f"{_LINE}._charge",
        " / (one.weight if one is not None else 1)",
        "",
        f"{LINE}::test_a_shared_address_counts_as_many_parts",
    ),
    relay(
        "restores",
        f"{_LINE}.leave",
        "self._now = one.start",
        "pass",
        f"{LINE}::test_a_part_that_was_away_has_saved_nothing_up",
    ),
    relay(
        "restores",
        f"{_LINE}._sweep",
        "had if len(had) < _REMEMBERED else {}",
        "had",
        f"{LINE}::test_a_line_remembers_no_more_parts_than_have_to_pay",
    ),
    relay(
        "restores",
        "ports.line:_counted",
        "[part] if whole is None else [part, whole]",
        "[part]",
        f"{LINE}::test_the_networks_of_a_provider_count_together",
    ),
    relay(
        "restores",
        f"{_RESTORE}:_in_turn",
        "await line.enter(requester.client.part, size, requester.client)",
        "await line.enter(None, size)",
        f"{RESTORES}::test_a_stranger_with_all_restores_that_it_may_have_leaves_places_to_others",
    ),
    relay(
        "restores",
        f"{_RESTORE}:_in_turn",
        "line.leave()",
        "pass",
        f"{RESTORES}::test_a_restore_gives_its_place_back_however_it_ends[bad]",
    ),
    relay(
        "restores",
        "relay:Relay._close_late",
        "if client in self.rooms.restores.clients:",
        "if False:",
        "tests/server/test_strangers.py"
        "::test_a_client_that_waits_for_others_restores_is_not_closed_as_idle",
    ),
    relay(
        "restores",
        f"{_RESTORE}:restore",
        "if not requester.may_open_room():",
        "if False:",
        "tests/server/test_strangers.py::test_restoring_rooms_has_the_rate_of_opening_them",
    ),
    relay(
        "restores",
        "rooms.restoring:_doors",
        "await pause(_DOOR_STEPS + len(door.card) / _CARD_BYTES)",
        "pass",
        f"{LONG}::test_doors_that_many_bring_are_verified_in_one_line",
    ),
    relay(
        "restores",
        "rooms.seated_chain:SeatedChain.counter_of",
        "if self._counters is None:",
        "if True:",
        f"{LONG}::test_heads_of_a_chain_are_worked_out_once_and_in_pieces",
    ),
    relay(
        "restores",
        "rooms.seated_chain:counters_of",
        "await pause(_HASH_STEPS)",
        "pass",
        f"{LONG}::test_heads_of_a_chain_are_worked_out_once_and_in_pieces",
    ),
    relay(
        "restores",
        "rooms.seated_chain:SeatedChain.list_at",
        "if self._list is None or self._list[0] != counter:",
        "if True:",
        f"{LONG}::test_those_that_ask_for_one_list_wait_for_one_answer",
    ),
    relay(
        "restores",
        "rooms.seated_chain:SeatedChain.list_at",
        "async with self._lists_line:",
        "if True:",
        f"{LONG}::test_those_that_ask_for_one_list_wait_for_one_answer",
    ),
    relay(
        "restores",
        f"{_RESTORE}:_signers",
        "await pause(_ENTRY_STEPS)",
        "pass",
        f"{LONG}::test_two_long_chains_are_compared_in_pieces",
    ),
    relay(
        "restores",
        "requests.unsettled:look",
        "await requester.services.pause(steps, requester.client.part)",
        "pass",
        f"{LONG}::test_votes_are_counted_for_one_after_the_other",
    ),
    relay(
        "restores",
        "session.price:of_request",
        "return len(request.doors) / _DOOR_BYTES",
        "return 0.0",
        f"{FAIR}::test_what_costs_the_relay_more_costs_a_client_more",
    ),
)

ALL_DOORS: Final = (*DOORS, *KNOCKS, *BROUGHT)

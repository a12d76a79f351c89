"""Mutants of how much work a turn of the loop takes, for whom, and what it costs."""

from typing import Final

from tests.mutation.mutant import Mutant
from tests.mutation.relay import FAIR, FAIRNESS, LONG, TOLD_TESTS, relay

_INBOX: Final = "net.inbox:Inbox"
_FANOUT: Final = "rooms.fanout:Fanout"
_PRICE: Final = "session.price"
_SESSION: Final = "session.session:Session"
_REPLAY: Final = "tests/server/test_replay.py"
_VERIFIER: Final = "tests/server/test_roster_verifier.py"
_PRICES: Final = f"{FAIR}::test_what_costs_the_relay_more_costs_a_client_more"
_STEPS: Final = f"{FAIR}::test_what_costs_the_relay_more_takes_more_of_a_turn"

_COMMITS: Final = "tests/server/test_commit_turns.py"

TURNS: Final[tuple[Mutant, ...]] = (
    relay(
        "turn of a facilitator",
        "rooms.commit_turns:CommitTurns.take",
        "return own.take(now)",
        "return own.take(now, 0.0)",
        f"{_COMMITS}::test_a_facilitator_who_commits_without_end_does_not_win_every_race",
    ),
    relay(
        "turn of a facilitator",
        "rooms.commit_turns:CommitTurns.take",
        "self._rate / len(facilitators)",
        "self._rate",
        f"{_COMMITS}::test_a_facilitator_of_two_has_half_a_commit_a_second",
    ),
    relay(
        "turn of a facilitator",
        "requests.publish:_store",
        "room.commit_turns.give_back(client.key)",
        "pass",
        f"{_COMMITS}::test_a_facilitator_who_commits_without_end_does_not_win_every_race",
    ),
    relay(
        "turn of a facilitator",
        "rooms.commit_turns:CommitTurns.counts",
        "len(roster.facilitators()) > 1",
        "len(roster.facilitators()) > 0",
        f"{_COMMITS}::test_a_lone_facilitator_commits_without_such_a_bound",
    ),
    relay(
        "turn of a facilitator",
        "rooms.registry:Rooms.release",
        "self.counts.keep(id, room.counts)",
        "pass",
        "tests/server/test_counts.py::test_who_comes_back_alone_has_no_new_commits",
    ),
    relay(
        "turn of a facilitator",
        "rooms.counts:KeptCounts.expire",
        "if end > now:",
        "if True:",
        "tests/server/test_counts.py::test_it_is_kept_for_as_long_as_it_counts",
    ),
    relay(
        "turn",
        "ports.turn:Turn.spend",
        "self.left -= steps",
        "pass",
        f"{FAIRNESS}::test_a_turn_takes_a_few_requests_of_each_connection_and_no_more_than_its_budget",
    ),
    relay(
        "turn",
        f"{_INBOX}._serve",
        "while groups and turn.left > 0:",
        "while groups and turn.left > -1e4:",
        f"{FAIRNESS}::test_a_turn_takes_a_few_requests_of_each_connection_and_no_more_than_its_budget",
    ),
    relay(
        "turn",
        f"{_INBOX}.wait",
        "group.whole or group",
        "group",
        f"{FAIRNESS}"
        "::test_the_networks_of_one_provider_have_its_places_in_a_round_and_not_one_each",
    ),
    relay(
        "turn",
        f"{_INBOX}._serve",
        "range(min(group.weight, len(readers)))",
        "range(len(readers))",
        f"{FAIRNESS}::test_a_client_of_another_network_waits_for_one_share_and_not_for_a_crowd",
    ),
    relay(
        "turn",
        f"{_INBOX}._serve",
        "min(group.weight, len(readers))",
        "min(1, len(readers))",
        f"{FAIR}::test_a_shared_address_has_many_places_in_a_round",
    ),
    relay(
        "turn",
        f"{_INBOX}._put_back",
        "readers.update(newer)",
        "pass",
        f"{FAIR}::test_a_connection_that_begins_to_wait_in_its_groups_turn_is_not_lost",
    ),
    relay(
        "turn",
        "ports.services:Services.pause",
        "await self.runner.breathe()",
        "pass",
        f"{LONG}::test_doors_that_many_bring_are_verified_in_one_line",
    ),
    relay(
        "turn",
        "ports.services:Services.pause",
        "await self._line.enter(part, steps)",
        "pass",
        f"{LONG}::test_doors_that_many_bring_are_verified_in_one_line",
    ),
    relay(
        "turn",
        "ports.services:Services.pause",
        "self.turn.spend(steps)",
        "pass",
        f"{LONG}::test_doors_that_many_bring_are_verified_in_one_line",
    ),
    relay(
        "turn",
        "rooms.room:LocalRoom._finish",
        "await self._services.pause(GOODBYE_STEPS)",
        "pass",
        f"{FAIRNESS}::test_a_room_that_ends_is_closed_in_parts",
    ),
    relay(
        "turn",
        "rooms.room:LocalRoom._dismiss",
        "await self._services.pause(GOODBYE_STEPS)",
        "pass",
        f"{LONG}::test_members_that_a_list_leaves_out_are_closed_in_parts",
    ),
    relay(
        "turn",
        "relay:Relay._pause",
        "await self.services.pause(GOODBYE_STEPS)",
        "pass",
        f"{FAIRNESS}::test_clients_that_are_late_together_are_closed_in_parts",
    ),
    relay(
        "turn",
        "rooms.replay_budget:ReplayBudget.wait_for_turn",
        "while self._left <= 0:",
        "while False:",
        "tests/server/test_replay_budget.py"
        "::test_members_that_resume_together_share_a_bound_in_each_turn",
    ),
    relay(
        "turn",
        "rooms.replay_budget:ReplayBudget.wait_for_turn",
        "await self._line.enter(part)",
        "await self._line.enter(None)",
        "tests/server/test_line.py"
        "::test_no_crowd_is_waited_for_where_turns_are_shared[pages of a log]",
    ),
    relay(
        "turn",
        "ports.services:Services.pause",
        "self._line.enter(part, steps)",
        "self._line.enter(None, steps)",
        "tests/server/test_line.py::test_no_crowd_is_waited_for_where_turns_are_shared[long work]",
    ),
    relay(
        "turn",
        "rooms.replay_budget:ReplayBudget.read",
        " + size // _BLOB_BYTES",
        "",
        f"{FAIR}::test_large_blobs_count_more_in_a_turn_of_replays",
    ),
    relay(
        "turn",
        "store.memory.lobby:MemoryLobby.page",
        "items[:LOBBY_PAGE]",
        "items",
        f"{_REPLAY}::test_a_turn_brings_a_part_of_a_long_lobby",
    ),
    relay(
        "turn",
        "rooms.roster_history:verify_chain",
        "if done >= _AT_ONCE:",
        "if False:",
        f"{FAIR}::test_a_chain_is_verified_in_pieces",
    ),
    relay(
        "turn",
        "rooms.roster_verifier:RosterVerifier.verify",
        "size <= SHORT",
        "False",
        f"{_VERIFIER}::test_a_short_chain_waits_for_no_long_one",
    ),
    relay(
        "turn",
        "rooms.roster_verifier:RosterVerifier.__init__",
        "{True: FairLine(WAITING), False: FairLine(WAITING)}",
        "{True: FairLine(), False: FairLine()}",
        f"{_VERIFIER}::test_too_many_that_wait_are_told_to_come_again",
    ),
    relay(
        "turn",
        "rooms.roster_verifier:RosterVerifier.keep",
        "while self._keys > KEPT:",
        "while False:",
        f"{_VERIFIER}::test_histories_are_kept_up_to_a_number_of_keys",
    ),
)

FAN_OUT: Final[tuple[Mutant, ...]] = (
    relay(
        "fan-out",
        "rooms.fanout:Turns._turn",
        "min(left, EACH)",
        "left",
        "tests/server/test_fanout.py::test_large_rooms_share_the_turns",
    ),
    relay(
        "fan-out",
        "rooms.fanout:Turns._turn",
        "left = float(AT_ONCE)",
        "left = 4.0 * AT_ONCE",
        "tests/server/test_fanout.py"
        "::test_a_large_room_is_served_in_parts_and_what_comes_meanwhile_is_joined",
    ),
    relay(
        "fan-out",
        f"{_FANOUT}.serve",
        " and steps < most",
        "",
        "tests/server/test_fanout.py"
        "::test_a_large_room_is_served_in_parts_and_what_comes_meanwhile_is_joined",
    ),
    relay(
        "fan-out",
        f"{_FANOUT}.serve",
        "each = 1 + len(joined) / BYTES",
        "each = 1.0",
        f"{FAIRNESS}::test_a_turn_of_the_fan_out_is_bounded_in_bytes_and_shared_by_rooms",
    ),
    relay(
        "fan-out",
        f"{_FANOUT}.crowded",
        "messages.size > BEHIND_BYTES or ",
        "",
        f"{FAIRNESS}::test_a_room_that_is_behind_lets_its_members_wait",
    ),
    relay(
        "fan-out",
        f"{_FANOUT}.crowded",
        " or len(messages) > BEHIND",
        "",
        f"{FAIR}::test_a_room_with_many_small_messages_is_behind_too",
    ),
    relay(
        "fan-out",
        f"{_FANOUT}.serve",
        "steps += _PASSED",
        "pass",
        f"{FAIR}::test_members_that_have_everything_are_passed_over_in_parts",
    ),
    relay(
        "fan-out",
        "client.feed:Feed.give",
        "_PART_STEPS * len(parts)",
        "0.0",
        f"{FAIR}::test_many_answers_of_one_author_count_as_parts",
    ),
    relay(
        "fan-out",
        "client.feed:Feed._write",
        "return writes + total / BYTES",
        "return float(writes)",
        f"{FAIR}::test_the_bytes_of_an_author_count",
    ),
    relay(
        "fan-out",
        f"{_SESSION}.congested",
        " or (room is not None and room.crowded)",
        "",
        f"{FAIR}::test_members_of_a_room_that_is_behind_are_not_read",
    ),
)

PRICES: Final[tuple[Mutant, ...]] = (
    relay("price", f"{_PRICE}:of_message", " + told / _TOLD", "", _PRICES),
    relay("price", f"{_PRICE}:of_message", " + size / _BYTES", "", _PRICES),
    relay("price", f"{_PRICE}:of_message", " + (fragments - 1) / _FRAGMENTS", "", _PRICES),
    relay("price", f"{_PRICE}:of_request", "return _RESUME", "return 0.0", _PRICES),
    relay("price", f"{_PRICE}:of_request", "return members / _MEMBERS", "return 0.0", _PRICES),
    relay(
        "price",
        f"{_PRICE}:of_request",
        "        case ReadCard():\n            return _CARD",
        "        case ReadCard():\n            return 0.0",
        _PRICES,
    ),
    relay(
        "price",
        f"{_PRICE}:of_request",
        "        case ReadChain():\n            return _CARD",
        "        case ReadChain():\n            return 0.0",
        _PRICES,
    ),
    relay("price", f"{_PRICE}:steps", " + members / _MEMBERS_A_STEP", "", _STEPS),
    relay(
        "price",
        f"{_PRICE}:steps",
        "(size / _CHAIN_BYTES if isinstance(request, Reseat) else 0.0)",
        "0.0",
        _STEPS,
    ),
    relay(
        "price",
        f"{_PRICE}:bounded",
        "min(cost, _MOST)",
        "cost",
        f"{FAIRNESS}::test_what_is_told_to_a_room_counts_for_its_author",
    ),
    relay(
        "price",
        f"{_SESSION}._may_ask",
        "turn.spend(1 + size / BYTES)",
        "pass",
        f"{FAIR}::test_each_message_takes_steps_of_its_turn",
    ),
    relay(
        "price",
        f"{_SESSION}._may_ask",
        "turn.spend(price.steps(request, size, members))",
        "pass",
        f"{FAIR}::test_each_message_takes_steps_of_its_turn",
    ),
    relay(
        "price",
        f"{_SESSION}._may_ask",
        "return self._early <= price.EARLY",
        "return True",
        f"{FAIR}::test_a_stranger_may_ask_a_few_times",
    ),
    relay(
        "price",
        f"{_SESSION}._strike",
        "self._strikes > price.STRIKES",
        "False",
        f"{FAIR}::test_a_client_that_asks_on_and_on_is_closed",
    ),
    relay(
        "price",
        f"{_SESSION}._may_ask",
        "if not self._bucket.take(self._services.clock(), price.bounded(cost)):",
        "if False:",
        f"{FAIR}::test_a_client_that_asks_on_and_on_is_closed",
    ),
)

TOLD: Final[tuple[Mutant, ...]] = (
    relay(
        "told",
        f"{_SESSION}._may_tell",
        " or always",
        "",
        f"{FAIRNESS}::test_members_may_not_keep_a_facilitator_from_a_heartbeat",
    ),
    relay(
        "told",
        f"{_SESSION}._may_tell",
        " or not self._requester.may_tell(self._told)",
        "",
        f"{TOLD_TESTS}::test_a_network_that_had_too_much_sent_says_nothing_more_for_a_while",
    ),
    relay(
        "told",
        "requests.resume:resume",
        "if not requester.may_tell(0):",
        "if False:",
        f"{FAIRNESS}::test_a_network_that_had_too_much_sent_resumes_later",
    ),
    relay(
        "told",
        "requests.newcomer:read_card",
        "if not requester.may_tell(len(door.card)):",
        "if False:",
        f"{TOLD_TESTS}::test_a_network_that_had_too_much_sent_reads_no_card",
    ),
    relay(
        "told",
        "requests.chain:read_chain",
        "if not requester.may_tell(0):",
        "if False:",
        f"{TOLD_TESTS}::test_a_network_that_had_too_much_sent_reads_no_chain",
    ),
    relay(
        "told",
        "requests.chain:read_chain",
        "requester.may_tell(len(part))",
        "pass",
        f"{TOLD_TESTS}::test_parts_of_a_chain_count_for_the_network",
    ),
    relay(
        "told",
        "requests.lobby:request",
        "if not requester.may_tell(len(frame.blob) * listeners):",
        "if False:",
        f"{TOLD_TESTS}::test_requests_count_for_each_facilitator_that_is_told",
    ),
    relay(
        "told",
        "rooms.replay:Replays._tell_lobby",
        "client.part.tell(size)",
        "pass",
        f"{TOLD_TESTS}::test_a_facilitator_that_reads_the_lobby_pays_for_it",
    ),
    relay(
        "told",
        "rooms.replay:Replays._tell_room",
        "client.part.tell(size)",
        "pass",
        f"{TOLD_TESTS}::test_pages_of_the_log_count_for_the_network",
    ),
    relay(
        "told",
        "rooms.room:LocalRoom.send_welcome",
        "client.part.tell(len(pending.welcome))",
        "pass",
        f"{TOLD_TESTS}::test_a_member_that_comes_for_its_welcome_again_and_again_pays_for_it",
    ),
)

ALL_TURNS: Final = (*TURNS, *FAN_OUT, *PRICES, *TOLD)

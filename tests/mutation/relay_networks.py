"""Mutants of what one part of the network may take of the relay: turns, rooms, bytes, places."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant

LINK: Final = "alcove_server.net.tls_link:TlsLink"
HOLDING: Final = "alcove_server.store.budget:Holding"
BUDGET: Final = "alcove_server.store.budget:Budget"
ADMISSION: Final = "alcove_server.net.admission:Admission"
LINKS: Final = "tests/server/test_tls_link.py"
HOLDINGS: Final = "tests/server/test_holdings.py"
LEASES: Final = "tests/server/store/test_leases.py"
CROWDS: Final = "tests/server/test_crowds.py"
PLACES: Final = "tests/server/test_admission.py"


def share(rule: str, where: str, old: str, new: str, test: str) -> Mutant:
    """A mutant of one share."""
    return Mutant(f"share {rule}", (Edit(where, old, new),), test)


ALL_NETWORKS: Final[tuple[Mutant, ...]] = (
    share(
        "records",
        f"{LINK}._next_records",
        "while count < AT_A_TIME and at",
        "while at",
        f"{LINKS}::test_records_beyond_a_share_wait_and_the_socket_is_not_read",
    ),
    share(
        "records",
        f"{LINK}._next_records",
        "count * _RECORD_STEPS + ",
        "",
        f"{LINKS}::test_a_turn_decrypts_a_bounded_number_of_records_for_all_together",
    ),
    share(
        "records",
        f"{LINK}._charge_silent",
        "if silent > 1:",
        "if False:",
        f"{LINKS}::test_records_that_bring_nothing_cost_more",
    ),
    share(
        "records",
        f"{LINK}._charge_silent",
        "self._silent - came",
        "self._silent",
        f"{LINKS}::test_a_large_record_that_comes_in_parts_costs_no_more",
    ),
    share(
        "handshakes",
        f"{LINK}._shake_hands",
        "self._terms.inbox.turn.spend(_HANDSHAKE_STEPS)",
        "pass",
        f"{LINKS}::test_a_flood_of_handshakes_waits_its_turn",
    ),
    share(
        "unsent",
        f"{LINK}._send",
        " and not self._full",
        "",
        f"{LINKS}::test_no_more_is_encrypted_than_the_socket_takes",
    ),
    share(
        "unsent",
        f"{LINK}.write",
        "not self._full and ",
        "",
        f"{LINKS}::test_a_small_message_waits_for_a_full_socket_too",
    ),
    share(
        "rooms",
        f"{HOLDING}.may_open",
        "return self.whole is None or self.whole.may_open(left)",
        "return True",
        f"{HOLDINGS}::test_of_ten_thousand_rooms_a_network_has_a_fifth_and_a_provider_half",
    ),
    share(
        "rooms",
        "alcove_server.store.values:require_place",
        "not seated.holding.may_open(left)",
        "False",
        f"{HOLDINGS}::test_it_says_so_to_the_next_one_that_opens_a_room",
    ),
    share(
        "bytes",
        f"{HOLDING}.may_take",
        "return self.whole is None or self.whole.may_take(size, left, part)",
        "return True",
        f"{HOLDINGS}::test_thousands_of_networks_of_one_provider_do_not_fill_the_store",
    ),
    share(
        "bytes",
        f"{BUDGET}.check",
        "not holding.may_take(size, left, part)",
        "False",
        f"{HOLDINGS}::test_the_rooms_of_one_network_do_not_fill_the_store",
    ),
    share(
        "bytes",
        f"{HOLDING}.may_take",
        " * part:",
        ":",
        f"{HOLDINGS}::test_what_members_may_fill_leaves_place_for_beats_and_commits",
    ),
    share(
        "small rooms",
        f"{BUDGET}.check",
        " if after > UNCOUNTED else None",
        "",
        f"{HOLDINGS}::test_beside_an_attacker_of_the_same_network_a_small_room_goes_on",
    ),
    share(
        "given back",
        f"{BUDGET}.end",
        "self.holding.add(-1, 0)",
        "pass",
        f"{HOLDINGS}::test_the_share_comes_back_when_a_room_ends_or_is_abandoned",
    ),
    share(
        "moved",
        f"{BUDGET}.count_for",
        " or not holding.may_take(self.used, left, 1)",
        "",
        f"{HOLDINGS}::test_a_room_is_not_moved_to_a_network_without_space_for_it",
    ),
    share(
        "moved",
        f"{BUDGET}.count_for",
        "not holding.may_open(rooms) or ",
        "",
        f"{HOLDINGS}::test_a_room_is_not_moved_to_a_network_without_a_place_for_it",
    ),
    share(
        "moved",
        "alcove_server.store.memory.room:MemoryRoom.publish",
        "self.budget.count_for(publication.payer.holding, rooms)",
        "pass",
        f"{HOLDINGS}::test_a_heartbeat_has_the_room_count_for_its_facilitator",
    ),
    share(
        "crowds",
        "alcove_server.net.admission:_gives_way",
        "level(largest) <= level(newcomer, 1)",
        "False",
        f"{CROWDS}::test_nobody_gives_way_to_a_network_that_would_have_as_many",
    ),
    share(
        "crowds",
        f"{ADMISSION}._count",
        "if allowance is not self._known.get(_SHARED):",
        "if True:",
        f"{CROWDS}::test_the_shared_class_keeps_its_half_and_gets_it",
    ),
    share(
        "crowds",
        f"{ADMISSION}._count",
        "self._crowds.moved(whole or allowance)",
        "self._crowds.moved(allowance)",
        f"{CROWDS}::test_the_networks_of_one_provider_give_way_as_one",
    ),
    share(
        "crowds",
        "alcove_server.net.admission:Admitted.make_way",
        "self.allowance.there.pop(self, None)",
        "pass",
        f"{CROWDS}::test_who_was_told_to_give_way_is_not_told_again",
    ),
    share(
        "leases",
        "alcove_server.store.budget:Lease.__init__",
        "one = one.whole",
        "one = None",
        f"{LEASES}::test_networks_of_one_provider_are_bounded_together",
    ),
    share(
        "leases",
        f"{HOLDING}.may_take",
        "self.used + self.leases.total + size",
        "self.used + size",
        f"{LEASES}::test_a_lease_fits_while_the_network_has_a_share_and_its_provider_too",
    ),
    share(
        "leases",
        "alcove_server.net.admission:Allowance.idle",
        " and self.holding.empty",
        "",
        f"{LEASES}::test_a_network_is_not_forgotten_while_something_of_it_lies_there",
    ),
    share(
        "ends",
        "alcove_server.store.memory.ended:EndedRooms.add",
        "self.forget(next(iter(self._of[largest])))",
        "self.forget(next(iter(self._known)))",
        "tests/server/store/test_ended.py"
        "::test_a_stranger_makes_the_relay_forget_the_ends_of_no_other_rooms",
    ),
    share(
        "door",
        "alcove.engine.engine:Engine.on_not_authenticated",
        'code == "too_many_knocks"',
        "False",
        "tests/end_to_end/test_newcomers.py"
        "::test_a_newcomer_who_finds_no_place_to_stand_comes_again",
    ),
    share(
        "door",
        "alcove_server.rooms.doorstep:Doorstep.make_room",
        "OF_A_PREFIX * ",
        "OF_A_PREFIX // 2 * ",
        "tests/server/test_doorstep.py::test_sixty_people_of_one_address_come_in_by_one_link",
    ),
    share(
        "places",
        f"{ADMISSION}.enter",
        "elif whole is not None and whole.connections >= whole.most:",
        "elif False:",
        f"{PLACES}::test_all_networks_of_one_provider_have_half_of_all_places",
    ),
    share(
        "rates",
        "alcove_server.net.admission:Allowance.open_room",
        " and (self.whole is None or self.whole.open_room())",
        "",
        f"{PLACES}::test_and_the_rates_of_a_hundred_networks",
    ),
)

"""Mutants of places and rates for each part of the network, and of what gives way to others."""

from typing import Final

from tests.mutation.mutant import Mutant
from tests.mutation.relay import ADMISSION, FAIR, FAIRNESS, relay

_ENTER: Final = "net.admission:Admission.enter"
_PART: Final = "net.admission:Allowance"
_BUCKET: Final = "ports.token_bucket:TokenBucket"
_SHARES: Final = "net.shares:Shares"
_UNFINISHED: Final = "net.unfinished:Unfinished"
_NETWORKS: Final = "tests/server/test_networks.py"
_HALVES: Final = "tests/server/test_unfinished.py"

PLACES: Final[tuple[Mutant, ...]] = (
    relay(
        "places",
        _ENTER,
        "if allowance.connections >= allowance.most:",
        "if False:",
        f"{ADMISSION}::test_a_prefix_has_its_places_and_others_have_theirs",
    ),
    relay(
        "places",
        _ENTER,
        "elif full:",
        "elif False:",
        f"{ADMISSION}::test_a_shared_address_has_half_of_all_places",
    ),
    relay(
        "places",
        _ENTER,
        "if not found:",
        "if False:",
        f"{ADMISSION}::test_an_unauthenticated_connection_gives_way",
    ),
    relay(
        "places",
        f"{_PART}.make_room",
        " or self._clock() - oldest.since < GRACE",
        "",
        f"{ADMISSION}::test_an_unauthenticated_connection_gives_way",
    ),
    relay(
        "places",
        "net.admission:Admitted.proved",
        "part.unproved.pop(self, None)",
        "pass",
        f"{ADMISSION}::test_an_unauthenticated_connection_gives_way",
    ),
    relay(
        "places",
        "net.admission:Admission._count",
        "part.connections += more",
        "pass",
        f"{ADMISSION}::test_a_prefix_has_its_places_and_others_have_theirs",
    ),
    relay(
        "places",
        "net.admission:Admission._make_large",
        "max(self._most // 2, self._per_prefix)",
        "self._most",
        f"{ADMISSION}::test_a_shared_address_has_half_of_all_places",
    ),
    relay(
        "places",
        "net.admission:Admission._prefix",
        "packed[:_IPV4_PREFIX]",
        "packed",
        f"{ADMISSION}::test_a_prefix_has_its_places_and_others_have_theirs",
    ),
    relay(
        "places",
        "net.admission:Admission._prefix",
        "packed[:_IPV6_PREFIX]",
        "packed",
        f"{ADMISSION}::test_an_address_of_version_6_counts_by_its_48_bits",
    ),
    relay(
        "addresses",
        "net.admission:Admission._hash",
        "hashlib.blake2b(part, key=self._key, digest_size=_HASH_SIZE).digest()",
        "part",
        f"{ADMISSION}::test_no_address_is_kept",
    ),
    relay(
        "places",
        "net.admission:Admission.sweep",
        "range(min(_SWEPT, len(self._known)))",
        "range(len(self._known))",
        f"{ADMISSION}::test_a_sweep_looks_at_a_bounded_number_and_the_next_goes_on",
    ),
    relay(
        "places",
        "net.admission:Admission._drop_idle",
        "range(_SEARCHED)",
        "range(len(self._known))",
        f"{ADMISSION}::test_a_part_to_forget_is_looked_for_among_a_few",
    ),
    relay(
        "places",
        "net.admission:Admission._drop_idle",
        "if self._known[prefix].droppable:",
        "if True:",
        f"{ADMISSION}::test_of_too_many_prefixes_one_is_forgotten_in_bounded_steps",
    ),
    relay(
        "places",
        f"{_PART}.forgettable",
        "self.idle and ",
        "",
        f"{ADMISSION}::test_a_part_with_a_connection_is_not_forgotten",
    ),
    relay(
        "places",
        f"{_PART}.forgettable",
        " and all(part.unspent for part in self.line)",
        "",
        f"{ADMISSION}::test_a_prefix_is_forgotten_once_it_is_as_new",
    ),
    relay(
        "places",
        f"{_PART}.forgettable",
        "all(part.unspent for part in self.line)",
        "self.unspent",
        f"{ADMISSION}::test_what_all_of_them_used_up_is_not_forgotten_with_the_last_of_them",
    ),
)

RATES: Final[tuple[Mutant, ...]] = (
    relay(
        "rates",
        f"{_PART}.tls",
        "self._tls.take(self._clock())",
        "True",
        f"{ADMISSION}::test_tls_handshakes_have_a_rate_of_their_own_above_that_of_websockets",
    ),
    relay(
        "rates",
        f"{_PART}.handshake",
        "self._handshakes.take(self._clock())",
        "True",
        f"{ADMISSION}::test_rates_refill_and_belong_to_a_prefix",
    ),
    relay(
        "rates",
        f"{_PART}.open_room",
        "self._rooms.take(self._clock())",
        "True",
        f"{ADMISSION}::test_rates_refill_and_belong_to_a_prefix",
    ),
    relay(
        "rates",
        f"{_PART}.knock",
        "self._knocks.take(self._clock())",
        "True",
        f"{ADMISSION}::test_rates_refill_and_belong_to_a_prefix",
    ),
    relay(
        "rates",
        f"{_PART}.knock",
        "self._knocks.take(self._clock())",
        "self._rooms.take(self._clock())",
        f"{ADMISSION}::test_knocks_have_a_rate_of_their_own",
    ),
    relay(
        "rates",
        f"{_PART}.tell",
        "self._told.owe(self._clock(), size)",
        "True",
        f"{FAIRNESS}::test_bytes_sent_because_of_a_network_are_bounded_and_come_back",
    ),
    relay(
        "rates",
        "net.admission:Admission._make_large",
        "factor = self._factor * _SHARED_RATE",
        "factor = self._factor",
        f"{ADMISSION}::test_a_shared_address_has_larger_rates_and_a_factor_of_0_has_none",
    ),
    relay(
        "rates",
        f"{_BUCKET}.take",
        "if tokens > self.burst:",
        "if False:",
        f"{ADMISSION}::test_a_bucket_holds_no_more_than_its_burst",
    ),
    relay(
        "rates",
        f"{_BUCKET}.take",
        "if tokens < cost:",
        "if False:",
        f"{ADMISSION}::test_a_bucket_takes_all_or_nothing",
    ),
    relay(
        "rates",
        f"{_BUCKET}.owe",
        "if not self.take(now, 0.0):",
        "if False:",
        f"{FAIRNESS}::test_bytes_sent_because_of_a_network_are_bounded_and_come_back",
    ),
    relay(
        "rates",
        f"{_BUCKET}.owe",
        "min(cost, self.burst / 4)",
        "cost",
        f"{ADMISSION}::test_a_debt_is_a_quarter_of_the_burst_at_most",
    ),
    relay(
        "rates",
        "net.front_door:FrontDoor._refusal",
        "self._place is not None and not self._place.allowance.handshake()",
        "False",
        "tests/server/test_hostile.py::test_handshakes_have_a_rate_for_each_part_of_the_network",
    ),
)

ADDRESSES: Final[tuple[Mutant, ...]] = (
    relay(
        "addresses",
        "networks:parse_address",
        "mapped or parsed",
        "parsed",
        f"{_NETWORKS}::test_a_client_of_a_listener_for_both_versions_is_of_the_shared_class",
    ),
    relay(
        "addresses",
        "networks:parse_network",
        "if isinstance(parsed, ipaddress.IPv6Network) and parsed.subnet_of(_MAPPED):",
        "if False:",
        f"{_NETWORKS}::test_a_network_has_one_spelling",
    ),
    relay(
        "addresses",
        "net.entrance:Entrance.address_told",
        "len(told) == 1 and ",
        "",
        f"{_NETWORKS}::test_a_proxy_that_names_no_address_or_two_is_refused",
    ),
    relay(
        "addresses",
        "net.entrance:Entrance.address_told",
        " and peer in self.proxies",
        "",
        f"{_NETWORKS}::test_a_client_that_is_no_proxy_cannot_name_an_address",
    ),
    relay(
        "addresses",
        "net.entrance:Entrance.lacks_address",
        "peer in self.proxies and not head.all(_REAL_ADDRESS)",
        "False",
        f"{_NETWORKS}::test_a_proxy_that_names_no_address_or_two_is_refused",
    ),
)

MEMORY: Final[tuple[Mutant, ...]] = (
    relay(
        "halves",
        f"{_UNFINISHED}.hold",
        "while self._shares.too_many:",
        "while False:",
        f"{_HALVES}::test_the_largest_part_goes_when_all_are_too_much",
    ),
    relay(
        "halves",
        f"{_UNFINISHED}.tick",
        "if since > end:",
        "if False:",
        f"{_HALVES}::test_each_message_has_its_time_from_its_first_byte",
    ),
    relay(
        "halves",
        f"{_UNFINISHED}.hold",
        "if sender not in self._since:",
        "if True:",
        f"{_HALVES}::test_each_message_has_its_time_from_its_first_byte",
    ),
    relay(
        "shares",
        f"{_SHARES}.largest",
        "max(wholes, key=lambda whole: wholes[whole] / whole.weight)",
        "next(iter(wholes))",
        f"{_HALVES}::test_the_largest_part_of_the_network_gives_way_first",
    ),
    relay(
        "shares",
        f"{_SHARES}.largest",
        "max(self._groups[group], key=self._sizes.__getitem__)",
        "next(iter(self._groups[group]))",
        f"{_HALVES}::test_the_largest_part_goes_when_all_are_too_much",
    ),
    relay(
        "shares",
        f"{_SHARES}.largest",
        "whole = part.whole or part",
        "whole = part",
        f"{FAIRNESS}::test_the_networks_of_one_provider_hold_bytes_together",
    ),
    relay(
        "shares",
        f"{_SHARES}.largest",
        "max(within, key=self._of_group.__getitem__)",
        "within[0]",
        f"{FAIRNESS}::test_the_networks_of_one_provider_hold_bytes_together",
    ),
    relay(
        "shares",
        f"{_SHARES}.largest",
        " / whole.weight",
        "",
        f"{FAIRNESS}::test_a_shared_address_counts_as_many_networks",
    ),
    relay(
        "shares",
        f"{_SHARES}.discard",
        "self._of_group[group] -= size",
        "pass",
        f"{FAIR}::test_a_part_whose_connection_is_gone_holds_less",
    ),
    relay(
        "unsent",
        "net.websocket:WebSocket._count_unsent",
        "if unsent.too_many:",
        "if False:",
        f"{FAIRNESS}"
        "::test_what_waits_for_all_has_one_bound_and_the_largest_network_gives_way_first",
    ),
    relay(
        "unsent",
        "net.websocket:WebSocket._queue",
        "if before <= self._terms.queue_bytes < self._backlog:",
        "if False:",
        "tests/server/test_slow_consumers.py"
        "::test_a_member_that_does_not_read_is_let_go_and_resumes",
    ),
)

ALL_SHARES: Final = (*PLACES, *RATES, *ADDRESSES, *MEMORY)

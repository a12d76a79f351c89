"""Mutants of tickets: what the relay keeps, hands out, and drops."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant
from tests.mutation.relay import SERVER, relay

_RELAY: Final = "tests/server/test_tickets.py"
_KEPT: Final = "tests/server/store/test_memory.py::TestMemoryStore"
_TICKETS: Final = "store.memory.tickets:MemoryTickets"
_FETCHES: Final = "rooms.fetches:Fetches"

AT_THE_RELAY: Final = (
    relay(
        "tickets",
        f"{_TICKETS}.park",
        "if known is not None and known.key != key:",
        "if False:",
        f"{_KEPT}::test_a_slot_has_one_key_and_a_key_one_slot",
    ),
    relay(
        "tickets",
        f"{_TICKETS}.park",
        "        self.drop(key)\n",
        "",
        f"{_KEPT}::test_parked_anew_it_begins_anew_in_the_place_of_the_former",
    ),
    relay(
        "tickets",
        f"{_TICKETS}.find",
        " or found.ends <= now",
        "",
        f"{_KEPT}::test_fetched_it_is_kept_for_a_minute_and_never_longer",
        Edit(f"{SERVER}.{_TICKETS}.expire", "if one.ends <= now", "if False"),
    ),
    relay(
        "tickets",
        f"{_TICKETS}.find",
        "if found.parking.token_hash == token_hash:",
        "if True:",
        f"{_RELAY}::test_only_the_token_fetches",
    ),
    relay(
        "tickets",
        f"{_TICKETS}.find",
        "if found.wrong >= limits.TICKET_TRIES:",
        "if False:",
        f"{_RELAY}::test_only_the_token_fetches",
    ),
    relay(
        "tickets",
        f"{_TICKETS}.fetched",
        "min(found.ends, now + limits.TICKET_FETCHED)",
        "now + limits.TICKET_FETCHED",
        f"{_KEPT}::test_fetched_it_is_kept_for_a_minute_and_never_longer",
    ),
    relay(
        "tickets",
        "store.memory.room:MemoryRoom._step",
        "            self.tickets.drop(key)\n",
        "",
        f"{_KEPT}::test_it_goes_with_its_key_and_with_the_room",
    ),
    relay(
        "tickets",
        "requests.lobby:leave",
        "    await requester.services.store.unpark(room.id, client.key)\n",
        "",
        f"{_RELAY}::test_it_ends_when_the_member_asks_to_leave",
    ),
    relay(
        "tickets",
        f"{_FETCHES}.tick",
        "if fetch.old is not None and _is_alive(fetch.old):",
        "if False:",
        f"{_RELAY}::test_a_late_sign_of_life_counts",
    ),
    relay(
        "tickets",
        f"{_FETCHES}.tick",
        "elif now >= fetch.until or not (here or store.shared):",
        "else:",
        f"{_RELAY}::test_a_client_that_is_silent_for_three_seconds_is_gone",
    ),
    relay(
        "tickets",
        f"{_FETCHES}.tick",
        "not (here or store.shared)",
        "not here",
        f"{_RELAY}::test_another_node_is_asked_and_says_who_is_alive",
    ),
    relay(
        "tickets",
        f"{_FETCHES}.tick",
        "            if _is_closed(fetch.client):\n"
        "                self._fetches.remove(fetch)\n"
        "            elif fetch.old",
        "            if fetch.old",
        f"{_RELAY}::test_a_fetch_of_a_client_that_went_uses_nothing_up",
    ),
    relay(
        "tickets",
        f"{_FETCHES}._answer",
        "            await services.store.fetched(fetch.room, fetch.slot)\n",
        "            pass\n",
        f"{_RELAY}::test_it_is_kept_for_a_minute_after_the_fetch",
    ),
    relay(
        "tickets",
        "requests.tickets:fetch",
        "if not room.history.roster.is_member(found.key):",
        "if False:",
        f"{_RELAY}::test_it_ends_when_the_key_leaves_the_list",
        equivalent="The store drops what is parked with its key; a node with an older list judges "
        "by it, and reads the newest before.",
    ),
)
ALL_TICKETS: Final[tuple[Mutant, ...]] = AT_THE_RELAY

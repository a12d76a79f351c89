"""Mutants of the lobby: what is settled, what is left to others, and which lobby key is whose."""

from typing import Final

from tests.mutation.mutant import Mutant
from tests.mutation.order_places import EVIL, LISTING, MEMBERSHIP, order

REQUESTS: Final = "alcove.facilitation.member_requests:MemberRequests"
LOBBY: Final = "alcove.facilitation.lobby:Lobby"
KEYS: Final = "alcove.facilitation.lobby_keys:LobbyKeys"
INVITE: Final = "alcove_protocol.invite"

_LEFT: Final = f"{EVIL}/test_left_to_others.py"
_NEWEST: Final = (
    "tests/end_to_end/test_tickets.py::"
    "test_a_request_of_a_program_that_is_gone_gives_way_to_that_of_the_next_one"
)
_KEYS: Final = f"{EVIL}/test_lobby_keys.py"
_STANDBY: Final = f"{EVIL}/test_standby_on_the_list.py"
_FALSE_KEY: Final = "test_after_a_burned_entry_with_a_false_lobby_key_the_next_names_the_groups"
_AGES: Final = f"{_KEYS}::test_an_old_key_is_good_for_knocks_then_for_rejoins_and_is_then_wiped"


def _left(where: str, old: str, new: str, test: str) -> Mutant:
    return order("lobby", where, old, new, f"{_LEFT}::{test}")


ONE_LOBBY: Final = (
    _left(
        f"{REQUESTS}._open",
        "raise NotMine",
        'raise NotAllowed("seal")',
        "test_a_request_that_does_not_open_is_left",
    ),
    _left(
        f"{REQUESTS}._serve",
        "(person is None and lost is None):\n            raise NotMine",
        '(person is None and lost is None):\n            raise NotAllowed("epoch")',
        "test_a_request_of_an_epoch_before_ones_own_is_left_to_another_facilitator",
    ),
    _left(
        f"{REQUESTS}._serve",
        "raise NotYet",
        "raise NotMine",
        "test_a_request_of_the_next_epoch_waits_for_its_commit",
    ),
    _left(
        f"{REQUESTS}._serve",
        "raise NotMine  #",
        'raise NotAllowed("kind")  #',
        "test_a_request_of_a_kind_that_one_does_not_know_is_left",
    ),
    _left(
        f"{REQUESTS}._serve",
        "            return False\n",
        "            return True\n",
        "test_a_rejoin_is_settled_with_its_commit_and_not_before",
    ),
    _left(
        f"{REQUESTS}.receive",
        "done = True",
        "done = False",
        "test_a_request_that_is_wrong_for_every_facilitator_is_settled",
    ),
    _left(
        f"{LOBBY}._leave_asked",
        "self._committer.want(let_go(not_awaited))",
        "self._committer.want(let_go(not_awaited))\n            self._settle(item.id)",
        "test_a_leave_outlives_the_facilitator_who_saw_it_first",
    ),
    _left(
        f"{LOBBY}.receive",
        "elif self._may_handle(item):",
        "elif True:",
        "test_a_held_facilitator_refuses_no_knock_by_what_it_knew",
    ),
    _left(
        f"{LOBBY}._put_off",
        "if len(self._later) > PUT_OFF_MOST:",
        "if False:",
        "test_junk_of_later_epochs_takes_bounded_memory_and_settles_nothing",
    ),
    order(
        "rejoins",
        "alcove.facilitation.rejoins:Rejoins.ask",
        "if not waited:",
        "if True:",
        _NEWEST,
    ),
    order(
        "rejoins",
        "alcove.facilitation.rejoins:Rejoins.ask",
        "known.request, known.done, known.since = request, done, self._clock()",
        "known.since = self._clock()",
        _NEWEST,
    ),
    order(
        "lobby key",
        f"{REQUESTS}._serve",
        "if not present:",
        "if False:",
        f"{_KEYS}::test_an_old_key_opens_rejoins_and_nothing_else_of_a_member",
    ),
    order(
        "lobby key",
        "alcove.facilitation.in_flight:sign_entry",
        "state.lobby_key if state.lobby_key != roster.lobby else None",
        "None",
        f"{_KEYS}::test_the_entry_names_a_new_lobby_key_and_every_member_knows_it",
    ),
    order(
        "entry",
        "alcove.facilitation.in_flight:needs_entry",
        "membership.restate or ",
        "",
        f"{_STANDBY}::test_a_commit_that_lost_to_a_burned_entry_restates_the_list",
    ),
    order(
        "lobby key",
        "alcove.facilitation.in_flight:needs_entry",
        "says != (roster.flags, roster.slow, roster.lobby)",
        "says[:2] != (roster.flags, roster.slow)",
        f"{_KEYS}::test_the_entry_names_a_new_lobby_key_and_every_member_knows_it",
    ),
    order(
        "lobby key",
        f"{LISTING}:is_the_groups",
        "        and roster.lobby == state.lobby_key\n",
        "",
        f"{_KEYS}::test_an_entry_that_hides_a_new_lobby_key_is_an_alarm",
    ),
    order(
        "lobby key",
        f"{MEMBERSHIP}:Membership.follow",
        "isinstance(outcome, Held) and self.roster.lobby not in (None, known)",
        "False",
        f"{_KEYS}::test_a_held_member_finds_the_new_lobby_key_in_the_chain",
    ),
    order(
        "lobby key",
        f"{MEMBERSHIP}:Membership.follow",
        "isinstance(outcome, Held) and ",
        "",
        f"{_KEYS}::{_FALSE_KEY}",
    ),
    order(
        "merged",
        f"{MEMBERSHIP}:Membership.follow",
        "if isinstance(outcome, mls.StagedCommit):",
        "if False:",
        f"{_KEYS}::test_the_entry_names_a_new_lobby_key_and_every_member_knows_it",
    ),
    order("lobby key", f"{KEYS}.for_rejoins", "REJOINS_KEPT", "KNOCKS_KEPT", _AGES),
    order("lobby key", f"{KEYS}.for_knocks", "KNOCKS_KEPT", "REJOINS_KEPT", _AGES),
    order("lobby key", f"{KEYS}.tick", "> REJOINS_KEPT", "> 2 * REJOINS_KEPT", _AGES),
    *(
        order("invite", f"{INVITE}:{where}", old, new, f"tests/protocol/test_invite.py::{test}")
        for where, old, new, test in (
            (
                "Invite.parse",
                "if _check(content[:_CHECK_AT], origin) != content[_CHECK_AT:_FIXED]:",
                "if False:",
                "test_a_link_that_is_cut_anywhere_is_told",
            ),
            (
                "Invite.parse",
                "if door_id_of(room, secret) != door:",
                "if False:",
                "test_bad_links",
            ),
            (
                "_check",
                "origin.encode()",
                'b""',
                "test_a_mistyped_host_of_the_relays_own_link_is_told",
            ),
        )
    ),
    order(
        "standby",
        f"{LISTING}:is_the_groups",
        "roster.seats.keys() - roster.standbys()",
        "roster.seats.keys()",
        f"{_STANDBY}::test_a_standby_key_on_the_list_is_no_alarm_and_no_member",
    ),
    order(
        "standby",
        f"{LISTING}:is_the_groups",
        "members == roster.seats.keys() - roster.standbys()\n        and ",
        "",
        f"{EVIL}/test_insiders.py"
        "::test_a_member_whom_a_facilitator_hides_from_the_list_can_be_removed",
    ),
    order(
        "standby",
        f"{LISTING}:restated",
        "for key in links_of(state)",
        "for key in ()",
        f"{_STANDBY}::test_a_restated_list_keeps_the_standby_keys_that_the_group_has",
    ),
    order(
        "standby",
        f"{LISTING}:is_the_groups",
        "        and roster.links() == links_of(state)\n",
        "",
        f"{_STANDBY}::test_a_link_that_the_state_does_not_name_is_an_alarm",
    ),
    order(
        "entry",
        f"{LISTING}:restated",
        "Role.FACILITATOR if person.facilitator else Role.PARTICIPANT",
        "seats.get(person.relay_key, Seat()).role",
        f"{_STANDBY}::test_a_restated_list_has_the_roles_of_the_group_and_not_of_the_burned_entry",
    ),
    order(
        "entry",
        f"{LISTING}:is_the_groups",
        "        and roster.facilitators() == state.facilitator_relay_keys()\n",
        "",
        f"{_STANDBY}::test_a_list_with_other_facilitators_than_the_group_is_an_alarm",
    ),
)

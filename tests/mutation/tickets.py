"""Mutants of tickets: what the relay keeps, hands out, and drops."""

from typing import Final

from tests.mutation.mutant import Edit, Mutant
from tests.mutation.relay import SERVER, relay

_RELAY: Final = "tests/server/test_tickets.py"
_PROBE: Final = "tests/server/test_probe.py"
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
        f"{_FETCHES}._waits",
        "if self._is_alive(ping):",
        "if False:",
        f"{_RELAY}::test_a_late_sign_of_life_counts",
    ),
    relay(
        "tickets",
        f"{_FETCHES}._waits",
        "if now < ping.until and (here or self._services.store.shared):",
        "if False:",
        f"{_RELAY}::test_a_client_that_is_silent_for_three_seconds_is_gone",
    ),
    relay(
        "tickets",
        f"{_FETCHES}._waits",
        "(here or self._services.store.shared)",
        "here",
        f"{_RELAY}::test_another_node_is_asked_and_says_who_is_alive",
    ),
    relay(
        "tickets",
        f"{_FETCHES}._waits",
        "        if _is_closed(fetch.client):\n            return False\n",
        "",
        f"{_RELAY}::test_a_fetch_of_a_client_that_went_uses_nothing_up",
    ),
    relay(
        "tickets",
        f"{_FETCHES}.begin",
        "if client in self._fetches:",
        "if False:",
        f"{_RELAY}::test_a_connection_has_one_fetch_that_waits",
    ),
    relay(
        "tickets",
        "rooms.registry:Rooms.tick",
        "if self.fetches.waits_in(id):",
        "if False:",
        f"{_RELAY}::test_a_room_is_watched_while_a_fetch_waits_for_other_nodes",
    ),
    relay(
        "tickets",
        f"{_FETCHES}._is_alive",
        "if client is not None and client is not old:",
        "if False:",
        f"{_RELAY}::test_a_client_that_connects_anew_meanwhile_is_not_gone",
    ),
    relay(
        "tickets",
        f"{_FETCHES}._answer",
        "            await services.store.fetched(room, fetch.slot)\n",
        "            pass\n",
        f"{_RELAY}::test_it_is_kept_for_a_minute_after_the_fetch",
    ),
    relay(
        "tickets",
        f"{_FETCHES}._answer",
        "if found is None:",
        "if False:",
        f"{_RELAY}::test_who_is_removed_while_a_fetch_waits_is_handed_out_to_nobody",
    ),
    relay(
        "tickets",
        "requests.tickets:park",
        "if not room.history.roster.is_member(client.key):",
        "if False:",
        f"{_RELAY}::test_who_is_on_the_list_no_more_parks_nothing",
    ),
    relay(
        "tickets",
        "requests.tickets:fetch",
        "if not requester.may_tell(len(found.blob)):",
        "if False:",
        "tests/server/test_told.py::test_a_network_that_had_too_much_sent_fetches_nothing",
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
    relay(
        "tickets",
        "net.websocket:WebSocket.probe",
        "        self.write(_PING)\n",
        "",
        f"{_PROBE}::test_a_client_that_answers_the_ping_is_not_gone",
    ),
    relay(
        "tickets",
        "net.websocket:WebSocket.probe",
        "self._probed = True",
        "self._probed = False",
        f"{_PROBE}::test_a_client_that_answers_nothing_for_three_seconds_is_gone",
    ),
    relay(
        "tickets",
        "net.websocket:WebSocket.silent",
        " and not self._waiting",
        "",
        "tests/server/test_endings.py::test_a_client_that_waits_to_be_read_is_not_silent",
    ),
    relay(
        "tickets",
        "net.incoming:Incoming.data_received",
        "self._heard, self._probed = True, False",
        "self._heard = True",
        f"{_PROBE}::test_a_client_that_answers_the_ping_is_not_gone",
    ),
)
_BACK: Final = "tests/end_to_end/test_tickets.py"
_NO_WORDS: Final = f"{_BACK}::test_a_card_of_a_program_that_knew_no_words_is_taken_for_none"
_ALONE: Final = "tests/end_to_end/test_lone_return.py"
_RETURN: Final = "tests/end_to_end/evil/test_return_rights.py"
_AT_RELAY: Final = "tests/server/test_lone_return.py"
_LIES: Final = "tests/end_to_end/evil/test_ticket_lies.py"
_AMONG: Final = "tests/end_to_end/test_return_among_newcomers.py"
_BESIDE: Final = "tests/end_to_end/test_return_beside_a_standby.py"
_RULES: Final = "alcove.group.standby_rules:_return_fault"


def _mutant(where: str, old: str, new: str, test: str) -> Mutant:
    return Mutant("tickets", (Edit(where, old, new),), test)


IN_THE_GROUP: Final = (
    _mutant(
        "alcove.engine.entering_room:EnteringRoom.replaced_text",
        "return ANOTHER_BY_LINK if by_link else ANOTHER_BY_TICKET",
        "return ANOTHER_BY_LINK",
        f"{_ALONE}::test_a_program_that_still_runs_is_told_that_its_ticket_was_used",
    ),
    _mutant(
        "alcove.engine.member:MemberClient.tick",
        "self.tickets.tick(ready=self.ready and self.entering is None)",
        "self.tickets.tick(ready=self.ready)",
        f"{_ALONE}::test_a_late_lie_ends_no_way_and_is_not_parked",
    ),
    _mutant(
        "alcove.engine.member_parts:MemberParts._take_part",
        " and not unproved",
        "",
        f"{_BESIDE}::test_who_comes_by_the_link_meanwhile_makes_nobody_facilitate",
    ),
    _mutant(
        "alcove.engine.standby_entering:StandbyEntering.committed",
        " and author.facilitator",
        "",
        f"{_BESIDE}::test_who_comes_by_the_link_meanwhile_makes_nobody_facilitate",
    ),
    _mutant(
        "alcove.engine.member:MemberClient._merged",
        "            self.entering.committed(outcome)\n",
        "",
        f"{_BESIDE}::test_the_commit_of_another_facilitator_is_the_answer_of_its_author",
    ),
    _mutant(
        "alcove.engine.entering_room:EnteringRoom._facilitates_again",
        "member.entering = None  #",
        "#",
        f"{_BESIDE}::test_who_was_demoted_before_the_proof_keeps_a_ticket_as_any_member",
    ),
    _mutant(
        "alcove.engine.member:MemberClient.tick",
        " and not self.membership.own.entering",
        "",
        "tests/end_to_end/test_presence.py"
        "::test_who_entered_by_a_link_sends_no_frame_before_it_is_listed",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer._known",
        "self._patience.begin(PATIENCE)",
        "if not self._patience.runs:\n                self._patience.begin(PATIENCE)",
        f"{_ALONE}::test_a_late_lie_ends_no_way_and_is_not_parked",
    ),
    _mutant(
        "alcove.engine.entering_room:EnteringRoom._handover_by_ticket",
        "*(words or also)",
        "*also",
        f"{_BACK}::test_newcomers_read_the_helplines_and_the_contact_as_before",
    ),
    _mutant(
        "alcove.facilitation.card_watch:CardWatch._compare_words",
        "if not own.known and card.title == own.title and said:",
        "if False:",
        f"{_BACK}::test_who_could_read_no_card_takes_the_words_of_the_next_one",
    ),
    _mutant(
        "alcove.facilitation.card_watch:CardWatch._compare_words",
        "== own.title and said:",
        "== own.title:",
        _NO_WORDS,
    ),
    _mutant(
        "alcove.facilitation.card_watch:CardWatch._compare_words",
        "elif card.signer == self._membership.own.key and not said:",
        "elif False:",
        _NO_WORDS,
    ),
    _mutant(
        "alcove.joining.card_words:CardWordsReader._came",
        "if any(words) and (",
        "if (",
        _NO_WORDS,
    ),
    _mutant(
        _RULES,
        "None if kinds == [mls.ExternalInit, mls.Remove] else ",
        "None if kinds[:2] == [mls.ExternalInit, mls.Remove] else ",
        f"{_RETURN}::test_it_brings_nothing_else_along",
    ),
    Mutant(
        "tickets",
        (Edit(_RULES, "if staged.before.extensions != staged.after.extensions:", "if False:"),),
        f"{_RETURN}::test_it_brings_nothing_else_along",
        equivalent="Only a GroupContextExtensions changes them. The kinds of proposals refuse it, "
        "and RFC 9420 forbids it in an external commit.",
    ),
    _mutant(
        "alcove.group.rights:_judge_return",
        "            check_same_member(old, new)\n",
        "            pass\n",
        f"{_RETURN}::test_what_comes_in_its_place_is_no_other_member",
    ),
    _mutant(
        "alcove.group.standby_rules:entering_fault",
        "leaf.signature_key in before.facilitator_keys()",
        "group.member(0) is not None",
        f"{_RETURN}::test_a_participant_does_not_come_back_so",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer._known",
        "if self.chain.head(self._known_at.counter) != self._known_at.head:",
        "if False:",
        f"{_LIES}::test_a_history_that_lacks_what_was_seen_is_refused",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer._known",
        "            self._park_again()\n",
        "            pass\n",
        f"{_ALONE}::test_it_dies_again_while_no_member_answers_and_comes_by_the_same_ticket",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer.answered",
        "if candidate.epoch >= self._known_at.epoch:",
        "if True:",
        f"{_LIES}::test_an_answer_of_an_earlier_epoch_is_dropped",
    ),
    _mutant(
        "alcove.group.standby_entry:_entry",
        "enters_by(member.leaf)",
        "pass",
        f"{_LIES}::test_a_group_with_a_leaf_that_cannot_be_read_is_of_no_use",
    ),
    _mutant(
        "alcove.engine.standby_answers:StandbyAnswers._alone",
        "return not any(heard(key, limits.READ_ONLY_AFTER) for key in others)",
        "return True",
        f"{_LIES}::test_a_member_that_hears_another_facilitator_answers_nothing",
    ),
    _mutant(
        "alcove.group.standby:checked_ask",
        "if (said.epoch is not None) is not (asker in state.facilitator_keys()):",
        "if False:",
        f"{_LIES}::test_a_holder_of_a_link_asks_for_nothing_unseen",
    ),
    _mutant(
        "alcove.engine.standby_answers:StandbyAnswers._psk",
        "if secret is not None:",
        "if False:",
        f"{_AMONG}::test_of_two_members_either_is_enough[Dora]",
    ),
    _mutant(
        "alcove.engine.standby_answers:StandbyAnswers._psk",
        "return_psk(leaf_extension(leaf).desk_key, leaf.signature_key)",
        "None",
        f"{_AMONG}::test_those_whom_another_facilitator_let_in_since_let_it_in",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer._waits_for_log",
        "self._patience.unsettled(PATIENCE)",
        "pass",
        f"{_ALONE}::test_it_waits_until_what_a_relay_lost_is_settled",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer._ask_members",
        "self._patience.begin(PATIENCE)",
        "pass",
        f"{_AMONG}::test_cuts_on_that_way_are_no_end",
    ),
    _mutant(
        "alcove.joining.standby_asks:StandbyAsks._open",
        "if keys.by_leaf is None:",
        "if True:",
        f"{_AMONG}::test_those_whom_another_facilitator_let_in_since_let_it_in",
    ),
    _mutant(
        "alcove.group.facilitator_seals:return_psk",
        "Psk(desk_key, mls_key)",
        "Psk(mls_key, mls_key)",
        f"{_LIES}::test_who_does_not_know_its_leaf_answers_in_vain",
    ),
    _mutant(
        "alcove.engine.ticket_keeper:TicketKeeper.tick",
        "(due or moved)",
        "due",
        f"{_BACK}::test_a_ticket_is_parked_anew_in_each_epoch",
    ),
    _mutant(
        "alcove.facilitation.member_requests:MemberRequests._asker",
        "if leaf_extension(leaf).reloaded:",
        "if False:",
        f"{_BACK}::test_an_update_that_is_committed_after_the_crash_does_not_void_a_ticket",
    ),
    _mutant(
        "alcove.group.membership:Membership._judge",
        "if leaf_extension(leaf).reloaded and",
        "if False and",
        f"{_BACK}::test_a_program_that_was_only_cut_off_is_out_when_its_ticket_brought_another_back",
    ),
    _mutant(
        "alcove.group.asking:LetIn.judge",
        " or body.epoch < self._epochs.get(relay_key, 0):",
        ":",
        f"{_LIES}::test_a_granted_request_is_void_for_one_that_was_not_shown_the_entry",
    ),
    _mutant(
        "alcove.group.membership:Membership._judge",
        " and leaf.encryption_key != self._came_as",
        "",
        "tests/end_to_end/evil/test_held.py"
        "::test_the_way_back_by_a_ticket_done_once_more_puts_no_member_out[False]",
    ),
    _mutant(
        "alcove.joining.chain_reader:ChainReader.let_in_since",
        "if at > counter",
        "if False",
        f"{_LIES}::test_a_granted_request_is_void_for_one_that_returned_alone_to_an_earlier_epoch",
    ),
    _mutant(
        "alcove.engine.entering_room:EnteringRoom._returned",
        "membership.let_in.know_from(comer.body.epoch, since)",
        "pass",
        f"{_ALONE}::test_who_returned_alone_lets_one_in_that_had_parked_the_leaf_before",
    ),
    _mutant(
        "alcove.group.asking:LetIn.judge",
        "body.epoch < self._from",
        "False",
        f"{_LIES}::test_a_granted_request_is_void_for_one_that_came_by_a_ticket_soon_after",
    ),
)

_LOSS: Final = "tests/end_to_end/test_return_after_a_loss.py"
_LET_GO: Final = "tests/end_to_end/test_ticket_let_go.py"
_BEHIND: Final = "tests/end_to_end/test_died_behind_a_commit.py"
_KEEPER: Final = "alcove.engine.ticket_keeper:TicketKeeper"
BEHIND_A_COMMIT: Final = (
    _mutant(
        "alcove.facilitation.committer:Committer._send",
        "        self._before_sent()\n",
        "",
        f"{_BEHIND}::test_only_who_came_by_the_last_commit_is_left",
    ),
    _mutant(
        f"{_KEEPER}._letting_in",
        " and item.staged.added",
        "",
        f"{_BEHIND}::test_a_commit_that_lets_nobody_in_is_parked_once_behind_it",
    ),
    _mutant(
        f"{_KEEPER}._covers",
        "if taken is None or taken.commit != self._membership.commit_hash:",
        "if True:",
        f"{_BEHIND}::test_many_that_come_one_by_one_cost_one_ticket_each",
    ),
    _mutant(
        f"{_KEEPER}.disconnected",
        "self._parked = self._taken = None",
        "pass",
        f"{_BEHIND}::test_the_relay_lost_its_memory_with_the_commit_on_its_way",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer._known",
        "        self._follow_own_commit()\n",
        "",
        f"{_BEHIND}::test_only_who_came_by_the_last_commit_is_left",
    ),
    _mutant(
        "alcove.joining.chain_reader:ChainReader.counter_of",
        "return self._commits.get(commit)",
        "return len(self._heads)",
        f"{_BEHIND}::test_the_relay_did_not_take_the_commit",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer.secrets",
        "(newest, parked)",
        "(newest,)",
        f"{_BEHIND}::test_five_facilitators_let_one_in_in_turn_and_all_die",
    ),
    _mutant(
        "alcove.engine.engine:Engine.on_not_authenticated",
        "(known or self._on_the_way)",
        "known",
        f"{_LOSS}::test_a_lone_facilitator_waits_for_the_room[2]",
    ),
    _mutant(
        "alcove.engine.entering_room:EnteringRoom._on_the_way",
        "by_ticket or by_link",
        "by_ticket",
        f"{_LOSS}::test_so_does_the_holder_of_a_link[40]",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer.forgotten",
        "self.stage = TicketStage.READING",
        "pass",
        f"{_LOSS}::test_where_nobody_answers_after_a_loss_the_person_is_told_to_knock",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer.forgotten",
        "        self.chain.begin_anew()\n",
        "",
        f"{_LOSS}::test_a_member_brings_a_history_without_what_was_parked[False-told]",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer._older",
        "if not self._lost:",
        "if True:",
        f"{_LOSS}::test_a_member_brings_a_history_without_what_was_parked[True-told]",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer._older",
        " and self._waited_here",
        "",
        f"{_LOSS}::test_who_asked_for_a_while_waits_as_long_for_a_newer_history[150]",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer._older",
        " and self._waited_here",
        " and self._is_older",
        f"{_LOSS}::test_an_older_history_by_turns_gains_no_time",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer.authenticated",
        "self._lost or self._entered",
        "self._lost",
        f"{_LOSS}::test_a_member_brings_a_history_without_what_was_parked[True-not told]",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer._known",
        "if self._parks:",
        "if self._parks and self.stage is TicketStage.READING:",
        f"{_LOSS}::test_its_ticket_serves_though_only_its_connection_was_lost[park]",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer._park_again",
        "self._parks or not isinstance(answer, frames.Done)",
        "self._parks",
        f"{_LOSS}::test_a_relay_that_has_no_place_for_what_is_parked_again_is_asked_once_more",
    ),
    _mutant(
        "alcove.engine.loss_told:LossTold.forgotten",
        "self._waits or what_follows == YOURS_BRINGS",
        "self._waits",
        f"{_LOSS}::test_a_facilitator_that_misses_the_unsettled_time_is_told_that_it_is_over",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer.tick",
        "older if self._is_older else",
        "",
        f"{_LOSS}::test_a_member_brings_a_history_without_what_was_parked[False-told]",
    ),
    _mutant(
        "alcove.relay.connected_time:ConnectedClock.tick",
        "without or ",
        "",
        f"{_ALONE}::test_a_connection_that_is_lost_for_minutes_on_the_way_is_no_end[3]",
    ),
    _mutant(
        "alcove.relay.connected_time:ConnectedClock.tick",
        " or passed > STOPPED",
        "",
        f"{_ALONE}::test_a_program_that_stands_still_for_minutes_on_the_way_goes_on",
    ),
    _mutant(
        "alcove.engine.coming_back:ComingBack.tick",
        "if self._patience.is_over():",
        "if self._patience.is_over() and False:",
        "tests/end_to_end/test_absent.py"
        "::test_who_is_not_let_back_in_is_told_and_their_client_ends_without_a_defect",
    ),
)


OF_A_RETURN: Final = (
    _mutant(
        "alcove.joining.ticket_comer:TicketComer.let_go",
        "self.away or ",
        "",
        f"{_LET_GO}::test_a_relay_that_lists_them_nowhere_ends_the_way",
    ),
    _mutant(
        "alcove.joining.ticket_comer:TicketComer.authenticated",
        "answer.role == ConnectionRole.AWAY and",
        "False and",
        f"{_LET_GO}::test_one_that_is_let_go_on_the_way_is_let_back_in_by_its_keys",
    ),
    _mutant(
        "alcove.engine.entering_room:EnteringRoom._resumed",
        "member.look_at_rules()",
        "pass",
        "tests/end_to_end/test_lone_return.py"
        "::test_it_is_asked_about_ground_rules_that_another_facilitator_changed",
    ),
    relay(
        "tickets",
        "rooms.rules:ask",
        "if (said.epoch is not None) is not facilitates:",
        "if False:",
        f"{_AT_RELAY}::test_a_participant_asks_nobody_and_an_ask_names_the_epoch",
    ),
    relay(
        "tickets",
        "rooms.rules:_require_committer",
        "if roster.is_facilitator(key) and not _is_return(roster, key, claimed):",
        "if False:",
        f"{_AT_RELAY}::test_its_entry_lets_it_rejoin_and_does_nothing_else",
    ),
    relay(
        "tickets",
        "requests.unattended:require_alone",
        "silent < limits.READ_ONLY_AFTER or ",
        "",
        f"{_AT_RELAY}::test_while_the_beat_of_another_is_young_it_does_neither",
    ),
    relay(
        "tickets",
        "requests.unattended:require_alone",
        " or key in room.live",
        "",
        f"{_AT_RELAY}::test_while_another_facilitator_is_connected_it_does_neither",
    ),
    relay(
        "tickets",
        "requests.publish:_may_enter",
        "if room.asks.asks_for(key, now) < limits.ALONE:",
        "if False:",
        f"{_AT_RELAY}::test_its_external_commit_comes_ten_seconds_after_its_ask",
    ),
    relay(
        "tickets",
        "rooms.asks:Asks.asks_for",
        "now - first if now - last < _OVER else 0.0",
        "now - first",
        f"{_AT_RELAY}::test_an_ask_of_long_ago_is_none",
    ),
)
ALL_TICKETS: Final[tuple[Mutant, ...]] = (
    *AT_THE_RELAY,
    *IN_THE_GROUP,
    *BEHIND_A_COMMIT,
    *OF_A_RETURN,
)

"""Defects to plant in other ways in and out: tickets, standbys, the own name, and who is there."""

from dataclasses import replace
from typing import Final

from alcove.desk.frame import DeskBody
from alcove.desk.life import SignsOfLife
from alcove.engine.engine import Engine
from alcove.engine.entering_room import EnteringRoom
from alcove.engine.outside import SteppingOutside, WayOut
from alcove.engine.standby_answers import StandbyAnswers
from alcove.engine.telling import Telling
from alcove.engine.whereabouts import WhereaboutsWatch
from alcove.events import CloseReason, Problem
from alcove.facilitation.doors import Doors
from alcove.facilitation.same_names import NamedMember, SameNames
from alcove.group.outcomes import Merged, PutOut
from alcove.joining.ticket_comer import TicketComer
from alcove.members import Whereabouts
from alcove.messages.coverage import Coverage
from alcove.messages.slow import SlowMode
from alcove_server.rooms.fetches import Fetches
from alcove_server.store.memory.doors import MemoryDoors

from tests.simulator.planting import Monkey, Planted


def _new_programs_are_not_told(monkey: Monkey) -> None:
    merged = Telling.merged

    def wrong(self: Telling, outcome: Merged, *, facilitates: bool) -> None:
        merged(self, replace(outcome, reloaded=()), facilitates=facilitates)

    monkey.setattr(Telling, "merged", wrong)


def _a_ticket_beside_its_program(monkey: Monkey) -> None:
    """The relay hands out what is parked while the program of the ticket is connected."""
    monkey.setattr(Fetches, "_waits", _answers_at_once)


def _answers_at_once(self: Fetches, fetch: object, now: float) -> bool:
    self._services.runner.start(self._answer(fetch))  # type: ignore[arg-type]  # a private class
    return False


def _a_standby_gives_up_too_soon(monkey: Monkey) -> None:
    monkey.setattr("alcove.engine.standby_entering.FALSE_AFTER", 1.0)


def _the_dead_are_called_here(monkey: Monkey) -> None:
    """A frame of one member counts as a sign of life of all."""

    def wrong(self: SignsOfLife, key: bytes, body: DeskBody) -> None:
        self._last = dict.fromkeys(self._known, self._clock())

    monkey.setattr(SignsOfLife, "sign", wrong)


def _a_name_stays_taken(monkey: Monkey) -> None:
    """Who lost their device does not get their name back."""

    def wrong(self: SameNames, name: str) -> NamedMember | None:
        return None

    monkey.setattr(SameNames, "find", wrong)


def _doors_are_not_brought(monkey: Monkey) -> None:
    """A facilitator brings a room that the relay lost without its doors."""
    monkey.setattr(Doors, "packed", lambda self, membership: b"")


def _a_removal_is_called_a_loss(monkey: Monkey) -> None:
    """As of one whose signer is unknown, though the client knows who facilitates."""

    def wrong(self: Engine, outcome: PutOut) -> None:
        self.close(CloseReason.LOST, "lost", "The relay says that you were removed.")

    monkey.setattr(Engine, "_put_out", wrong)


def _nothing_is_covered(monkey: Monkey) -> None:
    monkey.setattr(Coverage, "agreed", lambda self, position: False)


def _the_living_are_called_away(monkey: Monkey) -> None:
    def wrong(self: WhereaboutsWatch, key: bytes) -> Whereabouts:
        return "here" if self._presence.heard_within(key, 20.0) else "away"

    monkey.setattr(WhereaboutsWatch, "_of_facilitator", wrong)


def _each_wait_is_told(monkey: Monkey) -> None:
    monkey.setattr("alcove.facilitation.overdue.TELL_AFTER", 0.0)


def _who_goes_is_told_that_they_stay(monkey: Monkey) -> None:
    take = SteppingOutside.take

    def wrong(self: SteppingOutside) -> WayOut | None:
        self._standing.emit(Problem("not_outside", ""))
        return take(self)

    monkey.setattr(SteppingOutside, "take", wrong)


def _a_door_closes_with_its_first_use(monkey: Monkey) -> None:
    def wrong(self: MemoryDoors, now: float, id: bytes) -> None:
        self.close(now, id, "door_revoked")

    monkey.setattr(MemoryDoors, "use", wrong)


def _no_ticket_lets_in(monkey: Monkey) -> None:
    monkey.setattr(TicketComer, "welcomed", lambda self, frame: None)


def _an_old_wish_is_told(monkey: Monkey) -> None:
    """Who was let outside goes on to wish it, and is told in the room that it was in vain."""
    take = SteppingOutside.take

    def wrong(self: SteppingOutside) -> WayOut | None:
        way = take(self)
        if way is not None:
            self._again_at = self._ports.clock()
        return way

    monkey.setattr(SteppingOutside, "take", wrong)


def _everybody_is_out_of_turn(monkey: Monkey) -> None:
    heard = SlowMode.heard

    def wrong(self: SlowMode, author: bytes, age: int) -> None:
        heard(self, author, age)
        self.exceeded = True

    monkey.setattr(SlowMode, "heard", wrong)


def _each_end_is_called_dropped(monkey: Monkey) -> None:
    """A knock whose time has passed is called one that the relay lost."""
    monkey.setattr("alcove.joining.patience.EXPIRES", 1e9)


def _nobody_lets_a_lone_one_back(monkey: Monkey) -> None:
    """No member answers the only facilitator that comes by a ticket."""
    monkey.setattr(StandbyAnswers, "_answer", lambda self, statement: None)


def _a_forgotten_way_back_ends(monkey: Monkey) -> None:
    """A program that came by a ticket ends when the relay loses its memory."""
    monkey.setattr(EnteringRoom, "_on_the_way", property(lambda self: False))


PLANTED_WAYS: Final = (
    Planted(
        "a forgotten way back ends",
        _a_forgotten_way_back_ends,
        "for unknown_room",
        ("amnesia",),
        329,
    ),
    Planted(
        "nobody lets a lone one back", _nobody_lets_a_lone_one_back, "for knock_again", (), 6678
    ),
    Planted("each end is called dropped", _each_end_is_called_dropped, "for knock_dropped"),
    Planted("everybody is out of turn", _everybody_is_out_of_turn, "for out_of_turn"),
    Planted("no ticket lets in", _no_ticket_lets_in, "for knock_again", ("calm",), 2_000_281),
    Planted("an old wish is told", _an_old_wish_is_told, "reason for not_outside", (), 29),
    Planted("who goes is told to stay", _who_goes_is_told_that_they_stay, "for not_outside"),
    Planted("a door closes with its first use", _a_door_closes_with_its_first_use, "door_revoked"),
    Planted("new programs are not told", _new_programs_are_not_told, "was started anew", (), 12),
    Planted(
        "a ticket beside its program", _a_ticket_beside_its_program, "program is connected", (), 18
    ),
    Planted("a standby gives up too soon", _a_standby_gives_up_too_soon, "for false_answer", (), 7),
    Planted("the dead are called here", _the_dead_are_called_here, "they were silent for", (), 21),
    Planted("a name stays taken", _a_name_stays_taken, "for name_taken", (), 207),
    Planted("doors are not brought", _doors_are_not_brought, "room is not lost", ("amnesia",), 606),
    Planted(
        "a removal is called a loss", _a_removal_is_called_a_loss, "the room is not lost", (), 9
    ),
    Planted("the living are called away", _the_living_are_called_away, "a sign of life", ("lies",)),
    Planted("each wait is told", _each_wait_is_told, "reason for change_waits", (), 5),
    Planted("nothing is covered", _nothing_is_covered, "the room is not-heard", (), 2),
)

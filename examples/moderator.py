"""A moderator by rules: it opens a room, lets people in, warns once, and then removes.

    python examples/moderator.py http://127.0.0.1:8400

A person is better at this. Rules do not understand what is meant, so keep them few and say them in
the agreement. The program reads the whole room, and so does the computer that it runs on.
"""

import sys
from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto

import alcove

AGREEMENT = (
    "A program holds this room. It removes members who post more than 5 messages in 10 seconds, or "
    "a link, after one warning."
)
MOST, WITHIN = 5, 10.0
"""Messages, and seconds in which a member may post so many."""
SEATS = 20


class Verdict(Enum):
    FINE = auto()
    WARN = auto()
    REMOVE = auto()


@dataclass
class Rules:
    """What the agreement says, without a room: a message in, a verdict out."""

    recent: dict[str, deque[float]] = field(default_factory=dict[str, deque[float]])
    warned: set[str] = field(default_factory=set[str])

    def judge(self, message: alcove.Message) -> Verdict:
        """Judge by the text and by when the relay took the message."""
        times = self.recent.setdefault(message.sender, deque(maxlen=MOST + 1))
        times.append(message.time)
        flood = len(times) > MOST and times[-1] - times[0] < WITHIN
        if not flood and "://" not in message.text:
            return Verdict.FINE
        if message.sender in self.warned:
            return Verdict.REMOVE
        self.warned.add(message.sender)
        return Verdict.WARN

    def forget(self, name: str) -> None:
        """A member is gone. Another one may take the name, and begins anew."""
        self.recent.pop(name, None)
        self.warned.discard(name)


async def moderate(room: alcove.Room) -> None:
    """Hold the room until it is over."""
    rules = Rules()
    async for event in room:
        try:
            match event:
                case alcove.Opened(invite) | alcove.InviteChanged(invite):
                    print("To hand out:", invite, flush=True)
                case alcove.Knocked(id):
                    if len(room.members) < SEATS:
                        await room.admit(id)
                    else:
                        await room.refuse(id)
                case alcove.Message(sender=name):
                    await act(room, rules.judge(event), name)
                case alcove.Left(name) | alcove.Removed(name):
                    rules.forget(name)
                case _:
                    pass
        except alcove.RoomClosed:
            raise
        except alcove.AlcoveError as error:
            print(f"not done: {error} ({error.code})", flush=True)  # a knock that is gone, say


async def act(room: alcove.Room, verdict: Verdict, name: str) -> None:
    match verdict:
        case Verdict.WARN:
            await room.send(f"{name}, please read the agreement. Next time you are removed.")
        case Verdict.REMOVE:
            await room.remove(name)
        case Verdict.FINE:
            pass


def main() -> None:
    room = alcove.open_room(sys.argv[1], title="Circle", agreement=AGREEMENT, name="Rulebook")
    alcove.run(room, moderate)


if __name__ == "__main__":
    main()

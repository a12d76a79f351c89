"""A bot that welcomes each newcomer. It is a member like any other, and the list of members has it.

    ALCOVE_INVITE=… python examples/welcome_bot.py

A facilitator admits it. From then on the computer that runs it can read the whole room, so tell the
members what it is and where it runs. It keeps nothing that it hears.
"""

import os

import alcove

NAME = "Welcome bot"
GREETING = "Welcome, {name}. I am a program: I read this room, and I keep nothing."


def prepare(room: alcove.Room) -> None:
    """Make a room welcome its newcomers. Call it before the room is entered."""

    async def welcome(event: alcove.Joined) -> None:
        if not event.you:
            await room.send(GREETING.format(name=event.name))

    async def introduce(event: alcove.Joined) -> None:
        if event.you:
            await room.send("Hello. I am a program that welcomes newcomers.")

    room.on(alcove.Joined, welcome)
    room.on(alcove.Joined, introduce)


def main() -> None:
    # From the environment: everybody on a computer can see the arguments of its programs.
    room = alcove.join(os.environ.pop("ALCOVE_INVITE"), name=NAME, accept=True)
    prepare(room)
    print("The room is over:", alcove.run(room).reason)


if __name__ == "__main__":
    main()

"""A night watch: a second facilitator that is always there, so a room goes on while people sleep.

    ALCOVE_INVITE=… python examples/night_watch.py

Without a facilitator's heartbeat members can only read after 90 seconds, and after 30 minutes the
room is gone. This program joins as a member and says what it is. A facilitator who wants it
appoints it, and demotes it when people are back: then it leaves. It lets in nobody new, and removes
nobody.

Its computer reads the whole room, and with it could let people in, remove them, or end the room.
Read docs/sdk/examples.md, what you give away, before you appoint one. Never run it where the relay
runs: the relay could then read.
"""

import os

import alcove

NAME = "Night watch"
HELLO = (
    "I am a program. My computer can read what you say here, and I keep nothing. If a facilitator "
    "appoints me, I hold the room while they sleep."
)
HOLDING = (
    "I hold this room now, also while people sleep: perhaps no person is awake to help. A newcomer "
    "who knocks waits for a person."
)
ALONE = (
    "No person holds this room any more. You can talk on, and nobody new comes in. When you have "
    "all left, I end it."
)
DONE = "People hold this room now. I leave."


async def watch(room: alcove.Room) -> None:
    """Hold the room until a facilitator sends this program away, or nobody else is in it."""
    told: set[str] = set()

    async def tell_once(text: str) -> None:
        if text not in told:
            told.add(text)
            await room.send(text)

    async for event in room:
        try:
            match event:
                case alcove.Joined(you=True):
                    await tell_once(HELLO)
                case alcove.VaultChanged(name, complete=True) if name == NAME:
                    await tell_once(HOLDING)
                case alcove.RoleChanged(name, facilitator=False) if name == NAME:
                    await room.send(DONE)
                    return
                case alcove.Left() | alcove.Removed() | alcove.Absent() | alcove.RoleChanged():
                    others = [member for member in room.members if not member.you]
                    if room.is_facilitator and not others:
                        await room.end()
                    elif room.is_facilitator and not any(one.facilitator for one in others):
                        await tell_once(ALONE)
                case alcove.RoomChanged(state):
                    print("The room is", state, flush=True)  # nothing personal is printed
                case _:
                    pass  # no message is looked at
        except alcove.RoomClosed:
            raise
        except alcove.AlcoveError as error:
            print(f"not done: {error} ({error.code})", flush=True)


def main() -> None:
    # From the environment: everybody on a computer can see the arguments of its programs.
    room = alcove.join(os.environ.pop("ALCOVE_INVITE"), name=NAME, accept=True)
    print("The room is over:", alcove.run(room, watch).reason)


if __name__ == "__main__":
    main()

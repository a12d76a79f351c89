import asyncio
import sys

import alcove


async def agreed(question: str) -> bool:
    """Ask at the terminal, while the room goes on."""
    print(question, end=" (y/n) ", flush=True)
    typed = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, typed.set)
    try:
        await typed.wait()
    finally:
        asyncio.get_running_loop().remove_reader(sys.stdin)
    return sys.stdin.readline().strip() == "y"


async def facilitate(room: alcove.Room) -> None:
    async for event in room:
        match event:
            case alcove.Opened(invite):
                print("To hand out:", invite)
            case alcove.Knocked(knock, name):
                if await agreed(f"Let {name} in?"):
                    await room.admit(knock)
            case alcove.Message(sender=name, text=text):
                print(f"{name}: {text}")
                await room.send(f"Thank you, {name}.")
            case _:
                pass


relay = "http://127.0.0.1:8400"
room = alcove.open_room(relay, title="Circle", agreement="Listen.", name="Mara")
alcove.run(room, facilitate)

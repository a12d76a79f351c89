import asyncio

import alcove


async def facilitate(relay: str) -> None:
    async with alcove.open_room(relay, title="Circle", agreement="Listen.", name="Mara") as room:
        async for event in room:
            match event:
                case alcove.Opened(invite):
                    print("To hand out:", invite)
                case alcove.Knocked(knock, name):
                    if await asyncio.to_thread(input, f"Let {name} in? (y/n) ") == "y":
                        await room.admit(knock)
                case alcove.Message(sender=name, text=text):
                    print(f"{name}: {text}")
                    await room.send(f"Thank you, {name}.")


asyncio.run(facilitate("http://127.0.0.1:8400"))

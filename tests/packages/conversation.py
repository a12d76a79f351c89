"""A conversation by the public SDK alone, as a program outside the project would have it.

python conversation.py RELAY
"""

import asyncio
import sys

import alcove


async def talk(relay: str) -> None:
    async with alcove.open_room(relay, title="T", agreement="Listen.", name="Ann") as ann:
        invite = (await ann.wait_for(alcove.Opened)).invite
        knocked = ann.wait_for(alcove.Knocked, timeout=60)
        async with alcove.join(invite, name="Bob", accept=True) as bob:
            joined = bob.wait_for(alcove.Joined, timeout=60)
            await ann.admit((await knocked).id)
            await joined
            heard = ann.wait_for(alcove.Message, timeout=60)
            await bob.send("hello from a wheel")
            print((await heard).text, alcove.__version__)


asyncio.run(talk(sys.argv[1]))

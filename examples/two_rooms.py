"""Two rooms inside a Starlette application: `async with` in its lifespan, on its event loop.

    uvicorn examples.two_rooms:app

GET /rooms                 the state of each room, and how many are in it
POST /rooms/NAME/messages  say the body of the request in that room

The application is the facilitator of both rooms, so it reads them, and so does the computer that it
runs on. Put a log-in in front of it: whoever reaches it can speak in the rooms.
"""

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import alcove
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

ROOMS: Mapping[str, str] = {"morning": "Morning circle", "evening": "Evening circle"}
AGREEMENT = "What is said here stays here."
LONGEST = 8192
"""Bytes of a message, as the SDK has it. The body of a request is not read beyond them."""


def make_app(relay: str) -> Starlette:
    """The application. Its rooms are open from its start to its end."""
    rooms: dict[str, alcove.Room] = {}

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None, None]:
        async with AsyncExitStack() as stack:
            for name, title in ROOMS.items():
                room = alcove.open_room(relay, title=title, agreement=AGREEMENT, name="Front desk")
                rooms[name] = await stack.enter_async_context(room)
                print(f"{title}: {(await room.wait_for(alcove.Opened)).invite}")
            yield
            for (
                room
            ) in rooms.values():  # leaving alone would leave them to readers for half an hour
                with suppress(alcove.AlcoveError):  # ended already, or the relay is away
                    await room.end()

    async def list_rooms(request: Request) -> JSONResponse:
        return JSONResponse(
            {
                name: {"state": room.state, "members": len(room.members)}
                for name, room in rooms.items()
            }
        )

    async def say(request: Request) -> JSONResponse:
        room = rooms.get(request.path_params["name"])
        if room is None:
            return JSONResponse({"error": "There is no such room."}, status_code=404)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LONGEST:
                return JSONResponse({"error": "The message is too long."}, status_code=413)
        try:
            sent = await room.send(body.decode(errors="replace"))
        except alcove.AlcoveError as error:
            return JSONResponse({"error": error.text, "code": error.code}, status_code=409)
        return JSONResponse({"id": sent.id, "outcome": type(sent).__name__.lower()})

    routes = [
        Route("/rooms", list_rooms),
        Route("/rooms/{name}/messages", say, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


app = make_app(os.environ.get("ALCOVE_RELAY", "http://127.0.0.1:8400"))

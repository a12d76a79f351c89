"""The relay `alcove-server` by the evening's clock.

python -m tests.evening.relay_process CLOCK --port PORT …
"""

import asyncio
import sys

import uvloop
from alcove_server.command import load
from alcove_server.process.serving import Service, address_of, configure_logging, listen, say
from alcove_server.process.steady_clock import steady_clock

from tests.evening.shared_clock import ProcessClock


async def serve(clock: ProcessClock, arguments: list[str]) -> None:
    settings, _ = load(arguments)
    configure_logging(settings)
    listener = listen(settings)
    service = Service(settings, listener, clock)
    serving = asyncio.create_task(service.run())
    await service.ready()
    say(1, f"the relay is ready at {address_of(listener)}")
    await serving


if __name__ == "__main__":
    uvloop.run(serve(ProcessClock(sys.argv[1], steady_clock), sys.argv[2:]))

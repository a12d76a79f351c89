"""How a connection is asked for: without redirects, and with the time that Tor takes.

Imported late, since `websockets` is.
"""

import socket
from typing import Final

from websockets.asyncio.client import connect

from alcove.errors import ConnectionFailed

DIRECT_TIMEOUT: Final = 10.0
"""Seconds for a connection, from the name's look-up to the opening handshake."""
PROXY_TIMEOUT: Final = 60.0
"""Seconds through a proxy. Tor builds the way to an onion service first, for up to a minute."""
PROXY_TRIES: Final = 3
"""Attempts to enter through a proxy. A first way through Tor often fails, and a second works."""
REDIRECTS: Final = frozenset({300, 301, 302, 303, 307, 308})


class Dial(connect):
    """A connection to the address that was given, and to no other.

    An invite names its relay. A server that sends a client elsewhere, such as the sign-in page of a
    network, would learn nothing of a room, but it could have this device ask anything of any host
    that it reaches.
    """

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def redirected() -> ConnectionFailed:
    """The server answers with another address."""
    return ConnectionFailed(
        "redirected",
        "This address sends clients elsewhere, so it is no relay. If your network has a sign-in "
        "page, open that in a browser first. Else check the address.",
    )


def unreachable(error: Exception) -> ConnectionFailed:
    """Nothing answered. The sentence names the cause, as far as the system tells it."""
    text = "The relay cannot be reached; check the address and your connection."
    if isinstance(error, socket.gaierror):
        text = "No address was found for the relay's name; check the name and your connection."
    elif isinstance(error, ConnectionRefusedError):
        text = (
            "Nothing listens at the relay's address. Try again in a few minutes: it may be "
            "stopped, or the port be wrong."
        )
    elif isinstance(error, TimeoutError):
        text = "The relay did not answer in time; your connection may be slow. Try again."
    return ConnectionFailed("unreachable", text)

"""Alcove's relay: it orders, keeps and forgets ciphertext that it cannot read.

From top to bottom, and each imports only what stands below it:

    process/    one relay behind one port, and its few pages; `__main__` is the command
    net/        sockets: the front door, WebSockets, caps and rates
    testing/    the relay in process, without sockets
    relay       one node: `connect`, `tick`, `drain`
    session/    one client's requests: which is handled when, and what it costs
    requests/   one file for each kind of request
    rooms/      a room's clients here and how they hear of anything; its roster and rules
    client/     one connected client: `send`, `refuse`, `finish`
    wire/       frames and their bytes
    ports/      what the core is given: services, outlets, places
    store/      what is remembered, behind one interface
    settings

The hot path is what a message in a room passes through, once, in this order:

    net/single_frame    bytes of the socket -> the payload of one WebSocket frame
    wire/fast_in        payload -> `Post`
    session/session     `receive`: the token bucket
    requests/publish    `publish_soon`
    rooms/rules         may this member post this -> `Publication`
    store/              its id, the roster, the base, a number, an end -> told to the node
    rooms/registry      `on_blob`: which room
    rooms/room          `announce`: framed once for all (`wire/fast_out`), and the author's answer
    rooms/fanout        joined with what else the turn brought; one write for each member's feed
    net/websocket       `write`: the transport, or a bounded queue before it

Only `net` and `process` touch a socket. The core reads no clock and makes no randomness but those
that it was given.
"""

__version__ = "0.1.0"

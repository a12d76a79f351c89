"""Alcove's relay: it orders, keeps and forgets ciphertext that it cannot read.

    store/      what is remembered, behind one interface; `store/memory` keeps it in this process
    ledger      a room's roster, verified entry by entry; `chains` whose turn it is to be verified
    rules       what a member may do; `reseating` for a room that was forgotten; both pure
    hub         a room's connections here, and the one path by which they hear of anything;
                `fanout` gives it to them
    connection  one client: its states, and who handles which request (`doorstep`, `at_door`,
                `member`, `reseater`); `paging` how much of logs is told in one turn
    relay       all of it wired together, without sockets; `embedded` makes it drivable in a test
    net/        sockets: the front door, WebSockets, caps and rates
    app         the few pages over HTTP
    serving     one relay behind one port; `__main__` is the command, `settings` what it takes

The hot path is what a message in a room passes through, once, in this order:

    net/whole       bytes of the socket -> the payload of one WebSocket frame
    hot             payload -> `Post`
    connection      its bucket; `receive`
    member          `publish_now`, or `publish` where the store must be waited for
    rules           may this member post this -> `Publication`
    store/          its id, the roster, the base; a number, an end -> `Taken`
    hub             `took`: framed once for all, and the author's answer
    gathering       joined with what else the turn brought; one write a member
    net/websocket   `write`: the transport, or a bounded queue before it

Nothing outside `net`, `app` and `serving` touches a socket; nothing reads a clock or makes
randomness that was not given to it.
"""

"""Alcove's relay: it orders, keeps and forgets ciphertext that it cannot read.

    store/      what is remembered, behind one interface; `store/memory` keeps it in this process
    ledger      a room's roster, verified entry by entry
    rules       what a member may do; `reseating` for a room that was forgotten; both pure
    hub         a room's connections here, and the one path by which they hear of anything
    connection  one client: its states, and who handles which request (`doorstep`, `at_door`,
                `member`, `reseater`)
    relay       all of it wired together, without sockets; `embedded` makes it drivable in a test
    net/        sockets: the front door, WebSockets, caps and rates
    app         the few pages over HTTP
    serving     one relay behind one port; `__main__` is the command, `settings` what it takes

Nothing outside `net`, `app` and `serving` touches a socket; nothing reads a clock or makes
randomness that was not given to it.
"""

"""How far a client's resume got."""

from __future__ import annotations

from alcove_protocol.position import Position


class Resumption:
    """First the stream `room` is told after position `after`. When all of it is told, the member is
    live, and a facilitator is told the stream `lobby` after number `lobby`.

    `lost` says whether the client was told that blobs before its first page are lost. `reading` is
    set while a page is being read."""

    __slots__ = ("after", "live", "lobby", "lost", "reading")

    def __init__(self, after: Position, lobby: int, lost: bool = False, live: bool = False) -> None:
        self.after = after
        self.lobby = lobby
        self.lost = lost
        self.live = live
        self.reading = False

"""The full screen for a person, made with Textual. Imported only when there is a terminal."""

from alcove.cli.rooms import RoomLike
from alcove.cli.ui.app import RoomApp
from alcove.events import Closed


async def run(room: RoomLike, *, accepted: bool) -> Closed:
    """Run `room` until it is over and the screen is gone."""
    app = RoomApp(room, accepted=accepted)
    await app.run_async()
    return await app.last_event()

"""Rooms in memory, for the tests of a program: real engines, a real relay, and no socket.

    async def test_the_bot_greets() -> None:
        async with World() as world, world.room("Mara", "Robin") as (mara, robin):
            heard = mara.wait_for(alcove.Message)
            await robin.send("hello")
            assert (await heard).text == "hello"

Inside `async with World()` every room of this process is in memory, also one that the program under
test makes with `alcove.open_room` or `alcove.join`. The extra `alcove[testing]` brings the relay.
"""

try:
    import alcove_server  # noqa: F401  # to say what is missing in one sentence
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "alcove.testing needs the package alcove-server; "
        "install it by: pip install 'alcove[testing]'",
        name=error.name,
    ) from None

from alcove.testing.world import World

__all__ = ["World"]

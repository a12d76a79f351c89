"""What facilitators are told of where members are, compared with their signs of life."""

from typing import TYPE_CHECKING, Final

from alcove import events

if TYPE_CHECKING:
    from tests.simulator.person import Person
    from tests.simulator.world import World

HERE: Final = 95.0
"""Seconds of silence in which a person may still be called here, where nothing is wrong: 90 s since
their last sign (docs/protocol.md 10), and its way."""
LATE_HERE: Final = 185.0
"""The same in trouble: the network, or a log that is replayed, brings a heartbeat up to 90 s late,
and a frame names one that is so old. "For three minutes, and no longer" (alcove/desk/life.py)."""
LIED_HERE: Final = 300.0
"""The same where the relay keeps back what it likes: the heartbeat that is named has its 90 s."""
AWAY: Final = 60.0
"""Seconds of silence before nobody is called away, where nothing is wrong."""
COUNTED: Final = 95.0
"""Seconds of silence that a client counts before it calls anybody away. What a relay that lies
keeps back in them may be the last sign of life: then the silence is longer there."""


def wrong_presence(world: "World", hearer: "Person", event: events.PresenceChanged) -> str:
    """Whoever is here gave a sign of life lately, and who is away gave none for long."""
    same = [person for person in world.people if person.name == event.name]
    if not same:
        return "nobody has this name"
    sent = max(max(person.beat_sent, person.frame_sent) for person in same)
    silent = world.clock() - sent
    counted = silent - hearer.stood  # this device's clock stood meanwhile
    most = LIED_HERE if world.lies else HERE if world.quiet else LATE_HERE
    if event.presence == "here" and counted > most:
        return f"they were silent for {silent:.0f} s"
    away = event.presence == "away" and silent < AWAY and world.quiet
    kept = world.clock() - hearer.kept_at < COUNTED
    if away and not kept and not world.truth.commands[event.name].leave:
        return f"they sent a sign of life {silent:.0f} s ago"
    return ""

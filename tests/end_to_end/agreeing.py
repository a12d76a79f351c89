"""Other ground rules, by a facilitator's own command."""

from alcove import events
from alcove_protocol.card import AgreementText
from alcove_protocol.frames import BlobClass, BlobIs

from tests.end_to_end.facilitating import Result
from tests.end_to_end.world import Client, World

PUBLISH = (AgreementText("en", "", "Everything may be published."),)
KIND = (
    AgreementText("en", "Be kind.", "Be kind. What is said here stays here."),
    AgreementText("de", "Seid freundlich.", "Seid freundlich. Was hier gesagt wird, bleibt hier."),
)


def ask_for(by: Client, texts: tuple[AgreementText, ...], *, correction: bool = False) -> Result:
    """Ask for other ground rules. The list gets the result once it is known."""
    result: Result = []
    by.engine.commands.change_agreement(texts, result.append, correction=correction)
    return result


def changed(
    world: World, by: Client, texts: tuple[AgreementText, ...], *, correction: bool = False
) -> bytes:
    """Other ground rules, which all follow. Return their hash."""
    result = ask_for(by, texts, correction=correction)
    world.settle()
    assert result == [None]
    return by.engine.require_member().membership.state.agreement


def shown(client: Client) -> list[tuple[int, str, bool]]:
    """Which ground rules this person was shown, and whether they are asked to accept them."""
    return [(e.version, e.text, e.asked) for e in client.of(events.AgreementShown)]


def accept(world: World, *clients: Client) -> None:
    """These people accept what they were shown."""
    for client in clients:
        client.engine.commands.accept()
    world.settle()


def a_text(blob: BlobIs) -> bool:
    """Not a commit, and no heartbeat."""
    return blob.blob_class == BlobClass.APPLICATION

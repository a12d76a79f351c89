"""A relay that takes nothing of what a facilitator asks for, for other reasons than *busy*."""

from dataclasses import replace

from alcove_protocol.frames import BlobClass, LobbyRequest, Publish, RequestRefused, Resumed

from tests.end_to_end.agreeing import KIND, ask_for
from tests.end_to_end.evil.relay import EvilWorld, Trick
from tests.end_to_end.evil.rooms import forget, problems, three, two_facilitators
from tests.end_to_end.facilitating import ask, facilitators
from tests.end_to_end.world import Client


def busy_for_requests(world: EvilWorld, client: Client) -> Trick[LobbyRequest]:
    """No vault and no wish of this client is taken."""
    return world.answer(client, LobbyRequest, lambda asked: RequestRefused(asked.n, "busy", ""))


def test_a_removal_in_a_log_that_the_relay_calls_unsettled_for_ever_is_told_as_waiting() -> None:
    world, ann, bob, _cleo = three()
    lied = world.alter(ann, Resumed, lambda answer: replace(answer, unsettled=20))
    ann.cut()
    world.advance(2)
    forget(ann)
    result = ann.remove("Bob")
    world.advance(25)
    assert problems(ann) == []
    world.advance(600)
    assert problems(ann) == ["change_waits"]
    assert result == []
    lied.stop()
    world.advance(30)
    assert result == [None]
    assert bob.engine.closed is not None


def test_what_is_asked_for_later_is_told_again() -> None:
    world, ann, _bob, _cleo = three()
    world.alter(ann, Resumed, lambda answer: replace(answer, unsettled=20))
    ann.cut()
    world.advance(2)
    forget(ann)
    ann.remove("Bob")
    world.advance(60)
    ann.remove("Cleo")
    world.advance(60)
    assert problems(ann) == ["change_waits"] * 2


def test_what_is_asked_for_later_does_not_put_off_what_is_told() -> None:
    world, ann, _bob, _cleo = three()
    world.alter(ann, Resumed, lambda answer: replace(answer, unsettled=20))
    ann.cut()
    world.advance(2)
    forget(ann)
    ann.remove("Bob")
    for _ in range(3):
        world.advance(20)
        ann.remove("Cleo")
    assert problems(ann) == ["change_waits"]


def test_a_relay_that_takes_no_vault_keeps_no_facilitator_from_being_demoted() -> None:
    """Otherwise no commit would be asked for that it could be seen to refuse."""
    world, ann, bob, cleo = two_facilitators()
    ask(ann, "appoint", "Cleo")
    world.advance(30)
    busy = busy_for_requests(world, ann)
    result = ask(ann, "demote", "Bob")
    world.advance(12)
    assert busy.hits, "the vault with the next lobby key"
    assert result == [None]
    assert facilitators(bob) == facilitators(cleo) == {"Ann", "Cleo"}


def test_an_appointment_is_told_as_waiting_when_the_relay_takes_nothing() -> None:
    world, ann, _bob, cleo = three()
    forget(ann)
    busy_for_requests(world, ann)
    world.answer(
        ann,
        Publish,
        lambda asked: RequestRefused(asked.n, "busy", ""),
        lambda publish: publish.blob_class == BlobClass.COMMIT,
    )
    assert ask(ann, "appoint", "Bob") == []
    world.advance(60)
    assert problems(ann) == ["change_waits"]
    assert facilitators(cleo) == {"Ann"}


def test_an_agreement_whose_text_the_relay_does_not_take_is_told_as_waiting() -> None:
    world, ann, _bob, _cleo = three()
    forget(ann)
    world.answer(
        ann,
        Publish,
        lambda asked: RequestRefused(asked.n, "busy", ""),
        lambda publish: publish.blob_class == BlobClass.APPLICATION,
    )
    result = ask_for(ann, KIND)
    world.advance(60)
    assert problems(ann) == ["change_waits"]
    assert result == []


def test_a_wish_to_step_down_that_nobody_hears_is_told_as_waiting() -> None:
    world, ann, _bob, cleo = two_facilitators()
    forget(ann)
    busy_for_requests(world, ann)
    assert ask(ann, "step_down") == []
    world.advance(60)
    assert problems(ann) == ["change_waits"]
    assert facilitators(cleo) == {"Ann", "Bob"}


def test_a_successor_whose_vault_the_relay_keeps_is_told_of() -> None:
    world, ann, _bob, cleo = three()
    busy_for_requests(world, ann)
    forget(ann)
    assert ask(ann, "hand_over", "Bob") == []
    world.advance(60)
    assert facilitators(cleo) == {"Ann", "Bob"}
    assert problems(ann) == ["change_waits"]

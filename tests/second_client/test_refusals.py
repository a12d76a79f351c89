"""What makes the second client turn round at the door: false cards, false Welcomes."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import replace

import alcove
import pytest
from alcove.group.sealing import open_card, open_knock, seal_card
from alcove_protocol import limits
from alcove_protocol.card import Card
from alcove_protocol.frames import Authenticated, CardIs, Frame
from alcove_protocol.invite import Invite
from alcove_protocol.labels import hash_with

from tests.client_sdk.waiting import until
from tests.end_to_end.evil.relay import EvilWorld
from tests.end_to_end.evil.test_way_in import evil_card, fake_welcome
from tests.end_to_end.world import Client
from tests.second_client.driver import WITHIN, SecondClient
from tests.second_client.proxy import FrontedRelay, lying
from tests.second_client.test_live import opened


def forged(url: str, attack: str, answer: Frame) -> Frame:
    """The relay's answer with a card by another holder of the link."""
    if not isinstance(answer, CardIs):
        return answer
    world, invite = EvilWorld(), Invite.parse(url)
    if attack == "another number":
        return replace(answer, number=answer.number + 1)
    if attack == "altered seal":
        return replace(answer, card=answer.card[:-1] + bytes([answer.card[-1] ^ 1]))
    genuine = Card.decode(open_card(invite, answer.number, answer.card).body, limit=limits.CARD)
    card = evil_card(world, invite, genuine, attack)
    return replace(answer, card=seal_card(invite, answer.number, card, world.random))


@pytest.mark.parametrize(
    ("attack", "code"),
    [
        ("another root", "wrong_room"),
        ("another signer", "unknown_signer"),
        ("altered", "bad_signature"),
        ("altered seal", "bad_seal"),
        ("another number", "bad_seal"),
    ],
)
async def test_a_false_card_is_refused(
    relay: FrontedRelay, tess: SecondClient, attack: str, code: str
) -> None:
    async with opened(relay) as (_, invite), lying(relay) as between:
        between.change = lambda answer: forged(invite, attack, answer)
        await tess.do("enter", invite=between.invite(invite), name="Tess")
        assert (await tess.until("refused"))["code"] == code
        assert not [event for event in tess.seen if event["event"] in {"card", "knocked"}]
        assert not between.knock.done()


async def test_a_role_that_it_did_not_ask_for_is_refused(
    relay: FrontedRelay, tess: SecondClient
) -> None:
    def as_member(frame: Frame) -> Frame:
        return replace(frame, role="member") if isinstance(frame, Authenticated) else frame

    async with opened(relay) as (_, invite), lying(relay) as between:
        between.change = as_member
        await tess.do("enter", invite=between.invite(invite), name="Tess")
        assert (await tess.until("refused"))["code"] == "wrong_role"
        assert not [event for event in tess.seen if event["event"] == "card"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"room": bytes(32)}, "wrong_room"),
        ({"appoint": b"x"}, "unproved_facilitator"),
        ({}, "wrong_signer"),
    ],
    ids=["another room", "another facilitator", "another signer"],
)
async def test_a_false_welcome_is_refused(
    relay: FrontedRelay, tess: SecondClient, changed: dict[str, bytes], code: str
) -> None:
    async with opened(relay) as (mara, url), lying(relay) as between:
        await tess.do("enter", invite=between.invite(url), name="Tess")
        await until(mara, alcove.Knocked)
        async with asyncio.timeout(WITHIN):
            knock = await between.knock
        # The attack needs what the relay has not: the facilitator's keys.
        world = EvilWorld()
        world.seconds_at_start = time.time() - world.clock()  # both clients live now
        client = Client(world, mara._engine, "Mara")
        opening = mara._engine.opening
        assert opening is not None
        body = open_knock(Invite.parse(url), opening.lobby_key, knock.id, knock.blob)
        await between.say(fake_welcome(world, client, body, **changed).to_bytes())
        assert (await tess.until("refused"))["code"] == code
        assert not [event for event in tess.seen if event["event"] == "joined"]


async def test_a_room_through_an_honest_go_between_is_entered(
    relay: FrontedRelay, tess: SecondClient
) -> None:
    """The control of the refusals above."""
    async with opened(relay) as (mara, url), lying(relay) as between:
        await tess.do("enter", invite=between.invite(url), name="Tess")
        await mara.admit((await until(mara, alcove.Knocked)).id)
        await tess.until("joined")
        await tess.do("say", text="in")
        assert (await until(mara, alcove.Message)).text == "in"


def with_byte(url: str, index: int, value: int) -> str:
    """The link with another byte in its fragment, and with the check of that."""
    before, _, fragment = url.partition("#")
    data = bytearray(base64.urlsafe_b64decode(fragment))
    data[index] = value
    data[74:] = hash_with("invite", bytes(data[:74]), Invite.parse(url).origin.encode())[:4]
    return f"{before}#{base64.urlsafe_b64encode(data).decode()}"


@pytest.mark.parametrize(
    ("index", "value", "code"),
    [
        (0, 2, "invite_version"),
        (1, 1, "bad_invite"),
        (1, 2, "not_offered"),
    ],
    ids=["of a later version", "of an unknown role", "for a standby"],
)
async def test_a_false_invite_is_refused(
    relay: FrontedRelay, tess: SecondClient, index: int, value: int, code: str
) -> None:
    async with opened(relay) as (_, url):
        await tess.do("enter", invite=with_byte(url, index, value), name="Tess")
        assert (await tess.until("refused"))["code"] == code


async def test_an_invite_that_was_cut_off_is_refused(tess: SecondClient) -> None:
    await tess.do("enter", invite="https://relay.example/join#AQ", name="Tess")
    assert (await tess.until("refused"))["code"] == "bad_invite"

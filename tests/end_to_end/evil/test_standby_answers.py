"""A member that answers a standby as it likes: no single one keeps the holder of the link out."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from alcove import events, mls
from alcove.engine import standby_answers
from alcove.engine.standby_answers import StandbyAnswers
from alcove.group.admission import listing_of, make_key_package
from alcove.group.extensions import ROSTER_EXTENSION, room_extension
from alcove.group.external_wrap import read_external, wrap_key
from alcove.group.keys import ROOM_SUITE, Identity
from alcove.group.membership import Membership
from alcove.group.standby_entry import StandbyAnswer, group_info_of
from alcove.joining import standby_comer
from alcove.messages.agreements import read_agreement
from alcove_protocol import frames
from alcove_protocol.card import AgreementText, pack_agreement
from alcove_protocol.statements import AskStatement

from tests.end_to_end.evil.rogue import context, group_of, now, relay_key, roster_of, state_of
from tests.end_to_end.facilitating import all_agree, facilitators, goes_on
from tests.end_to_end.standing_by import comes, dies, make_link
from tests.end_to_end.ticketing import resumes, ticket_of
from tests.end_to_end.world import Client, World, room_of_three

Lie = Callable[[StandbyAnswer], StandbyAnswer]
Room = tuple[World, str, Client, Client, Client]
_HEAD = 4


def room_of_four() -> Room:
    """Bob, Cleo and Dan are left."""
    world, ann, bob, cleo = room_of_three()
    dan = world.join(ann, "Dan")
    link = make_link(world, ann)
    world.advance(31)
    dies(world, ann)
    return world, link, bob, cleo, dan


def first(patch: pytest.MonkeyPatch, liar: Client, lie: Lie) -> None:
    """This member answers at once, with a lie. The others answer when it is their turn."""
    turn, key = StandbyAnswers._turn, relay_key(liar)

    def at_once(self: StandbyAnswers, id: bytes) -> float:
        return 0 if self._membership.own.relay_key == key else 0.5 + turn(self, id)

    patch.setattr(StandbyAnswers, "_turn", at_once)
    answer, lying = StandbyAnswers._answer, [False]

    def answering(self: StandbyAnswers, statement: AskStatement) -> None:
        lying[0] = self._membership.own.relay_key == key
        answer(self, statement)

    def made(*fields: object) -> StandbyAnswer:
        true = StandbyAnswer(*fields)  # type: ignore[arg-type]
        return lie(true) if lying[0] else true

    patch.setattr(StandbyAnswers, "_answer", answering)
    patch.setattr(standby_answers, "StandbyAnswer", made)


def false_base(answer: StandbyAnswer) -> StandbyAnswer:
    return replace(answer, base=answer.base[:-1] + bytes([answer.base[-1] ^ 1]))


def of_suite(number: int) -> Lie:
    def lie(answer: StandbyAnswer) -> StandbyAnswer:
        head, true = answer.group_info[:_HEAD], mls.GroupInfo.decode(answer.group_info[_HEAD:])
        false = replace(true.group_context, cipher_suite=number)
        return replace(answer, group_info=head + replace(true, group_context=false).encode())

    return lie


def new_rules_each_time() -> Lie:
    """Of a later epoch, too, so that they are taken before those of others."""
    numbers: Iterator[int] = iter(range(1000))

    def lie(answer: StandbyAnswer) -> StandbyAnswer:
        head, true = answer.group_info[:_HEAD], mls.GroupInfo.decode(answer.group_info[_HEAD:])
        old = true.group_context
        state = room_extension(old)
        texts = pack_agreement((AgreementText("en", "", f"Rule {next(numbers)}"),))
        hash = read_agreement(old.group_id, state.agreement_version, texts).hash
        made = context(replace(state, agreement=hash))
        assert isinstance(made, mls.GroupContextExtensions)
        false = replace(old, epoch=old.epoch + 1, extensions=made.extensions)
        info = head + replace(true, group_context=false).encode()
        return replace(answer, agreement=texts, group_info=info)

    return lie


def no_text(answer: StandbyAnswer) -> StandbyAnswer:
    """Of other rules, and of a later epoch."""
    head, true = answer.group_info[:_HEAD], mls.GroupInfo.decode(answer.group_info[_HEAD:])
    old = true.group_context
    made = context(replace(room_extension(old), agreement=bytes(32)))
    assert isinstance(made, mls.GroupContextExtensions)
    false = replace(old, epoch=old.epoch + 1, extensions=made.extensions)
    info = head + replace(true, group_context=false).encode()
    return replace(answer, agreement=b"", group_info=info)


def in_and_agreed(dora: Client, *members: Client) -> None:
    assert dora.of(events.Joined), dora.told
    assert dora.engine.closed is None
    assert facilitators(dora) == {"Ann", "Dora"}
    all_agree(dora, *members)


def test_one_member_does_not_take_all_places_of_an_ask() -> None:
    """Bob answers each ask three times, before anybody else can."""
    world, link, bob, cleo, dan = room_of_four()
    taken: list[int] = []

    def at_once(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        if not isinstance(frame, frames.Asked):
            return [data]
        assert client.link is not None
        for _ in range(3):
            taken.append(len(taken) + 10**9)
            client.link.receive(frames.AnswerAsker(taken[-1], frame.id, b"no answer").to_bytes())
        return []

    bob.to_client = at_once
    dora = comes(world, link)
    assert len(taken) >= 6
    in_and_agreed(dora, bob, cleo, dan)
    goes_on(world, dora, bob, cleo, dan)


@pytest.mark.parametrize(
    "lie",
    [false_base, of_suite(0x0007), of_suite(mls.POST_QUANTUM)],
    ids=["base", "suite", "other suite"],
)
def test_a_lie_is_believed_once_and_ends_nothing(lie: Lie) -> None:
    world, link, bob, cleo, dan = room_of_four()
    with pytest.MonkeyPatch.context() as patch:
        first(patch, bob, lie)
        dora = comes(world, link)
    in_and_agreed(dora, bob, cleo, dan)
    assert [e for e in dora.of(events.Problem) if e.code == "suite_unavailable"] == []


def test_one_that_answers_without_a_text_does_not_hide_that_of_others() -> None:
    """Else the holder reads that no member has the rules. Then they are asked to come in unread."""
    world, link, bob, cleo, dan = room_of_four()
    with pytest.MonkeyPatch.context() as patch:
        first(patch, bob, no_text)
        dora = world.knock(link, "Dora", accept=False)
        world.advance(120)
    (shown,) = dora.of(events.AgreementShown)
    assert not shown.unseen
    dora.engine.commands.accept(shown.version)
    world.advance(60)
    in_and_agreed(dora, bob, cleo, dan)


def test_a_name_is_taken_when_two_members_say_so() -> None:
    world, link, bob, cleo, dan = room_of_four()
    dora = comes(world, link, "Cleo", wait=160)
    assert dora.engine.closed is not None
    assert dora.engine.closed.code == "name_taken"
    assert not dora.of(events.Joined)
    all_agree(bob, cleo, dan)


def test_a_name_is_taken_when_the_only_member_stays_with_it() -> None:
    world, link, bob, cleo, dan = room_of_four()
    dies(world, cleo, dan)
    dora = comes(world, link, "Cleo", wait=240)
    assert dora.engine.closed is not None
    assert dora.engine.closed.code == "name_taken"
    assert not dora.of(events.Joined)
    all_agree(bob)


def test_rules_that_change_each_time_are_to_be_accepted_a_few_times() -> None:
    world, link, bob, cleo, dan = room_of_four()
    with pytest.MonkeyPatch.context() as patch:
        first(patch, bob, new_rules_each_time())
        dora = world.knock_with(world.client("Dora"), link, accept=False)
        asked = 0
        for _ in range(60):
            world.advance(5)
            shown = dora.of(events.AgreementShown)
            if len(shown) > asked and shown[-1].asked:
                dora.engine.commands.accept()
            asked = len(shown)
    in_and_agreed(dora, bob, cleo, dan)
    assert len([one for one in dora.of(events.AgreementShown) if one.asked]) <= 3


def branch_of(liar: Client, patch: pytest.MonkeyPatch, *proposals: mls.Proposal) -> list[mls.Group]:
    """This member commits for itself alone, answers with that epoch, and follows there."""
    patch.setattr(mls.Group, "_leave", lambda *_why: ())  # a rogue client keeps both
    group = group_of(liar)
    patch.setattr(group, "_life", type(group._life)(ended=False))
    branch, key = [group.commit(proposals, force_path=True, now=now(liar)).merge()], relay_key(liar)

    def answer(membership: Membership) -> tuple[bytes, bytes]:
        if membership.own.relay_key != key:
            return group_info_of(membership)
        listing = mls.Extension(ROSTER_EXTENSION, listing_of(membership.roster).encode())
        return branch[-1].group_info((listing,)), wrap_key(branch[-1]).expose()

    def follow(client: Client, data: bytes) -> list[bytes]:
        frame = frames.from_relay(data)
        if isinstance(frame, frames.BlobIs) and frame.blob_class == frames.BlobClass.EXTERNAL:
            for known in branch[-1:]:
                try:
                    branch.append(read_external(known, frame.blob, lambda view: None).merge())
                except Exception:  # it is made of another answer
                    continue
        return [data]

    patch.setattr(standby_answers, "group_info_of", answer)
    liar.to_client = follow
    return branch


def test_a_branch_of_one_member_is_not_believed_by_its_own_word() -> None:
    world, link, bob, cleo, dan = room_of_four()
    with pytest.MonkeyPatch.context() as patch:
        branch = branch_of(bob, patch)
        dora = comes(world, link, wait=400)
    assert len(branch) > 1  # he was believed first, and followed
    assert "false_answer" in [one.code for one in dora.of(events.Problem)]
    in_and_agreed(dora, cleo, dan)
    goes_on(world, dora, cleo, dan)


def test_a_name_in_the_branch_of_one_member_is_not_taken() -> None:
    world, link, bob, cleo, dan = room_of_four()
    ghost = Identity.generate("Dora", mls.ciphersuite(ROOM_SUITE), world.random)
    bundle = make_key_package(ghost, state_of(bob).agreement, world.wall(), world.random)
    with pytest.MonkeyPatch.context() as patch:
        branch_of(bob, patch, mls.Add(bundle.key_package))
        dora = comes(world, link, wait=200)
    in_and_agreed(dora, bob, cleo, dan)


def test_of_two_that_contradict_each_other_neither_spends_the_link() -> None:
    world, link, bob, cleo, dan = room_of_four()
    dies(world, dan)
    with pytest.MonkeyPatch.context() as patch:
        branch = branch_of(bob, patch)
        dora = comes(world, link, wait=400)
    assert len(branch) > 1
    assert roster_of(cleo).links()
    assert len(roster_of(cleo).facilitators()) == 1
    assert state_of(cleo).standby is not None
    assert cleo.engine.closed is None
    dies(world, bob)
    world.advance(200)
    in_and_agreed(dora, cleo)


def test_a_member_whose_answer_ends_the_way_in_is_heard_against_a_branch() -> None:
    """The holder has the name of a member that is gone, and Cleo's answer says so. Bob's branch has
    no such member. Cleo did not lie, so her word counts as much as his."""
    world, link, bob, cleo, dan = room_of_four()
    gone = group_of(dan).own_index
    dies(world, dan)
    with pytest.MonkeyPatch.context() as patch:
        branch = branch_of(bob, patch, mls.Remove(gone))
        dora = comes(world, link, "Dan", wait=600)
    assert len(branch) > 2  # he was believed first, and once more after her
    assert not dora.of(events.RoleChanged)
    assert roster_of(cleo).links()
    assert len(roster_of(cleo).facilitators()) == 1
    assert cleo.engine.closed is None
    assert dora.engine.closed is not None
    assert dora.engine.closed.code == "name_taken"


def test_a_holder_that_asks_each_second_takes_no_turn_of_a_facilitator() -> None:
    """In a large room the only member that is there has its turn late. By then the link's holder
    had asked again, and the facilitator's ask was forgotten, each time."""
    world, ann, bob, cleo = room_of_three()
    link, ticket = make_link(world, ann), ticket_of(world, ann)
    world.advance(31)
    dies(world, ann)
    world.advance(95)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StandbyAnswers, "_turn", lambda self, id: 8)
        patch.setattr(standby_comer, "ASK_AGAIN", 0.5)
        holder = world.client("Eve")
        holder.to_client = lambda client, data: (  # so it goes on asking
            [] if isinstance(frames.from_relay(data), frames.Answered) else [data]
        )
        again = resumes(world, ticket, "Ann", wait=0)
        world.knock_with(holder, link, accept=False)
        world.advance(60)
    assert again.of(events.Joined), again.told
    goes_on(world, again, bob, cleo)
